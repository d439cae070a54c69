"""Durable marks: what the engine must remember across invocations, as short texts that any store can keep.

A mark is a label such as ``lockstep:task:t-101@0a1b2c3d``: its kind, its value, and the end of the version's id. In AWS
Secrets Manager it is a custom staging label: at most 20 over all versions of a secret, at most 256 characters, and a
labelled version is never purged. In a journal it is a list entry. A mark cannot be changed: a new one is written before
the old one is removed (``store.replace_marks``), and of two the later counts.

Example, the marks of one rotation of an account with one wrong login on the way::

    lockstep:intent:1700000000:1700000060:7f3a01bc:0a1b2c3d   see below
    lockstep:rejected:1:1700000030:~7f3a                      run 7f3a was refused one login at that second
    lockstep:task:t-101                                       the vendor's task, which a run left behind
    lockstep:proof:login                                      the password was proved by a login

**Intent**: run ``7f3a01bc`` began at 1700000000, may act until 1700000060, and began while the version whose id ends
with ``0a1b2c3d`` was current. From then on a reset may have been sent. If the run ended in order without knowing
whether the reset took effect, ``until`` is 0 and the first number is when the reset was sent. An earlier release wrote
the first number only.

**Proof**: the label does not end with a version's id, so it is moved and never removed: it moves to the version that is
proved, and on the current version it is the proof of that version. In a batch each account has its own, such as
``lockstep:proof:login:2``. ``versions.SecretState.proof`` says when a proof is valid.

A wrong login has three forms. ``2:1700000030`` is a sum; ``1:1700000030:~7f3a`` is one run's, so that two runs at one
moment write two labels; ``1:1700000030:7f3a2222`` is carried, from the run of that name on the version ``…2222``, which
was released, to the current version. In a batch one label packs what is unusual about one account:
``member:2;f2;r1:1700000030;~9c04`` is account 2 with two failed attempts and a wrong login, and ends in a nonce.

In AWS anyone who may move staging labels can write any of these: labels are untrusted input. No content of a label
raises an error. A time that is further ahead than anything that Lockstep writes (``is_ahead``) decides nothing: a mark
with such a time is not read, except for an intent, which still says that a reset may have been sent.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from math import ceil, inf
from types import MappingProxyType
from urllib.parse import quote, unquote

from rotation.core.values import LONGEST_LOCKOUT_SECONDS, Evidence

PREFIX = "lockstep:"
_RUN = ":~"  # Before a run's name in its charges; no version's id has it.
LONGEST_RUN_SECONDS = 3600.0
"""Clocks of hosts that synchronise their time differ by less, and no run's intent lasts longer."""
LONGEST_PAUSE_SECONDS = LONGEST_LOCKOUT_SECONDS + LONGEST_RUN_SECONDS
"""No lock-out window is longer, and every other pause is shorter: a maintenance window opens within a week."""
_MOST = 999
"""Wrong logins or failed attempts that one mark stands for."""
TURNED_AWAY = "busy"
"""Learnt about the candidate: the vendor refused the latest request, since it was at work on the account."""


class Kind(StrEnum):
    """What a mark says."""

    INTENT = "intent"
    """A reset with this candidate may have been sent; value: see ``Intent``."""
    TASK = "task"
    """The vendor's task id of the latest reset."""
    ACCEPTED = "accepted"
    """The vendor said yes to this candidate's latest reset; value: epoch."""
    REJECTED = "rejected"
    """Wrong logins charged to the account; value: count and epoch of the latest."""
    PARKED = "parked"
    """Stopped on purpose; value: reason and epoch before which nothing is tried."""
    PROOF = "proof"
    """The password was proved to be live; value: the evidence, and in a batch the account's number."""
    UNSENT = "unsent"
    """In a batch: the run that sent nothing for this account, so that its intent does not concern the account."""
    LEARNT = "learnt"
    """What logins found since the latest reset, or that it was ``TURNED_AWAY``; value: see ``learnt``."""
    FAILED = "failed"
    """Attempts in a row that failed or were put off; value: see ``failed``. The pauses grow."""
    OWED = "owed"
    """A commit that a target of announcements has not taken, or that leaves no other trace; value: ``committed``."""
    MEMBER = "member"
    """The marks of one account of a batch in one label, since labels are few; value: its number and its marks."""


