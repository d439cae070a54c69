"""Exit codes, and the errors that only a command line has."""

from __future__ import annotations

from rotation.core.errors import ConfigError, Interrupted, Parked, RotationError, TooSoon

DONE, FAILED, WRONG_USAGE, PARKED, NEEDS_HUMAN = 0, 1, 2, 3, 4
INTERRUPTED = 130
"""The shells' code for Ctrl-C; typer returns it instead of passing the exception on (0.26, read 2026-11)."""
EXIT_CODES = frozenset({DONE, FAILED, WRONG_USAGE, PARKED, NEEDS_HUMAN, INTERRUPTED})


class CommandUsageError(ConfigError):
    """The command line itself is wrong, and nothing was done."""

    code = "usage_error"
    default_hint = "`lockstep COMMAND --help` shows what a command takes."


def exit_code(error: RotationError) -> int:
    """Return the exit code for an error."""
    if isinstance(error, Interrupted):
        return INTERRUPTED
    if isinstance(error, Parked | TooSoon):  # both say when a later run can continue
        return PARKED
    return WRONG_USAGE if isinstance(error, CommandUsageError) else FAILED
