"""The versions of a secret, with everything that their labels say, parsed once.

A secret whose newest rotation has sent its reset and spent one wrong login looks like this::

    version "aaaa…1111"  AWSCURRENT, lockstep:intent:1699990000@aaaa1111, lockstep:verified:login:1699990020@aaaa1111
    version "bbbb…2222"  AWSPENDING, lockstep:intent:1700000000@bbbb2222, lockstep:rejected:1:1700000030:~7f3a@bbbb2222

``Version.from_labels`` makes of the second one ``stages={"AWSPENDING"}``, ``intent=1700000000.0`` and
``rejected=(1, 1700000030.0)``. A batch packs the marks of each account into one label; ``seen_by`` unpacks them.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from rotation.core.values import Evidence
from rotation.state.marks import PREFIX, Kind, Mark, charge_origin, charged, is_of_a_run, number_in, unpacked
from rotation.state.stages import CURRENT, PREVIOUS


@dataclass(frozen=True, slots=True)
class Version:
    """One version with every label that the store shows, and what they say.

    Attributes:
        id: the store's name of the version.
        labels: every label.
        stages: labels that are not ours, such as AWSCURRENT.
        marks: our marks; labels of the lease are none.
        members: the marks of each account of a batch, by its number; empty where a secret holds one account. Of two
            labels for one account, as a crash between writing one and taking the other away leaves them, both count.
        intent: epoch of the latest reset that may have been sent, for any account; ``None`` when none was.
        accepted: whether the vendor definitively said yes to this version after its latest intent.
        task: the task id, if the vendor gave one.
        verified: the proof that testSecret put after the latest intent: a reset sent later needs a proof of its own.
        parked: reason and epoch of the latest parking.
        charges: wrong logins and the epoch of the latest, by their origin: a run, or a version that was released.
        rejected: the wrong logins charged on this version itself; ``(0, 0)`` when none.
        dead: which stored passwords the vendor rejected after the latest intent.
        failed: how many attempts in a row were refused.
    """

    id: str
    labels: frozenset[str]
    stages: frozenset[str] = field(default=frozenset(), compare=False)
    marks: frozenset[Mark] = field(default=frozenset(), compare=False)
    members: Mapping[str, frozenset[Mark]] = field(default_factory=dict, compare=False)
    intent: float | None = field(default=None, compare=False)
    accepted: bool = field(default=False, compare=False)
    task: str | None = field(default=None, compare=False)
    verified: Evidence | None = field(default=None, compare=False)
    parked: tuple[str, float] | None = field(default=None, compare=False)
    charges: Mapping[str, tuple[int, float]] = field(default_factory=dict, compare=False)
    rejected: tuple[int, float] = field(default=(0, 0.0), compare=False)
    dead: frozenset[str] = field(default=frozenset(), compare=False)
    failed: int = field(default=0, compare=False)

    @classmethod
    def from_labels(cls, version_id: str, labels: Iterable[str]) -> Version:
        """Return the version whose labels these are."""
        labels = frozenset(labels)
        marks = frozenset(mark for mark in map(Mark.parse, labels) if mark is not None)
        values: dict[Kind, list[str]] = {kind: [] for kind in Kind}
        for mark in sorted(marks):
            values[mark.kind].append(mark.value)
        members = _members(marks)
        packed = (mark.value for notes in members.values() for mark in notes if mark.kind is Kind.INTENT)
        intent = max(map(number_in, (*values[Kind.INTENT], *packed)), default=None)
        since = intent or 0.0
        charges = charges_of(marks)
        parked = ((reason, number_in(until)) for reason, _, until in (v.rpartition(":") for v in values[Kind.PARKED]))
        return cls(
            id=version_id,
            labels=labels,
            stages=frozenset(label for label in labels if not label.startswith(PREFIX)),
            marks=marks,
            members=members,
            intent=intent,
            accepted=max(map(number_in, values[Kind.ACCEPTED]), default=-1.0) >= since,
            task=max(values[Kind.TASK], default=None),
            verified=max(
                (_BY_NAME[name] for name in _latest(values[Kind.VERIFIED], since) & set(_BY_NAME)), default=None
            ),
            parked=max(parked, key=lambda pair: pair[1], default=None),
            charges=charges,
            rejected=total(charge for origin, charge in charges.items() if not origin or is_of_a_run(origin)),
            dead=frozenset(name for names in _latest(values[Kind.DEAD], since) for name in names.split("+")),
            failed=max((charged(mark)[0] for mark in marks if mark.kind is Kind.FAILED), default=0),
        )

    def all(self, kind: Kind) -> list[Mark]:
        """Return the marks of one kind, in the same order in every process."""
        return sorted(mark for mark in self.marks if mark.kind is kind)

    def seen_by(self, number: int | str) -> Version:
        """Return this version as one account of a batch sees it: with its own marks and those that concern all."""
        packed = {mark.on(self.id) for mark in self.all(Kind.MEMBER)}
        own = {mark.on(self.id) for mark in self.members.get(str(number), ())}
        return Version.from_labels(self.id, self.labels - packed | own)


_BY_NAME: Mapping[str, Evidence] = {evidence.name.lower(): evidence for evidence in Evidence}


def _members(marks: Iterable[Mark]) -> Mapping[str, frozenset[Mark]]:
    found: dict[str, frozenset[Mark]] = {}
    for mark in marks:
        if mark.kind is Kind.MEMBER:
            number, notes = unpacked(mark)
            found[number] = found.get(number, frozenset()) | notes
    return dict(sorted(found.items()))


def _latest(values: Iterable[str], since: float) -> set[str]:
    """Return the words before the epoch of values such as ``login:1700000000``, where it is not before the intent."""
    pairs = (value.partition(":") for value in values)
    return {word for word, _, at in pairs if number_in(at) >= since}


def charges_of(marks: Iterable[Mark]) -> dict[str, tuple[int, float]]:
    """Return wrong logins by their origin.

    Of two marks of one origin, as a crash between writing one and taking the other away leaves them, the later counts.
    """
    found: dict[str, tuple[int, float]] = {}
    for mark in marks:
        if mark.kind is Kind.REJECTED:
            charge, origin = charged(mark), charge_origin(mark)
            found[origin] = max(found.get(origin, charge), charge, key=lambda each: (each[1], each[0]))
    return found


def total(charges: Iterable[tuple[int, float]]) -> tuple[int, float]:
    """Return how many wrong logins charges stand for, and when the latest was."""
    charges = list(charges)
    return sum(count for count, _ in charges), max((at for _, at in charges), default=0.0)


@dataclass(frozen=True, slots=True)
class SecretState:
    """A secret's labels at one moment; unlabelled versions are not shown."""

    rotation_enabled: bool
    versions: Mapping[str, Version]

    def version(self, version_id: str) -> Version:
        """Return a version; one without labels when it has lost them, as somebody may take them at any moment."""
        return self.versions.get(version_id) or Version(version_id, frozenset())

    def holder(self, stage: str) -> str | None:
        """Return the id of the version that carries a stage."""
        return next((version.id for version in self.versions.values() if stage in version.stages), None)

    @property
    def current_id(self) -> str | None:
        """The version that readers get."""
        return self.holder(CURRENT)

    @property
    def previous_id(self) -> str | None:
        """The version that readers got before."""
        return self.holder(PREVIOUS)

    def cancelled_id(self, token: str) -> str | None:
        """Return the version of a rotation that was given up after its reset may have been sent; the latest one."""
        since = self.version(self.current_id or "").intent or -1.0
        sent = [
            (version.intent, version.id)
            for version in self.versions.values()
            if version.id not in (token, self.current_id) and version.intent is not None and version.intent > since
        ]
        return max(sent)[1] if sent else None

    def wrong_logins(self, *, since: float) -> tuple[int, float]:
        """Return how many wrong logins were charged since an epoch, over all versions, and when the latest was."""
        return total(each for version in self.versions.values() for each in version.charges.values() if each[1] > since)
