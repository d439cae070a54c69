"""Scenarios for the windows that a test can interfere with, and faults at an effect that is named."""

from functools import cache, partial

import pytest

from rotation.policy import PasswordPolicy
from rotation_testkit.fault_lab.in_memory.effects import Port
from rotation_testkit.fault_lab.in_memory.scenario import Scenario, VirtualClock
from rotation_testkit.fault_lab.in_memory.vendor import MemoryVendor
from rotation_testkit.fault_lab.in_memory.vendor_classes import MATRIX_CLASSES
from rotation_testkit.fault_lab.matrix.plan import Line
from rotation_testkit.fault_lab.matrix.runs.explore import End
from rotation_testkit.fault_lab.matrix.runs.narrative import replayed
from rotation_testkit.fault_lab.matrix.worlds.account import FIRST, OTHER, UNKNOWN, policy
from rotation_testkit.fault_lab.matrix.worlds.checks import AFTERWARDS
from rotation_testkit.fault_lab.matrix.worlds.setups import SPACINGS, make

POLICY = PasswordPolicy(length=20, charsets=policy().charsets)


@pytest.fixture
def scenario():
    """Make a scenario of one driver class; keyword arguments go to the vendor."""

    def made(kind="admin", **vendor):
        clock, known = VirtualClock(), MATRIX_CLASSES[kind]
        make = partial(MemoryVendor, now=clock.now, policy=POLICY, **{**known.vendor, **vendor})
        account, other = make(initial=FIRST), None
        if known.in_turns:
            account, other = make(initial=UNKNOWN, username=OTHER), account
        seconds = known.propagation_seconds
        return Scenario(account, clock, oracle=known.oracle, propagation_seconds=seconds, other=other)

    return made


@cache
def calls(driver, store, spacing):
    """Return the number and the name of every effect of a run without faults that is no output."""
    world, effects = make(Line("lockstep", driver, store, spacing)), []
    while not world.done:
        effects += world.invoke({})
    return [(number, effect.name) for number, effect in enumerate(effects) if effect.port is not Port.WRITE]


@pytest.fixture
def heals():
    """Run faults at a named call, or so many later, at both spacings; the run must end well, every promise kept."""

    def check(driver, name, *faults, store="memory", later=0, **limits):
        for spacing in SPACINGS:
            made = calls(driver, store, spacing)
            first = next(place for place, (_, each) in enumerate(made) if each.startswith(name))
            at = made[first + later][0]
            for fault in faults:
                line = Line.parse(f"matrix:{driver}/{store}/{spacing}:{at}.{fault}")
                run(line, **limits)

    return check


def run(line, resets=1, wrong=0):
    """Run a line and check how it ended."""
    world, tally = replayed(line)
    assert set(tally.ends) == {End.HEALED}, str(line)
    assert not tally.broken, str(line)
    assert tally.resets <= resets, str(line)
    assert tally.wrong_logins <= wrong, str(line)
    if line.spacing == SPACINGS[0]:
        return  # test_explore_singles.py tries what comes after the end of a run at this spacing
    for name, holds in AFTERWARDS.items():
        end = world.save()
        assert holds(world), f"{name}: {line}"
        world.load(end)
