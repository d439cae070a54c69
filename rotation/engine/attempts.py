"""Parked attempts and failed attempts: write them down, and refuse to start too early."""

from __future__ import annotations

from rotation.core.errors import (
    Parked,
)
from rotation.drivers.guarded import Guarded
from rotation.engine.session import Session
from rotation.state import marks, parking, waiting
from rotation.state.versions import SecretState
from rotation.state.waiting import Wait


def park(session: Session, version_id: str, reason: str, until: float) -> Parked:
    """Write down why and until when a version's attempts are parked, and return the error to raise."""
    note = marks.parked(reason, until)
    session.store.mark(version_id, note)
    for old in session.store.describe().version(version_id).all(marks.Kind.PARKED):
        if old != note:
            session.store.unmark(version_id, old)
    return parking.error(reason, until)


def raise_if_parked(session: Session, state: SecretState, version_id: str | None = None) -> None:
    """Refuse to touch the vendor before a parked version's time, and before an account's.

    Args:
        session: this run; its token's version is asked about unless another is named.
        state: the labels.
        version_id: another version.

    Raises:
        Parked: with the reason and the time written down earlier.
    """
    wait = waiting.earliest(session.clock.now(), waiting.noted(state, version_id or session.token))
    if wait is not None:
        raise parking.error(wait.reason, wait.until)


def next_attempt(session: Session, state: SecretState, bound: Guarded) -> Wait | None:
    """Return until when a first reset of this token has to wait, and why; ``None`` when it may be sent now."""
    now = session.clock.now()
    waits = [
        *waiting.noted(state, session.token),
        *waiting.before_a_reset(
            state, now, min_age_seconds=bound.spec.min_age_seconds, lockout=bound.lockout, token=session.token
        ),
    ]
    return waiting.earliest(now, waits, bound.window)


def count_failure(session: Session, version_id: str, reset: float = 0) -> int:
    """Write one more failed attempt down, once for each reset; return how many there have been in a row."""
    version = session.store.describe().version(version_id)
    if reset and any(marks.charged(mark)[1] == reset for mark in version.all(marks.Kind.FAILED)):
        return version.failed
    note = marks.failed(version.failed + 1, reset)
    session.store.mark(version_id, note)
    for old in version.all(marks.Kind.FAILED):
        session.store.unmark(version_id, old)
    return version.failed + 1
