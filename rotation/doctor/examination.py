"""Finds out which stored password is live; the only thing it writes is the charge of each login.

Labels and values are read first. While another run holds the lease, or the vendor's task runs, or the account is
locked, no login is made: its answer would be worthless, or would use up the budget. Then the passwords are tried, the
most likely one first: a candidate that was sent, current, another candidate, then older versions, the latest first.
One login shows the state of every version with the same password. The first password that logs in ends the search.
A password that was rejected while that wrong login still counts is not tried again: labels say so.
"""

from __future__ import annotations

from collections.abc import Sequence

from rotation.core.document import SecretDocument, documents, list_key, takes_turns, turned
from rotation.core.errors import CannotVerify, InProgress, LoginRejected, RotationError, SecretDocumentError
from rotation.core.values import Evidence, Observation, Power, Task, TaskState, Verdict
from rotation.doctor.findings import Content, ExaminedVersion, Findings, PasswordState
from rotation.doctor.without_login import overtaken_batch, who_stopped_it, without_login
from rotation.drivers.guarded import Guarded
from rotation.engine.account.login_budget import Budget, require_tries
from rotation.engine.batch.batch import Batch
from rotation.engine.session import Session
from rotation.state import parking, waiting
from rotation.state.lease import busy
from rotation.state.parking import Reason
from rotation.state.store import StoredValue
from rotation.state.versions import SecretState, Version


def find_out(session: Session) -> Findings:
    """Read labels, values and target, and log in with the passwords that may be live, inside the budget.

    Raises:
        StoreError: the secret cannot be read.
    """
    state = session.store.describe()
    versions = [_read(session, state, version) for version in state.versions.values()]
    findings = Findings(state=state, now=session.clock.now(), versions=versions)
    until = busy(state, findings.now)
    if until is not None:
        findings.error = InProgress("a run holds this secret's lease", not_before=until)
        return findings
    document = _account_document(findings)
    if document is None:
        return findings
    try:
        if list_key(document) is None:
            _one_account(session, findings, document)
        else:
            findings.batch = True
            _batch(session, findings, document)
    except RotationError as error:
        findings.error = error
    if findings.bound is not None:
        now = session.store.describe()  # shows the new charges; a plan rests on the labels from before
        for each in findings.versions:
            each.version = now.versions.get(each.id, each.version)
        _recall(session, findings, now)
    return findings


def _recall(session: Session, findings: Findings, state: SecretState) -> None:
    """Note which passwords were rejected a moment ago, where something kept the examination from asking again."""
    for each in findings.versions:
        if each.bound is None or each.password is not PasswordState.NOT_ASKED:
            continue
        if Budget(session=session, bound=each.bound, version_id=each.id).rejected_at(state) is not None:
            findings.note_password(each, PasswordState.DEAD, Evidence.LOGIN)


def _read(session: Session, state: SecretState, version: Version) -> ExaminedVersion:
    try:
        stored = session.store.read(version.id)
        if stored is not None and list_key(stored.document) is None:
            _ = stored.document.password
    except SecretDocumentError:
        return ExaminedVersion(version=version, content=Content.UNUSABLE)
    if stored is not None and not state.was_put(version.id) and stored.is_foreign():
        return ExaminedVersion(version=version, content=Content.PLANTED)
    return ExaminedVersion(version=version, content=Content.EMPTY if stored is None else Content.USABLE, stored=stored)


def _account_document(findings: Findings) -> SecretDocument | None:
    """Return the document that names the account: current's, else the candidate's, else the latest one."""
    for each in (findings.current, findings.pending):
        if each is not None and each.stored is not None:
            return each.stored.document
    stored = [each.stored for each in findings.versions if each.stored is not None]
    return max(stored, key=lambda each: each.created).document if stored else None