_LABEL = re.compile(r"lockstep:([a-z]+):(.+?)(?:@[^@]{1,8})?")
LEASE = re.compile(PREFIX + r"lease:([1-9][0-9]{0,5})")
"""The lease of a generation. A cancelled rotation uses up one, so no secret ever needs more digits."""
_REASON = re.compile(r"[a-z_]{0,40}")
_BY_NAME: Mapping[str, Kind] = MappingProxyType({kind.value: kind for kind in Kind})
_INITIALS: Mapping[Kind, str] = MappingProxyType(
    {kind: "v" if kind is Kind.PROOF else kind[0] for kind in Kind if kind is not Kind.MEMBER}
)
"""How a packed mark names its kind; ``p`` is a parking."""
_BY_INITIAL: Mapping[str, Kind] = MappingProxyType({initial: kind for kind, initial in _INITIALS.items()})


@dataclass(frozen=True, slots=True, order=True)
class Mark:
    """One durable note on a version."""

    kind: Kind
    value: str

    def on(self, version_id: str) -> str:
        """Return the label that a store keeps on a version.

        It ends with the end of the version's id, since a label sits on one version of a secret at a time: the same
        note on two versions must not be the same label. A proof is one label for all versions.
        """
        if self.kind is Kind.PROOF:
            return f"{PREFIX}{self.kind}:{self.value}"
        return f"{PREFIX}{self.kind}:{self.value}@{version_id[-8:]}"

    @classmethod
    def parse(cls, label: str) -> Mark | None:
        """Read a label back; ``None`` for labels that are not marks."""
        match = _LABEL.fullmatch(label)
        kind = None if match is None else _BY_NAME.get(match[1])
        if match is None or kind is None:
            return None
        return cls(kind, match[2]) if _may_be_shown(kind, match[2]) else None


@dataclass(frozen=True, slots=True, order=True)
class Intent:
    """What an intent mark says.

    Attributes:
        sent: epoch from which on the reset may have been sent.
        until: epoch until which its run may act; 0 once that run has ended in order.
        run: shortened; empty in a mark of an earlier release.
        base: the end of the id of the version that was current when the run began.
        written: the value of the mark that was read, if it has another form or a time that is too far ahead, which is 0
            in here.
    """

    sent: float
    until: float = 0.0
    run: str = ""
    base: str = ""
    written: str = field(default="", compare=False)

    @property
    def mark(self) -> Mark:
        """The mark that says this."""
        if self.written:
            return Mark(Kind.INTENT, self.written)
        return intent(self.sent, until=self.until, run=self.run, base=self.base)

    @property
    def sent_by(self) -> float:
        """The epoch by which the reset was sent, if it was."""
        return self.until or self.sent


def intent(now: float, *, until: float = 0.0, run: str = "", base: str = "") -> Mark:
    """Return the intent mark. Its end is rounded up: a run must never seem dead while it lives."""
    rest = f":{ceil(until)}:{run_name(run)}:{base[-8:]}" if run else ""
    return Mark(Kind.INTENT, f"{int(now)}{rest}")


def intended(mark: Mark, as_of: float = inf) -> Intent:
    """Return what an intent mark says. A time that is too far ahead at an epoch counts as none."""
    sent, until, run, base = (*mark.value.split(":", 3), "", "", "")[:4]
    began, ends = (at if (at := number_in(text)) <= as_of + LONGEST_RUN_SECONDS else 0.0 for text in (sent, until))
    found = Intent(began, ends, run, base)
    return found if found.mark == mark else replace(found, written=mark.value)


def is_ahead(mark: Mark, as_of: float) -> bool:
    """Return whether a mark, or one that is packed in it, names a time further ahead than Lockstep writes any."""
    if mark.kind is Kind.MEMBER:
        return any(is_ahead(each, as_of) for each in unpacked(mark)[1])
    longest = LONGEST_PAUSE_SECONDS if mark.kind is Kind.PARKED else LONGEST_RUN_SECONDS
    return latest_in(mark) > as_of + longest


def latest_in(mark: Mark) -> float:
    """Return the latest time that a mark names, in epoch seconds; 0 if it names none."""
    if mark.kind is Kind.INTENT:
        intent = intended(mark)
        return max(intent.sent, intent.until)
    if mark.kind in (Kind.REJECTED, Kind.PARKED):  # both name a moment after the first colon
        return charged(mark)[1]
    return 0.0


def run_name(holder: str) -> str:
    """Return a run's name as labels write it: shortened, which is enough for the few runs of one secret."""
    return holder[:8]


def unsent(run: str) -> Mark:
    """Return the note that a run sent nothing for an account of a batch."""
    return Mark(Kind.UNSENT, run_name(run))


def task(task_id: str) -> Mark:
    """Return the task mark."""
    return Mark(Kind.TASK, task_id)


def accepted(now: float) -> Mark:
    """Return the mark of a definitive yes."""
    return Mark(Kind.ACCEPTED, str(int(now)))


