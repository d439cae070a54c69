"""Says in an error since when readers may hold a dead password: the gap between a reset and its commit.

A reset that may have been sent and whose candidate is not current may have made the current password dead, whatever
ended the rotation: a failed step, a cancelled rotation, or a value that somebody put in the middle of it.

Two accounts that take turns have no such gap: a reset is never that of the account which readers have.

Example. setSecret sends a reset at 12:00:00, and an operator puts a value under AWSCURRENT at 12:00:30. The next step
ends with a message that closes with "; readers may hold a dead password since 2026-11-30T12:00:00Z".
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from typing import TypeVar

from rotation.core.clock import date_of
from rotation.core.document import SecretDocument, documents, list_key, takes_turns
from rotation.core.errors import RotationError, StageConflict, StageError
from rotation.core.secret import Secret
from rotation.engine.session import Memory
from rotation.state.stages import PENDING, PREVIOUS
from rotation.state.store import StoredValue
from rotation.state.versions import SecretState

E = TypeVar("E", bound=RotationError)
Read = Callable[[str], StoredValue | None]

_LOOK = "`lockstep doctor` finds out which stored password opens the account, and says what to do."
_NOTHING = Memory()


def _is_spared(read: Read, state: SecretState) -> bool:
    """Return whether a reset cannot concern readers, since two accounts take turns."""
    with suppress(RotationError):
        value = read(state.current_id) if state.current_id else None
        return value is not None and takes_turns(value.document)
    return False


def dead_since(state: SecretState, memory: Memory = _NOTHING, read: Read = lambda _: None) -> float | None:
    """Return since when readers may hold a dead password, in epoch seconds; ``None`` where nothing says so.

    ``memory`` says what a run did after the labels were read; ``read`` reads a version's value.
    """
    if memory.promoted:
        return None
    sent = _given_up(state, read)
    if sent is not None:
        return state.version(sent).intent
    unproved = any(each.open or each.proved is not None for each in (memory, *memory.accounts.values()))
    return memory.sent_at if unproved else None


def _given_up(state: SecretState, read: Read) -> str | None:
    """Return the version whose reset was sent after current's, unless readers have its password or had it.

    An operator who edits the secret after a rotation puts a value that no rotation has proved. It has the same
    password, or it is newer than the commit: then it is the operator's own, and that reset says nothing about it.
    """
    sent = state.cancelled_id("")
    version = state.version(sent or "")
    if sent is None or PENDING in version.stages:
        return sent
    proved = version.proof is not None or bool(version.proofs)
    if proved and PREVIOUS in version.stages and not state.is_based_on_current(version):
        return None
    with suppress(RotationError):
        values = [read(each) for each in (sent, state.current_id or "")]
        passwords = [[] if each is None else _passwords(each.document) for each in values]
        if passwords[0] and passwords[0] == passwords[1]:
            return None
    return sent


def _passwords(document: SecretDocument) -> list[Secret]:
    key = list_key(document)
    return [document.password] if key is None else [each.password for each in documents(document, key)]


def with_gap(error: E, read: Read, state: SecretState, token: str, memory: Memory = _NOTHING) -> E:
    """Return the error with since when readers hold, or may hold, a dead password; see ``dead_since``.

    Args:
        error: of a failed rotation; one that says so already is only copied.
        read: reads a version's value; asked for current's where the rest says that readers may be concerned.
        state: the labels.
        token: of the rotation; if its candidate is proved, current is certainly dead.
        memory: what the run did after the labels were read.
    """
    if error.members and _given_up(state, read) in (None, token):  # each account of a batch knows it for itself
        since = min((float(str(each["dead_since"])) for each in error.members if "dead_since" in each), default=None)
    else:
        since = dead_since(state, memory, read)
    if since is None or error.dead_since is not None or _is_spared(read, state):
        return error.changed()
    certain = state.proof(token) is not None or memory.proved is not None
    hold = "hold" if certain else "may hold"
    message = f"{error.message}; readers {hold} a dead password since {date_of(since):%Y-%m-%dT%H:%M:%SZ}"
    hint = f"{error.hint} {_LOOK}" if isinstance(error, (StageError, StageConflict)) else error.hint
    return error.changed(message=message, hint=hint, dead_since=since)
