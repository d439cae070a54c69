"""The wrong-login budget: no run of Lockstep ever locks an account, or spends the tries of its human users."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import TypeVar

from rotation import marks
from rotation.errors import (
    AccountLocked,
    OldPasswordRejected,
    Parked,
    RateLimited,
    RotationError,
    StoreError,
    VendorUnavailable,
)
from rotation.guard import Guarded
from rotation.marks import SecretState, Version
from rotation.model import Observation, Verdict
from rotation.parking import Reason
from rotation.secret import Secret
from rotation.session import Session, park

T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class Budget:
    """Wrong logins, counted durably on the secret's versions and summed over them all.

    Every try is charged before it is made and refunded when the vendor said yes, so that no crash hides one. The price
    is one label written and taken back for each login.

    Attributes:
        session: where to write.
        bound: the account, with the vendor's rule.
        version_id: the version that carries this run's charges.
    """

    session: Session
    bound: Guarded
    version_id: str

    def require(self, state: SecretState) -> None:
        """Refuse a try that could spend the last one.

        Raises:
            Parked: until the window is over.
        """
        now = self.session.clock.now()
        count, latest = state.wrong_logins(since=now - self.bound.lockout.window_seconds)
        if count >= self.bound.lockout.budget:
            raise self._park(Reason.WRONG_LOGIN_BUDGET, latest + self.bound.lockout.window_seconds)

    def charge(self, state: SecretState) -> marks.Mark:
        """Write one wrong login down, beside those still in the window. Return what to hand to ``refund``."""
        now = self.session.clock.now()
        since = now - self.bound.lockout.window_seconds
        version = state.version(self.version_id)
        count, at = version.rejected
        written = marks.rejected(1 + (count if at > since else 0), now)
        self.session.store.mark(self.version_id, written)
        for old in _own(version):
            if old != written:
                self.session.store.unmark(self.version_id, old)
        return written

    def refund(self, state: SecretState, written: marks.Mark) -> None:
        """Take back what ``charge`` wrote, given the state from before it."""
        before = _own(state.version(self.version_id))
        with suppress(StoreError):  # What stays charged only makes us more careful; the answer matters more.
            for mark in before:
                self.session.store.mark(self.version_id, mark)
            if written not in before:
                self.session.store.unmark(self.version_id, written)

    def log_in(self, password: Secret, state: SecretState, seen: Observation | None = None) -> Verdict:
        """Log in once; see ``Guarded.verify``.

        Raises:
            Parked: the budget is spent, or the account is locked.
            RotationError: could not tell; charged unless the vendor certainly judged no password.
        """
        try:
            return self.risk(state, lambda: self.bound.verify(password, seen))
        except AccountLocked as locked:
            raise self.locked(locked) from None

    def risk(self, state: SecretState, attempt: Callable[[], T]) -> T:
        """Make one attempt in which the vendor judges a password.

        Raises:
            Parked: the budget is spent.
            RotationError: the attempt's own; charged unless the vendor certainly counted no wrong login.
        """
        self.require(state)
        written = self.charge(state)
        try:
            answer = attempt()
        except RotationError as refusal:
            if _certainly_not_counted(refusal):
                self.refund(state, written)
            raise
        if answer is not Verdict.REJECTED:
            self.refund(state, written)
        return answer

    def locked(self, error: AccountLocked) -> Parked:
        """Park until the lock window is over."""
        now = self.session.clock.now()
        return self._park(Reason.ACCOUNT_LOCKED, error.not_before or now + self.bound.lockout.window_seconds)

    def _park(self, reason: Reason, until: float) -> Parked:
        return park(self.session, self.version_id, reason, until)


def _own(version: Version) -> list[marks.Mark]:
    return [mark for mark in version.all(marks.Kind.REJECTED) if not marks.is_carried(mark)]


def _certainly_not_counted(error: RotationError) -> bool:
    """Tell whether the vendor cannot have counted a wrong login; a lost answer may hide one."""
    if isinstance(error, OldPasswordRejected):
        return False
    return error.definite and (isinstance(error, RateLimited) or not isinstance(error, VendorUnavailable))
