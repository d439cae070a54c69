"""The search is exact: it comes to what running every fault on its own comes to."""

import pytest

from rotation_testkit.fault_lab.in_memory.effects import STORE_PORTS
from rotation_testkit.fault_lab.in_memory.fuse import Edge
from rotation_testkit.fault_lab.matrix.plan import FAULTS, Line, twins
from rotation_testkit.fault_lab.matrix.runs.explore import DEATHS, Explorer
from rotation_testkit.fault_lab.matrix.runs.narrative import replayed
from rotation_testkit.fault_lab.matrix.worlds.setups import make


@pytest.mark.parametrize(("driver", "store"), [("self", "memory"), ("accepted", "vault")])
def test_following_states_once_gives_what_running_each_gives(driver, store):
    """The exhaustive search shares what is common; some of its single faults are run on their own to compare."""
    clean = Line("lockstep", driver, store, 10)
    world = make(clean)
    effects = []
    while not world.done:
        effects += world.invoke({})
    plans = [
        ((number, fault),)
        for number, effect in enumerate(effects)
        for fault in FAULTS[effect.port]
        for _ in range(twins(effect.port, fault) or 1)
    ]
    searched = Explorer(make(clean)).runs(1)

    alone = [replayed(Line("lockstep", driver, store, 10, plan))[1] for plan in plans[::17]]

    assert searched.runs == sum(twins(each.port, fault) for each in effects for fault in FAULTS[each.port])
    assert {end for tally in alone for end in tally.ends} <= set(searched.ends)
    assert max(tally.resets for tally in alone) <= searched.resets
    assert max(tally.wrong_logins for tally in alone) <= searched.wrong_logins


def test_a_throttled_store_is_what_no_answer_is():
    """The search relies on this: both runs end in the very same state."""
    clean = Line("lockstep", "admin", "aws", 10)
    for number, effect in enumerate(make(clean).invoke({})):
        ends = []
        for fault in ("before.error", "before.throttled"):
            world = make(clean)
            world.invoke(dict(Line.parse(f"matrix:admin/aws/10:{number}.{fault}").plan))
            ends.append(world.save())
        assert ends[0] == ends[1] or effect.port not in STORE_PORTS


@pytest.mark.parametrize("driver", ["admin_task", "self"])
def test_death_is_what_stood_at_that_moment(driver):
    """The search does not run an invocation again to see where it died; if it does, the state is the same."""
    world, compared = make(Line("lockstep", driver, "memory", 10)), 0
    while not world.done:
        begin = world.save()
        effects = world.invoke({}, keep=True)
        after, moments, deadline = world.save(), world.moments, world.deadline
        for number, effect in enumerate(effects):
            for fault in FAULTS[effect.port]:
                if fault.kind in DEATHS:
                    world.load(begin)
                    world.invoke({number: fault})
                    run = world.save()
                    world.die_at(moments[number + (fault.edge is Edge.AFTER)], fault.kind, deadline)
                    assert world.save() == run, f"{number} {effect.name} {fault}"
                    compared += 1
        world.load(after)
    assert compared > 50
