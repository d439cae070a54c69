"""A world: one secret, one account, one algorithm and the service that runs it, with a state that can be saved."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TypeVar, cast

from rotation.core.errors import RotationError
from rotation.core.process.stop import Halted
from rotation_testkit.fault_lab.gate import SLOW_SECONDS, Gate
from rotation_testkit.fault_lab.in_memory.clock import FUNCTION_SECONDS, VirtualClock
from rotation_testkit.fault_lab.in_memory.effects import QUESTIONS, Effect, Fault, Kind, Port
from rotation_testkit.fault_lab.in_memory.fuse import Crash, Edge
from rotation_testkit.fault_lab.machine import JUMP_SECONDS, Machine
from rotation_testkit.fault_lab.matrix.worlds.account import Account
from rotation_testkit.fault_lab.matrix.worlds.algorithm import Algorithm, Saved

T = TypeVar("T")
Failure = RotationError | Crash | Halted | None
"""What an invocation ended with, if not well."""

QUICK_ATTEMPTS = 8
"""The service's attempts at the spacing of the run; AWS publishes neither their number nor their spacing."""
DAY = 86_400.0
ATTEMPTS = 12
"""All attempts; those after the quick ones are a day apart, as the schedule makes them."""
_OVERDUE = Fault(Edge.BEFORE, Kind.CRASH)
_JUMPS = {Kind.AHEAD: JUMP_SECONDS, Kind.BEHIND: -JUMP_SECONDS}


