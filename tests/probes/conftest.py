"""A Windows host with one account."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from rotation.core.secret import Secret
from rotation_testkit.doubles.hosts.winrm import WinRmHost


@pytest.fixture
def winrm() -> Iterator[WinRmHost]:
    """The host."""
    with WinRmHost(lambda: {"Administrator": Secret("Canary-right/1+a:b")}) as host:
        yield host
