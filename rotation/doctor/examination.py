"""Finds out which stored password is live, and writes nothing down but the tries that it costs."""

from __future__ import annotations

from dataclasses import replace

from rotation.core.document import SecretDocument, documents, list_key
from rotation.core.errors import CannotVerify, InProgress, RotationError, SecretDocumentError
from rotation.core.values import Evidence, Observation, Power, Task, TaskState, Verdict
from rotation.doctor.case import Case, Exhibit, Found, Value
from rotation.doctor.without_login import overtaken_batch, who_stopped_it, without_login
from rotation.drivers.guarded import Guarded
from rotation.engine.account.login_budget import Budget, require_tries
from rotation.engine.batch.batch import Batch
from rotation.engine.session import Session, identity
from rotation.state import parking, waiting
from rotation.state.lease import announcements
from rotation.state.parking import Reason
from rotation.state.store import StoredValue
from rotation.state.versions import SecretState, Version


def look(session: Session) -> Case:
    """Look at the labels, the values and the target, and log in with what is likely, inside the budget.

    Raises:
        StoreError: the secret cannot be read.
    """
    state = session.store.describe()
    exhibits = [_exhibit(session, version) for version in state.versions.values()]
    case = Case(state=state, now=session.clock.now(), exhibits=tuple(exhibits))
    busy = max((each.until for each in announcements(state) if each.until > case.now), default=None)
    if busy is not None:
        return replace(case, trouble=InProgress("a run holds this secret's lease", not_before=busy))
    first = _first(case)
    if first is None or first.stored is None:
        return case
    if list_key(first.stored.document) is not None:
        return _batch(session, replace(case, batch=True), first.stored)
    try:
        bound = session.bind(first.stored.document)
    except RotationError as error:
        return replace(case, trouble=error)
    case = replace(case, bound=bound, window=bound.lockout.window_seconds)
    case = replace(case, exhibits=tuple(_compared(session, bound, each) for each in case.exhibits))
    try:
        case = _asked(session, bound, case)
    except RotationError as error:
        case = replace(case, trouble=error)
    return _with_charges(session, case)


def _with_charges(session: Session, case: Case) -> Case:
    """Show what was written down meanwhile. The labels that the plan rests on stay those from before."""
    now = session.store.describe().versions
    fresh = (replace(each, version=now.get(each.id, each.version)) for each in case.exhibits)
    return replace(case, exhibits=tuple(fresh))


def _batch(session: Session, case: Case, stored: StoredValue) -> Case:
    """Check every account of a batch. An unfinished rotation finds out by itself, if it is of the same accounts."""
    try:
        accounts = Batch.of(session, stored.document)
        if accounts is not None:
            case = replace(case, window=accounts.window)
        if accounts is not None and case.pending is not None:
            return _unfinished_batch(session, case, accounts, case.pending)
        if accounts is not None:
            accounts.verify_current()
    except RotationError as error:
        return replace(case, trouble=error)
    return case


def _unfinished_batch(session: Session, case: Case, accounts: Batch, pending: Exhibit) -> Case:
    """Set a candidate aside that is not of current's accounts, in their order: the engine refuses it."""
    if pending.stored is None:
        return case
    if not _of_the_same_accounts(session, accounts, documents(pending.stored.document, accounts.key)):
        return case.noting(replace(pending, value=Value.FOREIGN, stored=None))
    return replace(case, doubted=pending.id if overtaken_batch(case, accounts, pending) else None)


def _of_the_same_accounts(session: Session, accounts: Batch, own: list[SecretDocument]) -> bool:
    if len(own) != len(accounts.members):
        return False
    try:
        for member, document in zip(accounts.members, own, strict=True):
            session.bind_pair(member.document, document)
    except RotationError:
        return False
    return True


def _exhibit(session: Session, version: Version) -> Exhibit:
    try:
        stored = session.store.read(version.id)
        if stored is not None and list_key(stored.document) is None:
            _ = stored.document.password
    except SecretDocumentError:
        return Exhibit(version=version, value=Value.UNUSABLE)
    return Exhibit(version=version, value=Value.EMPTY if stored is None else Value.USABLE, stored=stored)


def _first(case: Case) -> Exhibit | None:
    """Return whose account document counts: current's, else the candidate's, else the latest made."""
    usable = [each for each in case.exhibits if each.stored is not None]
    for each in (case.current, case.pending):
        if each in usable:
            return each
    return max(usable, key=lambda each: each.stored.created if each.stored else 0.0, default=None)


