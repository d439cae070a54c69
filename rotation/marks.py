"""Durable marks: what the engine must remember across invocations, written as short texts that any store can keep.

A mark is a label such as ``lockstep:intent:1700000000@0a1b2c3d``. In AWS Secrets Manager it is a custom staging label:
at most 20 over all versions of a secret, at most 256 characters, and a labelled version is never purged. In a journal
it is a list entry.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from rotation.model import Evidence

PREFIX = "lockstep:"


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


@dataclass(frozen=True, slots=True)
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
    def parse(cls, label: str) -> Mark | None:
        """Read a label back; ``None`` for labels that are not marks."""
        match = re.fullmatch(r"lockstep:([a-z]+):(.+?)(?:@[^@]{1,8})?", label)
        if match is None or match[1] not in {kind.value for kind in Kind}:
            return None
        return cls(Kind(match[1]), match[2])


def intent(now: float) -> Mark:
    """Return the intent mark."""
    return Mark(Kind.INTENT, str(int(now)))


def task(task_id: str) -> Mark:
    """Return the task mark."""
    return Mark(Kind.TASK, task_id)


def accepted(now: float) -> Mark:
    """Return the mark of a definitive yes."""
    return Mark(Kind.ACCEPTED, str(int(now)))


def rejected(count: int, now: float) -> Mark:
    """Return the wrong-login account's balance."""
    return Mark(Kind.REJECTED, f"{count}:{int(now)}")


def parked(reason: str, until: float) -> Mark:
    """Return the parking mark."""
    return Mark(Kind.PARKED, f"{reason}:{int(until)}")


def verified(evidence: Evidence, now: float) -> Mark:
    """Return testSecret's proof."""
    return Mark(Kind.VERIFIED, f"{evidence.name.lower()}:{int(now)}")


@dataclass(frozen=True, slots=True)
class Version:
    """One version with every label that the store shows."""

    id: str
    labels: frozenset[str]

    @property
    def stages(self) -> frozenset[str]:
        """Labels that are not ours, such as AWSCURRENT."""
        return frozenset(label for label in self.labels if not label.startswith(PREFIX))

    @property
    def marks(self) -> frozenset[Mark]:
        """Our marks; labels of the lease are none."""
        return frozenset(mark for mark in map(Mark.parse, self.labels) if mark is not None)

    def all(self, kind: Kind) -> list[Mark]:
        """Return the marks of one kind."""
        return [mark for mark in self.marks if mark.kind is kind]

    @property
    def intent(self) -> float | None:
        """Epoch of the latest reset that may have been sent, ``None`` when none was."""
        return max((_number(mark.value) for mark in self.all(Kind.INTENT)), default=None)

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
        """Wrong logins charged on this version and the epoch of the latest; ``(0, 0)`` when none.

        Of two marks, as a crash between writing one and taking the other away leaves them, the later one counts.
        """
        pairs = [mark.value.partition(":") for mark in self.all(Kind.REJECTED)]
        at, count = max(((_number(at), int(_number(count))) for count, _, at in pairs), default=(0.0, 0))
        return count, at


def _number(text: str) -> float:
    return float(text) if re.fullmatch(r"[0-9]{1,12}", text) else 0.0


@dataclass(frozen=True, slots=True)
class SecretState:
    """A secret's labels at one moment; unlabelled versions are not shown."""

    rotation_enabled: bool
    versions: Mapping[str, Version]

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
        current = self.versions.get(self.current_id or "")
        since = (current.intent if current else None) or -1.0
        sent = [
            (version.intent, version.id)
            for version in self.versions.values()
            if version.id not in (token, self.current_id) and version.intent is not None and version.intent > since
        ]
        return max(sent)[1] if sent else None

    def wrong_logins(self, *, since: float) -> tuple[int, float]:
        """Return how many wrong logins were charged since an epoch, over all versions, and when the latest was."""
        recent = [version.rejected for version in self.versions.values() if version.rejected[1] > since]
        return sum(count for count, _ in recent), max((at for _, at in recent), default=0.0)