def _batch(session: Session, findings: Findings, document: SecretDocument) -> None:
    """Check every account of a batch, unless an unfinished rotation of the same accounts will find out by itself."""
    accounts = Batch.of(session, document)
    if accounts is None:
        return
    findings.window = accounts.window
    pending = findings.pending
    if pending is None:
        proved = _proved(findings, accounts)
        if findings.current is not None and len(proved) == len(accounts.members):
            findings.current.password, findings.current.evidence = PasswordState.LIVE, min(proved)
    elif pending.stored is None:
        return
    elif not _same_accounts(session, accounts, documents(pending.stored.document, accounts.key)):
        pending.set_aside(Content.FOREIGN)  # the engine refuses other accounts than current's or another order
    elif overtaken_batch(findings, accounts, pending):
        findings.overtaken = pending.id


def _proved(findings: Findings, accounts: Batch) -> list[Evidence]:
    """Return how the current passwords of a batch were proved, each that could be."""
    try:
        found = accounts.verify_current(findings.state).members
    except LoginRejected:
        if findings.current is not None:
            findings.current.password = PasswordState.DEAD  # of at least one account; the error names which
        raise
    return [each.evidence for each in found if each.evidence is not None]


def _same_accounts(session: Session, accounts: Batch, own: list[SecretDocument]) -> bool:
    if len(own) != len(accounts.members):
        return False
    try:
        for member, document in zip(accounts.members, own, strict=True):
            session.bind_pair(member.document, document)
    except RotationError:
        return False
    return True


def _one_account(session: Session, findings: Findings, document: SecretDocument) -> None:
    findings.bound = bound = session.bind(document)
    findings.window, findings.in_turns = bound.lockout.counts_seconds, takes_turns(document)
    accounts = [bound, session.bind(turned(document))] if findings.in_turns else [bound]
    for each in findings.versions:
        _compare(session, accounts, each)
    _ask(session, bound, findings)
    pending = findings.pending
    if findings.in_turns and pending and pending.bound is bound and pending.password is not PasswordState.LIVE:
        # It is the other account's turn, so the engine refuses to continue this one.
        pending.set_aside(Content.FOREIGN)


def _compare(session: Session, accounts: Sequence[Guarded], examined: ExaminedVersion) -> None:
    """Exclude a version that names another account: its password must not be tried on this one."""
    if examined.stored is None:
        return
    try:
        examined.bound = next((each for each in accounts if session.is_of(each, examined.stored.document)), None)
    except RotationError:
        examined.set_aside(Content.UNUSABLE)
        return
    if examined.bound is None:
        examined.set_aside(Content.FOREIGN)


def _ask(session: Session, bound: Guarded, findings: Findings) -> None:
    pending = findings.pending
    due = bound if pending is None or pending.bound is None else pending.bound
    task_failed = _require_settled(session, due, findings)
    seen = bound.observe()
    for obstacle in (*seen.obstacles, *(() if due is bound else due.observe().obstacles)):
        if isinstance(obstacle, InProgress):
            raise obstacle
    if task_failed and findings.pending is not None and findings.by_admin:
        findings.pending.password = PasswordState.DEAD
    if seen.power is Power.STOPPED:
        findings.stopped = True
        findings.stopped_by = who_stopped_it(findings)
    elif bound.can_ask(seen):
        findings.checkable = True
        _by_login(session, bound, findings, seen)
        return
    bound.require_library(seen)
    without_login(bound, findings, seen)


def _require_settled(session: Session, bound: Guarded, findings: Findings) -> bool:
    """Refuse to ask while the account is locked or the vendor is still at work.

    Returns:
        Whether the candidate's task has failed, so that no login is needed to know that it is not live.

    Raises:
        RotationError: its ``not_before`` says until when.
    """
    waits = [wait for each in findings.versions for wait in waiting.noted(findings.state, each.id)]
    locked = waiting.earliest(findings.now, [wait for wait in waits if wait.reason == Reason.ACCOUNT_LOCKED])
    if locked is not None:
        parking.raise_parked(locked.reason, locked.until)
    pending = findings.pending
    if pending is None or not pending.sent:
        return False
    ended = bound.poll(Task(pending.version.task)).state if pending.version.task else TaskState.DONE
    if ended is TaskState.RUNNING:
        raise InProgress("the vendor's task is still running")
    session.let_it_apply(pending.version, bound)
    return ended is TaskState.FAILED


