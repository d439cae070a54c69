"""A rotation rehearsed: everything that would stop it is named at once, and nothing is changed.

What can be known without a change is less than everything. That a value may be written, and that a reset is permitted,
only a rotation shows; both are told as unknown. A driver that changes its own password is logged in once, charged to
the budget like any login: the one thing that is written, and taken back when the vendor says yes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from enum import StrEnum

from rotation.core.errors import (
    AdminRejected,
    InProgress,
    Parked,
    PermissionDenied,
    RotationError,
    SettingsError,
    StoreError,
)
from rotation.core.values import Authority, Evidence, Observation, Verdict
from rotation.drivers.contract import Observes
from rotation.drivers.guarded import RESERVE_SECONDS, Guarded
from rotation.engine.account.login_budget import Budget, require_tries
from rotation.engine.batch.batch import Batch
from rotation.engine.session import AccountSession, Session
from rotation.policy import Context
from rotation.state import marks, waiting
from rotation.state.label_quota import require_labels, require_room
from rotation.state.lease import announcements
from rotation.state.parking import Reason, known
from rotation.state.stages import PENDING
from rotation.state.store import StoredValue
from rotation.state.versions import SecretState


class Status(StrEnum):
    """What a check found."""

    READY = "ready"
    STOPS = "stops"
    WAITS = "waits"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """One precondition.

    Attributes:
        name: one word for ``--json``.
        status: what was found.
        detail: one sentence.
        hint: the next step for a human.
        not_before: epoch seconds, where only time is missing.
    """

    name: str
    status: Status
    detail: str
    hint: str = ""
    not_before: float | None = None


def rehearse(session: Session, *, require_write: Callable[[], None] | None = None) -> tuple[Check, ...]:
    """Check every precondition of a rotation.

    Args:
        session: as for a step; its token is not used.
        require_write: finds out whether the store may be written, where that can be known without a change; raises a
            ``StoreError`` when it may not. Without it, only the right to move labels is tried.

    Returns:
        Every check, in the order in which a rotation would meet them.
    """
    try:
        state = session.store.describe()
    except RotationError as error:
        return (_stopped("store_read", error),)
    checks = [Check(name="store_read", status=Status.READY, detail="the secret's versions can be listed")]
    checks.append(_writable(session, state) if require_write is None else _may_write(require_write))
    checks.extend(_others(session, state))
    try:
        current = session.current(state)
    except RotationError as error:
        return (*checks, _stopped("document", error))
    checks.append(Check(name="document", status=Status.READY, detail="the current value is readable and an object"))
    try:
        accounts = Batch.of(session, current.document)
        if accounts is None:
            bound = session.bind(current.document)
            return (*checks, _labels(session, state, bound.lockout.window_seconds), *_account(session, bound, current))
    except RotationError as error:
        return (*checks, *_faults(error))
    checks.append(_labels(session, state, accounts.window, batch_size=len(accounts.members)))
    for member in accounts.members:
        own = replace(current, document=member.document)
        found = _account(accounts.one(member), member.bound, own)
        checks.extend(replace(each, detail=f"{member.name}: {each.detail}") for each in found)
    return tuple(checks)


def _account(session: AccountSession, bound: Guarded, current: StoredValue) -> Iterator[Check]:
    state = session.store.describe()
    yield Check(name="settings", status=Status.READY, detail=f"driver {bound.spec.code} is allowed and set up")
    yield from _waits(session, state, bound)
    yield from _target(session, state, bound, current)


def _labels(session: Session, state: SecretState, window: float, *, batch_size: int | None = None) -> Check:
    """Ask what createSecret asks, for the token that the rotation would have."""
    pending = state.holder(PENDING)
    token = "" if pending is None or pending == state.current_id else pending
    now = session.clock.now()
    try:
        if batch_size is None:
            require_labels(state, token, now, window)
        else:
            require_room(state, token, batch_size, now, window)
    except RotationError as error:
        return _stopped("labels", error)
    return Check(name="labels", status=Status.READY, detail="a rotation's labels fit beside those in use")


def _others(session: Session, state: SecretState) -> Iterator[Check]:
    busy = max((each.until for each in announcements(state) if each.until > session.clock.now()), default=None)
    if busy is None:
        yield Check(name="lease", status=Status.READY, detail="no other run holds the secret's lease")
    else:
        yield Check(name="lease", status=Status.WAITS, detail="another run holds the lease", not_before=busy)
    pending = state.holder(PENDING)
    if pending not in (None, state.current_id):
        yield Check(
            name="unfinished", status=Status.READY, detail=f"the unfinished rotation under {pending} would be resumed"
        )


def _writable(session: Session, state: SecretState) -> Check:
    """Ask the store to take a label away that is not there: refused for lack of the right, else without effect."""
    try:
        if state.current_id is not None:
            session.store.unmark(state.current_id, marks.parked("rehearsal", 0))
    except StoreError as error:
        return _stopped("store_write", error)
    return Check(
        name="store_write",
        status=Status.UNKNOWN,
        detail="labels may be moved; whether a value may be written shows only when one is",
    )


def _may_write(require_write: Callable[[], None]) -> Check:
    try:
        require_write()
    except StoreError as error:
        return _stopped("store_write", error)
    return Check(name="store_write", status=Status.READY, detail="the secret and what is kept beside it may be written")


def _waits(session: AccountSession, state: SecretState, bound: Guarded) -> Iterator[Check]:
    """Name each thing that asks for patience before a first reset; the latest decides."""
    now = session.clock.now()
    token = state.holder(PENDING) or ""
    waits = [
        *waiting.noted(state, token),
        *waiting.before_a_reset(state, now, min_age_seconds=bound.spec.min_age_seconds, lockout=bound.lockout),
    ]
    opening = bound.window.next_open(now)
    if opening > now:
        waits.append(waiting.Wait(Reason.OUTSIDE_WINDOW, opening))
    late = [wait for wait in waits if wait.until > now]
    for wait in late:
        parking = known(wait.reason)
        yield Check(
            name=wait.reason,
            status=Status.WAITS,
            detail=wait.reason.replace("_", " "),
            hint="" if parking is None else parking.hint,
            not_before=wait.until,
        )
    decides = waiting.earliest(now, late, bound.window)
    if decides is not None and all(wait.until != decides.until for wait in late):
        detail = "the maintenance window is closed again when the rest is over"
        yield Check(name="next_attempt", status=Status.WAITS, detail=detail, not_before=decides.until)
    count, _ = state.wrong_logins(since=now - bound.lockout.window_seconds)
    must_log_in = bound.minimum is Evidence.LOGIN or bound.spec.authority is Authority.SELF
    if must_log_in:
        try:
            require_tries(bound)
        except RotationError as error:
            yield _stopped("budget", error)
    if count < bound.lockout.budget:
        left = f"{bound.lockout.budget - count} of {bound.lockout.budget} wrong logins are left in the budget"
        yield Check(name="budget", status=Status.READY, detail=left)
    needed = bound.spec.call_seconds + RESERVE_SECONDS
    enough = session.time_left() >= needed
    yield Check(
        name="time",
        status=Status.READY if enough else Status.STOPS,
        detail=f"a reset needs {needed:.0f} s of a step's time",
        hint="" if enough else "Raise the function's time-out.",
    )


def _target(session: AccountSession, state: SecretState, bound: Guarded, current: StoredValue) -> Iterator[Check]:
    try:
        seen = bound.observe()
    except RotationError as error:
        ours = isinstance(error, AdminRejected | PermissionDenied)
        yield _stopped("admin_credential" if ours else "target", error)
        return
    yield _admin(bound)
    if not seen.obstacles:
        state_word = f" ({seen.state})" if seen.state else ""
        yield Check(name="target", status=Status.READY, detail=f"nothing stands in the way{state_word}")
    for obstacle in seen.obstacles:
        yield _stopped("target", obstacle)
    yield _evidence(bound, seen)
    yield from _policy(session, state, bound, seen, current)
    if bound.spec.authority is Authority.SELF:
        yield _old_password(session, state, bound, current)


def _evidence(bound: Guarded, seen: Observation) -> Check:
    try:
        met = bound.trusting(seen).require_provable(seen)
    except RotationError as error:
        return _stopped("evidence", error)
    detail = f"{bound.minimum.name} can be won" + (": the host answers, and is the right one" if met else "")
    return Check(name="evidence", status=Status.READY, detail=detail)


def _admin(bound: Guarded) -> Check:
    if bound.spec.authority is Authority.SELF:
        detail = "the account changes its own password; see current_password"
        return Check(name="admin_credential", status=Status.READY, detail=detail)
    if not isinstance(bound.driver, Observes):
        detail = "the driver cannot look at the account, so the admin credential was not tried"
    else:
        detail = "the admin credential is valid and may look; whether it may reset shows only when it does"
    return Check(name="admin_credential", status=Status.UNKNOWN, detail=detail)


def _policy(
    session: AccountSession, state: SecretState, bound: Guarded, seen: Observation, current: StoredValue
) -> Iterator[Check]:
    policy = bound.spec.policies.get(seen.variant)
    if policy is None:
        detail = f"{bound.spec.code} has no policy for the variant {seen.variant!r}"
        yield Check(name="policy", status=Status.STOPS, detail=detail)
        return
    context = Context(username=bound.username, previous=current.document.password)
    pending = state.holder(PENDING)
    try:
        stored = session.store.read(pending) if pending not in (None, state.current_id) else None
        if stored is not None:
            session.bind_pair(current.document, stored.document)
        candidate = stored.document.password if stored is not None else policy.generate(context)
    except RotationError as error:
        yield _stopped("candidate", error)
        return
    problems = ", ".join(problem.code for problem in policy.problems(candidate, context))
    which = "a generated candidate" if stored is None else "the staged candidate"
    fits = f"{which} fits the policy {policy.name}"
    yield Check(
        name="policy",
        status=Status.STOPS if problems else Status.READY,
        detail=f"{which} breaks the policy: {problems}" if problems else fits,
    )


def _old_password(session: AccountSession, state: SecretState, bound: Guarded, current: StoredValue) -> Check:
    budget = Budget(session=session, bound=bound, version_id=current.version_id)
    try:
        verdict = budget.log_in(current.document.password, state)
    except RotationError as error:
        return _stopped("current_password", error)
    if verdict is Verdict.ACCEPTED:
        return Check(name="current_password", status=Status.READY, detail="the current password opens the account")
    detail = "the current password does not open the account, and a change needs it"
    return Check(name="current_password", status=Status.STOPS, detail=detail, hint="`lockstep doctor` finds out more.")


def _faults(error: RotationError) -> list[Check]:
    """Return one check for each fault of the settings."""
    if not isinstance(error, SettingsError):
        return [_stopped("settings", error)]
    told = [f"{error.where}: {fault}" for fault in error.faults]
    return [Check(name="settings", status=Status.STOPS, detail=each, hint=error.hint) for each in told]


def _stopped(name: str, error: RotationError) -> Check:
    waits = isinstance(error, (Parked, InProgress)) or error.not_before is not None
    return Check(
        name=name,
        status=Status.WAITS if waits else Status.STOPS,
        detail=f"{error.code}: {error.message}",
        hint=error.hint,
        not_before=error.not_before,
    )
