"""The dry run of a rotation (``--dry-run``): report at once everything that would stop it, and change nothing.

The checks come in the order in which a rotation makes them: the store, other runs, the account document, labels, and
then for each account its settings, waits, wrong-login budget, time, admin credential, target, evidence, policy and old
password.

A dry run cannot know everything. Only a rotation shows whether a value may be written and whether a reset is permitted;
both are reported as unknown. Where an account changes its own password, the dry run logs in once with the current one,
charged to the budget like any login: the only thing that is written, and taken back when the vendor says yes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from enum import StrEnum

from rotation.core.document import SecretDocument, merged, takes_turns, turned
from rotation.core.errors import (
    AdminRejected,
    BindingMismatch,
    DriverError,
    HostKeyChanged,
    InProgress,
    NotEnrolled,
    Parked,
    PermissionDenied,
    RotationError,
    SettingsError,
    StoreError,
)
from rotation.core.values import Authority, Observation, Verdict
from rotation.drivers.contract import Observes
from rotation.drivers.guarded import RESERVE_SECONDS, Guarded
from rotation.engine import preconditions
from rotation.engine.account import steps
from rotation.engine.account.login_budget import Budget
from rotation.engine.batch.batch import Batch
from rotation.engine.preconditions import Precondition
from rotation.engine.session import AccountSession, Session, genuine
from rotation.state import marks, waiting
from rotation.state.label_quota import require_labels, require_room
from rotation.state.lease import busy
from rotation.state.parking import Reason, known
from rotation.state.stages import PENDING
from rotation.state.store import StoredValue
from rotation.state.versions import SecretState


class Status(StrEnum):
    """The result of a check."""

    READY = "ready"
    STOPS = "stops"
    WAITS = "waits"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Check:
    """One precondition.

    Attributes:
        name: one word for ``--json``.
        status: the result.
        detail: one sentence.
        hint: the next step for a human.
        not_before: epoch seconds, where only time is missing.
        may_pass: whether what stops the rotation may pass by itself.
    """

    name: str
    status: Status
    detail: str
    hint: str = ""
    not_before: float | None = None
    may_pass: bool = False


def rehearse(session: Session, *, require_write: Callable[[], None] | None = None) -> tuple[Check, ...]:
    """Check every precondition of a rotation.

    Args:
        session: as for a step; its token is not used.
        require_write: raises a ``StoreError`` when the store may not be written, where that can be known without a
            change. Without it, only the right to move labels is tried.

    Returns:
        Every check, in the order in which a rotation makes them.
    """
    try:
        state = session.store.describe()
    except RotationError as error:
        return (_failed("store_read", error),)
    checks = [_ready("store_read", "the secret's versions can be listed")]
    checks.append(_labels_move(session, state) if require_write is None else _values_are_written(require_write))
    checks.extend(_other_runs(session, state))
    try:
        current = session.current(state)
    except RotationError as error:
        return (*checks, _failed("document", error))
    checks.append(_ready("document", "the current value is readable and an object"))
    try:
        accounts = Batch.of(session, current.document)
        if accounts is None:
            bound = session.bind(turned(current.document))
            checks.append(_binding(state))
            checks.extend(_turn(current.document))
            checks.append(_labels_fit(session, state, bound.lockout.counts_seconds))
            account = _Account.of(session, bound, current)
            checks.extend(account.checks())
            return (*checks, *_fits(session, account.made))
        checks.append(_labels_fit(session, state, accounts.window, batch_size=len(accounts.members)))
    except RotationError as error:
        return (*checks, *_settings_faults(error))
    checks.append(_binding(state))
    made: list[SecretDocument] = []
    kept: list[str] = []
    for member in accounts.members:
        account = _Account.of(accounts.one(member), member.bound, replace(current, document=member.document))
        own = list(account.checks())
        checks.extend(replace(each, detail=f"{member.name}: {each.detail}") for each in own)
        kept += [member.name] if any(each.status in (Status.STOPS, Status.WAITS) for each in own) else []
        made += account.made
    checks.extend(_others(len(accounts.members), kept))
    if len(made) < len(accounts.members):
        return tuple(checks)
    return (*checks, *_fits(session, [merged(current.document, accounts.key, made)]))


def _others(size: int, kept: list[str]) -> Iterator[Check]:
    """Say that the accounts of a batch which are ready do not wait for those that are not."""
    if 0 < len(kept) < size:
        left = f"{', '.join(kept)} would keep {'its' if len(kept) == 1 else 'their'} own"
        does = f"{size - len(kept)} of {size} accounts would get new passwords; {left}"
        yield _ready("others", f"{does}, and the rotation would fail")


def _fits(session: Session, made: list[SecretDocument]) -> Iterator[Check]:
    """Report what the store knows beforehand about the document that createSecret would put."""
    for document in made:
        yield from map(_reported, preconditions.of_the_store(session.store, document))


def _labels_move(session: Session, state: SecretState) -> Check:
    """Ask the store to remove a label that is not there: it refuses if the right is missing, else nothing happens."""
    try:
        if state.current_id is not None:
            session.store.unmark(state.current_id, marks.parked("rehearsal", 0))
    except StoreError as error:
        return _failed("store_write", error)
    detail = "labels may be moved; whether a value may be written shows only when one is"
    return Check("store_write", Status.UNKNOWN, detail)


def _values_are_written(require_write: Callable[[], None]) -> Check:
    try:
        require_write()
    except StoreError as error:
        return _failed("store_write", error)
    return _ready("store_write", "the secret and what is kept beside it may be written")


def _other_runs(session: Session, state: SecretState) -> Iterator[Check]:
    until = busy(state, session.clock.now())
    if until is None:
        yield _ready("lease", "no other run holds the secret's lease")
    else:
        yield Check("lease", Status.WAITS, "another run holds the lease", not_before=until)
    pending = _unfinished(state)
    if pending is not None:
        yield _ready("unfinished", f"the unfinished rotation under {pending} would be resumed")


def _binding(state: SecretState) -> Check:
    if state.binding is None:
        return _ready("binding", "the secret is bound to no account, which this deployment allows")
    return _ready("binding", "the secret is bound to the account that its value names")


def _turn(document: SecretDocument) -> Iterator[Check]:
    """Say whose turn it is, where two accounts take turns: all that follows is about that one."""
    if takes_turns(document):
        first, other = document.text("username"), turned(document).text("username")
        yield _ready("turn", f"{other} is reset next, and readers keep {first} until it is proved")


def _labels_fit(session: Session, state: SecretState, window: float, *, batch_size: int | None = None) -> Check:
    """Make createSecret's check of the free labels, for the token that the rotation would have."""
    token, now = _unfinished(state) or "", session.clock.now()
    try:
        if batch_size is None:
            require_labels(state, token, now, window)
        else:
            require_room(state, token, batch_size, now, window)
    except RotationError as error:
        return _failed("labels", error)
    return _ready("labels", "a rotation's labels fit beside those in use")


