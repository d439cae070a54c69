"""Every rule about steps and reconciliation, as data. Nothing here does anything.

Theory of operation. A rotation function starts with empty memory each time, looks at the labels and at the vendor, and
does the next thing. Two tables say what that is:

* ``GUARD``: what a step may do, by the state of its token's version.
* ``RECONCILIATION``: what setSecret does next, by what is known so far. The engine asks ``next_move`` again after every
  move, with the new finding filled in.

Rules behind both: write it down before you do it; the same candidate on every retry; "could not tell" decides nothing;
a candidate is dropped only when no reset with it can have been applied.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from enum import Enum, StrEnum
from types import MappingProxyType

from rotation.core.values import Authority, TaskState


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
    """What is known about the vendor's task."""

    NONE = "none"
    NOT_POLLED = "not polled"
    RUNNING = "running"
    FAILED = "failed"
    DONE = "done"


class Oracle(Enum):
    """Whether anybody can tell if a password is live."""

    LOGIN = "login"
    NONE = "none"


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

TASK_FINDINGS: Mapping[TaskState, TaskFinding] = MappingProxyType(
    {
        TaskState.RUNNING: TaskFinding.RUNNING,
        TaskState.DONE: TaskFinding.DONE,
        TaskState.FAILED: TaskFinding.FAILED,
    }
)
"""What a poll's answer means for the table."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """What setSecret knows so far.

    ``cancelled``: nothing was sent for this token by earlier runs, and ``previous`` is a cancelled rotation's candidate
    that may have been.
    """

    intent: bool
    authority: Authority
    oracle: Oracle
    accepted: bool = False
    reachable: bool = True
    cancelled: bool = False
    task: TaskFinding = TaskFinding.NONE
    pending: Finding = Finding.NOT_ASKED
    current: Finding = Finding.NOT_ASKED
    previous: Finding = Finding.NOT_ASKED

    def learned(self, which: Stored, finding: Finding) -> Facts:
        """Return the facts with one finding filled in."""
        if which is Stored.PENDING:
            return replace(self, pending=finding)
        if which is Stored.CURRENT:
            return replace(self, current=finding)
        return replace(self, previous=finding)


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One row: every field that is not ``None`` must match; the first matching row decides."""

    move: Move
    why: str
    any_of: Finding | None = None
    intent: bool | None = None
    authority: Authority | None = None
    oracle: Oracle | None = None
    accepted: bool | None = None
    reachable: bool | None = None
    cancelled: bool | None = None
    task: TaskFinding | None = None
    pending: Finding | None = None
    current: Finding | None = None
    previous: Finding | None = None

    def matches(self, facts: Facts) -> bool:
        """Tell whether this row decides for these facts."""
        if self.any_of is not None and self.any_of not in (facts.pending, facts.current, facts.previous):
            return False
        return all(getattr(self, column) in (None, getattr(facts, column)) for column in _COLUMNS)


_COLUMNS = tuple(column.name for column in fields(Facts))
_SELF, _ADMIN = Authority.SELF, Authority.ADMIN
_REJECTED, _ACCEPTED, _NOT_ASKED = Finding.REJECTED, Finding.ACCEPTED, Finding.NOT_ASKED

RECONCILIATION: tuple[Row, ...] = (
    Row(
        move=Move.PARK_LOCKED, any_of=Finding.LOCKED, why="a locked account answers nothing; probing prolongs the lock"
    ),
    Row(move=Move.RETRY_LATER, any_of=Finding.UNKNOWN, why="could not tell decides nothing"),
    Row(move=Move.SEND_FIRST, intent=False, why="nothing was sent, so there is nothing to find out"),
    Row(move=Move.POLL, task=TaskFinding.NOT_POLLED, why="the vendor knows how the task ended"),
    Row(move=Move.KEEP_POLLING, task=TaskFinding.RUNNING, why="a second reset would overtake the first"),
    Row(move=Move.SEND_AGAIN, task=TaskFinding.FAILED, why="the task failed: same candidate, new task"),
    Row(
        move=Move.DONE,
        oracle=Oracle.NONE,
        accepted=True,
        why="the vendor said yes after the intent, and nobody can tell more",
    ),
    Row(
        move=Move.DONE,
        oracle=Oracle.NONE,
        task=TaskFinding.DONE,
        why="the vendor's task ended well, and nobody can tell more",
    ),
    Row(
        move=Move.SEND_AGAIN,
        oracle=Oracle.NONE,
        why="without an oracle the same candidate is replayed until a definitive yes",
    ),
    Row(
        move=Move.DONE,
        reachable=False,
        accepted=True,
        why="the vendor said yes after the intent; the login is tried once the machine runs again",
    ),
    Row(
        move=Move.SEND_AGAIN,
        authority=_ADMIN,
        reachable=False,
        why="a stopped machine cannot be asked, and an admin reset converges by repeating it",
    ),
    Row(
        move=Move.PROBE_PREVIOUS,
        authority=_SELF,
        cancelled=True,
        pending=_NOT_ASKED,
        current=_REJECTED,
        previous=_NOT_ASKED,
        why="the first reset was refused, and that of a rotation that was cancelled may have been applied: likeliest",
    ),
    Row(
        move=Move.SEND_FROM_PREVIOUS,
        authority=_SELF,
        cancelled=True,
        pending=_NOT_ASKED,
        current=_REJECTED,
        previous=_ACCEPTED,
        why="a cancelled rotation's reset was applied, so the candidate was not: change from there",
    ),
    Row(move=Move.PROBE_PENDING, pending=_NOT_ASKED, why="a reset may have been applied: ask first"),
    Row(move=Move.DONE, pending=_ACCEPTED, why="the candidate is live"),
    Row(
        move=Move.SEND_AGAIN,
        authority=_ADMIN,
        pending=_REJECTED,
        why="an admin reset converges by repeating it with the same candidate",
    ),
    Row(move=Move.PROBE_CURRENT, authority=_SELF, current=_NOT_ASKED, why="a change needs the live password"),
    Row(move=Move.SEND_AGAIN, authority=_SELF, current=_ACCEPTED, why="not applied: change from current"),
    Row(move=Move.PROBE_PREVIOUS, authority=_SELF, previous=_NOT_ASKED, why="somebody may have restored it"),
    Row(move=Move.SEND_FROM_PREVIOUS, authority=_SELF, previous=_ACCEPTED, why="previous was restored: drift"),
    Row(move=Move.PARK_EXTERNAL, why="the password was changed outside; only a human can tell it"),
)


def next_move(facts: Facts) -> Row:
    """Return the row that decides. The last row matches everything, so there always is one."""
    return next(row for row in RECONCILIATION if row.matches(facts))
