"""Every rule of reconciliation, as data. Nothing here does anything.

A rotation function starts with empty memory each time, looks at the labels and at the vendor, and does the next thing.
The engine asks ``next_move`` what that is, again after every move, with the new finding filled in; the first row that
matches what is known decides.

Rules behind the rows: write it down before you do it; the same candidate on every retry; "could not tell" decides
nothing; a candidate is dropped only when no reset with it can have been applied.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import KW_ONLY, dataclass, fields, replace
from enum import Enum, StrEnum
from types import MappingProxyType
from typing import Any

from rotation.core.values import Authority


class Finding(Enum):
    """What is known about one stored password."""

    NOT_ASKED = "not asked"
    ACCEPTED = "accepted"
    REJECTED = "rejected"
    UNKNOWN = "could not tell"
    LOCKED = "locked"
    ABSENT = "not stored"


class Stored(StrEnum):
    """Which stored password a finding is about."""

    PENDING = "pending"
    CURRENT = "current"
    PREVIOUS = "previous"


class TaskFinding(Enum):
    """What is known about the vendor's task; the last three are the values of ``TaskState``."""

    NONE = "none"
    NOT_POLLED = "not polled"
    RUNNING = "running"
    FAILED = "failed"
    DONE = "done"


class Move(StrEnum):
    """What setSecret does next."""

    SEND_FIRST = "put the intent mark, re-read the labels, send the reset"
    POLL = "poll the task"
    KEEP_POLLING = "keep polling; stop before the time-out"
    PROBE_PENDING = "probe the candidate"
    PROBE_CURRENT = "probe current"
    PROBE_PREVIOUS = "probe previous"
    SEND_AGAIN = "send the same candidate again"
    SEND_FROM_PREVIOUS = "change from previous, report drift"
    DONE = "go to test"
    PARK_EXTERNAL = "park: none of the stored passwords is live"
    PARK_LOCKED = "park until the lock window is over"
    RETRY_LATER = "decide nothing, retry later"


PROBES: Mapping[Move, Stored] = MappingProxyType(
    {
        Move.PROBE_PENDING: Stored.PENDING,
        Move.PROBE_CURRENT: Stored.CURRENT,
        Move.PROBE_PREVIOUS: Stored.PREVIOUS,
    }
)
"""The moves that log in, and with which stored password."""

