"""Every effect of one invocation passes this gate, where faults, stalls and time-outs meet it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeAlias

from rotation.core.errors import OutcomeUnknown, RateLimited, RotationError, StoreUnavailable, VendorUnavailable
from rotation.core.values import Verdict
from rotation_testkit.fault_lab.in_memory.fuse import Crash, Fuse

if TYPE_CHECKING:
    from rotation_testkit.fault_lab.random_fleets.play.member import Member

Action: TypeAlias = Mapping[str, Any]
"""One thing that happens, or one fault, as it stands in a script."""

VENDOR_EFFECTS = ("set_password", "observe", "verify", "poll", "stop", "start")
CHANGES = ("set_password", "stop", "start")
HARMLESS = ("pause", "event")
"""Kinds that let the effect itself go well."""
_READS = ("describe", "read")
_NO_ANSWER = ("fail", "lost", "unknown", "throttle", "stale")


@dataclass(slots=True, kw_only=True)
class Gate(Fuse):
    """One invocation's way to the world.

    Attributes:
        member: whose.
        token: of the rotation.
        faults: what this invocation meets: ``at`` is an effect's number or name (then ``nth`` counts), ``kind`` what.
        seen: effects of this rotation's earlier steps, which the numbers of ``faults`` go on from.
        started: epoch; ``deadline`` that of the function's time-out.
        turn: called before each effect where several runs share the time.
        wrong: wrong logins, each with the account's number and the moment.
        disturbed: whether something else ran in the middle of this one.
        asked: whether it asked the vendor about a password; ``lied``: whether it was told something false.
        unclear: accounts whose last login got no answer.
        recalls: whether it goes by what earlier runs were told.
    """

    member: Member
    token: str
    faults: Sequence[Action]
    started: float
    deadline: float
    seen: list[str]
    turn: Callable[[], None] | None = None
    wrong: list[tuple[int, float]] = field(default_factory=list)
    disturbed: bool = False
    asked: bool = False
    lied: bool = False
    unclear: set[int] = field(default_factory=set)
    recalls: bool = False

    def pass_through(self, name: str, call: Callable[[], Any], number: int = 0) -> Any:  # noqa: ANN401 - whatever the call returns
        """Make one call, of the account of that number, as the faults will have it."""
        if self.blown:
            raise Crash(name)
        if self.turn is not None:
            self.turn()
        self.seen.append(name)
        self.asked = self.asked or name in {"verify", "set_password"}
        fault = self._due(name) if self.faults else None
        kind = "none" if fault is None else str(fault["kind"])
        if fault is not None and kind in HARMLESS:
            self._interlude(fault)
            kind = "none"
        member = self.member
        if member.clock.time >= self.deadline:
            self._die(name)
        if kind == "none" and self._is_down(name):
            kind = "fail"
        if name == "verify":
            (self.unclear.add if kind in _NO_ANSWER else self.unclear.discard)(number)
        if member.fleet.trace is not None:
            word = kind if fault is None or kind != "none" else str(fault["kind"])
            member.tell(name if word == "none" else f"{name} [{word}]")
        before, member.gate = member.gate, self
        try:
            answer = call() if kind == "none" else self._suffer(kind, fault or {}, name, call)
        finally:
            member.gate = before
        member.look_around(harmless=name in _READS)
        return answer

    def _due(self, name: str) -> Action | None:
        for fault in self.faults:
            if fault["at"] == name and self.seen.count(name) == fault.get("nth", 1):
                return fault
            if fault["at"] == len(self.seen):
                return fault
        return None

    def _is_down(self, name: str) -> bool:
        member = self.member
        until = member.vendor_down_until if name in VENDOR_EFFECTS else member.store_down_until
        return member.clock.time < until

    def _interlude(self, fault: Action) -> None:
        if fault["kind"] == "pause":
            self.member.clock.sleep(float(fault["seconds"]))
        else:
            self.disturbed = True
            self.member.fleet.apply(fault["do"])

    def _die(self, name: str) -> None:
        self.blown = True
        raise Crash(name)

    def _end(self, kind: str, name: str, call: Callable[[], Any]) -> None:
        if kind == "crash-after":
            self._applied(call)
        if kind in {"crash", "crash-after"}:
            self._die(name)

    def _suffer(self, kind: str, fault: Action, name: str, call: Callable[[], Any]) -> object:
        self._end(kind, name, call)
        if kind == "lost":
            self._applied(call)
            raise _unknown(name)
        if kind == "unknown":
            raise _unknown(name)
        if kind == "throttle" and name in VENDOR_EFFECTS:
            raise RateLimited("slow down")
        if kind == "slow" and name == "set_password":
            self.member.slow_next = float(fault.get("seconds", 5.0))
            self._applied(call)
            raise _unknown(name)
        if kind == "twice":
            self._applied(call)
            for number, at in self.wrong:  # Who was told of one wrong login can charge one.
                self.member.watches[number].hidden.append(at)
            return call()
        if kind == "lie" and name == "verify":
            call()
            self.lied = True
            return Verdict.REJECTED
        if kind == "stale" and name in {"read", "describe"}:
            return self._stale(name, call)
        raise _refused(name)

    def _stale(self, name: str, call: Callable[[], Any]) -> object:
        """Answer as a replica that lags behind: a value is not there yet, and labels are as they were."""
        return None if name == "read" else self.member.secret.stale() or call()

    def _applied(self, call: Callable[[], Any]) -> None:
        try:
            call()
        except RotationError:
            return  # Its answer is lost or repeated.


def _unknown(name: str) -> RotationError:
    if name in CHANGES:
        return OutcomeUnknown("the answer is lost")
    return VendorUnavailable("no answer") if name in VENDOR_EFFECTS else StoreUnavailable("no answer")


def _refused(name: str) -> RotationError:
    return VendorUnavailable("no connection") if name in VENDOR_EFFECTS else StoreUnavailable("no connection")
