"""Every single fault at every effect, in every world: nothing lost, stuck or parked, and no promise broken."""

import pytest

from rotation.testing.matrix.explore import End, Explorer
from rotation.testing.matrix.invariants import i7_one_reset
from rotation.testing.matrix.page import HEAD, cells
from rotation.testing.matrix.setups import SPACINGS, lines, make, reference_lines

OUTCOMES = slice(HEAD.index("lost"), None)


def examples(line, tally):
    """Say which runs to replay."""
    return {
        name: str(type(line)(line.algorithm, line.driver, line.store, line.spacing, plan))
        for name, plan in tally.examples.items()
    }


@pytest.mark.parametrize("line", list(lines()), ids=str)
def test_every_single_fault_heals(line, rows):
    """All promises hold at every moment and afterwards, and the committed page tells the same outcomes."""
    explorer = Explorer(make(line), deep=line.spacing == SPACINGS[0])

    tally = explorer.runs(1)

    assert tally.runs > 200
    assert not tally.broken, examples(line, tally)
    assert set(tally.ends) == {End.HEALED}, examples(line, tally)
    told = next(row for row in rows if row[:3] == cells(line, tally)[:3])
    assert told[OUTCOMES] == cells(line, tally)[OUTCOMES]


@pytest.mark.parametrize("line", list(lines()), ids=str)
def test_a_run_without_faults_sends_one_reset(line):
    """And makes no wrong login, and needs one attempt."""
    world = make(line)
    while not world.done:
        world.invoke({})

    assert i7_one_reset(world)
    assert world.attempt == 0


@pytest.mark.parametrize("line", [line for line in reference_lines() if line.driver == "self"], ids=str)
def test_the_published_algorithms_lose_the_password(line):
    """Where the vendor wants the old password, both lose it by a single fault, and never by none."""
    explorer = Explorer(make(line))

    assert set(explorer.runs(0).ends) == {End.HEALED}
    assert explorer.runs(1).ends[End.LOST] > 0
