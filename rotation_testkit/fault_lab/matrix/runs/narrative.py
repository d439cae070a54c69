"""The narrative of a run, effect by effect, from its line alone."""

from __future__ import annotations

from collections.abc import Iterator

from rotation_testkit.fault_lab.in_memory.clock import START
from rotation_testkit.fault_lab.matrix.plan import Line
from rotation_testkit.fault_lab.matrix.runs.explore import Tally, judge
from rotation_testkit.fault_lab.matrix.worlds.setups import make
from rotation_testkit.fault_lab.matrix.worlds.world import World


def replayed(line: Line) -> tuple[World, Tally]:
    """Run the whole line from its beginning. Return the world at its end, and what the run came to."""
    world = make(line)
    for _ in _invocations(world, line):
        pass
    return world, judge(world)


def narrated(line: Line) -> Iterator[str]:
    """Yield the narrative of a run, one sentence for each effect; no value is shown."""
    world = make(line)
    yield f"{line}"
    yield from _invocations(world, line)
    tally = judge(world)
    account = world.account
    end = next(iter(tally.ends))
    yield f"end: {end}{''.join(f' ({reason})' for reason in tally.reasons)}"
    yield f"resets {account.resets}, wrong logins {account.wrong_logins}, broken promises: {_list(tally.broken)}"


def _list(names: object) -> str:
    return ", ".join(sorted(names)) or "none"  # type: ignore[call-overload]  # a counter of names


def _invocations(world: World, line: Line) -> Iterator[str]:
    number, plan = 0, dict(line.plan)
    while not world.done:
        begin, step, attempt, failed = world.clock.now() - START, world.step, world.attempt, len(world.failures)
        mine = {key - number: fault for key, fault in plan.items() if key >= number}
        effects = world.invoke(mine)
        yield f"attempt {attempt + 1}, step {step + 1}, {begin:g} s after the start"
        for offset, effect in enumerate(effects):
            met = f"   <-- {mine[offset]}" if offset in mine else ""
            yield f"  {number + offset:3} {effect.name}{met}"
        outcome = ", ".join(world.failures[failed:]) or "ok"
        yield f"      {outcome}{_broken(world)}"
        number += len(effects)


def _broken(world: World) -> str:
    return f"   broken by now: {', '.join(sorted(world.broken))}" if world.broken else ""
