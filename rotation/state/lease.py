"""One run at a time per secret, by nothing but labels.

Attaching a fresh label twice succeeds both times, so a label's presence is no lock. Moving one is a compare-and-swap:
it names the version that the label is taken from. The lease of one generation is such a label,
``lockstep:lease:<generation>:<anchor>``. Sitting on its anchor, the version that was current when it was made, it is
unclaimed; it is moved from there exactly once, to the token's version of the run that wins it, and never moved again.

To take the lease, a run

1. looks: a living announcement means that somebody acts, so it comes back later;
2. announces on the token's version until when it may act (a function cannot outlive its time-out) and for which lease:
   the latest one while it is unclaimed, else that of the next generation;
3. attaches that lease to the anchor if need be and moves it. Of several runs one succeeds;
4. looks again: a living announcement for any other lease means that its first look was too old, so it backs off.

To give it back, it takes its announcement away. A dead run's announcement expires by itself.

Step 3 decides between runs that saw the same. Step 4 is for runs that stalled after step 1 while others came and went:
of two winners, the one that looks later sees the other, since both announced before they looked. Only the run that
passed step 4 removes older leases, so that none is won a second time behind a living holder's back.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from typing import Protocol

from rotation.core.errors import InProgress, StageConflict, StoreError
from rotation.state.marks import PREFIX
from rotation.state.versions import SecretState

_LEASE = re.compile(PREFIX + r"lease:([0-9]{1,9}):([!-~]{1,64})")
_UNTIL = re.compile(PREFIX + r"until:([0-9]{1,12}):([0-9a-f]{1,32}):([0-9]{1,9}:[!-~]{1,64})")


class Labels(Protocol):
    """What a store must do with labels."""

    def describe(self) -> SecretState:
        """Return every labelled version."""
        ...

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
class Lease:
    """The lease of one generation, and the version on which it is unclaimed."""

    generation: int
    anchor: str

    @property
    def key(self) -> str:
        """What announcements name."""
        return f"{self.generation}:{self.anchor}"

    @property
    def label(self) -> str:
        """The label that is moved."""
        return f"{PREFIX}lease:{self.key}"


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

    def announcement(self, lease: Lease) -> str:
        """Return the label by which a run says until when it may act, rounded up to a whole second."""
        return f"{PREFIX}until:{int(self.until) + 1}:{self.holder}:{lease.key}"


@dataclass(frozen=True, slots=True)
class Announcement:
    """One run's announcement as found on a version."""

    label: str
    version_id: str
    until: float
    holder: str
    lease: str


def announcements(state: SecretState) -> list[Announcement]:
    """Return every announcement, of living and of dead runs."""
    return [
        Announcement(match[0], version.id, float(match[1]), match[2], match[3])
        for version in state.versions.values()
        for match in _matches(_UNTIL, version.labels)
    ]


def latest(state: SecretState) -> Lease | None:
    """Return the lease of the latest generation; ``None`` when there never was one."""
    return max((lease for lease, _ in _leases(state)), key=lambda lease: (lease.generation, lease.anchor), default=None)


def ever_taken(state: SecretState, token: str) -> bool:
    """Tell whether a run has taken a lease for the token's version, hence may have touched the vendor for it."""
    return any(version_id == token and lease.anchor != token for lease, version_id in _leases(state))


def take(labels: Labels, state: SecretState, token: str, claim: Claim) -> SecretState:
    """Take the lease for the token's version. Return the labels as they are under the lease.

    Args:
        labels: the store.
        state: the labels as seen before; an old view only makes this fail.
        token: the version that the lease is moved to.
        claim: who wants it.

    Raises:
        InProgress: another run holds it, or wanted it at the same moment.
        StageConflict: the token's version is current, or none is.
    """
    _refuse_if_busy(state, claim, but=None)
    if state.current_id is None or state.current_id == token:
        raise StageConflict("the secret has no current version beside the token's")
    lease = _wanted(state, state.current_id)
    mine = claim.announcement(lease)
    # First, since labels are few, and a run that always dies right after announcing would use them up.
    _forget_the_dead(labels, state, claim)
    labels.attach(mine, token)
    try:
        _win(labels, lease, token)
        after = labels.describe()
        _refuse_if_busy(after, claim, but=lease)
        _clean(labels, after, claim, lease)
    except (StoreError, InProgress):
        with suppress(StoreError):  # It expires by itself, and the first error matters more.
            labels.detach(mine, token)
        raise
    return after


def give_back(labels: Labels, state: SecretState, token: str, *, holder: str) -> bool:
    """Give the lease back; harmless when this run does not hold it. Return whether the state shows that it does."""
    mine = [each.label for each in announcements(state) if (each.holder, each.version_id) == (holder, token)]
    for label in mine:
        labels.detach(label, token)
    return bool(mine)


def _leases(state: SecretState) -> Iterator[tuple[Lease, str]]:
    """Yield each lease and the version it sits on."""
    for version in state.versions.values():
        for match in _matches(_LEASE, version.labels):
            yield Lease(int(match[1]), match[2]), version.id


def _matches(pattern: re.Pattern[str], labels: frozenset[str]) -> list[re.Match[str]]:
    return [match for match in map(pattern.fullmatch, sorted(labels)) if match]


def _wanted(state: SecretState, current_id: str) -> Lease:
    seen = latest(state)
    if seen is None:
        return Lease(1, current_id)
    if (seen, seen.anchor) in _leases(state):
        return seen
    return Lease(seen.generation + 1, current_id)


def _win(labels: Labels, lease: Lease, token: str) -> None:
    try:
        labels.attach(lease.label, lease.anchor)
        labels.move(lease.label, source=lease.anchor, target=token)
    except StageConflict:
        raise InProgress("another run took this secret's lease at the same moment") from None


def _refuse_if_busy(state: SecretState, claim: Claim, *, but: Lease | None) -> None:
    living = [each.until for each in announcements(state) if each.until > claim.now and not _rivals(each, claim, but)]
    if living:
        raise InProgress("another run holds this secret's lease", not_before=max(living))


def _rivals(other: Announcement, claim: Claim, lease: Lease | None) -> bool:
    """Tell whether an announcement is this run's own, or of a run that lost the very same lease to it."""
    return other.holder == claim.holder or (lease is not None and other.lease == lease.key)


def _clean(labels: Labels, state: SecretState, claim: Claim, lease: Lease) -> None:
    """Take older leases and dead runs' announcements away: labels are few."""
    for old, version_id in list(_leases(state)):
        if old != lease:
            labels.detach(old.label, version_id)
    _forget_the_dead(labels, state, claim)


def _forget_the_dead(labels: Labels, state: SecretState, claim: Claim) -> None:
    for each in announcements(state):
        if each.until <= claim.now:
            labels.detach(each.label, each.version_id)
