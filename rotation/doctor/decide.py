"""Decides what is wrong and what to do about it: a pure function of the findings.

For a secret of one account the first rule that applies decides:

1. A machine that an abandoned rotation left off is started.
2. Without a current version a human must name one.
3. Where no version is found live, ``_none_live`` asks whether a rotation can still reset the account.
4. A live version that is not current is promoted.
5. A candidate beside the live version is dropped when no reset with it can be live, and resumed otherwise.

For example, current opens the account, and candidate ``c`` was sent and does not: the plan is ``resume c``, since the
vendor may not have got the request. Had the candidate never been sent, the plan would be ``release c``.
"""

from __future__ import annotations

from dataclasses import replace

from rotation.core.errors import LoginRejected, RotationError
from rotation.core.values import Evidence
from rotation.doctor import advice, side_findings
from rotation.doctor.diagnosis import Action, Condition, Diagnosis, Verb
from rotation.doctor.findings import SETTLED_SECONDS, Content, ExaminedVersion, Findings, PasswordState
from rotation.state.parking import Reason, needs_human
from rotation.state.stages import PENDING

Plan = tuple[Action, ...]


def decide(findings: Findings) -> Diagnosis:
    """Return the diagnosis."""
    return side_findings.add_to(_batch(findings) if findings.batch else _one_account(findings))


def _one_account(findings: Findings) -> Diagnosis:
    live, pending, current = findings.live, findings.pending, findings.current
    if findings.stopped_by is not None and pending is None:
        summary = "an abandoned rotation has left the machine stopped"
        return _planned(findings, summary, (Action(Verb.START, findings.stopped_by),))
    if current is None:
        return _human(findings, "the secret has no current version", advice.no_current(live.id if live else None))
    if live is None:
        return _none_live(findings, current)
    if live is current:
        promotion: Plan = ()
        summary = "current is live"
        if live.evidence is Evidence.ACCEPTED:
            summary = "the vendor accepted current, and no login can prove it"
    else:
        promotion = (Action(Verb.PROMOTE, live.id),)
        summary = f"the live password is that of version {live.id}"
        if findings.in_turns and live is pending:
            summary = f"the candidate {live.id} is live, and its account's turn can end"
    if pending is not None and pending is not live:
        return _with_candidate(findings, summary, promotion, pending)
    # The service would treat it as an incomplete rotation, and try that one again.
    left_over = live is current and findings.state.holder(PENDING) not in (None, current.id) and pending is None
    return _planned(findings, summary, (Action(Verb.SETTLE, current.id),) if left_over else promotion)


def _with_candidate(findings: Findings, summary: str, promotion: Plan, pending: ExaminedVersion) -> Diagnosis:
    """Decide about the candidate where another version is live."""
    if pending.password is PasswordState.LIVE or not pending.sent:
        return _useless(findings, summary, promotion, pending)
    if not pending.usable:
        what, help_ = _strange(pending)
        return _human(findings, f"{summary}; {what}", help_, promotion)
    if pending.version.parked and pending.version.parked[0] == Reason.CANDIDATE_REFUSED:
        settled = (pending.version.intent or 0.0) + SETTLED_SECONDS
        if settled > findings.now:
            return _waiting(findings, f"{summary}; the refused candidate may still take effect", settled)
        what = f"{summary}; the vendor refuses the candidate {pending.id}, and it is not live"
        return _planned(findings, what, (*promotion, Action(Verb.RELEASE, pending.id)))
    waiting = None if promotion else _waits_by_itself(findings, pending)
    what = f"{summary}; the reset with {pending.id} did not take effect"
    return waiting or _planned(findings, what, (*promotion, Action(Verb.RESUME, pending.id)))


def _useless(findings: Findings, summary: str, promotion: Plan, pending: ExaminedVersion) -> Diagnosis:
    """Drop a candidate that was never sent, or whose password an operator has put into current."""
    release = (*promotion, Action(Verb.RELEASE, pending.id))
    if pending.password is PasswordState.LIVE:
        return _planned(findings, f"{summary}; the candidate {pending.id} holds the same password", release)
    waiting = None if promotion or not pending.usable else _waits_by_itself(findings, pending)
    what = f"{summary}; nothing was ever sent with the candidate {pending.id}"
    return waiting or _planned(findings, what, release)


def _strange(pending: ExaminedVersion) -> tuple[str, str]:
    """Return what is wrong with a candidate whose password is not to be used, and what to do about it."""
    if pending.content is Content.PLANTED:
        return f"the candidate {pending.id} {pending.content}", advice.planted(pending.id)
    return f"the candidate {pending.id} was sent, and {pending.content}", advice.strange_candidate(pending.id)


