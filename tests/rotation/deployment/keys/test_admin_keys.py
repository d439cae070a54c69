"""An admin credential may say when its life ends."""

import math

import pytest

from rotation.core.errors import SettingsError
from rotation.deployment.keys.admin_keys import expiry


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        ({}, math.inf),
        ({"expires_at": "2026-11-22T10:00:00Z"}, 1795341600.0),
        ({"expires_at": "2026-11-22T18:00:00+08:00"}, 1795341600.0),
        ({"expires_at": 1795341600}, 1795341600.0),
        ({"expires_at": "1795341600"}, 1795341600.0),
    ],
)
def test_the_end_of_a_credential_is_read(said, expected):
    """A date with a time zone, and epoch seconds as number or text."""
    assert expiry(said, "admin secret") == expected


@pytest.mark.parametrize("said", ["soon", "2026-11-22T10:00:00", "1795341600000", True, [1], "9" * 400])
def test_an_end_that_cannot_be_read_is_refused(said):
    """A date without a time zone could be hours off, and a wrong number would never end."""
    with pytest.raises(SettingsError, match="expires_at must be a time"):
        expiry({"expires_at": said}, "admin secret")