def _compared(session: Session, bound: Guarded, exhibit: Exhibit) -> Exhibit:
    """Set versions aside that name another account: their passwords must not be tried on this one."""
    if exhibit.stored is None:
        return exhibit
    try:
        other = session.bind(exhibit.stored.document)
    except RotationError:
        return replace(exhibit, value=Value.UNUSABLE, stored=None)
    same = other.spec.code == bound.spec.code and identity(other) == identity(bound)
    if not same or other.username != bound.username:
        return replace(exhibit, value=Value.FOREIGN, stored=None)
    return exhibit


def _asked(session: Session, bound: Guarded, case: Case) -> Case:
    case = _after_the_vendor(session, bound, case)
    seen = bound.observe()
    for obstacle in seen.obstacles:
        if isinstance(obstacle, InProgress):
            raise obstacle
    if seen.power is Power.STOPPED:
        case = replace(case, stopped=True, left_off=who_stopped_it(case))
    elif bound.can_ask(seen):
        return _by_login(session, bound, replace(case, may_answer=True), seen)
    return without_login(bound, case, seen)


def _after_the_vendor(session: Session, bound: Guarded, case: Case) -> Case:
    """Refuse to ask while the account is locked, or while the vendor's own work would make the answer worthless.

    Returns:
        The case. A candidate whose task failed needs no login to tell that it is not live.

    Raises:
        RotationError: says until when.
    """
    waits = [
        wait
        for each in case.exhibits
        for wait in waiting.noted(case.state, each.id)
        if wait.reason == Reason.ACCOUNT_LOCKED
    ]
    wait = waiting.earliest(case.now, waits)
    if wait is not None:
        parking.raise_parked(wait.reason, wait.until)
    pending = case.pending
    if pending is None or not pending.sent:
        return case
    ended = bound.poll(Task(pending.version.task)).state if pending.version.task else TaskState.DONE
    if ended is TaskState.RUNNING:
        raise InProgress("the vendor's task is still running")
    session.let_it_apply(pending.version.intent, bound)
    return case.noting(replace(pending, found=Found.DEAD)) if ended is TaskState.FAILED and case.by_admin else case


def _by_login(session: Session, bound: Guarded, case: Case, seen: Observation) -> Case:
    state = case.state
    for likely in _in_order(case, bound):
        each = case.exhibit(likely.id)
        if each is None or each.stored is None or each.found is not Found.NOT_ASKED:
            continue  # It has the same password as one that was asked.
        try:
            found = _try(session, bound, state, each.stored)
        except CannotVerify as unclear:
            return replace(without_login(bound, case, seen), trouble=unclear)
        except RotationError as unclear:
            return replace(case, trouble=unclear)
        case = case.telling(each, found, Evidence.LOGIN)
        if found is Found.LIVE or _enough(case):
            return case
        state = session.store.describe()
    return case


def _try(session: Session, bound: Guarded, state: SecretState, stored: StoredValue) -> Found:
    """Log in once. The charge stands on the version that was tried, so that the next examination begins elsewhere."""
    require_tries(bound)
    count, latest = state.wrong_logins(since=session.clock.now() - bound.lockout.window_seconds)
    if count >= bound.lockout.budget:
        parking.raise_parked(Reason.WRONG_LOGIN_BUDGET, latest + bound.lockout.window_seconds)
    budget = Budget(session=session, bound=bound, version_id=stored.version_id)
    verdict = budget.log_in(stored.document.password, state)
    return Found.LIVE if verdict is Verdict.ACCEPTED else Found.DEAD


def _in_order(case: Case, bound: Guarded) -> list[Exhibit]:
    """Return what to ask, the likeliest first; where the budget cannot pay for all, those not tried lately."""

    def likely(each: Exhibit) -> tuple[bool, bool, bool, float]:
        sent_pending = each is case.pending and each.sent
        made = each.stored.created if each.stored else 0.0
        return not sent_pending, each is not case.current, each is not case.pending, -(each.version.intent or made)

    askable = [each for each in case.exhibits if each.stored is not None and each.found is Found.NOT_ASKED]
    ordered = sorted(askable, key=likely)
    if len(ordered) > bound.lockout.budget:
        ordered.sort(key=lambda each: each.version.rejected[1])
    return ordered


def _enough(case: Case) -> bool:
    """Tell whether more wrong logins would tell nothing needed: an admin reset heals by sending the candidate again."""
    first = [each for each in (case.pending, case.current) if each is not None and each.stored is not None]
    return case.by_admin and case.pending in first and all(each.found is Found.DEAD for each in first)
