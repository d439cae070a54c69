"""The gate through which every effect of an invocation goes, and where faults happen. Matrix and fleets use it.

The gate knows what a fault does to a call. Its ``Surroundings`` know which effect has which fault, and keep the state
of their world: delayed requests, stale answers, excuses. An effect with the fault ``after.error`` goes::

    surroundings.meet(effect)        -> Fault(after, error)
    surroundings.changing(effect); the call itself; surroundings.changed(effect)
    raise OutcomeUnknown("no answer")     the request was applied, and the caller cannot know it
"""

from __future__ import annotations

import errno
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Protocol, TypeVar, cast

from rotation.core.errors import CannotVerify, OutcomeUnknown, RateLimited, UnexpectedReply, VendorUnavailable
from rotation.core.values import Verdict
from rotation_testkit.fault_lab.in_memory.clock import VirtualClock
from rotation_testkit.fault_lab.in_memory.effects import STORE_PORTS, Effect, Fault, Kind, Port
from rotation_testkit.fault_lab.in_memory.fuse import Crash, Edge

T = TypeVar("T")

SLOW_SECONDS = 30.0
"""Seconds by which a slow wait lasts longer, and a slow request of the matrix takes effect later."""

UNWRITABLE: Mapping[Kind, Callable[[], Exception]] = {
    Kind.PIPE: lambda: BrokenPipeError(errno.EPIPE, "Broken pipe"),
    Kind.FULL: lambda: OSError(errno.ENOSPC, "No space left on device"),
    Kind.CLOSED: lambda: ValueError("I/O operation on closed file."),
}
"""Makes what Python raises where an output cannot be written."""


class Surroundings(Protocol):
    """What the gate asks of the world around one invocation."""

    @property
    def clock(self) -> VirtualClock:
        """The world's clock."""
        ...

    @property
    def deadline(self) -> float:
        """Epoch of the function's time-out."""
        ...

    def meet(self, effect: Effect) -> Fault | None:
        """Note an effect that is about to happen, and return its fault, if any."""
        ...

    def changing(self, effect: Effect) -> None:
        """Note that a call is about to be delivered."""
        ...

    def changed(self, effect: Effect) -> None:
        """Note that a call was delivered, before anything else happens."""
        ...

    def stale(self, effect: Effect, call: Callable[[], T]) -> T:
        """Answer a read as if the latest change had not happened yet."""
        ...

    def delay(self, effect: Effect, call: Callable[[], object]) -> None:
        """Let the request take effect later."""
        ...

    def excuse(self, effect: Effect, fault: Fault) -> None:
        """Note that a wrong login or a wrong conclusion is the fault's doing and not the engine's."""
        ...

    def store_error(self, kind: Kind) -> Exception:
        """Return what the store's client raises for a missing answer, or for ``Kind.THROTTLED``."""
        ...


@dataclass(slots=True, eq=False)
class Gate:
    """Makes calls, or what faults make of them.

    Attributes:
        around: the world.
        dead: the process died; nothing passes any more.
    """

    around: Surroundings
    dead: bool = False

    def call(self, effect: Effect, call: Callable[[], T]) -> T:
        """Make one call, changed as its fault demands."""
        if self.dead:
            raise Crash(effect.verb)
        fault = self.around.meet(effect)
        return self._deliver(effect, call) if fault is None else self._suffer(fault, effect, call)

    def _deliver(self, effect: Effect, call: Callable[[], T]) -> T:
        self.around.changing(effect)
        try:
            return call()
        finally:
            self.around.changed(effect)

    def _suffer(self, fault: Fault, effect: Effect, call: Callable[[], T]) -> T:
        kind = fault.kind
        if kind is Kind.STALE:
            return self.around.stale(effect, call)
        if kind is Kind.LOST:
            return cast("T", effect.success)
        if kind is Kind.DUPLICATE:
            with suppress(Exception):
                self._deliver(effect, call)
            self.around.excuse(effect, fault)
            return self._deliver(effect, call)
        if kind is Kind.SLOW:
            return self._delay(fault, effect, call)
        if kind is Kind.WRONG and effect.port is Port.LOGIN:
            if fault.edge is Edge.AFTER:
                self._deliver(effect, call)
            self.around.excuse(effect, fault)
            return cast("T", Verdict.REJECTED)
        if fault.edge is Edge.AFTER:
            with suppress(Exception):  # a refusal is an answer, too, and does not arrive
                self._deliver(effect, call)
        if kind in (Kind.CRASH, Kind.TIMEOUT):
            self._die(effect, kind)
        raise self._error(effect, kind)

    def _delay(self, fault: Fault, effect: Effect, call: Callable[[], T]) -> T:
        """Oversleep, or lose the answer to a request that takes effect later."""
        if effect.port is Port.SLEEP:
            answer = call()
            self.around.clock.sleep(SLOW_SECONDS)
            return answer
        self.around.excuse(effect, fault)
        self.around.delay(effect, call)
        raise self._error(effect, Kind.ERROR)

    def _die(self, effect: Effect, kind: Kind) -> None:
        self.dead = True
        if kind is Kind.TIMEOUT:
            self.around.clock.move_to(self.around.deadline)
        raise Crash(effect.verb)

    def _error(self, effect: Effect, kind: Kind) -> Exception:
        if effect.port in STORE_PORTS:
            return self.around.store_error(kind)
        if effect.port in (Port.GREET, Port.WRITE):
            return UNWRITABLE[kind]() if kind in UNWRITABLE else _not_greeted(kind)
        if kind is Kind.THROTTLED:
            return RateLimited("slow down")
        if kind is Kind.WRONG:
            return UnexpectedReply("a page, no answer")
        if kind is not Kind.UNREACHABLE and effect.port in (Port.RESET, Port.SWITCH):
            return OutcomeUnknown("no answer")
        return VendorUnavailable("no answer")


def _not_greeted(kind: Kind) -> CannotVerify:
    """Return what the SSH login raises where a host does not answer, or names no method that takes a password."""
    if kind is Kind.WRONG:
        return CannotVerify("the host takes no passwords", vendor_code="password_method_not_offered")
    return CannotVerify("the host did not say how it lets accounts in", vendor_code="no_answer")
