"""Durable marks: what the engine must remember across invocations, written as short texts that any store can keep.

A mark is a label such as ``lockstep:intent:1700000000@0a1b2c3d``. In AWS Secrets Manager it is a custom staging label:
at most 20 over all versions of a secret, at most 256 characters, and a labelled version is never purged. In a journal
it is a list entry.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache
from itertools import groupby
from math import ceil
from types import MappingProxyType
from urllib.parse import quote, unquote

from rotation.core.values import Evidence

PREFIX = "lockstep:"
_RUN = ":~"  # Before a run's name in its charges; no version's id has it.


class Kind(StrEnum):
    """What a mark says."""

    INTENT = "intent"
    """A reset with this candidate may have been sent; value: epoch of the latest one."""
    TASK = "task"
    """The vendor's task id of the latest reset."""
    ACCEPTED = "accepted"
    """The vendor said yes to this candidate after the intent; value: epoch."""
    REJECTED = "rejected"
    """Wrong logins charged to the account; value: count and epoch of the latest."""
    PARKED = "parked"
    """Stopped on purpose; value: reason and epoch before which nothing is tried."""
    VERIFIED = "verified"
    """testSecret's proof; value: the evidence and epoch ."""
    DEAD = "dead"
    """Stored passwords that the vendor turned away after the intent, where the budget ended a run: which, and epoch."""
    FAILED = "failed"
    """Attempts in a row that were turned away; value: how many. The back-off grows with it."""
    MEMBER = "member"
    """The marks of one account of a batch in one label, since labels are few; value: its number and its marks."""


_LABEL = re.compile(r"lockstep:([a-z]+):(.+?)(?:@[^@]{1,8})?")
_BY_NAME: Mapping[str, Kind] = MappingProxyType({kind.value: kind for kind in Kind})
_BY_INITIAL: Mapping[str, Kind] = MappingProxyType({kind[0]: kind for kind in Kind if kind is not Kind.MEMBER})
"""How a packed mark names its kind."""


@dataclass(frozen=True, slots=True, order=True)
class Mark:
    """One durable note on a version."""

    kind: Kind
    value: str

    def on(self, version_id: str) -> str:
        """Return the label that a store keeps on a version.

        It ends with the end of the version's id, since a label sits on one version of a secret at a time: the same
        note on two versions must not be the same label.
        """
        return f"{PREFIX}{self.kind}:{self.value}@{version_id[-8:]}"

    @classmethod
    @lru_cache(maxsize=256)  # as below, and most labels of a new set are known
    def parse(cls, label: str) -> Mark | None:
        """Read a label back; ``None`` for labels that are not marks."""
        match = _LABEL.fullmatch(label)
        kind = None if match is None else _BY_NAME.get(match[1])
        return None if match is None or kind is None else cls(kind, match[2])


def intent(now: float) -> Mark:
    """Return the intent mark."""
    return Mark(Kind.INTENT, str(int(now)))


def task(task_id: str) -> Mark:
    """Return the task mark."""
    return Mark(Kind.TASK, task_id)


def accepted(now: float) -> Mark:
    """Return the mark of a definitive yes."""
    return Mark(Kind.ACCEPTED, str(int(now)))


def rejected(count: int, now: float, *, run: str = "") -> Mark:
    """Return the wrong logins charged so far, or by one run, lest two at one moment write the same. Rounded up."""
    return Mark(Kind.REJECTED, f"{count}:{ceil(now)}" + (f"{_RUN}{run[:4]}" if run else ""))


def carried(charge: Mark, origin: str) -> Mark:
    """Return another version's wrong logins as a note that stands beside the keeper's own."""
    value, _, run = charge.value.partition(_RUN)
    return charge if is_carried(charge) else Mark(Kind.REJECTED, f"{value}:{run}{origin[len(run) - 8 :]}")


def is_carried(charge: Mark) -> bool:
    """Tell whether wrong logins were charged on another version than the one that keeps the note."""
    return charge.value.count(":") > 1 and _RUN not in charge.value


def charged(charge: Mark) -> tuple[int, float]:
    """Return how many wrong logins a note stands for, and the epoch of the latest."""
    count, at = (*charge.value.split(":"), "")[:2]
    return int(_number(count)), _number(at)


def parked(reason: str, until: float) -> Mark:
    """Return the parking mark. Rounded up, so that nobody comes too early."""
    return Mark(Kind.PARKED, f"{reason}:{ceil(until)}")


def verified(evidence: Evidence, now: float) -> Mark:
    """Return testSecret's proof."""
    return Mark(Kind.VERIFIED, f"{evidence.name.lower()}:{int(now)}")


def turned_away(which: Iterable[str], now: float) -> Mark:
    """Return which stored passwords the vendor turned away."""
    return Mark(Kind.DEAD, f"{'+'.join(which)}:{int(now)}")


def failed(count: int, reset: float = 0) -> Mark:
    """Return the count of failed attempts, and which reset the latest was about, if it was about one."""
    return Mark(Kind.FAILED, f"{count}:{int(reset)}" if reset else str(count))


def member(number: int, notes: Iterable[Mark], nonce: str = "") -> Mark:
    """Return the mark that packs those of one account of a batch: ``2;i1700000000;t101``, and a nonce if wanted.

    A label has 256 characters; beside one mark of every kind a task id of 60 fits.
    """
    packed = sorted(f"{note.kind[0]}{quote(note.value, safe=':')}" for note in notes)
    return Mark(Kind.MEMBER, ";".join([str(number), *packed, *([f"~{nonce}"] if nonce else [])]))


def unpacked(note: Mark) -> tuple[str, frozenset[Mark]]:
    """Return an account's number, as text, and its marks; those of kinds that nobody knows are left out."""
    number, *packed = note.value.split(";")
    known = ((_BY_INITIAL.get(each[:1]), unquote(each[1:])) for each in packed)
    return number, frozenset(Mark(kind, value) for kind, value in known if kind and value)


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


def _number(text: str) -> float:
    return float(text) if re.fullmatch(r"[0-9]{1,12}", text) else 0.0


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
