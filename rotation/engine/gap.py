"""Says in an error since when readers may hold a dead password: the gap between a reset and its commit.

A reset that may have been sent and whose candidate is not current may have made the current password dead, whatever
ended the rotation: a failed step, a cancelled rotation, or a value that somebody put in the middle of it.

Example. setSecret sends a reset at 12:00:00, and an operator puts a value under AWSCURRENT at 12:00:30. The next step
ends with a message that closes with "; readers may hold a dead password since 2026-11-30T12:00:00Z".
"""

from __future__ import annotations

from typing import TypeVar

from rotation.core.clock import date_of
from rotation.core.errors import RotationError, StageConflict, StageError
from rotation.engine.session import Memory
from rotation.state.versions import SecretState

E = TypeVar("E", bound=RotationError)

_LOOK = "`lockstep doctor` finds out which stored password opens the account, and says what to do."
_NOTHING = Memory()


def dead_since(state: SecretState, memory: Memory = _NOTHING) -> float | None:
    """Return since when readers may hold a dead password, in epoch seconds; ``None`` where nothing says so.

    Args:
        state: the labels.
        memory: what a run did after they were read.
    """
    if memory.promoted:
        return None
    sent = state.cancelled_id("")
    if sent is not None:
        return state.version(sent).intent
    unproved = any(each.open or each.proved is not None for each in (memory, *memory.accounts.values()))
    return memory.sent_at if unproved else None


def told(error: E, state: SecretState, token: str, memory: Memory = _NOTHING) -> E:
    """Return the error with since when readers hold, or may hold, a dead password; see ``dead_since``.

    Args:
        error: of a failed rotation; one that says so already is only copied.
        state: the labels.
        token: of the rotation; if its candidate is proved, current is certainly dead.
        memory: what the run did after the labels were read.
    """
    since = dead_since(state, memory)
    if since is None or error.dead_since is not None:
        return error.changed()
    certain = state.proof(token) is not None or memory.proved is not None
    hold = "hold" if certain else "may hold"
    message = f"{error.message}; readers {hold} a dead password since {date_of(since):%Y-%m-%dT%H:%M:%SZ}"
    hint = f"{error.hint} {_LOOK}" if isinstance(error, (StageError, StageConflict)) else error.hint
    return error.changed(message=message, hint=hint, dead_since=since)
