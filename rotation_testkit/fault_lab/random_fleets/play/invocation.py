"""One invocation of the function, and which of its effects has which fault, stall, outage or event of the script."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TypeVar, cast

from rotation.core.errors import StoreUnavailable
from rotation_testkit.fault_lab.gate import Gate
from rotation_testkit.fault_lab.in_memory.clock import VirtualClock
from rotation_testkit.fault_lab.in_memory.effects import Effect, Fault, Kind, Port
from rotation_testkit.fault_lab.in_memory.fuse import Edge
from rotation_testkit.fault_lab.random_fleets.play.surroundings import AccountView, Action

T = TypeVar("T")

HARMLESS = ("pause", "event")
"""Kinds that let the effect itself go well."""
_FAULTS = {
    "crash": Fault(Edge.BEFORE, Kind.CRASH),
    "crash-after": Fault(Edge.AFTER, Kind.CRASH),
    "lost": Fault(Edge.AFTER, Kind.ERROR),
    "unknown": Fault(Edge.BEFORE, Kind.ERROR),
    "fail": Fault(Edge.BEFORE, Kind.UNREACHABLE),
    "throttle": Fault(Edge.BEFORE, Kind.THROTTLED),
    "twice": Fault(Edge.AFTER, Kind.DUPLICATE),
    "slow": Fault(Edge.AFTER, Kind.SLOW),
    "lie": Fault(Edge.AFTER, Kind.WRONG),
    "stale": Fault(Edge.BEFORE, Kind.STALE),
}
_ONLY_AT = {"slow": Port.RESET, "lie": Port.LOGIN, "stale": Port.READ}
"""Elsewhere these fail."""
_NO_ANSWER = (Kind.ERROR, Kind.UNREACHABLE, Kind.THROTTLED)


@dataclass(slots=True, kw_only=True, eq=False)
class Invocation:
    """The ``Surroundings`` of one invocation's gate.

    Attributes:
        member: whose.
        token: of the rotation.
        faults: those of this invocation: ``at`` is an effect's number or name (then ``nth`` counts), ``kind`` the sort.
        seen: effects of this rotation's earlier steps, which the numbers of ``faults`` go on from.
        started: epoch; ``deadline`` that of the function's time-out.
        turn: called before each effect where several runs share the time.
        wrong: wrong logins, each with the account's number and the moment.
        disturbed: whether something else ran in the middle of this one.
        asked: whether it asked the vendor about a password; ``lied``: whether it got a false answer.
        unclear: accounts whose last login got no answer.
        recalls: whether it goes by what earlier runs learnt.
        gate: what its effects pass.
    """

    member: AccountView
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
    unclear: set[str] = field(default_factory=set)
    recalls: bool = False
    gate: Gate = field(init=False)
    _slow_seconds: float = 0.0

    def __post_init__(self) -> None:
        self.gate = Gate(self)

    @property
    def clock(self) -> VirtualClock:
        """The fleet's clock."""
        return self.member.clock

    def meet(self, effect: Effect) -> Fault | None:
        """See ``gate.Surroundings``."""
        if self.turn is not None:
            self.turn()
        member, port = self.member, effect.port
        self.seen.append(effect.verb)
        self.asked = self.asked or port in (Port.LOGIN, Port.RESET)
        scripted = self._due(effect.verb) if self.faults else None
        word = "" if scripted is None else str(scripted["kind"])
        if scripted is not None and word in HARMLESS:
            self._interlude(scripted)
        if member.clock.time >= self.deadline:
            return _FAULTS["crash"]
        if word in ("", *HARMLESS) and member.is_down(port):
            word = "fail"
        fault = _FAULTS.get(word if _ONLY_AT.get(word, port) is port else "fail")
        if port is Port.LOGIN:
            no_answer = fault is not None and fault.kind in _NO_ANSWER
            (self.unclear.add if no_answer else self.unclear.discard)(effect.account)
        if scripted is not None:
            self._slow_seconds = float(scripted.get("seconds", 5.0))
        member.tell(f"{effect.verb} [{word}]" if word else effect.verb)
        member.wrong_logins = self.wrong
        return fault

    def _due(self, verb: str) -> Action | None:
        for fault in self.faults:
            if fault["at"] == verb and self.seen.count(verb) == fault.get("nth", 1):
                return fault
            if fault["at"] == len(self.seen):
                return fault
        return None

    def _interlude(self, fault: Action) -> None:
        if fault["kind"] == "pause":
            self.clock.sleep(float(fault["seconds"]))
        else:
            self.disturbed = True
            self.member.interfere(fault["do"])

    def changing(self, effect: Effect) -> None:
        """See ``gate.Surroundings``."""

    def changed(self, effect: Effect) -> None:
        """See ``gate.Surroundings``."""
        self.member.look_around(harmless=effect.port is Port.READ)

    def stale(self, effect: Effect, call: Callable[[], T]) -> T:
        """Answer as a replica that lags behind: a value is not there yet, and labels are as they were."""
        if effect.verb == "read":
            return cast("T", None)
        return cast("T", self.member.secret.stale()) or call()

    def delay(self, effect: Effect, call: Callable[[], object]) -> None:
        """See ``gate.Surroundings``; the vendor puts the request off."""
        del effect
        self.member.slow_seconds = self._slow_seconds
        with suppress(Exception):
            call()

    def excuse(self, effect: Effect, fault: Fault) -> None:
        """See ``gate.Surroundings``; of two wrong logins, the engine hears of one and can charge one."""
        del effect
        self.lied = self.lied or fault.kind is Kind.WRONG
        if fault.kind is Kind.DUPLICATE:
            self.member.hide(self.wrong)

    def store_error(self, kind: Kind) -> Exception:
        """See ``gate.Surroundings``."""
        return StoreUnavailable("no connection" if kind is Kind.UNREACHABLE else "no answer")
