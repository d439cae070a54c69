"""The one place through which every effect passes, and where a plan's faults happen."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, Protocol, TypeVar, cast

from rotation.core.errors import OutcomeUnknown, RateLimited, UnexpectedReply, VendorUnavailable
from rotation.core.values import Verdict
from rotation_testkit.fault_lab.in_memory.fuse import Crash
from rotation_testkit.fault_lab.matrix.plan.faults import Edge, Fault, Kind, Port
from rotation_testkit.fault_lab.matrix.plan.timeline import Timeline

T = TypeVar("T")

SLOW_SECONDS = 30.0
"""How much later a slow request takes effect; between the two retry spacings."""


@dataclass(slots=True, kw_only=True, eq=False)
class Effect:
    """One call.

    Attributes:
        port: what sort of call.
        name: for the story; holds no value.
        late: returns the request as texts, first of all whom it reaches, for faults that deliver it later.
        success: what the caller gets for a change that was lost.
        shown: whether it can change what readers get.
    """

    port: Port
    name: str
    late: Callable[[], tuple[str, ...]] = tuple
    success: object = None
    shown: bool = False


class Surroundings(Protocol):
    """What a fault needs beyond the call itself."""

    clock: Timeline
    deadline: float

    def save(self) -> tuple[Any, ...]:
        """Return the state at this moment."""
        ...

    def stale(self, effect: Effect, call: Callable[[], T]) -> T:
        """Make a read as if the latest change had not happened yet."""
        ...

    def parallel(self) -> None:
        """Run one more invocation of the running step to its end."""
        ...

    def cancel(self) -> None:
        """Take the pending label away, as an operator does."""
        ...

    def excuse(self) -> None:
        """Note that the fault itself may cost a wrong login."""
        ...

    def store_error(self, kind: Kind) -> Exception:
        """Return what the store's client raises."""
        ...

    def changed(self, effect: Effect) -> None:
        """Note what an effect changed, before anything else happens."""
        ...

    def changing(self, effect: Effect) -> None:
        """Note that an effect is about to change something."""
        ...


_READS = (Port.READ, Port.LOOK, Port.LOGIN, Port.SLEEP)
_STORE = (Port.READ, Port.PUT, Port.LABEL)


@dataclass(slots=True)
class Gate:
    """Counts the effects of one invocation and makes its faults happen.

    Attributes:
        around: the world.
        plan: faults by the number of the effect, counted from 0 within the invocation.
        effects: those seen.
        dead: the process died; nothing passes any more.
        inside: a parallel invocation is running; its effects are neither counted nor hit.
        moments: when wanted, the world's state before each effect.
    """

    around: Surroundings
    plan: Mapping[int, Fault] = field(default_factory=dict)
    effects: list[Effect] = field(default_factory=list)
    dead: bool = False
    inside: bool = False
    moments: list[tuple[Any, ...]] | None = None

    def start(self, plan: Mapping[int, Fault], *, keep: bool = False) -> None:
        """Begin an invocation; with ``keep``, its moments are kept."""
        self.plan, self.effects, self.dead, self.inside = plan, [], False, False
        self.moments = [] if keep else None

    def call(self, effect: Effect, call: Callable[[], T]) -> T:
        """Make one call, or what the plan makes of it."""
        if self.dead:
            raise Crash(effect.name)
        if self.inside:
            return self._apply(effect, call)
        if self.moments is not None:
            self.moments.append(self.around.save())
        fault = self.plan.get(len(self.effects))
        self.effects.append(effect)
        return self._apply(effect, call) if fault is None else self._hit(fault, effect, call)

    def _apply(self, effect: Effect, call: Callable[[], T]) -> T:
        if effect.port in _READS:
            return call()
        self.around.changing(effect)
        try:
            return call()
        finally:
            self.around.changed(effect)

    def _hit(self, fault: Fault, effect: Effect, call: Callable[[], T]) -> T:
        kind = fault.kind
        if kind in (Kind.DUPLICATE, Kind.SLOW) and effect.port in (Port.LOGIN, Port.RESET):
            self.around.excuse()
        if kind in (Kind.PARALLEL, Kind.CANCELLED):
            return self._meddle(kind, effect, call)
        if kind is Kind.STALE:
            return self.around.stale(effect, call)
        if kind is Kind.LOST:
            return cast("T", effect.success)
        if kind is Kind.DUPLICATE:
            with suppress(Exception):
                self._apply(effect, call)
            return self._apply(effect, call)
        if kind is Kind.SLOW:
            return self._delay(effect, call)
        return self._fail(fault, effect, call)

    def _meddle(self, kind: Kind, effect: Effect, call: Callable[[], T]) -> T:
        """Let somebody else act in between."""
        if kind is Kind.CANCELLED:
            self.around.cancel()
        else:
            self.inside = True
            self.around.parallel()
            self.inside = False
        return self._apply(effect, call)

    def _delay(self, effect: Effect, call: Callable[[], T]) -> T:
        """Oversleep, or lose the answer to a request that takes effect later."""
        clock = self.around.clock
        if effect.port is Port.SLEEP:
            answer = call()
            clock.sleep(SLOW_SECONDS)
            return answer
        whom, *request = effect.late()
        clock.late = (*clock.late, (clock.now() + SLOW_SECONDS, whom, tuple(request)))
        raise self._error(effect, Kind.ERROR)

    def _fail(self, fault: Fault, effect: Effect, call: Callable[[], T]) -> T:
        """Die, or answer with what is no answer."""
        if fault.edge is Edge.AFTER:
            with suppress(Exception):  # a refusal is an answer, too, and does not arrive
                self._apply(effect, call)
        if fault.kind in (Kind.CRASH, Kind.TIMEOUT):
            self._die(effect, fault.kind)
        if fault.kind is Kind.WRONG and effect.port is Port.LOGIN:
            return cast("T", Verdict.REJECTED)
        raise self._error(effect, fault.kind)

    def _die(self, effect: Effect, kind: Kind) -> None:
        self.dead = True
        if kind is Kind.TIMEOUT:
            self.around.clock.move_to(self.around.deadline)
        raise Crash(effect.name)

    def _error(self, effect: Effect, kind: Kind) -> Exception:
        if effect.port in _STORE:
            return self.around.store_error(kind)
        if kind is Kind.THROTTLED:
            return RateLimited("slow down")
        if kind is Kind.WRONG:
            return UnexpectedReply("a page, no answer")
        if effect.port in (Port.RESET, Port.SWITCH):
            return OutcomeUnknown("no answer")
        return VendorUnavailable("no answer")
