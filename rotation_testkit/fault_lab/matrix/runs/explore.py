"""The search: all runs with exactly so many faults, from shared prefixes; ``matrix`` explains it with an example."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import StrEnum

from rotation.core.errors import RotationError
from rotation_testkit.fault_lab.gate import UNWRITABLE
from rotation_testkit.fault_lab.in_memory.effects import Fault, Kind, Port
from rotation_testkit.fault_lab.in_memory.fuse import Edge
from rotation_testkit.fault_lab.invariants import all_readable
from rotation_testkit.fault_lab.matrix.plan import AROUND, AROUND_KINDS, FAULTS, Plan, twins
from rotation_testkit.fault_lab.matrix.runs.doctor_check import Cure, doctor_result
from rotation_testkit.fault_lab.matrix.worlds.algorithm import Saved
from rotation_testkit.fault_lab.matrix.worlds.checks import (
    AFTERWARDS,
    but_for_owed,
    commit_is_announced,
    converged,
    healed,
)
from rotation_testkit.fault_lab.matrix.worlds.lockstep import Lockstep
from rotation_testkit.fault_lab.matrix.worlds.world import ATTEMPTS, Failure, World


class End(StrEnum):
    """How a run ended."""

    HEALED = "healed"
    PARKED = "parked"
    STUCK = "stuck"
    LOST = "lost"


@dataclass(slots=True)
class Tally:
    """The results of a set of runs.

    Attributes:
        ends: how many runs ended how.
        broken: how many runs broke which promise.
        reasons: how many were parked for which reason.
        cures: how many of those that did not end well had which result with the doctor.
        resets: the most resets of one run; ``wrong_logins`` likewise.
        examples: the plan of one run for each broken promise and each bad end.
        seconds: of CPU, where they were measured.
    """

    ends: Counter[End] = field(default_factory=Counter)
    broken: Counter[str] = field(default_factory=Counter)
    reasons: Counter[str] = field(default_factory=Counter)
    cures: Counter[str] = field(default_factory=Counter)
    resets: int = 0
    wrong_logins: int = 0
    examples: dict[str, Plan] = field(default_factory=dict)
    seconds: float = 0.0

    @property
    def runs(self) -> int:
        """How many runs there were."""
        return sum(self.ends.values())

    def add(self, other: Tally, first: Plan = (), shift: int = 0, times: int = 1) -> None:
        """Add ``times`` as many runs, which went on after the faults ``first`` and after ``shift`` effects."""
        for counter in ("ends", "broken", "reasons", "cures"):
            mine = getattr(self, counter)
            for name, count in getattr(other, counter).items():
                mine[name] += count * times
        self.resets = max(self.resets, other.resets)
        self.wrong_logins = max(self.wrong_logins, other.wrong_logins)
        for name, plan in other.examples.items():
            if name not in self.examples:
                self.examples[name] = (*first, *((number + shift, fault) for number, fault in plan))


DEATHS = (Kind.CRASH, Kind.TIMEOUT)
"""Faults that end the invocation at once: what they leave is the state at that effect, and nothing has to be run."""


Left = tuple[int, int]
"""How many faults are left: of the effects' own, and of what is around."""


@dataclass(frozen=True, slots=True)
class _Invocation:
    """One invocation that represents ``times`` equal ones, the state after it, and its number of effects."""

    plan: Plan
    left: Left
    times: int
    after: Saved
    effects: int
    done: bool


@dataclass(frozen=True, slots=True)
class Ran:
    """An invocation that was run, before the service does anything about its end."""

    failure: Failure
    ports: tuple[Port, ...]
    moments: list[Saved]
    deadline: float


