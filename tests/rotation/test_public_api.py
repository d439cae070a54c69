"""The public API: the names that stay from version to version."""

from importlib.metadata import version

import pytest

import rotation

PUBLIC = {
    *("Deployment", "Evidence", "PasswordPolicy", "Result", "RotationError", "Secret", "SecretDocument", "Session"),
    *("Step", "Store", "errors", "run", "verify"),
}


def test_the_public_api_is_whole_and_sorted():
    """``rotation.__all__`` lists each public name once, classes first, and each of them can be imported."""
    assert rotation.__all__ == sorted(PUBLIC, key=lambda name: (name.islower(), name))
    assert [name for name in rotation.__all__ if getattr(rotation, name) is None] == []


def test_the_version_is_that_of_the_package():
    """Tickets and log lines name the release that is installed."""
    assert rotation.__version__ == version("lockstep-rotation")


def test_a_name_outside_of_it_is_no_attribute():
    """A name that is not public raises the usual AttributeError."""
    with pytest.raises(AttributeError, match="no attribute 'canary'"):
        _ = rotation.canary
