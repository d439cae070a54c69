"""What is wrong, and what to do about it: a pure decision over what was found."""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum

from rotation.doctor import advice
from rotation.doctor.case import Case, Exhibit, Found, Value
from rotation.errors import LoginRejected
from rotation.parking import PARKING, Reason

SETTLED_SECONDS = 900.0
"""A reset that has not taken effect a quarter of an hour after it was sent is taken as never applied."""


class Condition(StrEnum):
    """How the secret is."""

    HEALTHY = "healthy"
    """Current is live, or nobody can tell and nothing speaks against it; nothing is left over."""
    REPAIRABLE = "repairable"
    """``repair`` carries the plan out."""
    WAITING = "waiting"
    """Nothing is to be done before ``not_before``."""
    HUMAN = "needs a human"
    """``advice`` says what to do."""


class Verb(StrEnum):
    """What ``repair`` can do."""

    PROMOTE = "promote"
    """Make this version current, naming the one that is: its password is the live one."""
    RELEASE = "release"
    """Drop this candidate: no reset with it can be live."""
    RESUME = "resume"
    """Go on with this rotation: find out, send the same candidate again if need be, prove it, make it current."""
    START = "start"
    """Bring the machine back into the state in which this version's rotation found it."""
    SETTLE = "settle"
    """Take labels away that are left over."""


@dataclass(frozen=True, slots=True)
class Action:
    """One thing to do with one version."""

    verb: Verb
    version_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Diagnosis:
    """What the doctor says.

    Attributes:
        condition: how the secret is.
        summary: one sentence.
        case: what it is made from.
        plan: what ``repair`` will do, in this order.
        advice: what a human must do, where only a human can.
        not_before: epoch seconds before which another look is of no use.
    """

    condition: Condition
    summary: str
    case: Case
    plan: tuple[Action, ...] = ()
    advice: str = ""
    not_before: float | None = None

    @property
    def live(self) -> str | None:
        """The version whose password opens the account."""
        return self.case.live.id if self.case.live else None


def decide(case: Case) -> Diagnosis:
    """Return the diagnosis."""
    if case.batch:
        return _batch(case)
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
    if not pending.sent:
        waits = None if first else _waits_by_itself(case, pending)
        if waits is not None and pending.value is Value.USABLE:
            return waits
        what = f"; nothing was ever sent with the candidate {pending.id}"
        return _planned(case, summary + what, (*first, Action(Verb.RELEASE, pending.id)))
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


def _none_live(case: Case) -> Diagnosis:
    pending = case.pending
    useless = pending is not None and not pending.sent and pending.value is not Value.USABLE
    release = (Action(Verb.RELEASE, pending.id),) if pending is not None and useless else ()
    if case.trouble is not None:
        return _trouble(case, release)
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
    known = PARKING[Reason(reason)] if reason in tuple(Reason) else None
    if known is not None and not known.by_itself:
        return None
    told = f"the rotation under {pending.id} is parked ({reason.replace('_', ' ')}) and goes on by itself"
    return replace(_waiting(case, told, until), advice=advice.ANSWERS.get(reason, ""))


def _batch(case: Case) -> Diagnosis:
    pending = case.pending
    if pending is None and isinstance(case.trouble, LoginRejected):
        return _human(case, case.trouble.message, advice.batch_drift())
    if pending is None and case.trouble is not None:
        return _trouble(case, ())
    if pending is None:
        return _planned(case, "a batch without an unfinished rotation; no account's password was found dead", ())
    waits = _waits_by_itself(case, pending)
    if waits is not None:
        return waits
    verb = Verb.RESUME if pending.sent else Verb.RELEASE
    return _planned(case, f"an unfinished rotation of a batch under {pending.id}", (Action(verb, pending.id),))


def _planned(case: Case, summary: str, plan: tuple[Action, ...]) -> Diagnosis:
    condition = Condition.REPAIRABLE if plan else Condition.HEALTHY
    return Diagnosis(condition=condition, summary=summary, case=case, plan=plan)


def _waiting(case: Case, summary: str, until: float | None) -> Diagnosis:
    return Diagnosis(condition=Condition.WAITING, summary=summary, case=case, not_before=until)


def _human(case: Case, summary: str, help_: str) -> Diagnosis:
    return Diagnosis(condition=Condition.HUMAN, summary=summary, case=case, advice=help_)
