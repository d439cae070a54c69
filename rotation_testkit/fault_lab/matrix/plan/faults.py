"""What can go wrong at an effect, and the lines by which a run is named and replayed."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType


class Port(StrEnum):
    """What sort of call an effect is."""

    READ = "read"
    """Labels or a value, from the store."""
    PUT = "put"
    """A value, to the store."""
    LABEL = "label"
    """A label attached, moved or taken away."""
    RESET = "reset"
    """The change of the password."""
    LOGIN = "login"
    """A login check."""
    LOOK = "look"
    """Any other question to the vendor."""
    SWITCH = "switch"
    """A machine's power."""
    SLEEP = "sleep"
    """The function waits."""


class Edge(StrEnum):
    """Whether the effect has happened when the fault shows."""

    BEFORE = "before"
    AFTER = "after"


class Kind(StrEnum):
    """What the caller meets."""

    CRASH = "crash"
    """The process dies."""
    TIMEOUT = "timeout"
    """The call hangs until the function's time-out kills the process."""
    ERROR = "error"
    """No answer: the connection breaks, or a 5xx."""
    THROTTLED = "throttled"
    """A definitive "not now"; never applied."""
    SLOW = "slow"
    """No answer, and the request takes effect 30 s later."""
    DUPLICATE = "duplicate"
    """The request is delivered twice, and the second answer arrives."""
    WRONG = "wrong"
    """An answer of the wrong class: a login that could not be made is called a wrong password; a page for an answer."""
    STALE = "stale"
    """A read answers with what was before the latest change."""
    LOST = "lost"
    """A change of a label is answered with success and does not happen."""
    CANCELLED = "cancelled"
    """An operator cancels the rotation and strips its pending label; the next attempt is a new rotation."""
    PARALLEL = "parallel"
    """The same event is delivered once more, and that invocation runs to its end first."""


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing that goes wrong."""

    edge: Edge
    kind: Kind

    def __str__(self) -> str:
        return f"{self.edge}.{self.kind}"


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
        # After a mere question nothing is different from before it, so that edge would try the same again.
        Port.READ: _faults(*_QUESTION, "before.stale"),
        Port.PUT: _faults(*_CHANGE),
        Port.LABEL: _faults(*_CHANGE, "before.lost"),
        Port.RESET: _faults(*_CHANGE, "before.wrong", "after.wrong"),
        Port.LOGIN: _faults(*_QUESTION, "after.crash", "after.error", "after.duplicate", "before.wrong"),
        Port.LOOK: _faults(*_QUESTION, "before.stale", "before.wrong"),
        Port.SWITCH: _faults(*_CHANGE),
        Port.SLEEP: _faults("before.crash", "after.crash", "after.timeout", "after.slow"),
    }
)
"""Every fault that an effect of each sort can meet."""


def twins(port: Port, fault: Fault) -> int:
    """Return how many faults of this effect one run stands for.

    Callers of a store cannot tell "throttled" from "no answer, and not applied": both are ``StoreUnavailable``. So they
    are run once and count twice; the throttled one itself stands for none.
    """
    if port not in (Port.READ, Port.PUT, Port.LABEL) or fault.edge is Edge.AFTER:
        return 1
    return {Kind.ERROR: 2, Kind.THROTTLED: 0}.get(fault.kind, 1)


Plan = tuple[tuple[int, Fault], ...]
"""Which effects, counted from 0 over the whole run, meet which fault; in ascending order."""


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
            ValueError: it is none.
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