def _by_login(session: Session, bound: Guarded, findings: Findings, seen: Observation) -> None:
    state = findings.state
    for each in _in_order(findings, bound):
        if each.stored is None or each.password is not PasswordState.NOT_ASKED:
            continue  # another version holds the same password and was asked
        if _is_kept_for_a_rotation(session, bound, findings, each):
            findings.kept = True
            return
        try:
            password = _try(session, each.bound or bound, state, each.stored)
        except CannotVerify as error:
            findings.error = error
            without_login(bound, findings, seen)
            return
        findings.note_password(each, password, Evidence.LOGIN)
        if password is PasswordState.LIVE or _enough(findings):
            return
        state = session.store.describe()


def _try(session: Session, bound: Guarded, state: SecretState, stored: StoredValue) -> PasswordState:
    """Log in once. The charge is put on the version that was tried, so that the next examination begins elsewhere."""
    require_tries(bound)
    budget = Budget(session=session, bound=bound, version_id=stored.version_id)
    if budget.rejected_at(state) is not None:
        return PasswordState.DEAD
    count, latest = state.wrong_logins(since=state.counts_since(session.clock.now(), bound.lockout))
    if count >= bound.lockout.budget and not session.may_overspend:
        parking.raise_parked(Reason.WRONG_LOGIN_BUDGET, latest + bound.lockout.counts_seconds)
    verdict = budget.ask_own(stored.document.password, state)
    return PasswordState.LIVE if verdict is Verdict.ACCEPTED else PasswordState.DEAD


def _is_kept_for_a_rotation(session: Session, bound: Guarded, findings: Findings, each: ExaminedVersion) -> bool:
    """Return whether the last try is kept for the login that proves a reset, which needs no older password.

    A candidate of a cancelled rotation that was sent after current is no older password: it may well be live.
    """
    current = findings.current
    newer = current is not None and (each.version.intent or -1.0) > (current.version.intent or 0.0)
    if not findings.by_admin or session.may_overspend or newer or each in (current, findings.pending):
        return False
    if Budget(session=session, bound=bound, version_id=each.id).rejected_at(findings.state) is not None:
        return False
    state = session.store.describe()
    count, _ = state.wrong_logins(since=state.counts_since(session.clock.now(), bound.lockout))
    return 0 < bound.lockout.budget - 1 <= count < bound.lockout.budget


def _in_order(findings: Findings, bound: Guarded) -> list[ExaminedVersion]:
    """Return the versions to try: the most likely first, or the least recently tried if the budget is too small."""
    current, pending = findings.current, findings.pending

    def likely(each: ExaminedVersion) -> tuple[bool, bool, bool, float]:
        made = each.stored.created if each.stored else 0.0
        based = not each.version.intents or each.version.intents[-1].base == ""
        put_since = not (based or findings.state.is_based_on_current(each.version))  # then current is likelier
        sent_pending = each is pending and each.sent and not put_since
        return not sent_pending, each is not current, each is not pending, -(each.version.intent or made)

    askable = [each for each in findings.versions if each.stored and each.password is PasswordState.NOT_ASKED]
    if len(askable) > bound.lockout.budget:
        return sorted(sorted(askable, key=likely), key=lambda each: each.version.rejected[1])
    return sorted(askable, key=likely)


def _enough(findings: Findings) -> bool:
    """Return whether the result is already sufficient: current and candidate are dead, and an admin can reset them."""
    first = [each for each in (findings.pending, findings.current) if each is not None and each.stored is not None]
    dead = all(each.password is PasswordState.DEAD for each in first)
    return findings.by_admin and findings.pending in first and dead
