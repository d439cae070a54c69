"""What is said beside the verdict: what will hold the next rotation up, and what is left alone."""

from __future__ import annotations

from dataclasses import replace

from rotation.core.errors import StoreFull
from rotation.doctor import advice, clock_skew, labels
from rotation.doctor.diagnosis import Action, Condition, Diagnosis, Verb

_GIVES_BACK = {Verb.START, Verb.RELEASE, Verb.RESUME}


def added(told: Diagnosis) -> Diagnosis:
    """Return the diagnosis with all of it."""
    return _clock_was_ahead(_labels_run_short(_machine_is_off(told)))


def _machine_is_off(told: Diagnosis) -> Diagnosis:
    if not told.case.stopped or any(action.verb in _GIVES_BACK for action in told.plan):
        return told
    summary = f"{told.summary}; the machine is stopped, and is left alone"
    return replace(told, summary=summary, advice=told.advice or advice.stopped())


def _labels_run_short(told: Diagnosis) -> Diagnosis:
    """Plan to take away what is over; where that does not help, name what a human may. A batch counts for itself."""
    case = told.case
    if isinstance(case.trouble, StoreFull):
        return replace(told, advice=labels.may_go(case) or told.advice)
    if case.batch or not labels.run_short(case):
        return told
    over = tuple(Action(Verb.SETTLE, each.id) for each in labels.over(case))
    if over:
        summary = f"{told.summary}; labels of cancelled rotations leave too few for the next one"
        condition = Condition.REPAIRABLE if told.condition is Condition.HEALTHY else told.condition
        return replace(told, condition=condition, summary=summary, plan=(*over, *told.plan))
    if told.condition is not Condition.HEALTHY:
        return told
    summary, due = f"{told.summary}; the labels in use leave too few for the next rotation", labels.due(case)
    if due is not None:
        return replace(told, condition=Condition.WAITING, summary=summary, not_before=due)
    return replace(
        told, condition=Condition.HUMAN, summary=summary, advice=labels.may_go(case) or StoreFull.default_hint
    )


def _clock_was_ahead(told: Diagnosis) -> Diagnosis:
    """Name labels that hold everything up until a moment that a wrong clock has written down."""
    found = clock_skew.ahead(told.case.state, told.case.now, told.case.window)
    if not found:
        return told
    days = (found[0].until - told.case.now) / 86_400
    summary = f"{told.summary}; a clock was ahead: nothing goes on for {days:.1f} days because of {found[0].label}"
    told = replace(told, summary=summary, advice=f"{advice.ahead(found)} {told.advice}".rstrip())
    return told if told.condition is Condition.REPAIRABLE else replace(told, condition=Condition.HUMAN)