@dataclass(slots=True)
class Explorer:
    """Follows all runs of one world.

    Attributes:
        world: the world, in the state that was tried last.
        deep: whether to try what comes after the end, too: repeated steps, a test-only invocation, the next rotation.
    """

    world: World
    deep: bool = False
    _known: dict[tuple[Saved, Left | None], Tally] = field(default_factory=dict)

    def runs(self, faults: int, around: int = 0) -> Tally:
        """Return the tally of all runs with exactly so many faults of effects, and of what is around."""
        start = self.world.save()
        tally = self._follow(start, (faults, around))
        self.world.load(start)
        return tally

    def _follow(self, node: Saved, left: Left) -> Tally:
        key = (node if left[0] else node[:-1], left)
        known = self._known.get(key)
        if known is not None:
            return known
        tally = Tally()
        for each in self._invocations(node, left):
            if not each.done:
                tally.add(self._follow(each.after, each.left), each.plan, each.effects, each.times)
            elif not any(each.left):
                tally.add(self._judge(each.after), each.plan, each.effects, each.times)
        self._known[key] = tally
        return tally

    def _invocations(self, node: Saved, most: Left) -> Iterator[_Invocation]:
        """Yield the next invocation with every choice of at most so many faults."""
        waiting: list[tuple[Plan, int]] = [((), 1)]
        ends: dict[Plan, object] = {}
        while waiting:
            plan, times = waiting.pop()
            left = _left(most, plan)
            ran = self._ran(node, plan, keep=any(left))
            self.world.go_on(ran.failure)
            if most[1]:
                self._require_same_end(plan, ends)
            yield _Invocation(plan, left, times, self.world.save(), len(ran.ports), self.world.done)
            for number in range(plan[-1][0] + 1 if plan else 0, len(ran.ports)) if any(left) else ():
                port = ran.ports[number]
                if left[0]:
                    yield from self._deaths(plan, times, number, ran, most)
                waiting += [
                    ((*plan, (number, fault)), times * twins(port, fault)) for fault in self._choices(port, left)
                ]

    def _require_same_end(self, plan: Plan, ends: dict[Plan, object]) -> None:
        """Note a broken promise if an output that could not be written has changed anything.

        The end is compared with that of the same invocation without this last fault, which was run before.
        """
        end = ends[plan] = but_for_owed(self.world)
        if plan and plan[-1][1].kind in UNWRITABLE and end != ends[plan[:-1]]:
            self.world.broken |= {"output"}

    def _ran(self, node: Saved, plan: Plan, *, keep: bool) -> Ran:
        """Run an invocation; the world is left at its end."""
        world = self.world
        world.load(node)
        failure = world.run(dict(plan), keep=keep)
        ports = tuple(effect.port for effect in world.effects)
        return Ran(failure, ports, world.moments or [], world.deadline)

    def _choices(self, port: Port, left: Left) -> list[Fault]:
        """Return the faults that have to be run at an effect, if so many are left."""
        own = [fault for fault in FAULTS[port] if self._is_run(port, fault)] if left[0] else []
        return [*own, *(AROUND[port] if left[1] else ())]

    def _is_run(self, port: Port, fault: Fault) -> bool:
        if fault.kind in (Kind.PARALLEL, Kind.CANCELLED) and self.world.algorithm.queued:
            return False
        return fault.kind not in DEATHS and twins(port, fault) > 0

    def _deaths(self, plan: Plan, times: int, number: int, ran: Ran, most: Left) -> Iterator[_Invocation]:
        """Yield the invocation as it ends by death at an effect: the next one finds the state that was kept there."""
        for fault in FAULTS[ran.ports[number]]:
            if fault.kind in DEATHS:
                self.world.die_at(ran.moments[number + (fault.edge is Edge.AFTER)], fault.kind, ran.deadline)
                dead = (*plan, (number, fault))
                yield _Invocation(dead, _left(most, dead), times, self.world.save(), number + 1, self.world.done)

    def _judge(self, node: Saved) -> Tally:
        key = (node[:-1], None)
        known = self._known.get(key)
        if known is None:
            self.world.load(node)
            known = self._known[key] = judge(self.world, deep=self.deep)
        return known


def _left(most: Left, plan: Plan) -> Left:
    around = sum(fault.kind in AROUND_KINDS for _, fault in plan)
    return most[0] - len(plan) + around, most[1] - around


def judge(world: World, *, deep: bool = False) -> Tally:
    """Return the tally of the run that has just ended in this world; see ``Explorer`` for ``deep``."""
    world.settle()
    tally = Tally(resets=world.account.resets, wrong_logins=world.account.wrong_logins)
    reason = world.parked
    end = End.HEALED if healed(world) else End.STUCK if reason is None else End.PARKED
    if not all_readable(world.account.known, world.algorithm.place.stored().__contains__):
        end = End.LOST
    if end is End.PARKED:
        tally.reasons[str(reason)] += 1
    tally.ends[end] += 1
    names = set(world.broken)
    if world.attempts == ATTEMPTS and not converged(world):
        names.add("I8")
    if end is not End.HEALED and isinstance(world.algorithm, Lockstep):
        cure = _cured(world)
        names |= set() if cure else {"D1"}
        tally.cures[str(cure or "not at all")] += 1
    if end is End.HEALED and not commit_is_announced(world):
        names.add("event")
    if deep and end is End.HEALED:
        names |= _broken_afterwards(world)
    tally.broken.update(names)
    tally.examples = dict.fromkeys([*sorted(names), *([] if end is End.HEALED else [end.value])], ())
    return tally


def _cured(world: World) -> Cure | None:
    end = world.save()
    cure = doctor_result(world)
    world.load(end)
    return cure


def _broken_afterwards(world: World) -> set[str]:
    end, names = world.save(), set()
    for name, holds in AFTERWARDS.items():
        try:
            kept = holds(world)
        except RotationError:
            kept = False
        if not kept:
            names.add(name)
        world.load(end)
    return names
