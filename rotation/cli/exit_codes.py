"""Exit codes, what they mean and what to do about them, and the errors that only a command line has."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from types import MappingProxyType

from rotation.core.errors import ConfigError, Interrupted, RotationError
from rotation.state import parking
from rotation.state.parking import Next

DONE, FAILED, WRONG_USAGE, WAITS, NEEDS_HUMAN = 0, 1, 2, 3, 4
INTERRUPTED = 130
"""The shells' code for Ctrl-C; typer returns it instead of passing the exception on (0.26, read 2026-11)."""
EXIT_CODES: Mapping[int, tuple[str, str]] = MappingProxyType(
    {
        DONE: ("done", "nothing"),
        FAILED: (
            "failed, for a reason that may pass; `check` commands: something was found",
            "run it again; if it keeps failing, read the hint",
        ),
        WRONG_USAGE: ("wrong usage", "`lockstep COMMAND --help`"),
        WAITS: ("waits until a later time, or nothing can be checked now", "nothing; a later run continues by itself"),
        NEEDS_HUMAN: ("needs a human: running it again does not help", "read the hint, or call somebody who can"),
        INTERRUPTED: (
            "interrupted by Ctrl-C, SIGTERM or a closed terminal",
            "run the command that the hint names; it continues with the same token",
        ),
    }
)
"""What each code means, and what the one who gets it does: help, man page and README show this table."""
_WORST_FIRST = (INTERRUPTED, WRONG_USAGE, NEEDS_HUMAN, FAILED, WAITS, DONE)


class CommandUsageError(ConfigError):
    """The command line itself is wrong, and nothing was done."""

    code = "usage_error"
    default_hint = "`lockstep COMMAND --help` shows what a command takes."


def exit_code(error: RotationError) -> int:
    """Return the exit code for an error: an error that does not pass by itself needs a human."""
    if isinstance(error, Interrupted):
        return INTERRUPTED
    if isinstance(error, CommandUsageError):
        return WRONG_USAGE
    return _ACTS[parking.who_acts(error)]


_ACTS = {Next.WAITS: WAITS, Next.FAILED: FAILED, Next.NEEDS_HUMAN: NEEDS_HUMAN}


def worst(codes: Iterable[int]) -> int:
    """Return the exit code of a command over many secrets: the one that asks for most; ``DONE`` of none."""
    return min(codes, key=_WORST_FIRST.index, default=DONE)
