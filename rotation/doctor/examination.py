"""Finds out which stored password is live; the only thing it writes is the charge of each login.

Labels and values are read first. While another run holds the lease, or the vendor's task runs, or the account is
locked, nothing is asked: the answer would be worthless or would cost a try. Then the passwords are tried, the most
likely one first: a candidate that was sent, current, another candidate, then older versions, the latest first. One
login shows the state of every version that holds the same password. The first password that logs in ends the search.
"""

from __future__ import annotations

from dataclasses import replace

from rotation.core.document import SecretDocument, documents, list_key
from rotation.core.errors import CannotVerify, InProgress, RotationError, SecretDocumentError
from rotation.core.values import Evidence, Observation, Power, Task, TaskState, Verdict
from rotation.doctor.findings import Content, ExaminedVersion, Findings, PasswordState
from rotation.doctor.without_login import overtaken_batch, who_stopped_it, without_login
from rotation.drivers.guarded import Guarded
from rotation.engine.account import steps
from rotation.engine.account.login_budget import Budget, require_tries
from rotation.engine.account.verify import check_current
from rotation.engine.batch import batch
from rotation.engine.session import Session, identity
from rotation.state import parking, waiting
from rotation.state.lease import announcements
from rotation.state.parking import Reason
from rotation.state.store import StoredValue
from rotation.state.versions import SecretState, Version


def find_out(session: Session) -> Findings:
    """Read labels, values and target, and log in with the passwords that may be live, inside the budget.

    Raises:
        StoreError: the secret cannot be read.
    """
    state = session.store.describe()
    versions = tuple(_read(session, version) for version in state.versions.values())
    findings = Findings(state=state, now=session.clock.now(), versions=versions)
    busy = max((each.until for each in announcements(state) if each.until > findings.now), default=None)
    if busy is not None:
        return replace(findings, error=InProgress("a run holds this secret's lease", not_before=busy))
    document = _account_document(findings)
    if document is None:
        return findings
    if list_key(document) is not None:
        return _batch(session, replace(findings, batch=True), document)
    try:
        bound = session.bind(document)
    except RotationError as error:
        return replace(findings, error=error)
    findings = replace(findings, bound=bound, window=bound.lockout.window_seconds)
    findings = replace(findings, versions=tuple(_of_account(session, bound, each) for each in findings.versions))
    try:
        findings = _ask(session, bound, findings)
    except RotationError as error:
        findings = replace(findings, error=error)
    return _with_charges(session, findings)


def _with_charges(session: Session, findings: Findings) -> Findings:
    """Show the charges that were written meanwhile. The labels that the plan rests on stay those from before."""
    now = session.store.describe().versions
    fresh = (replace(each, version=now.get(each.id, each.version)) for each in findings.versions)
    return replace(findings, versions=tuple(fresh))


def _batch(session: Session, findings: Findings, document: SecretDocument) -> Findings:
    """Check every account of a batch. An unfinished rotation finds out by itself, if it has the same accounts."""
    try:
        accounts = batch.of(session, document, steps.single())
        if accounts is not None:
            findings = replace(findings, window=accounts.window)
        if accounts is not None and findings.pending is not None:
            return _unfinished_batch(session, findings, accounts, findings.pending)
        if accounts is not None:
            accounts.verify_current(check_current)
    except RotationError as error:
        return replace(findings, error=error)
    return findings


def _unfinished_batch(
    session: Session, findings: Findings, accounts: batch.Batch, pending: ExaminedVersion
) -> Findings:
    """Mark a candidate as foreign that has other accounts than current or another order: the engine refuses it."""
    if pending.stored is None:
        return findings
    if not _same_accounts(session, accounts, documents(pending.stored.document, accounts.key)):
        return findings.with_version(replace(pending, content=Content.FOREIGN, stored=None))
    return replace(findings, overtaken=pending.id if overtaken_batch(findings, accounts, pending) else None)


def _same_accounts(session: Session, accounts: batch.Batch, own: list[SecretDocument]) -> bool:
    if len(own) != len(accounts.members):
        return False
    try:
        for member, document in zip(accounts.members, own, strict=True):
            session.bind_pair(member.document, document)
    except RotationError:
        return False
    return True


def _read(session: Session, version: Version) -> ExaminedVersion:
    try:
        stored = session.store.read(version.id)
        if stored is not None and list_key(stored.document) is None:
            _ = stored.document.password
    except SecretDocumentError:
        return ExaminedVersion(version=version, content=Content.UNUSABLE)
    return ExaminedVersion(version=version, content=Content.EMPTY if stored is None else Content.USABLE, stored=stored)


def _account_document(findings: Findings) -> SecretDocument | None:
    """Return the document that names the account: current's, else the candidate's, else the latest one."""
    for each in (findings.current, findings.pending):
        if each is not None and each.stored is not None:
            return each.stored.document
    stored = [each.stored for each in findings.versions if each.stored is not None]
    return max(stored, key=lambda each: each.created).document if stored else None


