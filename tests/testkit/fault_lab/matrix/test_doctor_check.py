"""D1: what did not end well goes to the real doctor, which heals it or says what a human must do."""

import pytest

from rotation.core.secret import Secret
from rotation.doctor import Condition, Outcome
from rotation_testkit.fault_lab.in_memory.effects import Fault, Kind
from rotation_testkit.fault_lab.in_memory.fuse import Edge
from rotation_testkit.fault_lab.matrix.page import ALONE_HEAD, alone_cells
from rotation_testkit.fault_lab.matrix.plan import Line
from rotation_testkit.fault_lab.matrix.runs import doctor_check
from rotation_testkit.fault_lab.matrix.runs.doctor_check import Cure
from rotation_testkit.fault_lab.matrix.runs.explore import End, Explorer, judge
from rotation_testkit.fault_lab.matrix.worlds.setups import make, one_attempt_lines

ELSE = Secret("Somebody0Else0Did0It")
UNHEALED = slice(ALONE_HEAD.index("needs a human, said so"), None)


def left_alone(driver="self", store="memory"):
    """Return a world whose reset was applied and never answered, and to which the service does not come back."""
    world = make(Line("lockstep", driver, store, 10), attempts=1)
    world.invoke({})
    begin = world.save()
    names = [effect.name for effect in world.invoke({})]
    world.load(begin)
    world.invoke({names.index("set_password"): Fault(Edge.AFTER, Kind.CRASH)})
    assert world.done
    return world


@pytest.mark.parametrize(
    "line",
    [pytest.param(line, marks=[] if line.store == "memory" else pytest.mark.long) for line in one_attempt_lines()],
    ids=str,
)
def test_after_every_single_fault_only_the_doctor_is_needed(line, rows):
    """One attempt, one fault, and no service any more: current is live again, and the committed page says so."""
    tally = Explorer(make(line, attempts=1)).runs(1)

    assert not tally.broken, tally.examples
    assert tally.ends[End.LOST] == 0
    assert tally.cures[Cure.HEALED] == tally.runs - tally.ends[End.HEALED] > 100
    mine = alone_cells(line, tally)
    committed = next(row for row in rows if len(row) == len(mine) and row[:2] == mine[:2])
    assert committed[UNHEALED] == mine[UNHEALED] == ("0", "0")


def test_a_doctor_that_does_nothing_is_caught(monkeypatch):
    """The vendor is asked, whatever the doctor says."""
    assert judge(left_alone()).cures == {Cure.HEALED: 1}
    monkeypatch.setattr(doctor_check, "heal", lambda _session: Outcome(condition=Condition.HEALTHY))

    assert "D1" in judge(left_alone()).broken


@pytest.mark.parametrize(
    "outcome",
    [
        Outcome(condition=Condition.HUMAN),
        Outcome(condition=Condition.WAITING),
        Outcome(condition=Condition.HUMAN, advice="The password is Candidate00000000001."),
    ],
    ids=["no advice", "waits for ever", "shows a password"],
)
def test_a_doctor_that_is_no_help_is_caught(monkeypatch, outcome):
    """A doctor that calls a human must say what to do, and none may wait for ever."""
    monkeypatch.setattr(doctor_check, "heal", lambda _session: outcome)

    tally = judge(left_alone())

    assert tally.cures == {"not at all": 1}
    assert "D1" in tally.broken


def test_what_only_a_human_can_know_is_asked_for():
    """After a change by somebody else at a self-service account every attempt is parked, and the doctor says so."""
    world = make(Line("lockstep", "self", "memory", 600))
    world.invoke({})
    world.account.vendor.set_by_hand(ELSE)
    while not world.done:
        world.invoke({})

    tally = judge(world)

    assert tally.ends == {End.LOST: 1}
    assert tally.cures == {Cure.HUMAN: 1}


def test_judging_leaves_the_world_as_it_was():
    """What the doctor did is undone, so that the narrative of a run does not count its resets."""
    world = left_alone("admin")
    tally = judge(world)

    assert tally.cures == {Cure.HEALED: 1}
    assert world.account.vendor.live != world.algorithm.place.current()