def _none_live(findings: Findings, current: ExaminedVersion) -> Diagnosis:
    pending = findings.pending
    release: Plan = ()
    if pending is not None and not pending.sent and not pending.usable:
        release = (Action(Verb.RELEASE, pending.id),)
    if findings.error is not None:
        return _not_examined(findings, findings.error, release)
    if findings.overtaken is not None:
        return _overtaken(findings, findings.overtaken, release)
    if pending is not None and pending.usable and findings.by_admin:
        return _sent_again(findings, current, pending)
    if pending is not None and pending.sent and not pending.usable:
        what, help_ = _strange(pending)
    elif findings.checkable:
        what = "none of the stored passwords opens the account"
        if findings.kept:
            what = "current does not open the account; older passwords were not tried, to keep a login for the rotation"
        by_rotation = advice.RESET_IN_TURN if findings.in_turns else advice.RESET_BY_ROTATION
        help_ = by_rotation if findings.by_admin else advice.EXTERNAL_CHANGE
    elif not current.usable:
        what, help_ = "current holds no account document", advice.BAD_DOCUMENT
    else:
        what = "it is unknown whether current is live: there is no login check that could be made"
        return _planned(findings, what, release)
    return _human(findings, what, help_, release)


def _sent_again(findings: Findings, current: ExaminedVersion, pending: ExaminedVersion) -> Diagnosis:
    """Resume a rotation that needs no old password, or wait if it is parked and may have succeeded."""
    unknown = PasswordState.UNKNOWN in (pending.password, current.password)
    unsure = unknown or not findings.checkable
    summary = "it is unknown which password is live" if unsure else "neither current nor the candidate is live"
    waiting = _waits_by_itself(findings, pending) if unsure else None
    what = f"{summary}; the same candidate is sent again"
    return waiting or _planned(findings, what, (Action(Verb.RESUME, pending.id),))


def _batch(findings: Findings) -> Diagnosis:
    pending = findings.pending
    if pending is not None:
        return _unfinished_batch(findings, pending)
    if isinstance(findings.error, LoginRejected):
        return _human(findings, findings.error.message, advice.BATCH_DRIFT)
    if findings.error is not None:
        return _not_examined(findings, findings.error)
    return _planned(findings, "a batch without an unfinished rotation; no account's password was found dead", ())


def _unfinished_batch(findings: Findings, pending: ExaminedVersion) -> Diagnosis:
    current = findings.current
    if pending.content is Content.PLANTED and pending.sent:
        return _human(findings, *_strange(pending))
    if pending.sent and not pending.usable:
        what = f"the batch's candidate {pending.id} was sent, and is not of current's accounts in current's order"
        return _human(findings, what, advice.strange_batch(pending.id))
    if pending.sent and (current is None or not current.usable):
        what = f"current holds no account document; version {pending.id} was sent and may hold live passwords"
        return _human(findings, what, advice.BAD_DOCUMENT)
    if findings.overtaken is not None:
        return _overtaken(findings, findings.overtaken)
    if pending.sent and findings.error is not None:
        return _not_examined(findings, findings.error)
    verb = Verb.RESUME if pending.sent else Verb.RELEASE
    what = f"an unfinished rotation of a batch under {pending.id}"
    return _waits_by_itself(findings, pending) or _planned(findings, what, (Action(verb, pending.id),))


def _waits_by_itself(findings: Findings, pending: ExaminedVersion) -> Diagnosis | None:
    """Return the wait of a parked rotation that continues by itself."""
    if pending.version.parked is None or pending.version.parked[1] <= findings.now:
        return None
    reason, until = pending.version.parked
    if needs_human(reason):
        return None
    what = f"the rotation under {pending.id} is parked ({reason.replace('_', ' ')}) and continues by itself"
    return replace(_waiting(findings, what, until), advice=advice.ANSWERS.get(reason, ""))


def _overtaken(findings: Findings, version_id: str, plan: Plan = ()) -> Diagnosis:
    what = f"the vendor said yes to version {version_id}, and current was put into the secret after that"
    return _human(findings, what, advice.put_since(version_id), plan)


def _not_examined(findings: Findings, error: RotationError, plan: Plan = ()) -> Diagnosis:
    what = f"could not find out which password is live: {error.message}"
    diagnosis = _human(findings, what, error.hint, plan)
    if error.retryable:
        diagnosis = replace(diagnosis, condition=Condition.WAITING, not_before=error.not_before)
    return replace(diagnosis, condition=Condition.REPAIRABLE) if plan else diagnosis


def _planned(findings: Findings, summary: str, plan: Plan) -> Diagnosis:
    condition = Condition.REPAIRABLE if plan else Condition.HEALTHY
    return Diagnosis(condition=condition, summary=summary, findings=findings, plan=plan)


def _waiting(findings: Findings, summary: str, until: float) -> Diagnosis:
    return Diagnosis(condition=Condition.WAITING, summary=summary, findings=findings, not_before=until)


def _human(findings: Findings, summary: str, help_: str, plan: Plan = ()) -> Diagnosis:
    return Diagnosis(condition=Condition.HUMAN, summary=summary, findings=findings, advice=help_, plan=plan)
