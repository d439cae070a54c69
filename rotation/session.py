"""What the steps share: the secret as seen in this run, the bound account, the wrong-login budget."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Protocol

from rotation import marks
from rotation.errors import (
    AccountLocked,
    IdentityChanged,
    InProgress,
    NotYetVisible,
    Parked,
    RateLimited,
    RotationError,
    SecretDocumentError,
    VendorUnavailable,
)
from rotation.guard import RESERVE_SECONDS, Guarded
from rotation.marks import SecretState
from rotation.model import Evidence, Verdict
from rotation.ports import Clock, Store, StoredValue
from rotation.secret import Secret, SecretDocument


class Bind(Protocol):
    """Turns an account document into a guarded driver, by the deployment's rules."""

    def __call__(self, document: SecretDocument) -> Guarded:
        """Bind.

        Raises:
            RotationError: the document or the deployment is wrong; nothing was called at the vendor.
        """
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """What a step did.

    Attributes:
        outcome: one word for logs and ``--json``.
        driver: the driver's code, when one was bound.
        evidence: the proof, when there is one.
    """

    outcome: str
    driver: str | None = None
    evidence: Evidence | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Session:
    """One invocation for one secret and token."""

    store: Store
    token: str
    bind: Bind
    clock: Clock
    time_left: Callable[[], float]
    holder: str

    def let_it_apply(self, intent: float | None, bound: Guarded) -> None:
        """Wait until the vendor has had its declared time, so that a probe never blames a password that is underway.

        Raises:
            InProgress: the time left does not suffice.
        """
        due = (intent or 0.0) + bound.spec.propagation_seconds
        pause = due - self.clock.now()
        if pause <= 0:
            return
        if self.time_left() < pause + bound.spec.call_seconds + RESERVE_SECONDS:
            raise InProgress("the vendor may still be applying the reset", not_before=due)
        self.clock.sleep(pause)

    def current(self, state: SecretState) -> StoredValue:
        """Return the current value.

        Raises:
            SecretDocumentError: there is none yet.
        """
        value = self.store.read(state.current_id) if state.current_id else None
        if value is None:
            raise SecretDocumentError(
                "the secret has no current value yet",
                hint="Put the account document, with the password that works now, before rotating.",
            )
        return value

    def candidate(self) -> StoredValue:
        """Return the candidate.

        Raises:
            NotYetVisible: it was staged, but cannot be read (yet).
        """
        value = self.store.read(self.token)
        if value is None:
            raise NotYetVisible("the candidate is staged but not readable yet")
        return value

    def bind_pair(self, current: SecretDocument, candidate: SecretDocument) -> Guarded:
        """Bind the candidate's account, after making sure that it is the current one's (confused deputy).

        Raises:
            IdentityChanged: names the fields that differ.
        """
        bound, before = self.bind(candidate), self.bind(current)
        if bound.spec.code != before.spec.code:
            raise IdentityChanged("current and candidate name different drivers")
        now, then = _identity(bound), _identity(before)
        differ = sorted(name for name in now if now[name] != then[name])
        if differ:
            raise IdentityChanged(f"current and candidate differ in {', '.join(differ)}")
        return bound


def _identity(bound: Guarded) -> Mapping[str, object]:
    names = set(bound.account.__dataclass_fields__) - bound.spec.not_identity
    return {name: getattr(bound.account, name) for name in names} | {"username": bound.username}


