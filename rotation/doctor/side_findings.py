"""Adds side findings to a diagnosis: a machine that is off, too few labels, a clock that was ahead.

A secret has 20 labels, and a rotation needs up to 10 of them. Where the next rotation would find too few, the doctor
takes labels away only when another password has just been proved live by a login, and the version that has them was
not sent within the last quarter of an hour. For example, current logs in, and two cancelled candidates hold an intent
label each: both are settled. Without that proof the advice names which labels a human may take away, and when.
"""

from __future__ import annotations

from dataclasses import replace

from rotation.core.errors import StoreFull
from rotation.core.values import Evidence
from rotation.doctor import advice, clock_skew
from rotation.doctor.diagnosis import Action, Condition, Diagnosis, Verb
from rotation.doctor.findings import SETTLED_SECONDS, ExaminedVersion, Findings
from rotation.state.label_quota import require_labels
from rotation.state.stages import CURRENT, PENDING, PREVIOUS

_GIVES_BACK = {Verb.START, Verb.RELEASE, Verb.RESUME}
_STAGES = frozenset({CURRENT, PENDING, PREVIOUS})


def add_to(diagnosis: Diagnosis) -> Diagnosis:
    """Return the diagnosis with every side finding."""
    return _clock_was_ahead(_labels_run_short(_machine_is_off(diagnosis)))


def removable_labels(findings: Findings) -> str:
    """Return which labels a human may take away, each with its version; empty where there are none."""
    removable = [
        f"`{label}` of version {each.id}, if you do not need it"
        for each in findings.versions
        for label in sorted(each.version.stages - _STAGES)
    ]
    settled = {each.id for each in _settled(findings)}
    for each in findings.versions:
        ours = sorted(mark.on(each.id) for mark in each.version.marks)
        if not ours or each.id in settled or each in (findings.current, findings.pending, findings.live):
            continue
        once = "does not open the account" if each.usable else "is kept elsewhere"
        removable.append(f"{', '.join(f'`{label}`' for label in ours)} of version {each.id}, once its password {once}")
    return f"While no rotation runs, take away: {'; '.join(removable)}." if removable else ""


def _machine_is_off(diagnosis: Diagnosis) -> Diagnosis:
    if not diagnosis.findings.stopped or any(action.verb in _GIVES_BACK for action in diagnosis.plan):
        return diagnosis
    summary = f"{diagnosis.summary}; the machine is stopped, and is left alone"
    return replace(diagnosis, summary=summary, advice=diagnosis.advice or advice.STOPPED)


def _labels_run_short(diagnosis: Diagnosis) -> Diagnosis:
    """Plan to settle left-over labels; if that does not help, wait or name labels. A batch is not judged here."""
    findings = diagnosis.findings
    if isinstance(findings.error, StoreFull):
        return replace(diagnosis, advice=removable_labels(findings) or diagnosis.advice)
    if findings.batch or not _too_few(findings):
        return diagnosis
    settles = tuple(Action(Verb.SETTLE, each.id) for each in _settled(findings))
    if settles:
        summary = f"{diagnosis.summary}; labels of cancelled rotations leave too few for the next one"
        condition = Condition.REPAIRABLE if diagnosis.condition is Condition.HEALTHY else diagnosis.condition
        return replace(diagnosis, condition=condition, summary=summary, plan=(*settles, *diagnosis.plan))
    if diagnosis.condition is not Condition.HEALTHY:
        return diagnosis
    summary = f"{diagnosis.summary}; the labels in use leave too few for the next rotation"
    due = [_settles_at(each) for each in _abandoned(findings)]
    if due:
        return replace(diagnosis, condition=Condition.WAITING, summary=summary, not_before=min(due))
    help_ = removable_labels(findings) or StoreFull.default_hint
    return replace(diagnosis, condition=Condition.HUMAN, summary=summary, advice=help_)


def _clock_was_ahead(diagnosis: Diagnosis) -> Diagnosis:
    """List the labels with a time too far ahead: those that are ignored, and those that block every rotation."""
    findings = diagnosis.findings
    ahead = clock_skew.ahead(findings.state, findings.now, findings.window)
    if not ahead:
        return diagnosis
    help_ = f"{advice.ahead(ahead)} {diagnosis.advice}".rstrip()
    blocks = next((each for each in ahead if not each.ignored), None)
    if blocks is None:
        summary = f"{diagnosis.summary}; ignored, as forged or of a clock that was too far ahead: {ahead[0].label}"
        return replace(diagnosis, summary=summary, advice=help_)
    days = (blocks.until - findings.now) / 86_400
    summary = f"{diagnosis.summary}; a clock was ahead: nothing continues for {days:.1f} days because of {blocks.label}"
    condition = Condition.REPAIRABLE if diagnosis.condition is Condition.REPAIRABLE else Condition.HUMAN
    return replace(diagnosis, condition=condition, summary=summary, advice=help_)


def _too_few(findings: Findings) -> bool:
    """Return whether the next rotation finds too few labels, even after it has removed the expired ones."""
    state = replace(findings.state, versions={each.id: each.version for each in findings.versions})
    try:
        require_labels(state, "" if findings.pending is None else findings.pending.id, findings.now, findings.window)
    except StoreFull:
        return True
    return False


def _settled(findings: Findings) -> list[ExaminedVersion]:
    """Return the abandoned versions whose reset can no longer arrive."""
    return [each for each in _abandoned(findings) if _settles_at(each) <= findings.now]


def _abandoned(findings: Findings) -> list[ExaminedVersion]:
    """Return labelled versions that are known dead, since a login has proved another password of their account live."""
    live = findings.live
    if live is None or live.evidence is not Evidence.LOGIN:
        return []
    kept = (live, findings.current, findings.pending)
    return [
        each
        for each in findings.versions
        if each not in kept and each.bound is live.bound and each.usable and each.version.marks
    ]


def _settles_at(examined: ExaminedVersion) -> float:
    return 0.0 if examined.version.intent is None else examined.version.intent + SETTLED_SECONDS
