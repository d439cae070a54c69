"""One run at a time per secret, by nothing but labels.

Attaching a fresh label twice succeeds both times, so a label's presence is no lock. Moving one is a compare-and-swap:
it names the version that the label is taken from. The lease is such a label, ``lockstep:lease:<generation>``:

* At rest it sits on any version that no ``lockstep:until:<epoch>:<holder>`` label of a living run stands on.
* To take it, a run announces on the token's version until when it may act (a function cannot outlive its time-out),
  then moves the lease there from where it saw it. Of two runs one move fails.
* To give it back, the run moves it to the current version and takes its announcement away.
* A lease left by a dead run sits on the token's own version and cannot be moved to itself, and moving it away and back
  would let a third run with an old view steal it. So a takeover starts the next generation, which exactly one run can
  move.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Protocol

from rotation.errors import InProgress, StageConflict
from rotation.marks import PREFIX, SecretState, Version

_LEASE = re.compile(PREFIX + r"lease:([0-9]{1,9})")
_UNTIL = re.compile(PREFIX + r"until:([0-9]{1,12}):([0-9a-f]{1,32})")


class Labels(Protocol):
    """What a store must do with labels."""

    def attach(self, label: str, version_id: str) -> None:
        """Attach a label; ``StageConflict`` when it sits on another version."""
        ...

    def move(self, label: str, *, source: str, target: str) -> None:
        """Move a label; ``StageConflict`` when it does not sit on ``source``."""
        ...

    def detach(self, label: str, version_id: str) -> None:
        """Take a label away; harmless when it is not there."""
        ...


@dataclass(frozen=True, slots=True)
class Place:
    """Where the lease of the latest generation sits."""

    generation: int
    version_id: str | None

    @property
    def label(self) -> str:
        """The lease's label."""
        return f"{PREFIX}lease:{self.generation}"


def place(state: SecretState) -> Place:
    """Return where the lease sits; generation 1 on no version when there never was one."""
    found = [
        Place(int(match[1]), version.id)
        for version in state.versions.values()
        for match in map(_LEASE.fullmatch, version.labels)
        if match
    ]
    return max(found, key=lambda each: each.generation, default=Place(1, None))


def held_until(version: Version) -> float:
    """Return the latest epoch that a run announced on this version; 0 when none did."""
    return max((float(match[1]) for match in map(_UNTIL.fullmatch, version.labels) if match), default=0.0)


@dataclass(frozen=True, slots=True)
class Claim:
    """Who wants the lease, and for how long.

    Attributes:
        holder: this run, 1 to 32 hexadecimal digits.
        now: epoch of the claim.
        until: epoch after which this run does not act any more.
    """

    holder: str
    now: float
    until: float

    @property
    def announcement(self) -> str:
        """The label by which a run says until when it may act, rounded up to a whole second."""
        return f"{PREFIX}until:{int(self.until) + 1}:{self.holder}"


def take(labels: Labels, state: SecretState, token: str, claim: Claim) -> None:
    """Take the lease for the token's version.

    Args:
        labels: the store.
        state: the labels as seen a moment ago; an old view only makes the move fail.
        token: the version that the lease is moved to.
        claim: who wants it.

    Raises:
        InProgress: another run holds it.
    """
    seen = place(state)
    busy_until = held_until(state.versions[seen.version_id]) if seen.version_id else 0.0
    if busy_until > claim.now:
        raise InProgress("another run holds this secret's lease", not_before=busy_until)
    if state.current_id in (None, token):
        raise StageConflict("the secret has no current version beside the token's")
    labels.attach(claim.announcement, token)
    try:
        _win(labels, seen, current_id=str(state.current_id), token=token)
    except StageConflict:
        labels.detach(claim.announcement, token)
        raise InProgress("another run took this secret's lease at the same moment") from None
    if seen.version_id == token:
        labels.detach(seen.label, token)
        for label in state.versions[token].labels:
            if _UNTIL.fullmatch(label) and label != claim.announcement:
                labels.detach(label, token)


def _win(labels: Labels, seen: Place, *, current_id: str, token: str) -> None:
    if seen.version_id is not None and seen.version_id != token:
        labels.move(seen.label, source=seen.version_id, target=token)
        return
    fresh = Place(seen.generation + (seen.version_id == token), current_id)
    labels.attach(fresh.label, current_id)
    labels.move(fresh.label, source=current_id, target=token)


def give_back(labels: Labels, state: SecretState, token: str, *, holder: str) -> None:
    """Give the lease back; harmless when this run does not hold it."""
    version = state.versions.get(token)
    mine = [] if version is None else [label for label in version.labels if label.endswith(f":{holder}")]
    if not mine:
        return
    seen = place(state)
    if seen.version_id == token and state.current_id not in (None, token):
        labels.move(seen.label, source=token, target=str(state.current_id))
    for label in mine:
        labels.detach(label, token)