@dataclass(frozen=True, slots=True)
class _Account:
    """One account, and the secret as its session shows it.

    Attributes:
        made: the document with a generated candidate, once it was made; a staged one is not put again.
    """

    session: AccountSession
    state: SecretState
    bound: Guarded
    current: StoredValue
    made: list[SecretDocument] = field(default_factory=list)

    @classmethod
    def of(cls, session: AccountSession, bound: Guarded, current: StoredValue) -> _Account:
        return cls(session, session.store.describe(), bound, current)

    def checks(self) -> Iterator[Check]:
        yield _ready("settings", f"driver {self.bound.spec.code} is allowed and set up")
        yield from self._waits()
        yield from self._budget()
        yield self._time()
        try:
            seen = self.bound.observe()
        except RotationError as error:
            yield _unseen(error)
            return
        yield self._admin_credential()
        yield from self._conditions(seen)
        if self.bound.spec.authority is Authority.SELF:
            yield self._current_password()

    def _waits(self) -> Iterator[Check]:
        """Yield each wait before a first reset, and the next attempt where it is later than all of them."""
        now, bound, window = self.session.clock.now(), self.bound, self.bound.window
        waits = [
            *waiting.noted(self.state, self.state.holder(PENDING) or ""),
            *waiting.before_a_reset(self.state, min_age_seconds=bound.min_age_seconds),
            *waiting.for_wrong_logins(self.state, now, bound.lockout),
            waiting.Wait(Reason.OUTSIDE_WINDOW, window.next_open(now)),
        ]
        late = [wait for wait in waits if wait.until > now]
        for wait in late:
            parking = known(wait.reason)
            hint = "" if parking is None else parking.hint
            yield Check(wait.reason, Status.WAITS, wait.reason.replace("_", " "), hint, wait.until)
        decides = waiting.earliest(now, late, window)
        if decides is not None and all(wait.until != decides.until for wait in late):
            detail = "the maintenance window is closed again when the rest is over"
            yield Check("next_attempt", Status.WAITS, detail, not_before=decides.until)

    def _budget(self) -> Iterator[Check]:
        lockout = self.bound.lockout
        count, _ = self.state.wrong_logins(since=self.state.counts_since(self.session.clock.now(), lockout))
        if count < lockout.budget:
            left = lockout.budget - count
            yield _ready("budget", f"{left} of {lockout.budget} wrong logins are left in the budget")

    def _time(self) -> Check:
        needed = self.bound.spec.call_seconds + RESERVE_SECONDS
        detail = f"a reset needs {needed:.0f} s of a step's time"
        if self.session.time_left() >= needed:
            return _ready("time", detail)
        return Check("time", Status.STOPS, detail, "Raise the function's time-out.")

    def _admin_credential(self) -> Check:
        if self.bound.spec.authority is Authority.SELF:
            return _ready("admin_credential", "the account changes its own password; see current_password")
        if isinstance(self.bound.driver, Observes):
            detail = "the admin credential is valid and may look; whether it may reset shows only when it does"
        else:
            detail = "the driver cannot look at the account, so the admin credential was not tried"
        return Check("admin_credential", Status.UNKNOWN, detail)

    def _conditions(self, seen: Observation) -> Iterator[Check]:
        """Report what the rotation demands before it sends a reset; see ``preconditions``."""
        bound = self.bound
        try:
            if not seen.obstacles:
                bound = bound.trusting(seen)
        except RotationError as error:
            yield _failed("evidence", error)
        else:
            yield from map(_reported, preconditions.of_the_target(bound, seen))
        due = turned(self.current.document)
        try:
            staged = self._staged()
            wishes = self.state.wishes
            document = steps.with_candidate(bound, seen, due, wishes) if staged is None else staged
        except RotationError as error:
            yield _failed("candidate", error)
            return
        yield from map(_reported, preconditions.of_the_candidate(bound, seen, document, due.password))
        if staged is None:
            self.made.append(document)

    def _staged(self) -> SecretDocument | None:
        pending = _unfinished(self.state)
        stored = None if pending is None else self.session.store.read(pending)
        if stored is None:
            return None
        self.session.bind_pair(self.current.document, genuine(stored).document)
        return stored.document

    def _current_password(self) -> Check:
        budget = Budget(session=self.session, bound=self.bound, version_id=self.current.version_id)
        try:
            known = budget.rejected_at(self.state) is not None
            verdict = Verdict.REJECTED if known else budget.ask_own(self.current.document.password, self.state)
        except RotationError as error:
            return _failed("current_password", error)
        if verdict is Verdict.ACCEPTED:
            return _ready("current_password", "the current password opens the account")
        detail = "the current password does not open the account, and a change needs it"
        return Check("current_password", Status.STOPS, detail, "`lockstep doctor` finds out more.")


