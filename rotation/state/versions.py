"""The versions of a secret with their labels, parsed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from itertools import groupby

from rotation.core.values import Evidence
from rotation.state.marks import _RUN, PREFIX, Kind, Mark, _number, charged, unpacked


@dataclass(frozen=True, slots=True)
class Version:
    """One version with every label that the store shows."""

    id: str
    labels: frozenset[str]

    @property
    def stages(self) -> frozenset[str]:
        """Labels that are not ours, such as AWSCURRENT."""
        return _read(self.labels)[0]

    @property
    def marks(self) -> frozenset[Mark]:
        """Our marks; labels of the lease are none."""
        return _read(self.labels)[1]

    def all(self, kind: Kind) -> list[Mark]:
        """Return the marks of one kind, in the same order in every process."""
        return list(_read(self.labels)[2].get(kind, ()))

    @property
    def members(self) -> Mapping[str, frozenset[Mark]]:
        """The marks of each account of a batch, by its number; empty where a secret holds one account.

        Of two labels for one account, as a crash between writing one and taking the other away leaves them, both count.
        """
        found: dict[str, frozenset[Mark]] = {}
        for note in self.all(Kind.MEMBER):
            number, notes = unpacked(note)
            found[number] = found.get(number, frozenset()) | notes
        return found

    def seen_by(self, number: int | str) -> Version:
        """Return this version as one account of a batch sees it: with its own marks and those that concern all."""
        packed = {mark.on(self.id) for mark in self.all(Kind.MEMBER)}
        own = {mark.on(self.id) for mark in self.members.get(str(number), ())}
        return Version(self.id, self.labels - packed | own)

    @property
    def intent(self) -> float | None:
        """Epoch of the latest reset that may have been sent, for whichever account; ``None`` when none was."""
        every = (self.all(Kind.INTENT), *self.members.values())
        return max((_number(mark.value) for notes in every for mark in notes if mark.kind is Kind.INTENT), default=None)

    @property
    def accepted(self) -> bool:
        """Whether the vendor definitively said yes to this version after its latest intent."""
        latest = max((_number(mark.value) for mark in self.all(Kind.ACCEPTED)), default=None)
        return latest is not None and latest >= (self.intent or 0)

    @property
    def task(self) -> str | None:
        """The task id, if the vendor gave one."""
        return max((mark.value for mark in self.all(Kind.TASK)), default=None)

    @property
    def verified(self) -> Evidence | None:
        """The proof that testSecret put after the latest intent: a reset sent later proves itself anew."""
        known = {member.name.lower(): member for member in Evidence}
        pairs = [mark.value.partition(":") for mark in self.all(Kind.VERIFIED)]
        names = [name for name, _, at in pairs if _number(at) >= (self.intent or 0)]
        return max((known[name] for name in names if name in known), default=None)

    @property
    def parked(self) -> tuple[str, float] | None:
        """Reason and epoch of the latest parking."""
        pairs = [mark.value.rpartition(":") for mark in self.all(Kind.PARKED)]
        return max(((reason, _number(until)) for reason, _, until in pairs), key=lambda pair: pair[1], default=None)

    @property
    def rejected(self) -> tuple[int, float]:
        """Wrong logins charged on this version and the epoch of the latest; ``(0, 0)`` when none."""
        own = [charge for origin, charge in self.charges.items() if not origin or origin.startswith(_RUN[1:])]
        return sum(count for count, _ in own), max((at for _, at in own), default=0.0)

    @property
    def charges(self) -> Mapping[str, tuple[int, float]]:
        """Wrong logins as in ``rejected``, and those that released or replaced versions left here, by their origin."""
        # Of two marks of one origin, as a crash between writing one and taking the other away leaves them, the later.
        found: dict[str, tuple[int, float]] = {}
        for mark in self.all(Kind.REJECTED):
            charge, origin = charged(mark), (*mark.value.split(":", 2), "", "")[2]
            found[origin] = max(found.get(origin, charge), charge, key=lambda each: (each[1], each[0]))
        return found

    @property
    def turned_away(self) -> frozenset[str]:
        """Which stored passwords were turned away after the latest intent."""
        pairs = [mark.value.partition(":") for mark in self.all(Kind.DEAD)]
        since = self.intent or 0
        return frozenset(name for names, _, at in pairs if _number(at) >= since for name in names.split("+"))

    @property
    def failed(self) -> int:
        """How many attempts in a row were turned away."""
        return max((charged(mark)[0] for mark in self.all(Kind.FAILED)), default=0)


@lru_cache(maxsize=256)  # of the same few sets of labels, one step asks the same dozens of times
def _read(labels: frozenset[str]) -> tuple[frozenset[str], frozenset[Mark], Mapping[Kind, list[Mark]]]:
    marks = frozenset(mark for mark in map(Mark.parse, labels) if mark is not None)
    by_kind = {kind: sorted(group) for kind, group in groupby(sorted(marks), key=lambda mark: mark.kind)}
    return frozenset(label for label in labels if not label.startswith(PREFIX)), marks, by_kind


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
        return self.holder("AWSCURRENT")

    @property
    def previous_id(self) -> str | None:
        """The version that readers got before."""
        return self.holder("AWSPREVIOUS")

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
        recent = [each for version in self.versions.values() for each in version.charges.values() if each[1] > since]
        return sum(count for count, _ in recent), max((at for _, at in recent), default=0.0)
