"""Announces what a run did, and makes sure that ``committed`` is never lost.

The order of a commit is: make the candidate current, announce, settle the labels, note what nobody took. So

* a run that dies before it announces is repeated, by the service, the next rotation or the next check, and the
  repetition announces again: its commit is not settled, or the step that commits finds its work done;
* a secret's first rotation has no labels to settle, so a death would leave no trace: the mark ``owed`` is put on the
  candidate before it becomes current, and taken away after the announcement;
* a commit that a target did not take leaves the mark ``owed`` on the current version. The next rotation and the next
  drift check announce it again, and take the mark away. All later rotations write and read nothing for this.

All other events are announced when their step has ended, so that no target stands between a reset and its proof.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress

from rotation.core.errors import (
    InProgress,
    Interrupted,
    LoginRejected,
    NotReady,
    NotYetVisible,
    Parked,
    RotationError,
    StageConflict,
    StoreError,
)
from rotation.core.event import EventKind, announce_nothing
from rotation.core.values import Evidence, Step
from rotation.engine.result import Result
from rotation.engine.session import Session
from rotation.state import marks
from rotation.state.cleanup import is_kept, is_settled, leaves_a_trace
from rotation.state.stages import CURRENT
from rotation.state.versions import SecretState, Version

_PASSING = (InProgress, Interrupted, NotReady, NotYetVisible)
"""Errors that only say "later": nothing has failed, and nothing is announced."""


def commit(
    session: Session, token: str, evidence: Evidence | None, *, state: SecretState, settle: Callable[[], None]
) -> None:
    """Make a proved candidate current, announce it, and settle its labels.

    Args:
        session: this run.
        token: the candidate's version.
        evidence: how it was proved.
        state: the labels before; the version that is current there is replaced, and no other.
        settle: removes the labels that are over then.

    Raises:
        StoreError: it is not current, or the labels are not settled; repeating is harmless.
    """
    noted = _is_noted(state, token)
    if session.announce is not announce_nothing and not leaves_a_trace(state, token):
        noted = True
        with suppress(StoreError):  # without the note only a death loses the event
            session.store.mark(token, marks.owed())
    session.store.promote(token, current_id=state.current_id)
    memory = session.memory
    before = memory.committed, memory.promoted
    memory.committed, memory.promoted = True, memory.promoted or token == session.token
    heard = session.announce(EventKind.COMMITTED, token, evidence=evidence)
    try:
        settle()
    except StageConflict:
        if not is_kept(session.store.seen(), token):
            memory.committed, memory.promoted = before
        raise
    _note(session, token, heard=heard, noted=noted)


def repeat_commit(session: Session, state: SecretState, evidence: Evidence | None) -> None:
    """Announce a commit whose run may have died before it could."""
    token = session.token
    heard = session.announce(EventKind.COMMITTED, token, evidence=evidence)
    _note(session, token, heard=heard, noted=_is_noted(state, token))


def repeat_owed(session: Session, state: SecretState) -> None:
    """Announce the commit of the current version again where a target did not take it, or where its run died.

    One of this run's own token is announced by the step that finds its work done.
    """
    current = state.version(state.current_id or "")
    if current.id == session.token:
        return
    owed = current.all(marks.Kind.OWED)
    evidence = _evidence(current)
    died = evidence is not None and not is_settled(state, current.id)
    if (owed or died) and session.announce(EventKind.COMMITTED, current.id, evidence=evidence):
        for mark in owed:
            with suppress(StoreError):
                session.store.unmark(current.id, mark)


def announce_end(session: Session, state: SecretState, step: Step, done: Result, *, proved_before: bool) -> None:
    """Announce what a step did that succeeded, given the labels before it and whether the candidate was proved then."""
    version = state.version(session.token)
    if step is Step.CREATE and CURRENT not in version.stages:
        session.announce(EventKind.STAGED, session.token)
    if done.outcome in ("already_done", "current_verified", "nothing_to_verify"):
        return
    _announce_sent(session, version, step)
    # A repeated setSecret says again what the run before it may not have come to say.
    if done.evidence is not None and (step is Step.SET or not proved_before):
        session.announce(EventKind.PROVED, session.token, evidence=done.evidence)
    if done.binding == "recorded":
        session.announce(EventKind.ENROLLED, session.token)


def announce_failure(session: Session, state: SecretState, step: Step, error: RotationError) -> None:
    """Announce what a step did that failed, and why, unless it only needs more time."""
    _announce_sent(session, state.version(session.token), step)
    if isinstance(error, Parked):
        session.announce(EventKind.PARKED, session.token, reason=error.reason, not_before=error.not_before)
    elif not isinstance(error, _PASSING):
        session.announce(EventKind.FAILED, session.token, reason=error.code)


def announce_drift(session: Session, state: SecretState, error: RotationError) -> None:
    """Announce that a check found the current password dead; any other error of a check says nothing about it."""
    if isinstance(error, LoginRejected):
        session.announce(EventKind.DRIFT, state.current_id, reason=error.code)


def _announce_sent(session: Session, version: Version, step: Step) -> None:
    sends = session.memory.sends + sum(each.sends for each in session.memory.accounts.values())
    if step is Step.SET and (sends or version.intent is not None):
        session.announce(EventKind.SENT, session.token)


def _is_noted(state: SecretState, token: str) -> bool:
    return bool(state.version(token).all(marks.Kind.OWED))


def _note(session: Session, token: str, *, heard: bool, noted: bool) -> None:
    with suppress(StoreError):  # the commit itself is done
        if heard and noted:
            session.store.unmark(token, marks.owed())
        for _ in range(0 if heard else 2):  # a store may confirm a mark and not keep it
            if _is_noted(session.store.describe(), token):
                return
            session.store.mark(token, marks.owed())


def _evidence(version: Version) -> Evidence | None:
    return version.proof or min(version.proofs.values(), default=None)
