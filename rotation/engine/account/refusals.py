"""Handles a vendor's refusal of a reset: release the candidate, park the attempts, or let the next run try again.

``conclude`` chooses by the answer:

* The answer is ambiguous (time-out, 5xx): the intent mark stays, and the next run finds out whether the reset was
  applied.
* "Locked" or "too soon": the attempts are parked until the time that the vendor names.
* "The candidate breaks the policy": the candidate is released. If an earlier reset with it may have been applied, the
  attempts are parked instead.
* Any other definite refusal: nothing was changed, so the intent mark is removed and the next run sends at once.

Example. The account's minimum password age is five minutes. The vendor answers a first reset with "changed too
recently, allowed again at 10:05", so the password was changed at 10:00. The intent is of 10:00, too: the request may
have arrived twice, and the first copy may have been applied. The intent stays, the attempts are parked until 10:05, and
then a login with the candidate shows whether it is live.
"""

from __future__ import annotations

from typing import NoReturn

from rotation.core.document import SecretDocument
from rotation.core.errors import (
    AccountLocked,
    DriverError,
    InProgress,
    PasswordRejected,
    RequestRefused,
    RotationError,
    StoreError,
    TooSoon,
)
from rotation.drivers.guarded import RESERVE_SECONDS, Guarded
from rotation.engine.account.attempt import Attempt
from rotation.engine.account.power import give_back
from rotation.engine.attempts import count_failure, note_parking, park
from rotation.engine.session import AccountSession
from rotation.state import waiting
from rotation.state.marks import Kind
from rotation.state.parking import Reason
from rotation.state.stages import PENDING
from rotation.state.store import replace_marks

MOST_RESENDS = 2

NO_FAILURE = (AccountLocked, InProgress, PasswordRejected)
"""Refusals that do not count as failed attempts: they end the rotation, or have a waiting time of their own."""


def conclude(attempt: Attempt, refusal: RotationError) -> NoReturn:
    """Raise the vendor's refusal of a reset, after writing down what the next run must know."""
    attempt.maybe_applied |= refusal.definite and may_be_our_own_doing(refusal, attempt.bound, attempt.sent_at)
    if not refusal.definite:
        raise refusal from None
    if isinstance(refusal, PasswordRejected):
        if attempt.maybe_applied:
            give_up(attempt, Reason.CANDIDATE_REFUSED)
        forget_intent(attempt)
        attempt.session.withdraw()
        attempt.session.store.release(attempt.session.token)
        raise refusal from None
    forget_intent(attempt)
    if isinstance(refusal, AccountLocked):
        attempt.budget.park_locked(refusal)
    if isinstance(refusal, TooSoon) and refusal.not_before is not None:
        park(attempt.session, attempt.session.token, Reason.TOO_SOON, refusal.not_before)
    raise refusal from None


def give_up(attempt: Attempt, reason: Reason) -> NoReturn:
    """Park the attempts for the lock-out window at least, and longer with each failure in a row."""
    forget_intent(attempt)
    _park_longer(attempt.session, attempt.bound, reason)


def forget_intent(attempt: Attempt) -> None:
    """Drop the intent if no attempt can have been applied, so that no later run spends a login on finding out."""
    if not attempt.maybe_applied:
        attempt.session.memory.open = False


def may_be_our_own_doing(refusal: RotationError, bound: Guarded, intent: float) -> bool:
    """Return whether the request may have arrived twice: the first copy was applied, and the second was refused.

    Args:
        refusal: the vendor's answer to a reset.
        bound: the account.
        intent: when that reset was written down, in seconds since 1970.
    """
    if isinstance(refusal, TooSoon) and refusal.not_before is not None:
        changed = refusal.not_before - bound.min_age_seconds
        return changed > intent - RESERVE_SECONDS
    return isinstance(refusal, (TooSoon, InProgress))


def back_off(session: AccountSession, refusal: DriverError) -> NoReturn:
    """Raise a refusal that changed nothing, and park the next attempts, longer with each refusal in a row.

    The first refusal causes no pause, since it may be temporary and the service retries soon. A request that the vendor
    refuses as such (``RequestRefused``) is parked for 15 minutes at once: it would be refused again. Where a machine
    was switched for the reset, pauses grow to hours, since each attempt stops it once more.
    """
    until = _noted_back_off(session, refusal)
    raise (refusal if until is None else refusal.changed(not_before=until)) from None


def _noted_back_off(session: AccountSession, refusal: DriverError) -> float | None:
    try:
        version = session.store.describe().versions.get(session.token)
        if version is None or PENDING not in version.stages:
            return None
        if session.memory.open or version.before(session.holder).intent is not None:
            return None
        failures = count_failure(session, session.token)
        certain = isinstance(refusal, RequestRefused)
        most = waiting.LONGEST_PAUSE if session.memory.switched else waiting.BACK_OFF_MOST
        pause = waiting.back_off(failures, session.token, most=most)
        pause = max(pause, waiting.BACK_OFF_MOST) if certain else pause
        now = session.clock.now()
        until = max(now + pause, refusal.not_before or now)
        if until <= now:
            return None
        until = note_parking(session, session.token, Reason.BACK_OFF, until)
    except StoreError:
        return None  # The next attempt then comes early, which does no harm; the refusal itself is what to report.
    return until


def raise_if_hopeless(session: AccountSession, bound: Guarded, candidate: SecretDocument) -> None:
    """Count the latest reset as one of no use, once; park after the third.

    Every such reset passes here, whatever showed it: a rejected login, a failed task, or that it has to be sent again.
    Each further one would cost wrong logins, and may stop a machine.

    Args:
        session: this run.
        bound: the account.
        candidate: the document.

    Raises:
        Parked: longer with each one in a row. A machine that was stopped is started before.
        DriverError: the vendor refused that; nothing is counted yet.
    """
    version = session.store.describe().version(session.token)
    if version.counted:
        return
    if version.failed < MOST_RESENDS:
        count_failure(session, session.token, of_a_reset=True)
        return
    give_back(bound, candidate)
    _park_longer(session, bound, Reason.RESET_FAILS, free=MOST_RESENDS)


def _park_longer(session: AccountSession, bound: Guarded, reason: Reason, *, free: int = 0) -> NoReturn:
    """Park for the lock-out window, and longer with each failure in a row beyond the free ones.

    Afterwards each stored password is asked about again, since a human may have set one of them.
    """
    times = count_failure(session, session.token, of_a_reset=reason is Reason.RESET_FAILS) - free
    replace_marks(session.store, session.token, (), session.store.describe().version(session.token).all(Kind.LEARNT))
    pause = waiting.grown(times, bound.lockout.window_seconds, session.token)
    park(session, session.token, reason, session.clock.now() + pause)
