"""The wrong-login budget: Lockstep never locks an account, and never uses the tries that are kept for humans.

The holder of the lease writes a wrong login down after it happened, and before it tries another password. If the run
dies, at most one wrong login is missing, and the run's intent counts as that one (``versions.implied``). So a
successful login costs no write. A run without the lease (testSecret without a proof, a check, the doctor) charges every
login before it is made, and removes the charge when the login succeeds.

Example. The vendor locks after 5 wrong logins in 10 minutes, and 2 are kept for humans: the budget is 3. Run ``7f3a``
has no lease and is about to log in at 10:00:00, and current already carries ``rejected:1`` of 09:55.

1. ``require``: 1 is charged in the last 10 minutes, less than 3, so a try may be made;
2. ``charge``: ``rejected:1:<10:00:00>:~7f3a`` is written on the candidate's version;
3. the labels are read again. If two other runs have charged meanwhile, the sum of 4 is over the budget: this run
   removes its charge and tries later. The holder of the lease counts as a run that has charged;
4. the login is made. If it is accepted, the charge is removed. If it is rejected or gets no answer, the charge stays,
   dated to the answer, and counts for 10 minutes. If the answer shows that no password was judged, it is removed, too.

With the lease only steps 1 and 4 are made: the charge is written after a rejection, or if no answer came. If writing it
fails, the run ends and leaves its intent, which counts as that charge. At the third charge, ``require`` parks the next
login until the latest charge is 10 minutes old.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import NoReturn, TypeVar

from rotation.core.errors import (
    AccountLocked,
    CannotVerify,
    InProgress,
    OldPasswordRejected,
    RateLimited,
    RotationError,
    StoreError,
    UnexpectedReply,
    VendorUnavailable,
)
from rotation.core.secret import Secret
from rotation.core.values import Observation, Verdict
from rotation.drivers.guarded import RESERVE_SECONDS, Guarded
from rotation.engine.attempts import park
from rotation.engine.session import AccountSession
from rotation.state import marks, waiting
from rotation.state.parking import Reason
from rotation.state.store import replace_marks
from rotation.state.versions import SecretState, Version, total

T = TypeVar("T")

_MOST_NOTES = 2
"""Charges of other runs that keep a label of their own."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Budget:
    """Counts wrong logins durably on the secret's versions, and sums them over all versions.

    ``version_id`` is the version that carries this run's charges.
    """

    session: AccountSession
    bound: Guarded
    version_id: str

    def require(self, state: SecretState) -> None:
        """Refuse a login that could use up the budget.

        Raises:
            Parked: until the window is over.
            CannotVerify: the budget is always zero.
        """
        require_tries(self.bound)
        session = self.session
        if session.may_overspend:
            return
        for wait in waiting.for_wrong_logins(state, session.clock.now(), self.bound.lockout, holder=session.holder):
            park(session, self.version_id, wait.reason, wait.until)

    def charge(self, state: SecretState) -> marks.Mark:
        """Write one wrong login down, beside those still in the window. Return the argument for ``refund``."""
        now = self.session.clock.now()
        version = state.version(self.version_id)
        self._sum_up(version, now)
        mine = self._mine(version)
        count, at = max(map(marks.charged, mine), key=lambda each: (each[1], each[0]), default=(0, 0.0))
        written = marks.rejected(1 + (count if at > self._since(now) else 0), now, run=self.session.holder)
        replace_marks(self.session.store, self.version_id, [written], mine)
        return written

    def refund(self, state: SecretState, written: marks.Mark) -> None:
        """Take back what ``charge`` wrote, given the state from before it."""
        before = self._mine(state.version(self.version_id))
        with suppress(StoreError):  # A charge that stays only makes later runs more careful; the answer matters more.
            replace_marks(self.session.store, self.version_id, before, [written])

    def log_in(self, password: Secret, state: SecretState, seen: Observation | None = None) -> Verdict:
        """Log in once; see ``Guarded.verify``.

        Raises:
            Parked: the budget is spent, or the account is locked.
            RotationError: could not tell; charged unless the vendor certainly judged no password.
        """
        try:
            return self.risk(state, lambda: self.bound.verify(password, seen))
        except AccountLocked as locked:
            self.park_locked(locked)

    def ask_own(self, password: Secret, state: SecretState, seen: Observation | None = None) -> Verdict:
        """Log in with the password of the version that carries the charges, and note there whether it was rejected.

        So no check asks the same again while the wrong login counts: see ``rejected_at``.

        Raises:
            RotationError: as ``log_in``.
        """
        self._note_own(state, rejected=False)  # before the login: what it finds must not be taken for older knowledge
        verdict = self.log_in(password, state, seen)
        if verdict is Verdict.REJECTED:
            with suppress(StoreError):  # as in _note_own; the answer matters more
                self._note_own(self.session.store.describe(), rejected=True)
        return verdict

    def rejected_at(self, state: SecretState) -> float | None:
        """Return when a login with this version's own password was rejected, in epoch seconds.

        ``None`` where no label says so, where that wrong login counts no more, and where an operator spends a try.
        """
        version, at = state.version(self.version_id), state.version(self.version_id).rejected[1]
        known = version.learnt.get(self.version_id[-8:]) == Verdict.REJECTED.value
        recent = at > self._since(self.session.clock.now())
        return at if known and recent and not self.session.may_overspend else None

    def _note_own(self, state: SecretState, *, rejected: bool) -> None:
        version, name = state.version(self.version_id), self.version_id[-8:]
        if rejected == (version.learnt.get(name) == Verdict.REJECTED.value):
            return
        found = {each: finding for each, finding in version.learnt.items() if each != name}
        found |= {name: Verdict.REJECTED.value} if rejected else {}
        new = [marks.learnt(found)] if found else []
        with suppress(StoreError):  # Without the note the next check asks once more, inside the budget.
            replace_marks(self.session.store, self.version_id, new, version.all(marks.Kind.LEARNT))

    def risk(self, state: SecretState, attempt: Callable[[], T]) -> T:
        """Make one attempt in which the vendor judges a password.

        Raises:
            Parked: the budget is spent.
            InProgress: another run is about to spend the last of it.
            RotationError: the attempt's own; charged unless the vendor certainly counted no wrong login.
        """
        self.require(state)
        written = None
        if not self.session.memory.leased:
            written = self.charge(state)
            self._stand_back(state, written)
        try:
            answer = attempt()
        except RotationError as refusal:
            self._account_for(state, written, wrong=not _certainly_not_counted(refusal))
            raise
        self._account_for(state, written, wrong=answer is Verdict.REJECTED)
        return answer

    def _account_for(self, state: SecretState, written: marks.Mark | None, *, wrong: bool) -> None:
        """Keep the charge of a wrong login and take back any other; the lease's holder has written none before."""
        if not wrong:
            if written is not None:
                self.refund(state, written)
            return
        memory = self.session.memory
        memory.overspent = True
        if written is not None:
            self._date_again(written)
            return
        memory.unnoted = True  # until it is written down, this run's intent stands for it
        self.charge(self.session.store.describe())
        memory.unnoted = False

    def park_locked(self, error: AccountLocked) -> NoReturn:
        """Park until the lock window is over."""
        until = error.not_before or self.session.clock.now() + self.bound.lockout.window_seconds
        park(self.session, self.version_id, Reason.ACCOUNT_LOCKED, until)

    def _stand_back(self, state: SecretState, written: marks.Mark) -> None:
        """Read the labels again after the charge is written: of simultaneous runs, the last to write sees all charges.

        Two runs may see each other, and then both try later, which is better than one wrong login too many.
        """
        if self.session.may_overspend:
            return
        seen = self.session.store.describe()
        since = seen.counts_since(self.session.clock.now(), self.bound.lockout)
        if seen.wrong_logins(since=since, but=self.session.holder)[0] > self.bound.lockout.budget:
            self.refund(state, written)
            raise InProgress("another run of this secret tries a password now, and the budget does not pay for both")

    def _date_again(self, written: marks.Mark) -> None:
        """Date the charge to now if the attempt took long, since the vendor may have counted it this late."""
        late = marks.rejected(marks.charged(written)[0], self.session.clock.now(), run=self.session.holder)
        if late == written:
            return
        with suppress(StoreError):  # It is charged as it is; only its window ends a little earlier.
            replace_marks(self.session.store, self.version_id, [late], [written])

    def _sum_up(self, version: Version, now: float) -> None:
        """Merge the charges of runs that have had their answers into one note, without expired ones: labels are few."""
        old = now - self.bound.answer_seconds - RESERVE_SECONDS
        notes = [
            mark
            for mark in version.all(marks.Kind.REJECTED)
            if not marks.is_carried(mark) and mark not in self._mine(version) and marks.charged(mark)[1] <= old
        ]
        recent = [charge for charge in map(marks.charged, notes) if charge[1] > self._since(now)]
        if len(recent) == len(notes) < _MOST_NOTES:
            return
        one = [marks.rejected(*total(recent))] if recent else []
        replace_marks(self.session.store, self.version_id, one, notes)

    def _mine(self, version: Version) -> list[marks.Mark]:
        charges = version.all(marks.Kind.REJECTED)
        return [each for each in charges if each == marks.rejected(*marks.charged(each), run=self.session.holder)]

    def _since(self, now: float) -> float:
        return now - self.bound.lockout.counts_seconds


def require_tries(bound: Guarded) -> None:
    """Refuse every login at an account that locks at the first wrong one, since any password may be wrong.

    Raises:
        CannotVerify: says what to do instead.
    """
    if bound.lockout.budget < 1:
        raise CannotVerify(
            f"{bound.spec.code} locks the account at the first wrong login, so none is ever tried",
            hint="If an API key resets the password, set LOCKSTEP_MIN_EVIDENCE to READBACK or ACCEPTED: no login is "
            "needed.",
        )


def _certainly_not_counted(error: RotationError) -> bool:
    """Return whether the vendor certainly counted no wrong login; if the answer was lost, it may have."""
    if isinstance(error, (OldPasswordRejected, UnexpectedReply)):
        return False
    return error.unsent or (
        error.definite and (isinstance(error, RateLimited) or not isinstance(error, VendorUnavailable))
    )