def rejected(count: int, now: float, *, run: str = "") -> Mark:
    """Return the wrong logins charged so far, rounded up. A run's name keeps two runs from writing the same label."""
    return Mark(Kind.REJECTED, f"{count}:{ceil(now)}" + (f"{_RUN}{run[:4]}" if run else ""))


def carried(charge: Mark, origin: str) -> Mark:
    """Return another version's wrong logins as a note that stands beside the keeper's own."""
    value, _, run = charge.value.partition(_RUN)
    return charge if is_carried(charge) else Mark(Kind.REJECTED, f"{value}:{run}{origin[len(run) - 8 :]}")


def is_carried(charge: Mark) -> bool:
    """Return whether wrong logins were charged on another version than the one that keeps the note."""
    return charge.value.count(":") > 1 and _RUN not in charge.value


def charged(charge: Mark) -> tuple[int, float]:
    """Return how many wrong logins a note stands for, and the epoch of the latest."""
    count, at = (*charge.value.split(":"), "")[:2]
    return min(int(number_in(count)), _MOST), number_in(at)


def charge_origin(charge: Mark) -> str:
    """Return a charge's origin: ``~`` and a run's name, the end of another version's id, or an empty text."""
    return (*charge.value.split(":", 2), "", "")[2]


def is_of_a_run(origin: str) -> bool:
    """Return whether an origin is a run of this version."""
    return origin.startswith(_RUN[1:])


def parked(reason: str, until: float) -> Mark:
    """Return the parking mark. The time is rounded up, so that no attempt comes too early."""
    return Mark(Kind.PARKED, f"{reason}:{ceil(until)}")


def proof(evidence: Evidence, number: int | str | None = None) -> Mark:
    """Return the proof of an account, which has a number in a batch."""
    return Mark(Kind.PROOF, evidence.name.lower() + ("" if number is None else f":{number}"))


def learnt(found: Mapping[str, str]) -> Mark:
    """Return what logins found, by the end of the id of each password's version: ``0a1b2c3d=rejected``, with ``+``."""
    return Mark(Kind.LEARNT, "+".join(f"{version}={finding}" for version, finding in sorted(found.items())))


def owed() -> Mark:
    """Return the mark of a commit that has to be announced again."""
    return Mark(Kind.OWED, "committed")


def failed(count: int, *, put_off: int = 0, counted: bool = False) -> Mark:
    """Return how many attempts in a row came to nothing, such as ``2+5:counted``.

    Args:
        count: resets of no use, and attempts that needed a human.
        put_off: attempts that the vendor refused or put off.
        counted: whether the latest reset is counted.
    """
    later = f"+{put_off}" if put_off else ""
    return Mark(Kind.FAILED, f"{count}{later}{':counted' if counted else ''}")


def failures(values: Iterable[str]) -> tuple[int, int, bool]:
    """Return what marks of failures say, as ``failed`` takes it; of two the higher numbers count."""
    values = list(values)
    pairs = [value.partition(":")[0].partition("+") for value in values]
    count, put_off = (max((min(int(number_in(pair[at])), _MOST) for pair in pairs), default=0) for at in (0, 2))
    return count, put_off, any(":" in value for value in values)


def member(number: int, notes: Iterable[Mark], nonce: str = "") -> Mark:
    """Return the mark that packs those of one account of a batch: ``2;i1700000000;t101``, and a nonce if wanted.

    A label has 256 characters; beside one mark of every kind a task id of 60 fits.
    """
    packed = sorted(f"{_INITIALS[note.kind]}{quote(note.value, safe=':')}" for note in notes)
    return Mark(Kind.MEMBER, ";".join([str(number), *packed, *([f"~{nonce}"] if nonce else [])]))


def unpacked(note: Mark) -> tuple[str, frozenset[Mark]]:
    """Return an account's number, as text, and its marks; marks of unknown kinds are left out."""
    number, *packed = note.value.split(";")
    known = ((_BY_INITIAL.get(each[:1]), unquote(each[1:])) for each in packed)
    found = ((kind, value) for kind, value in known if kind and value)
    return number, frozenset(Mark(kind, value) for kind, value in found if _may_be_shown(kind, value))


def _may_be_shown(kind: Kind, value: str) -> bool:
    """Return whether a mark's reason is one word, since it is shown to people; other marks show none."""
    return kind is not Kind.PARKED or _REASON.fullmatch(value.rpartition(":")[0]) is not None


def number_in(text: str) -> float:
    """Return the number that a label's text holds, 0 where it holds none: labels are untrusted input."""
    return float(text) if re.fullmatch(r"[0-9]{1,12}", text) else 0.0
