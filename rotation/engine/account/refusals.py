"""What follows a refusal: the candidate is released, the attempts are parked, or the next run simply tries again."""

from __future__ import annotations

from dataclasses import dataclass

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
from rotation.engine.account.login_budget import Budget
from rotation.engine.attempts import count_failure, park
from rotation.engine.session import Session
from rotation.state import waiting
from rotation.state.marks import Kind
from rotation.state.parking import Reason
from rotation.state.stages import PENDING


@dataclass(frozen=True, slots=True, kw_only=True)
class Setback:
    """How a run ends that does not get its candidate live. Each error is returned for the caller to raise.

    Attributes:
        maybe_applied: whether a reset with this candidate can have reached the account, by any attempt so far.
    """

    session: Session
    bound: Guarded
    maybe_applied: bool

    def refused(self, refusal: RotationError) -> RotationError:
        """Draw the conclusion from the vendor's answer to a reset."""
        if not refusal.definite:
            return refusal
        if isinstance(refusal, AccountLocked):
            self.forget_intent()
            return Budget(session=self.session, bound=self.bound, version_id=self.session.token).locked(refusal)
        if isinstance(refusal, TooSoon) and refusal.not_before is not None:
            return self._park(Reason.TOO_SOON, refusal.not_before)
        if isinstance(refusal, PasswordRejected):
            if self.maybe_applied:
                return self.give_up(Reason.CANDIDATE_REFUSED)
            self.session.store.release(self.session.token)
            return refusal
        self.forget_intent()
        return refusal

    def give_up(self, reason: Reason) -> RotationError:
        """Park for the lock window at least; longer with every time that it was of no use."""
        failures = count_failure(self.session, self.session.token)
        pause = max(self.bound.lockout.window_seconds, waiting.back_off(failures, self.session.token))
        return self._park(reason, self.session.clock.now() + pause)

    def forget_intent(self) -> None:
        """Take the intent mark back when every attempt was definitively refused, so that nobody probes for nothing."""
        if self.maybe_applied:
            return
        try:
            for mark in self.session.store.describe().version(self.session.token).all(Kind.INTENT):
                self.session.store.unmark(self.session.token, mark)
        except StoreError:
            return  # The mark stays, and the next attempt asks the vendor first: slower, not less safe.

    def _park(self, reason: Reason, until: float) -> RotationError:
        self.forget_intent()
        return park(self.session, self.session.token, reason, until)


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


MOST_RESENDS = 2


NO_FAILURE = (AccountLocked, InProgress, PasswordRejected)
"""Refusals that end the token, or that have a time of their own."""


def back_off_after(session: Session, refusal: DriverError) -> None:
    """After a refusal that changed nothing: let the next attempts wait, longer with each one in a row.

    The first is free, since it may be a mere hiccup and the service's own retry is near; but a request that was itself
    refused would be so again, which is known at once.
    """
    try:
        version = session.store.describe().versions.get(session.token)
        if version is None or version.intent is not None or PENDING not in version.stages:
            return
        failures = count_failure(session, session.token)
        certain = isinstance(refusal, RequestRefused)
        pause = waiting.BACK_OFF_MOST if certain else waiting.back_off(failures, session.token)
        now = session.clock.now()
        until = max(now + pause, refusal.not_before or now)
        if until > now:
            park(session, session.token, Reason.BACK_OFF, until)
            refusal.not_before = until
    except StoreError:
        return  # The next attempt comes early, which costs patience only; the refusal itself matters more.


def raise_if_hopeless(session: Session, bound: Guarded, reset: float) -> None:
    """Count a reset that was taken and whose password does not open the account; park once sending again is no help.

    Each further one costs wrong logins, and a machine its running time.

    Raises:
        Parked: longer with each one in a row.
    """
    failures = count_failure(session, session.token, reset)
    if failures > MOST_RESENDS:
        pause = waiting.back_off(failures, session.token, waiting.RESEND_MOST)
        until = session.clock.now() + max(pause, bound.lockout.window_seconds)
        raise park(session, session.token, Reason.RESET_FAILS, until) from None