def _of_account(session: Session, bound: Guarded, examined: ExaminedVersion) -> ExaminedVersion:
    """Mark a version that names another account: its password must not be tried on this one."""
    if examined.stored is None:
        return examined
    try:
        other = session.bind(examined.stored.document)
    except RotationError:
        return replace(examined, content=Content.UNUSABLE, stored=None)
    same = other.spec.code == bound.spec.code and identity(other) == identity(bound)
    if not same or other.username != bound.username:
        return replace(examined, content=Content.FOREIGN, stored=None)
    return examined


def _ask(session: Session, bound: Guarded, findings: Findings) -> Findings:
    findings = _require_settled(session, bound, findings)
    seen = bound.observe()
    for obstacle in seen.obstacles:
        if isinstance(obstacle, InProgress):
            raise obstacle
    if seen.power is Power.STOPPED:
        findings = replace(findings, stopped=True, stopped_by=who_stopped_it(findings))
    elif bound.can_ask(seen):
        return _by_login(session, bound, replace(findings, checkable=True), seen)
    return without_login(bound, findings, seen)


def _require_settled(session: Session, bound: Guarded, findings: Findings) -> Findings:
    """Refuse to ask while the account is locked or the vendor is still at work.

    Returns:
        The findings. A candidate whose task failed is not live, which needs no login.

    Raises:
        RotationError: its ``not_before`` says until when.
    """
    waits = [
        wait
        for each in findings.versions
        for wait in waiting.noted(findings.state, each.id)
        if wait.reason == Reason.ACCOUNT_LOCKED
    ]
    wait = waiting.earliest(findings.now, waits)
    if wait is not None:
        raise parking.error(wait.reason, wait.until)
    pending = findings.pending
    if pending is None or not pending.sent:
        return findings
    ended = bound.poll(Task(pending.version.task)).state if pending.version.task else TaskState.DONE
    if ended is TaskState.RUNNING:
        raise InProgress("the vendor's task is still running")
    session.let_it_apply(pending.version.intent, bound)
    return (
        findings.with_version(replace(pending, password=PasswordState.DEAD))
        if ended is TaskState.FAILED and findings.by_admin
        else findings
    )


def _by_login(session: Session, bound: Guarded, findings: Findings, seen: Observation) -> Findings:
    state = findings.state
    for likely in _in_order(findings, bound):
        each = findings.version(likely.id)
        if each is None or each.stored is None or each.password is not PasswordState.NOT_ASKED:
            continue  # another version holds the same password and was asked
        try:
            found = _try(session, bound, state, each.stored)
        except CannotVerify as unclear:
            return replace(without_login(bound, findings, seen), error=unclear)
        except RotationError as unclear:
            return replace(findings, error=unclear)
        findings = findings.with_password_state(each, found, Evidence.LOGIN)
        if found is PasswordState.LIVE or _enough(findings):
            return findings
        state = session.store.describe()
    return findings


def _try(session: Session, bound: Guarded, state: SecretState, stored: StoredValue) -> PasswordState:
    """Log in once. The charge is put on the version that was tried, so that the next examination begins elsewhere."""
    require_tries(bound)
    count, latest = state.wrong_logins(since=session.clock.now() - bound.lockout.window_seconds)
    if count >= bound.lockout.budget:
        raise parking.error(Reason.WRONG_LOGIN_BUDGET, latest + bound.lockout.window_seconds)
    budget = Budget(session=session, bound=bound, version_id=stored.version_id)
    verdict = budget.log_in(stored.document.password, state)
    return PasswordState.LIVE if verdict is Verdict.ACCEPTED else PasswordState.DEAD


def _in_order(findings: Findings, bound: Guarded) -> list[ExaminedVersion]:
    """Return what to ask: the most likely first, or the least recently tried where the budget is too small for all."""

    def likely(each: ExaminedVersion) -> tuple[bool, bool, bool, float]:
        sent_pending = each is findings.pending and each.sent
        made = each.stored.created if each.stored else 0.0
        return (
            not sent_pending,
            each is not findings.current,
            each is not findings.pending,
            -(each.version.intent or made),
        )

    askable = [
        each for each in findings.versions if each.stored is not None and each.password is PasswordState.NOT_ASKED
    ]
    ordered = sorted(askable, key=likely)
    if len(ordered) > bound.lockout.budget:
        ordered.sort(key=lambda each: each.version.rejected[1])
    return ordered


def _enough(findings: Findings) -> bool:
    """Return whether more logins would show nothing needed: an admin reset heals by sending the candidate again."""
    first = [each for each in (findings.pending, findings.current) if each is not None and each.stored is not None]
    return (
        findings.by_admin and findings.pending in first and all(each.password is PasswordState.DEAD for each in first)
    )
