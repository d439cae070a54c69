"""Plans: which faults an effect of each sort can have, and the lines that name a run and replay it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from rotation_testkit.fault_lab.in_memory.effects import Fault, Kind, Port
from rotation_testkit.fault_lab.in_memory.fuse import Edge


def _faults(*texts: str) -> tuple[Fault, ...]:
    pairs = (text.split(".") for text in texts)
    return tuple(Fault(Edge(edge), Kind(kind)) for edge, kind in pairs)


_QUESTION = ("before.crash", "before.timeout", "before.error", "before.throttled", "before.parallel")
_CHANGE = (
    *_QUESTION,
    "before.cancelled",
    "after.crash",
    "after.timeout",
    "after.error",
    "after.slow",
    "after.duplicate",
)

FAULTS: Mapping[Port, tuple[Fault, ...]] = MappingProxyType(
    {
        # A read changes nothing, so a fault after it would be the same as one before it.
        Port.READ: _faults(*_QUESTION, "before.stale"),
        Port.PUT: _faults(*_CHANGE),
        Port.LABEL: _faults(*_CHANGE, "before.lost"),
        Port.RESET: _faults(*_CHANGE, "before.wrong", "after.wrong"),
        Port.LOGIN: _faults(*_QUESTION, "after.crash", "after.error", "after.duplicate", "before.wrong"),
        Port.LOOK: _faults(*_QUESTION, "before.stale", "before.wrong"),
        Port.SWITCH: _faults(*_CHANGE),
        Port.GREET: _faults("before.crash", "before.timeout", "before.error", "before.parallel", "before.wrong"),
        Port.SLEEP: _faults("before.crash", "after.crash", "after.timeout", "after.slow"),
        Port.WRITE: _faults("before.crash", "after.crash"),
    }
)
"""Every fault of its own that an effect of each sort can have."""

_AROUND = _faults("before.signal", "after.signal", "before.halt", "after.halt", "before.ahead", "before.behind")
AROUND: Mapping[Port, tuple[Fault, ...]] = MappingProxyType(
    {
        port: (*_AROUND, *(_faults("before.pipe", "before.full", "before.closed") if port is Port.WRITE else ()))
        for port in Port
    }
)
"""Every fault of what is around: the process, its machine's clock, and what reads its output."""
AROUND_KINDS = frozenset(fault.kind for faults in AROUND.values() for fault in faults)


def twins(port: Port, fault: Fault) -> int:
    """Return how many faults of this effect one run stands for.

    Callers of a store cannot tell "throttled" from "no answer, and not applied": both are ``StoreUnavailable``. So they
    are run once and count twice; the throttled one itself stands for none.
    """
    if port not in (Port.READ, Port.PUT, Port.LABEL) or fault.edge is Edge.AFTER:
        return 1
    return {Kind.ERROR: 2, Kind.THROTTLED: 0}.get(fault.kind, 1)


Plan = tuple[tuple[int, Fault], ...]
"""The faults of a run, each with its effect's number, counted from 0 over the whole run; in ascending order."""


@dataclass(frozen=True, slots=True)
class Line:
    """The name of one run: ``matrix:DRIVER/STORE/SPACING:PLAN``, or ``...:clean`` for one without faults.

    An algorithm other than Lockstep's stands before the driver, as in ``matrix:write_ahead.self/own/10:4.after.error``.
    """

    algorithm: str
    driver: str
    store: str
    spacing: int
    plan: Plan = ()

    def __str__(self) -> str:
        faults = "+".join(f"{number}.{fault}" for number, fault in self.plan) or "clean"
        algorithm = "" if self.algorithm == OURS else f"{self.algorithm}."
        return f"matrix:{algorithm}{self.driver}/{self.store}/{self.spacing}:{faults}"

    @classmethod
    def parse(cls, text: str) -> Line:
        """Read a line.

        Raises:
            ValueError: the text is no line.
        """
        match = re.fullmatch(r"matrix:(?:(\w+)\.)?(\w+)/(\w+)/([0-9]+):([0-9a-z.+]+)", text.strip())
        if match is None:
            raise ValueError("a run is named matrix:DRIVER/STORE/SPACING:PLAN")
        plan: list[tuple[int, Fault]] = []
        for part in () if match[5] == "clean" else match[5].split("+"):
            number, _, fault = part.partition(".")
            plan += [(int(number), one) for one in _faults(fault)]
        if [number for number, _ in plan] != sorted({number for number, _ in plan}):
            raise ValueError("a plan names each effect once, in ascending order")
        return cls(match[1] or OURS, match[2], match[3], int(match[4]), tuple(plan))


OURS = "lockstep"
"""The algorithm that a line does not name."""
