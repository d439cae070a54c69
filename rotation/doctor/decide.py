"""What is wrong, and what to do about it: a pure decision over what was found."""

from __future__ import annotations

from dataclasses import replace

from rotation.core.errors import LoginRejected
from rotation.doctor import advice, side_findings
from rotation.doctor.case import SETTLED_SECONDS, Case, Exhibit, Found, Value
from rotation.doctor.diagnosis import Action, Condition, Diagnosis, Verb
from rotation.state.parking import Reason, known


def decide(case: Case) -> Diagnosis:
    """Return the diagnosis."""
    return side_findings.added(_batch(case) if case.batch else _of_one(case))


def _of_one(case: Case) -> Diagnosis:
    live, pending = case.live, case.pending
    if case.left_off is not None and pending is None:
        told = "a rotation that was given up has left the machine stopped"
        return _planned(case, told, (Action(Verb.START, case.left_off),))
    if case.current is None:
        return _human(case, "the secret has no current version", advice.no_current(live.id if live else None))
    if live is None:
        return _none_live(case)
    first = () if live is case.current else (Action(Verb.PROMOTE, live.id),)
    summary = "current is live" if live is case.current else f"the live password is that of version {live.id}"
    if pending is None or live is pending:
        return _planned(case, summary, (*first, *_leftovers(case, promoted=bool(first))))
    return _with_candidate(case, summary, first, pending)


def _with_candidate(case: Case, summary: str, first: tuple[Action, ...], pending: Exhibit) -> Diagnosis:
    """Another version than the candidate is live: what to do with the candidate."""
    if pending.found is Found.LIVE or not pending.sent:
        return _of_no_use(case, summary, first, pending)
    if pending.value is not Value.USABLE:
        told = f"{summary}; the candidate {pending.id} was sent, and {pending.value}"
        return replace(_human(case, told, advice.strange_candidate(pending.id)), plan=first)
    reason = pending.version.parked[0] if pending.version.parked else None
    if reason == Reason.CANDIDATE_REFUSED:
        settled = (pending.version.intent or 0.0) + SETTLED_SECONDS
        if settled > case.now:
            return _waiting(case, f"{summary}; the refused candidate may still take effect", settled)
        what = f"; the vendor refuses the candidate {pending.id}, and it is not live"
        return _planned(case, summary + what, (*first, Action(Verb.RELEASE, pending.id)))
    waits = None if first else _waits_by_itself(case, pending)
    resume = Action(Verb.RESUME, pending.id)
    return waits or _planned(case, f"{summary}; the reset with {pending.id} did not take effect", (*first, resume))


def _of_no_use(case: Case, summary: str, first: tuple[Action, ...], pending: Exhibit) -> Diagnosis:
    """Nothing is lost with a candidate that was never sent, or whose password somebody has put into current."""
    release = (*first, Action(Verb.RELEASE, pending.id))
    if pending.found is Found.LIVE:
        return _planned(case, f"{summary}; the candidate {pending.id} holds the same password", release)
    waits = None if first else _waits_by_itself(case, pending)
    if waits is not None and pending.value is Value.USABLE:
        return waits
    return _planned(case, f"{summary}; nothing was ever sent with the candidate {pending.id}", release)


def _none_live(case: Case) -> Diagnosis:
    pending = case.pending
    useless = pending is not None and not pending.sent and pending.value is not Value.USABLE
    release = (Action(Verb.RELEASE, pending.id),) if pending is not None and useless else ()
    if case.trouble is not None:
        return _trouble(case, release)
    if case.doubted is not None:
        return replace(_overtaken(case, case.doubted), plan=release)
    if pending is not None and pending.value is Value.USABLE and case.by_admin:
        unsure = any(each.found is Found.UNKNOWN for each in (pending, case.current) if each) or not case.may_answer
        summary = "nobody can tell which password is live" if unsure else "neither current nor the candidate is live"
        waits = _waits_by_itself(case, pending) if unsure else None
        return waits or _planned(
            case, f"{summary}; the same candidate is sent again", (Action(Verb.RESUME, pending.id),)
        )
    if pending is not None and pending.sent and pending.value is not Value.USABLE:
        told = f"the candidate {pending.id} was sent, and {pending.value}"
        return _human(case, told, advice.strange_candidate(pending.id))
    if not case.may_answer:
        return _unprovable(case, release)
    told = "none of the stored passwords opens the account"
    help_ = advice.reset_by_rotation() if case.by_admin else advice.external_change()
    return replace(_human(case, told, help_), plan=release)


