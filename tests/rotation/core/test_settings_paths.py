"""A path that is built from names has names as its segments."""

from __future__ import annotations

import pytest

from rotation.core.errors import ConfigError
from rotation.core.settings import checked_path, path_problem


@pytest.mark.parametrize("path", ["a", "prod/apps/db", "a..b/.c/...", "prod/@x"])
def test_names_are_segments(path: str) -> None:
    """Dots within a name are part of it."""
    assert path_problem(path) is None
    assert checked_path(path, what="it") == path


@pytest.mark.parametrize("path", ["", "/a", "a/", "a//b", ".", "..", "a/../b", "a/./b", "../a", "a/.."])
def test_a_segment_that_leads_elsewhere_is_refused(path: str) -> None:
    """An HTTP client would resolve it before it sends the URL."""
    with pytest.raises(ConfigError, match="segment") as caught:
        checked_path(path, what="the name")
    assert "another secret" in caught.value.hint
