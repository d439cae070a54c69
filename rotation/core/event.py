"""An event: one sentence about a secret for other programs, such as "committed", without any value.

``docs/events.schema.json`` is the schema of ``Event.describe``, and docs/events.md says when each kind is announced.
Events are announced at least once. A repeat has the same id, so that a consumer can leave it out. Example,
of a rotation whose function died right after it had made the new password current::

    {"version": 1, "id": "5c1e…", "kind": "committed", "at": "2026-11-30T12:00:08Z", "secret": "arn:…", "token": "bb…"}
    {"version": 1, "id": "5c1e…", "kind": "committed", "at": "2026-11-30T12:03:10Z", "secret": "arn:…", "token": "bb…"}
"""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol, TypedDict, Unpack

from rotation.core.clock import date_of
from rotation.core.values import Evidence

VERSION = 1
"""Of the schema. Another one means that a field has gone or means something else; new fields do not change it."""
_IDS = uuid.uuid5(uuid.NAMESPACE_URL, "lockstep:event")


class EventKind(StrEnum):
    """What happened."""

    ENROLLED = "enrolled"
    """The secret was bound to its account."""
    STAGED = "staged"
    """A candidate was stored beside the current password."""
    SENT = "sent"
    """A reset was or may have been sent, so that the current password may be dead."""
    PROVED = "proved"
    """The candidate opens the account, as far as the evidence says."""
    COMMITTED = "committed"
    """The candidate has become current: readers of the password must read it again now."""
    PARKED = "parked"
    """The rotation stopped on purpose; the reason says why, and ``not_before`` until when."""
    FAILED = "failed"
    """An attempt failed; the reason is the error's code."""
    DRIFT = "drift"
    """The current password does not open the account."""
    OVERDUE = "overdue"
    """A scheduled rotation has not happened."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """One event.

    Attributes:
        secret: the secret's ARN, or its path in the mount of a KV engine.
        at: epoch seconds of this announcement; a repeat has a later time.
        token: id of the version that it is about.
        reason: a word: why the rotation is parked, or the error's code.
        not_before: epoch seconds before which nothing is tried; of an overdue secret, when it was due.
    """

    kind: EventKind
    secret: str
    at: float
    token: str | None = None
    driver: str | None = None
    evidence: Evidence | None = None
    reason: str | None = None
    not_before: float | None = None

    @property
    def id(self) -> str:
        """The id, which is the same whenever the same thing is said about the same version of the same secret."""
        until = "" if self.not_before is None else str(int(self.not_before))
        return str(uuid.uuid5(_IDS, "\n".join([self.secret, self.token or "", self.kind, self.reason or "", until])))

    def describe(self) -> dict[str, object]:
        """Return the fields as JSON has them, without empty ones."""
        fields: dict[str, object] = {
            "version": VERSION,
            "id": self.id,
            "kind": self.kind.value,
            "at": _date(self.at),
            "secret": self.secret,
            "token": self.token,
            "driver": self.driver,
            "evidence": self.evidence.name if self.evidence else None,
            "reason": self.reason,
            "not_before": None if self.not_before is None else _date(self.not_before),
        }
        return {key: value for key, value in fields.items() if value is not None}


class Details(TypedDict, total=False):
    """What may be said beside the kind of an event; see ``Event``."""

    evidence: Evidence | None
    reason: str | None
    not_before: float | None


class Announce(Protocol):
    """Announces an event; never raises, and takes a few seconds at most."""

    def __call__(self, kind: EventKind, token: str | None, **details: Unpack[Details]) -> bool:
        """Announce. Return whether every target has taken it."""
        ...


def announce_nothing(kind: EventKind, token: str | None, **details: Unpack[Details]) -> bool:
    """Announce to nobody, where the deployment names no target."""
    del kind, token, details
    return True


def _date(epoch: float) -> str:
    return date_of(epoch).strftime("%Y-%m-%dT%H:%M:%SZ")