def _overtaken(case: Case, doubted: str) -> Diagnosis:
    told = f"the vendor said yes to version {doubted}, and current was put into the secret after that"
    return _human(case, told, advice.put_since(doubted))


def _trouble(case: Case, release: tuple[Action, ...]) -> Diagnosis:
    error = case.trouble
    assert error is not None  # noqa: S101 - the caller's condition, for the type checker
    if error.retryable:
        told = _waiting(case, f"could not find out which password is live: {error.message}", error.not_before)
        told = replace(told, advice=error.hint)
    else:
        told = _human(case, f"could not find out which password is live: {error.message}", error.hint)
    return replace(told, plan=release, condition=Condition.REPAIRABLE if release else told.condition)


def _unprovable(case: Case, release: tuple[Action, ...]) -> Diagnosis:
    current = case.current
    if current is None or current.value is not Value.USABLE:
        return replace(_human(case, "current holds no account document", advice.bad_document()), plan=release)
    told = "nobody can tell whether current is live: there is no login check that could be made"
    return _planned(case, told, release)


def _leftovers(case: Case, *, promoted: bool) -> tuple[Action, ...]:
    current = case.current
    if promoted or current is None or "AWSPENDING" not in current.version.stages:
        return ()
    return (Action(Verb.SETTLE, current.id),)


def _waits_by_itself(case: Case, pending: Exhibit) -> Diagnosis | None:
    """Return the wait of a parked rotation that goes on without anybody."""
    if pending.version.parked is None or pending.version.parked[1] <= case.now:
        return None
    reason, until = pending.version.parked
    parking = known(reason)
    if parking is not None and not parking.by_itself:
        return None
    told = f"the rotation under {pending.id} is parked ({reason.replace('_', ' ')}) and goes on by itself"
    return replace(_waiting(case, told, until), advice=advice.ANSWERS.get(reason, ""))


def _batch(case: Case) -> Diagnosis:
    pending = case.pending
    if pending is not None:
        return _unfinished_batch(case, pending)
    if isinstance(case.trouble, LoginRejected):
        return _human(case, case.trouble.message, advice.batch_drift())
    if case.trouble is not None:
        return _trouble(case, ())
    return _planned(case, "a batch without an unfinished rotation; no account's password was found dead", ())


def _unfinished_batch(case: Case, pending: Exhibit) -> Diagnosis:
    if pending.sent and pending.value is not Value.USABLE:
        told = f"the batch's candidate {pending.id} was sent, and is not of current's accounts in current's order"
        return _human(case, told, advice.strange_batch(pending.id))
    if pending.sent and (case.current is None or case.current.value is not Value.USABLE):
        told = f"current holds no account document; version {pending.id} was sent and may hold live passwords"
        return _human(case, told, advice.bad_document())
    if case.doubted is not None:
        return _overtaken(case, case.doubted)
    if pending.sent and case.trouble is not None:
        return _trouble(case, ())
    verb = Verb.RESUME if pending.sent else Verb.RELEASE
    told = f"an unfinished rotation of a batch under {pending.id}"
    return _waits_by_itself(case, pending) or _planned(case, told, (Action(verb, pending.id),))


def _planned(case: Case, summary: str, plan: tuple[Action, ...]) -> Diagnosis:
    condition = Condition.REPAIRABLE if plan else Condition.HEALTHY
    return Diagnosis(condition=condition, summary=summary, case=case, plan=plan)


def _waiting(case: Case, summary: str, until: float | None) -> Diagnosis:
    return Diagnosis(condition=Condition.WAITING, summary=summary, case=case, not_before=until)


def _human(case: Case, summary: str, help_: str) -> Diagnosis:
    return Diagnosis(condition=Condition.HUMAN, summary=summary, case=case, advice=help_)
