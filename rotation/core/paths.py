"""Paths that are built from names: each segment must be a name, or the path leads elsewhere.

An HTTP client resolves ``.`` and ``..`` before it sends a URL. Example: the mirror of a secret with the name
``team-a/../team-b/db`` would be written to ``team-b/db``.
"""

from __future__ import annotations

from rotation.core.errors import ConfigError


def path_problem(path: str) -> str | None:
    """Return the rule that a path breaks, in words, or ``None``."""
    if any(segment in ("", ".", "..") for segment in path.split("/")):
        return "must have no empty segment, and none that is `.` or `..`"
    return None


def checked_path(path: str, *, what: str) -> str:
    """Return the path.

    Args:
        path: segments between slashes.
        what: names the path in the error.

    Raises:
        ConfigError: a segment is empty, ``.`` or ``..``.
    """
    problem = path_problem(path)
    if problem is not None:
        raise ConfigError(
            f"{what} {problem}", hint="Such a path leads to another secret than its name says. Give it another name."
        )
    return path
