"""What follows a refusal: the candidate is released, the attempts are parked, or the next run simply tries again.

Every function here ends the run: it writes down what the next run must know and raises.

* The answer may be either way (time-out, 5xx): nothing is concluded. The intent mark stays, and the next run finds out.
* "Locked", "too soon": parked until the vendor's own moment.
* "The candidate breaks the policy": released, unless an earlier reset with it may have been applied; then parked.
* Any other definite no: nothing was changed, so the intent mark is taken back and the next run sends at once.

Example. A first reset is answered "changed too recently, allowed again at 10:05" for an account whose minimum age is
five minutes. That says changed at 10:00; our intent is of 10:00, too, so the first of two copies may have been taken:
the intent stays, the attempts are parked until 10:05, and then a login with the candidate tells.
"""

from __future__ import annotations

from typing import NoReturn

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
from rotation.engine.attempts import count_failure, note_parking, park
from rotation.engine.session import AccountSession
from rotation.state import waiting
from rotation.state.parking import Reason
from rotation.state.stages import PENDING

MOST_RESENDS = 2

NO_FAILURE = (AccountLocked, InProgress, PasswordRejected)
"""Refusals that end the token, or that have a time of their own."""


def conclude(attempt: Attempt, refusal: RotationError) -> NoReturn:
    """Draw the conclusion from the vendor's answer to a reset."""
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
    """Park for the lock window at least; longer with every time that it was of no use."""
    session = attempt.session
    failures = count_failure(session, session.token)
    pause = max(attempt.bound.lockout.window_seconds, waiting.back_off(failures, session.token))
    forget_intent(attempt)
    park(session, session.token, reason, session.clock.now() + pause)


def forget_intent(attempt: Attempt) -> None:
    """Note that every attempt was definitively refused, so that nobody probes for nothing."""
    if not attempt.maybe_applied:
        attempt.session.memory.open = False


def may_be_our_own_doing(refusal: RotationError, bound: Guarded, intent: float) -> bool:
    """Tell whether a request that arrived twice can explain it: the first was taken, the second is refused.

    Args:
        refusal: the vendor's answer to a reset.
        bound: the account.
        intent: when that reset was written down, in seconds since 1970.
    """
    if isinstance(refusal, TooSoon) and refusal.not_before is not None:
        changed = refusal.not_before - bound.spec.min_age_seconds
        return changed > intent - RESERVE_SECONDS
    return isinstance(refusal, (TooSoon, InProgress))


def back_off(session: AccountSession, refusal: DriverError) -> NoReturn:
    """Raise a refusal that changed nothing; let the next attempts wait, longer with each one in a row.

    The first is free, since it may be a mere hiccup and the service's own retry is near; but a request that was itself
    refused would be so again, which is known at once.
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
        pause = waiting.BACK_OFF_MOST if certain else waiting.back_off(failures, session.token)
        now = session.clock.now()
        until = max(now + pause, refusal.not_before or now)
        if until <= now:
            return None
        note_parking(session, session.token, Reason.BACK_OFF, until)
    except StoreError:
        return None  # The next attempt comes early, which costs patience only; the refusal itself matters more.
    return until


def raise_if_hopeless(session: AccountSession, bound: Guarded, reset: float) -> None:
    """Count a reset that was taken and whose password does not open the account; park once sending again is no help.

    Each further one costs wrong logins, and a machine its running time.

    Raises:
        Parked: longer with each one in a row.
    """
    failures = count_failure(session, session.token, reset)
    if failures > MOST_RESENDS:
        pause = waiting.back_off(failures, session.token, waiting.RESEND_MOST)
        until = session.clock.now() + max(pause, bound.lockout.window_seconds)
        park(session, session.token, Reason.RESET_FAILS, until)