@dataclass(frozen=True, slots=True, kw_only=True)
class Budget:
    """Wrong logins, counted durably on the secret's versions.

    Attributes:
        session: where to write.
        bound: the account, with the vendor's rule.
        version_id: the version that carries this run's charges.
    """

    session: Session
    bound: Guarded
    version_id: str

    def require(self, state: SecretState) -> None:
        """Refuse a probe that could spend the last try.

        Raises:
            Parked: until the window is over.
        """
        now = self.session.clock.now()
        count, latest = state.wrong_logins(since=now - self.bound.lockout.window_seconds)
        if count >= self.bound.lockout.budget:
            raise self._parked("wrong_login_budget", latest + self.bound.lockout.window_seconds)

    def charge(self, state: SecretState) -> None:
        """Write one wrong login down, beside those still in the window."""
        now = self.session.clock.now()
        version = state.versions[self.version_id]
        count, at = version.rejected
        total = 1 + (count if at > now - self.bound.lockout.window_seconds else 0)
        self._replace(state, marks.rejected(total, now))

    def refund(self, state: SecretState) -> None:
        """Take back what ``charge`` wrote, given the state from before it."""
        after = self.session.store.describe()
        before = {mark for mark in state.versions[self.version_id].marks if mark.kind is marks.Kind.REJECTED}
        for mark in before:
            self.session.store.mark(self.version_id, mark)
        for mark in after.versions[self.version_id].all(marks.Kind.REJECTED):
            if mark not in before:
                self.session.store.unmark(self.version_id, mark)

    def probe(self, password: Secret, state: SecretState) -> Verdict:
        """Log in where a rejection is likely, charging before the attempt, so that no crash hides a wrong login.

        Raises:
            Parked: the budget is spent, or the account is locked.
            RotationError: could not tell; charged unless the vendor certainly judged no password.
        """
        self.require(state)
        self.charge(state)
        try:
            verdict = self.bound.verify(password)
        except AccountLocked as locked:
            self.refund(state)
            raise self.locked(locked) from None
        except RotationError as unclear:
            if _certainly_not_judged(unclear):
                self.refund(state)
            raise
        if verdict is Verdict.ACCEPTED:
            self.refund(state)
        return verdict

    def log_in(self, password: Secret, state: SecretState) -> Verdict:
        """Log in where acceptance is likely, charging after the attempt.

        A crash right between the vendor's "no" and the charge hides at most this one, and clean runs write nothing.

        Raises:
            Parked: the budget is spent.
            RotationError: as ``probe``.
        """
        self.require(state)
        try:
            verdict = self.bound.verify(password)
        except RotationError as unclear:
            if not _certainly_not_judged(unclear):
                self.charge(state)
            raise
        if verdict is Verdict.REJECTED:
            self.charge(state)
        return verdict

    def locked(self, error: AccountLocked) -> Parked:
        """Park until the lock window is over."""
        now = self.session.clock.now()
        return self._parked("account_locked", error.not_before or now + self.bound.lockout.window_seconds)

    def _parked(self, reason: str, until: float) -> Parked:
        return park(self.session, self.version_id, reason, until)

    def _replace(self, state: SecretState, mark: marks.Mark) -> None:
        self.session.store.mark(self.version_id, mark)
        for old in state.versions[self.version_id].all(mark.kind):
            if old != mark:
                self.session.store.unmark(self.version_id, old)


def _certainly_not_judged(error: RotationError) -> bool:
    """Tell whether the vendor cannot have counted a wrong login; a lost answer may hide one."""
    return error.definite and (isinstance(error, RateLimited) or not isinstance(error, VendorUnavailable))


_PARKED_HINTS = {
    "wrong_login_budget": "No more wrong logins are spent before `not_before`; the next attempt goes on by itself.",
    "account_locked": "The vendor locked the account. Nothing is tried before `not_before`.",
    "external_change": "None of the stored passwords opens the account. Put the live one into the secret as a new "
    "version, or reset it at the vendor to the candidate's value.",
    "reset_fails": "The vendor takes the reset and fails to carry it out. Look at the target in the vendor's console.",
    "too_soon": "The password is younger than the vendor's minimum age. The next attempt goes on by itself.",
    "candidate_refused": "The vendor refuses the candidate, and an earlier reset with it may have been applied. "
    "Find out which password is live, then cancel the rotation.",
}


def park(session: Session, version_id: str, reason: str, until: float) -> Parked:
    """Write down why and until when this token is parked, and return the error to raise."""
    note = marks.parked(reason, until)
    session.store.mark(version_id, note)
    for old in session.store.describe().versions[version_id].all(marks.Kind.PARKED):
        if old != note:
            session.store.unmark(version_id, old)
    return Parked(
        f"parked: {reason.replace('_', ' ')}", reason=reason, not_before=until, hint=_PARKED_HINTS.get(reason, "")
    )


def raise_if_parked(session: Session, state: SecretState) -> None:
    """Refuse to touch the vendor before a parked token's time.

    Raises:
        Parked: with the reason and the time written down earlier.
    """
    note = state.versions[session.token].parked
    if note is not None and note[1] > session.clock.now():
        reason, until = note
        raise Parked(
            f"parked: {reason.replace('_', ' ')}", reason=reason, not_before=until, hint=_PARKED_HINTS.get(reason, "")
        )