SENDS = (Move.SEND_FIRST, Move.SEND_AGAIN, Move.SEND_FROM_PREVIOUS)
"""The moves that send a reset."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """What setSecret knows so far.

    ``oracle``: a login can find out whether a password is live. ``cancelled``: nothing was sent for this token by
    earlier runs, and ``previous`` is a cancelled rotation's candidate that may have been. ``recalled``: the candidate
    was rejected in an earlier run, and this one has not asked about it.
    ``turned_away``: the vendor refused the latest request because it was at work on the account.
    """

    intent: bool
    authority: Authority
    oracle: bool
    accepted: bool = False
    reachable: bool = True
    cancelled: bool = False
    recalled: bool = False
    turned_away: bool = False
    task: TaskFinding = TaskFinding.NONE
    pending: Finding = Finding.NOT_ASKED
    current: Finding = Finding.NOT_ASKED
    previous: Finding = Finding.NOT_ASKED

    def learned(self, which: Stored, finding: Finding) -> Facts:
        """Return the facts with one finding of this run filled in."""
        found: dict[str, Any] = {which.value: finding}
        return replace(self, **found, recalled=self.recalled and which is not Stored.PENDING)

    def remembered(self, learnt: Mapping[str, str]) -> Facts:
        """Return the facts with what the logins of earlier runs found since the latest reset.

        That the candidate was accepted is never taken from labels, since they are no proof.
        """
        found: dict[str, Any] = {
            which.value: finding
            for which in Stored
            for finding in (Finding.ACCEPTED, Finding.REJECTED)
            if learnt.get(which) == finding.value and (which, finding) != (Stored.PENDING, Finding.ACCEPTED)
        }
        return replace(self, **found, recalled=Stored.PENDING in found)


@dataclass(frozen=True, slots=True)
class Row:
    """One row: every field that is not ``None`` must match; the first matching row decides."""

    move: Move
    why: str
    _: KW_ONLY
    any_of: Finding | None = None
    intent: bool | None = None
    authority: Authority | None = None
    oracle: bool | None = None
    accepted: bool | None = None
    reachable: bool | None = None
    cancelled: bool | None = None
    recalled: bool | None = None
    turned_away: bool | None = None
    task: TaskFinding | None = None
    pending: Finding | None = None
    current: Finding | None = None
    previous: Finding | None = None

    def matches(self, facts: Facts) -> bool:
        """Return whether this row matches these facts."""
        if self.any_of is not None and self.any_of not in (facts.pending, facts.current, facts.previous):
            return False
        return all(getattr(self, column) in (None, getattr(facts, column)) for column in _COLUMNS)


_COLUMNS = tuple(column.name for column in fields(Facts))
_SELF, _ADMIN = Authority.SELF, Authority.ADMIN
_REJECTED, _ACCEPTED, _NOT_ASKED = Finding.REJECTED, Finding.ACCEPTED, Finding.NOT_ASKED

RECONCILIATION: tuple[Row, ...] = (
    Row(Move.PARK_LOCKED, "a locked account answers nothing; probing prolongs the lock", any_of=Finding.LOCKED),
    Row(Move.RETRY_LATER, "could not tell decides nothing", any_of=Finding.UNKNOWN),
    Row(Move.SEND_FIRST, "nothing was sent, so there is nothing to find out", intent=False),
    Row(Move.POLL, "the vendor knows how the task ended", task=TaskFinding.NOT_POLLED),
    Row(Move.KEEP_POLLING, "a second reset would overtake the first", task=TaskFinding.RUNNING),
    Row(Move.SEND_AGAIN, "the task failed: same candidate, new task", task=TaskFinding.FAILED),
    Row(Move.DONE, "the vendor said yes after the intent, and no more can be known", oracle=False, accepted=True),
    Row(Move.DONE, "the vendor's task ended well, and no more can be known", oracle=False, task=TaskFinding.DONE),
    Row(Move.SEND_AGAIN, "without an oracle the same candidate is replayed until a definitive yes", oracle=False),
    Row(
        Move.DONE,
        "the vendor said yes after the intent; the login is tried once the machine runs again",
        reachable=False,
        accepted=True,
    ),
    Row(
        Move.SEND_AGAIN,
        "a stopped machine cannot be asked, and an admin reset converges by repeating it",
        authority=_ADMIN,
        reachable=False,
    ),
    Row(
        Move.PROBE_PREVIOUS,
        "the first reset was refused, and most likely that of a cancelled rotation was applied",
        authority=_SELF,
        cancelled=True,
        pending=_NOT_ASKED,
        current=_REJECTED,
        previous=_NOT_ASKED,
    ),
    Row(
        Move.SEND_FROM_PREVIOUS,
        "a cancelled rotation's reset was applied, so the candidate was not: change from there",
        authority=_SELF,
        cancelled=True,
        pending=_NOT_ASKED,
        current=_REJECTED,
        previous=_ACCEPTED,
    ),
    Row(
        Move.SEND_AGAIN,
        "nothing was applied unless the request came twice, and then the answer to the same one shows it",
        turned_away=True,
        pending=_NOT_ASKED,
        current=_NOT_ASKED,
    ),
    Row(Move.PROBE_PENDING, "a reset may have been applied: ask first", pending=_NOT_ASKED),
    Row(Move.DONE, "the candidate is live", pending=_ACCEPTED),
    Row(Move.SEND_AGAIN, "repeating an admin reset with its candidate converges", authority=_ADMIN, pending=_REJECTED),
    Row(Move.PROBE_CURRENT, "a change needs the live password", authority=_SELF, current=_NOT_ASKED),
    Row(Move.SEND_AGAIN, "not applied: change from current", authority=_SELF, current=_ACCEPTED),
    Row(Move.PROBE_PREVIOUS, "it may have been restored by hand", authority=_SELF, previous=_NOT_ASKED),
    Row(Move.SEND_FROM_PREVIOUS, "previous was restored: drift", authority=_SELF, previous=_ACCEPTED),
    Row(Move.PROBE_PENDING, "a slow reset may have arrived since an earlier run asked", recalled=True),
    Row(Move.PARK_EXTERNAL, "the password was changed outside; only a human can tell it"),
)


def next_move(facts: Facts) -> Row:
    """Return the row that decides. The last row matches everything, so there always is one."""
    return next(row for row in RECONCILIATION if row.matches(facts))