@dataclass(slots=True)
class World:
    """A run at one moment; also the ``Surroundings`` of its gate and the ``Run`` of its algorithm.

    Attributes:
        clock: virtual time.
        account: the vendor's side.
        algorithm: what is tried.
        broken_now: returns the names of the promises that do not hold at this moment.
        spacing: seconds between the service's quick attempts.
        attempts: after how many the service gives up.
        attempt: how many attempts failed.
        step: the next invocation's.
        finished: the rotation succeeded.
        broken: promises that did not hold at some moment.
        refused: code of the failure that ended the last attempt, where it says that only a human can help.
        excused: wrong logins that are the faults' own, since they deliver a login or a change twice or late.
        runs: how many times the algorithm was run in this invocation or after the end.
        machine: what the invocations run on.
        asked_from: how many effects this invocation had come to when its process was asked to stop; ``None`` if never.
        orderly: whether this invocation has ended, and not by death.
        plan: faults of this invocation, by the number of the effect, counted from 0.
        effects: those that this invocation came to.
        moments: where wanted, the state before each of them and at the end.
        failures: of the attempts, for the narrative only.
    """

    clock: VirtualClock
    account: Account
    algorithm: Algorithm
    broken_now: Callable[[World], list[str]]
    spacing: float
    attempts: int = ATTEMPTS
    gate: Gate = field(init=False)
    machine: Machine = field(init=False)
    attempt: int = 0
    step: int = 0
    finished: bool = False
    broken: frozenset[str] = frozenset()
    refused: str = ""
    excused: int = 0
    runs: int = 0
    deadline: float = 0.0
    plan: Mapping[int, Fault] = field(default_factory=dict)
    effects: list[Effect] = field(default_factory=list)
    moments: list[Saved] | None = None
    failures: list[str] = field(default_factory=list)
    asked_from: int | None = None
    orderly: bool = False
    _before: Saved = ()
    _current: str = ""
    _in_parallel: bool = False

    def __post_init__(self) -> None:
        self.gate, self.machine = Gate(self), Machine(self.clock)
        self.clock.deliver = self._deliver
        self.algorithm.begin()
        self._before = self.algorithm.place.save()
        self._current = self._readers_get()

    def save(self) -> Saved:
        """Return everything that decides how the run goes on, as a value that can be compared.

        What stale answers would show is its last part, so that runs without further faults can leave it out.
        """
        return (
            (self.clock.time, self.clock.late, self._current, self.machine.save()),
            (self.attempt, self.step, self.finished, self.broken, self.excused, self.refused),
            self.account.save(),
            self.algorithm.place.save(),
            self.algorithm.save(),
            (self._before, self.account.before),
        )

    def load(self, saved: Saved) -> None:
        """Go back to a saved state."""
        time, service, account, place, algorithm, (self._before, self.account.before) = saved
        self.clock.time, self.clock.late, self._current, machine = time
        self.machine.load(machine)
        self.attempt, self.step, self.finished, self.broken, self.excused, self.refused = service
        self.account.load(account)
        self.algorithm.place.load(place)
        self.algorithm.load(algorithm)

    @property
    def done(self) -> bool:
        """Whether the service has finished or given up this rotation."""
        return self.finished or self.attempt >= self.attempts

    def invoke(self, plan: Mapping[int, Fault], *, keep: bool = False) -> list[Effect]:
        """Run the next invocation with these faults, and what the service does about its end.

        Args:
            plan: the fault of each effect that has one, by its number, counted from 0 within the invocation.
            keep: whether to keep the state before each effect and at the end in ``moments``.

        Returns:
            The effects that it came to.
        """
        self.go_on(self.run(plan, keep=keep))
        return self.effects

    def run(self, plan: Mapping[int, Fault], *, keep: bool = False) -> Failure:
        """Run the next invocation alone; see ``invoke``. How it goes depends on the saved state and the plan only.

        Returns:
            What it failed with.
        """
        self.start(plan, keep=keep)
        self.runs = 0
        failure: Failure = None
        try:
            with self.machine.running():
                self.algorithm.run(self, self.step)
        except (RotationError, Crash, Halted) as error:
            failure = error
        self.orderly = not isinstance(failure, Crash)
        if self.moments is not None:
            self.moments.append(self.save())
        # The promises are about this moment, so they are checked before the service waits.
        self._check()
        return failure

    def start(self, plan: Mapping[int, Fault], *, keep: bool = False) -> None:
        """Start a process: a fresh gate, and no effects yet."""
        self.gate, self.plan, self.effects = Gate(self), plan, []
        self.moments = [] if keep else None
        self.deadline = self.clock.now() + FUNCTION_SECONDS
        self.asked_from, self.orderly = None if self.machine.asked_at is None else 0, False

    def _check(self) -> None:
        self.broken |= frozenset(self.broken_now(self))

    def go_on(self, failure: Failure) -> None:
        """Do what the service does about an invocation's end, by the attempts and the spacing that this world has."""
        if failure is None:
            self.step += 1
            self.finished = self.step == self.algorithm.steps
            if self.finished:
                self.machine.asked_at = None
            return
        self.machine.asked_at = None
        names = {Crash: "crash", Halted: "halted"}
        self.failures.append(failure.code if isinstance(failure, RotationError) else names[type(failure)])
        self.attempt, self.step = self.attempt + 1, 0
        if self.done:
            final = isinstance(failure, RotationError) and not failure.retryable and bool(failure.hint)
            self.refused = failure.code if final and isinstance(failure, RotationError) else ""
            return
        self.clock.sleep(self.spacing if self.attempt < QUICK_ATTEMPTS else DAY)
        if self.algorithm.over():
            self.algorithm.begin()

    def die_at(self, moment: Saved, kind: Kind, deadline: float) -> None:
        """Go on from a saved moment as if the process had died there: at once, or at the invocation's deadline."""
        self.load(moment)
        self.start({})
        if kind is Kind.TIMEOUT:
            self.clock.move_to(deadline)
        self._check()
        self.go_on(Crash())

    def restart(self) -> None:
        """Begin the next rotation, as the schedule does."""
        self.attempt, self.step, self.finished = 0, 0, False
        self.algorithm.begin()

    @property
    def parked(self) -> str | None:
        """Why the algorithm stopped on purpose: what it wrote down, or an error that tells a human what to do."""
        return self.algorithm.parked() or self.refused or None

    def settle(self) -> None:
        """Deliver every request that is still delayed."""
        self.clock.sleep(2 * FUNCTION_SECONDS)
        self._check()

    def meet(self, effect: Effect) -> Fault | None:
        """See ``gate.Surroundings``. Effects of a parallel invocation are neither counted nor hit."""
        if self._in_parallel:
            return None
        if self.moments is not None:
            self.moments.append(self.save())
        if self.clock.now() >= self.deadline:
            return _OVERDUE
        fault = self.plan.get(len(self.effects))
        self.effects.append(effect)
        return None if fault is None or self._happens_here(fault) else fault

    def _happens_here(self, fault: Fault) -> bool:
        """Let a fault happen that leaves the call itself alone; return whether it is one of these."""
        if fault.kind in _JUMPS:
            self.machine.ahead += _JUMPS[fault.kind]
        elif fault.kind in (Kind.SIGNAL, Kind.HALT):
            self._ask_to_stop(fault, Edge.BEFORE)
        elif fault.kind is Kind.CANCELLED:
            self.algorithm.cancel()
        elif fault.kind is Kind.PARALLEL:
            self._run_in_parallel()
        else:
            return False
        return True

    def _ask_to_stop(self, fault: Fault, edge: Edge) -> None:
        if fault.edge is not edge:
            return
        self.machine.ask()
        self.asked_from = len(self.effects) if self.asked_from is None else self.asked_from
        if fault.kind is Kind.HALT:
            raise Halted

    def _run_in_parallel(self) -> None:
        deadline, self.deadline = self.deadline, self.clock.now() + FUNCTION_SECONDS
        self._in_parallel = True
        with self.machine.elsewhere():
            try:
                self.algorithm.run(self, self.step)
            except RotationError as error:
                self.failures.append(f"parallel {error.code}")
        self._in_parallel = False
        self.deadline = deadline

    def changing(self, effect: Effect) -> None:
        """See ``gate.Surroundings``."""
        if effect.port in QUESTIONS:
            return
        self.algorithm.note(effect)
        if effect.port in (Port.PUT, Port.LABEL):
            self._before = self.algorithm.place.save()
        else:
            self.account.changing()

    def changed(self, effect: Effect) -> None:
        """See ``gate.Surroundings``."""
        if effect.port not in QUESTIONS:
            self._note_whether_readers_are_served()
        if effect.shown:
            self._note_what_readers_get()
        fault = None if self._in_parallel else self.plan.get(len(self.effects) - 1)
        if fault is not None and fault.kind in (Kind.SIGNAL, Kind.HALT):
            self._ask_to_stop(fault, Edge.AFTER)

    def _note_what_readers_get(self) -> None:
        value = self._readers_get()
        if value != self._current:
            self._current = value
            if not self.account.has_proved(value):
                self.broken |= {"I2"}

    def stale(self, effect: Effect, call: Callable[[], T]) -> T:
        """See ``gate.Surroundings``."""
        if effect.port is Port.LOOK:
            return cast("T", self.account.stale(call))
        place = self.algorithm.place
        now = place.save()
        place.load(self._before)
        try:
            return call()
        finally:
            place.load(now)

    def delay(self, effect: Effect, call: Callable[[], object]) -> None:
        """See ``gate.Surroundings``."""
        del call
        receiver, *request = effect.late()
        self.clock.late = (*self.clock.late, (self.clock.now() + SLOW_SECONDS, receiver, tuple(request)))

    def excuse(self, effect: Effect, fault: Fault) -> None:
        """See ``gate.Surroundings``."""
        if effect.port in (Port.LOGIN, Port.RESET) and fault.kind in (Kind.DUPLICATE, Kind.SLOW):
            self.excused += 1

    def store_error(self, kind: Kind) -> Exception:
        """See ``gate.Surroundings``."""
        return self.algorithm.place.error(kind)

    def _readers_get(self) -> str:
        value = self.algorithm.place.current()
        return "" if value is None else value.reveal()

    def _deliver(self, receiver: str, request: tuple[str, ...]) -> None:
        with suppress(RotationError, ValueError):  # no caller waits for the answer any more
            (self.account if receiver == "vendor" else self.algorithm.place).deliver(request)
        self._note_whether_readers_are_served()

    def _note_whether_readers_are_served(self) -> None:
        if self.account.other is not None and not self.account.serves(self.algorithm.place.current()):
            self.broken |= {"turns"}
