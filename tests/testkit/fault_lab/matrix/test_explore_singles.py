"""Every single fault at every effect, in every world: nothing lost, stuck or parked, and no promise broken."""

import pytest

from rotation_testkit.fault_lab.in_memory.vendor_classes import MATRIX_CLASSES
from rotation_testkit.fault_lab.matrix.page import HEAD, cells
from rotation_testkit.fault_lab.matrix.plan import OURS, Line
from rotation_testkit.fault_lab.matrix.runs.explore import End, Explorer
from rotation_testkit.fault_lab.matrix.worlds.checks import one_reset
from rotation_testkit.fault_lab.matrix.worlds.setups import SPACINGS, lines, make, one_attempt_lines, reference_lines

OUTCOMES = slice(HEAD.index("lost"), None)
# What comes after the end is tried for every driver class in memory, which shows it of the engine, and in the other
# stores for the two that leave the most behind: a machine's state, and wrong logins. `make test-faults` tries the rest.
AFTERWARDS = {"memory": tuple(MATRIX_CLASSES), "aws": ("admin_vm", "self"), "vault": ("admin_vm", "self")}
WORLDS = [(line.driver, line.store) for line in one_attempt_lines()]
DEEP = [world for world in WORLDS if world[0] in AFTERWARDS[world[1]]]


def examples(line, tally):
    """Say which runs to replay."""
    return {
        name: str(type(line)(line.algorithm, line.driver, line.store, line.spacing, plan))
        for name, plan in tally.examples.items()
    }


def cases():
    """Yield each world at each spacing. What a slower pace shows of the engine, it shows in memory."""
    for driver, store in WORLDS:
        deep = (driver, store) in DEEP
        for spacing in SPACINGS:
            more = [pytest.mark.long] if store != "memory" and spacing != SPACINGS[0] else []
            yield pytest.param(driver, store, spacing, deep and spacing == SPACINGS[0], marks=more)
        if not deep:
            yield pytest.param(driver, store, SPACINGS[0], True, marks=pytest.mark.long)


@pytest.mark.parametrize(("driver", "store", "spacing", "deep"), list(cases()))
def test_every_single_fault_heals(driver, store, spacing, deep, rows):
    """All promises hold at every moment, with ``deep`` afterwards too, and the page says the same."""
    line = Line(OURS, driver, store, spacing)
    explorer = Explorer(make(line), deep=deep)

    tally = explorer.runs(1)

    assert tally.runs > 165
    assert not tally.broken, examples(line, tally)
    assert set(tally.ends) == {End.HEALED}, examples(line, tally)
    committed = next(row for row in rows if row[:3] == cells(line, tally)[:3])
    assert committed[OUTCOMES] == cells(line, tally)[OUTCOMES]


def test_these_are_all_worlds():
    """The worlds are those of every driver class, store and spacing."""
    assert {(line.driver, line.store) for line in lines()} == set(WORLDS)
    assert {line.spacing for line in lines()} == set(SPACINGS)
    assert len(list(lines())) == len(WORLDS) * len(SPACINGS) == 66


@pytest.mark.parametrize("line", list(one_attempt_lines()), ids=str)
def test_a_run_without_faults_sends_one_reset(line):
    """A clean run sends one reset, makes no wrong login and needs one attempt."""
    world = make(line)
    while not world.done:
        world.invoke({})

    assert one_reset(world)
    assert world.attempt == 0


@pytest.mark.parametrize("line", [line for line in reference_lines() if line.driver == "self"], ids=str)
def test_the_published_algorithms_lose_the_password(line):
    """Where the vendor wants the old password, both lose it by a single fault, and never by none."""
    explorer = Explorer(make(line))

    assert set(explorer.runs(0).ends) == {End.HEALED}
    assert explorer.runs(1).ends[End.LOST] > 0
