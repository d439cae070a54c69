"""Labels are few. Which of them the next rotation lacks, which the doctor may take away, and which only a human."""

from __future__ import annotations

from dataclasses import replace

from rotation.core.errors import StoreFull
from rotation.core.values import Evidence
from rotation.doctor.case import SETTLED_SECONDS, Case, Exhibit, Value
from rotation.state.label_quota import require_labels
from rotation.state.stages import CURRENT, PENDING, PREVIOUS

_STAGES = frozenset({CURRENT, PENDING, PREVIOUS})


def run_short(case: Case) -> bool:
    """Tell whether the next rotation would find too few, also after it has taken away what says nothing any more."""
    state = replace(case.state, versions={each.id: each.version for each in case.exhibits})
    try:
        require_labels(state, "" if case.pending is None else case.pending.id, case.now, case.window)
    except StoreFull:
        return True
    return False


def over(case: Case) -> list[Exhibit]:
    """Return the versions whose marks are of no use, since another password has been proved live by a login just now.

    A reset that was sent lately may still arrive, and the password of another account is none of that login's business.
    """
    return [each for each in _given_up(case) if _due(each) <= case.now]


def due(case: Case) -> float | None:
    """Return from when on more versions will be over, in epoch seconds."""
    return min((_due(each) for each in _given_up(case) if _due(each) > case.now), default=None)


def may_go(case: Case) -> str:
    """Return which labels a human may take away, each with its version."""
    told = [
        f"`{label}` of version {each.id}, if you do not need it"
        for each in case.exhibits
        for label in sorted(each.version.stages - _STAGES)
    ]
    settled = {each.id for each in over(case)}
    for each in case.exhibits:
        ours = sorted(mark.on(each.id) for mark in each.version.marks)
        if not ours or each.id in settled or each in (case.current, case.pending, case.live):
            continue
        once = "does not open the account" if each.value is Value.USABLE else "is kept elsewhere"
        told.append(f"{', '.join(f'`{label}`' for label in ours)} of version {each.id}, once its password {once}")
    return f"While no rotation runs, take away: {'; '.join(told)}." if told else ""


def _given_up(case: Case) -> list[Exhibit]:
    live = case.live
    if live is None or live.evidence is not Evidence.LOGIN:
        return []
    kept = (live, case.current, case.pending)
    return [each for each in case.exhibits if each not in kept and each.value is Value.USABLE and each.version.marks]


def _due(exhibit: Exhibit) -> float:
    return 0.0 if exhibit.version.intent is None else exhibit.version.intent + SETTLED_SECONDS