def _unfinished(state: SecretState) -> str | None:
    """Return the token of the rotation that would be resumed."""
    pending = state.holder(PENDING)
    return None if pending == state.current_id else pending


def _unseen(error: RotationError) -> Check:
    ours = isinstance(error, AdminRejected | PermissionDenied)
    return _failed("admin_credential" if ours else "target", error)


def _settings_faults(error: RotationError) -> list[Check]:
    """Return one check for each fault of the settings, or one if the target, asked for its rules, did not answer."""
    if isinstance(error, DriverError):
        return [_unseen(error)]
    if isinstance(error, NotEnrolled | BindingMismatch | HostKeyChanged):
        return [_failed("binding", error)]
    if not isinstance(error, SettingsError):
        return [_failed("settings", error)]
    return [Check("settings", Status.STOPS, f"{error.where}: {fault}", error.hint) for fault in error.faults]


def _reported(condition: Precondition) -> Check:
    try:
        return _ready(condition.name, condition.check())
    except RotationError as error:
        return _failed(condition.name, error)


def _ready(name: str, detail: str) -> Check:
    return Check(name, Status.READY, detail)


def _failed(name: str, error: RotationError) -> Check:
    waits = isinstance(error, Parked | InProgress) or error.not_before is not None
    status = Status.WAITS if waits else Status.STOPS
    detail = error.message if isinstance(error, Parked) else f"{error.code}: {error.message}"
    return Check(name, status, detail, error.hint, error.not_before, may_pass=error.retryable and not waits)
