"""Parked attempts and failed attempts: write them down, and refuse to start too early."""

from __future__ import annotations

from collections.abc import Iterable
from math import ceil
from typing import NoReturn

from rotation.drivers.guarded import Guarded
from rotation.engine.session import AccountSession
from rotation.state import marks, parking, waiting
from rotation.state.store import replace_marks
from rotation.state.versions import SecretState, Version
from rotation.state.waiting import Wait


def park(session: AccountSession, version_id: str, reason: str, until: float) -> NoReturn:
    """Write down why and until when a version's attempts are parked, and raise ``Parked``."""
    parking.raise_parked(reason, note_parking(session, version_id, reason, until))


def note_parking(session: AccountSession, version_id: str, reason: str, until: float) -> float:
    """Write down why and until when a version's attempts are parked. Return the time in whole seconds, as noted."""
    old = session.store.describe().version(version_id).all(marks.Kind.PARKED)
    replace_marks(session.store, version_id, [marks.parked(reason, until)], old)
    return float(ceil(until))


def raise_if_parked(session: AccountSession, state: SecretState, version_id: str | None = None) -> None:
    """Raise if a version, or the account, is parked until later.

    The version is the token's unless another is named; an empty name asks only what holds for the whole account.

    Raises:
        Parked: with the reason and the time written down earlier.
    """
    noted = waiting.noted(state, session.token if version_id is None else version_id)
    wait = waiting.earliest(session.clock.now(), _holding(session, noted))
    if wait is not None:
        parking.raise_parked(wait.reason, wait.until)


def next_attempt(session: AccountSession, state: SecretState, bound: Guarded) -> Wait | None:
    """Return until when a first reset of this token has to wait, and why; ``None`` when it may be sent now."""
    now = session.clock.now()
    age, lockout = bound.min_age_seconds, bound.lockout
    waits = [
        *waiting.noted(state, session.token),
        *waiting.before_a_reset(state, min_age_seconds=age, token=session.token),
        *waiting.for_wrong_logins(state, now, lockout, holder=session.holder),
    ]
    return waiting.earliest(now, _holding(session, waits), bound.window)


def _holding(session: AccountSession, waits: Iterable[Wait]) -> list[Wait]:
    """Return the waits that hold: an operator who spends a try does not wait for the sake of wrong logins."""
    return [each for each in waits if not (session.may_overspend and parking.spares_logins(each.reason))]


def count_failure(session: AccountSession, version_id: str, *, of_a_reset: bool = False) -> int:
    """Write one more failed attempt down; return the number of failures in a row.

    ``of_a_reset`` says that the latest reset was of no use.
    """
    version = session.store.describe().version(version_id)
    _recount(session, version, count=version.failed + 1, put_off=version.put_off, counted=of_a_reset or version.counted)
    return version.failed + 1


def count_put_off(session: AccountSession, version_id: str) -> int:
    """Write down that the vendor refused or put off one more attempt; return the number of them in a row."""
    version = session.store.describe().version(version_id)
    _recount(session, version, count=version.failed, put_off=version.put_off + 1, counted=version.counted)
    return version.put_off + 1


def forget_put_off(session: AccountSession, version_id: str) -> None:
    """Begin to count such attempts again, since the vendor took a reset."""
    version = session.store.describe().version(version_id)
    _recount(session, version, count=version.failed, put_off=0, counted=version.counted)


def _recount(session: AccountSession, version: Version, *, count: int, put_off: int, counted: bool) -> None:
    new = [marks.failed(count, put_off=put_off, counted=counted)] if count or put_off else []
    replace_marks(session.store, version.id, new, version.all(marks.Kind.FAILED))
