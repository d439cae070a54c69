"""Finds labels written by a machine whose clock was ahead, which block every rotation until their time.

For example, a run whose clock was 40 days ahead leaves an intent label with a time 40 days from now. Every later run
measures minimum age and lock-out window from that time, so nothing goes on until then.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from rotation.state import marks
from rotation.state.marks import Kind, Mark
from rotation.state.versions import SecretState

AHEAD_SECONDS = 3600.0
"""Clocks of hosts that synchronise their time differ by less, and no run's intent lasts longer."""
LONGEST_WAIT_SECONDS = 8 * 86_400.0
"""A maintenance window opens within a week. Only a lock-out window may be a longer wait."""


@dataclass(frozen=True, slots=True)
class Ahead:
    """A label with a time too far ahead.

    Attributes:
        label: as the store has it.
        version_id: the version that has the label.
        until: epoch seconds before which it blocks a rotation.
        sent: whether it says that a reset may have been sent.
    """

    label: str
    version_id: str
    until: float
    sent: bool


def ahead(state: SecretState, now: float, window: float) -> list[Ahead]:
    """Return the labels that are ahead, the latest first; ``window`` is how long a wrong login counts, in seconds."""
    longest = max(LONGEST_WAIT_SECONDS, window + AHEAD_SECONDS)
    found = [
        Ahead(mark.on(version.id), version.id, until, sent=mark.kind in (Kind.INTENT, Kind.MEMBER))
        for version in state.versions.values()
        for mark in sorted(version.marks)
        for until in _held(mark, now, longest)
    ]
    return sorted({each.label: each for each in found}.values(), key=lambda each: (-each.until, each.label))


def _held(mark: Mark, now: float, longest: float) -> Iterator[float]:
    """Yield the time that a mark names, if it is too far ahead."""
    if mark.kind is Kind.MEMBER:
        for own in sorted(marks.unpacked(mark)[1]):
            yield from _held(own, now, longest)
    elif mark.kind in (Kind.INTENT, Kind.REJECTED, Kind.PARKED):
        intent = marks.intended(mark)
        at = max(intent.sent, intent.until) if mark.kind is Kind.INTENT else marks.charged(mark)[1]
        if at > now + (longest if mark.kind is Kind.PARKED else AHEAD_SECONDS):
            yield at
