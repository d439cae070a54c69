"""Finds labels with a time too far ahead: a machine's clock was wrong, or somebody forged them.

Most of them are not believed (``state.marks``) and hold nothing up. A parking is believed for as long as the longest
lock-out window that a deployment may set, so one that is longer than this account's window blocks every rotation.
"""

from __future__ import annotations

from dataclasses import dataclass

from rotation.state import marks
from rotation.state.marks import Kind, Mark
from rotation.state.versions import SecretState

LONGEST_WAIT_SECONDS = 8 * 86_400.0
"""A maintenance window opens within a week. Only a lock-out window may be a longer wait."""


@dataclass(frozen=True, slots=True)
class Ahead:
    """A label with a time too far ahead.

    Attributes:
        label: as the store has it.
        version_id: the version that has the label.
        until: epoch seconds that it names.
        sent: whether it says that a reset may have been sent.
        ignored: whether its time is not believed, so that it blocks nothing.
    """

    label: str
    version_id: str
    until: float
    sent: bool
    ignored: bool


def ahead(state: SecretState, now: float, window: float) -> list[Ahead]:
    """Return the labels that are ahead, the latest first; ``window`` is how long a wrong login counts, in seconds."""
    found = [
        Ahead(label, version.id, until, mark.kind in (Kind.INTENT, Kind.MEMBER), marks.is_ahead(mark, now))
        for version in state.versions.values()
        for label in sorted(version.labels)
        if (mark := Mark.parse(label)) is not None
        and (until := _too_far(mark, now, max(LONGEST_WAIT_SECONDS, window + marks.LONGEST_RUN_SECONDS))) is not None
    ]
    return sorted(found, key=lambda each: (-each.until, each.label))


def _too_far(mark: Mark, now: float, longest: float) -> float | None:
    """Return the time that a mark names, if it is too far ahead; of a packed mark the latest one."""
    if mark.kind is Kind.MEMBER:
        times = (_too_far(own, now, longest) for own in marks.unpacked(mark)[1])
        return max((each for each in times if each is not None), default=None)
    waits = mark.kind is Kind.PARKED and marks.latest_in(mark) > now + longest
    return marks.latest_in(mark) if waits or marks.is_ahead(mark, now) else None
