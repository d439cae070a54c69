"""The names of runs, and that a name is enough to see the run again."""

import os
import subprocess
import sys

import pytest

from rotation_testkit.fault_lab.in_memory.effects import Port
from rotation_testkit.fault_lab.in_memory.fuse import Edge
from rotation_testkit.fault_lab.matrix.__main__ import main
from rotation_testkit.fault_lab.matrix.plan import FAULTS, Line, twins
from rotation_testkit.fault_lab.matrix.runs.explore import DEATHS, End, Explorer
from rotation_testkit.fault_lab.matrix.runs.narrative import narrated, replayed
from rotation_testkit.fault_lab.matrix.worlds.setups import make


@pytest.mark.parametrize(
    "text",
    [
        "matrix:admin_task/aws/600:17.after.crash+23.before.throttled",
        "matrix:write_ahead.self/own/10:4.after.error",
        "matrix:self/vault/10:clean",
    ],
)
def test_a_line_reads_back(text):
    """What is printed can be replayed."""
    assert str(Line.parse(text)) == text


@pytest.mark.parametrize(
    "text",
    ["", "matrix:admin/aws", "matrix:admin/aws/10:7.never.crash", "matrix:admin/aws/10:7.after.crash+7.before.error"],
)
def test_what_is_no_line_is_refused(text):
    """With a sentence, not with a guess."""
    with pytest.raises(ValueError, match=r"\S"):
        Line.parse(text)


STORIES = """
import hashlib
from rotation_testkit.fault_lab.matrix.plan import Line
from rotation_testkit.fault_lab.matrix.runs.narrative import narrated
lines = [f"matrix:self/memory/10:{at}.before.cancelled" for at in range(17, 38, 2)]
print(hashlib.sha256("".join(each for line in lines for each in narrated(Line.parse(line))).encode()).hexdigest())
"""


def test_a_line_is_the_same_run_in_every_process():
    """Nothing hangs on the order in which a set happens to yield its labels."""
    told = {
        subprocess.run(
            [sys.executable, "-c", STORIES],
            env={**os.environ, "PYTHONHASHSEED": seed},
            capture_output=True,
            check=True,
            text=True,
            timeout=120,
        ).stdout
        for seed in ("1", "2")
    }

    assert len(told) == 1
    assert len(told.pop()) == 65


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
    """The one equality that the search relies on: both runs end in the very same state."""
    clean = Line("lockstep", "admin", "aws", 10)
    for number, effect in enumerate(make(clean).invoke({})):
        ends = []
        for fault in ("before.error", "before.throttled"):
            world = make(clean)
            world.invoke(dict(Line.parse(f"matrix:admin/aws/10:{number}.{fault}").plan))
            ends.append(world.save())
        assert ends[0] == ends[1] or effect.port is Port.LOOK


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


def test_the_story_names_the_fault_and_shows_no_password(capsys):
    """It is for an engineer's terminal, and for a bug report."""
    line = Line.parse("matrix:self/aws/10:19.after.slow")

    assert main(["--replay", str(line)]) == 0

    told = capsys.readouterr().out
    assert "<-- after.slow" in told
    assert "end: healed" in told
    assert "Candidate0" not in told
    assert "First0Password" not in told


def test_a_lost_password_is_told(capsys):
    """A replay of what a reference algorithm loses ends with 1 and says so."""
    explorer = Explorer(make(Line("write_ahead", "self", "own", 10)))
    plan = explorer.runs(1).examples[End.LOST.value]
    line = Line("write_ahead", "self", "own", 10, plan)

    assert main(["--replay", str(line)]) == 1

    assert "end: lost" in capsys.readouterr().out
    assert list(narrated(line)) == list(narrated(line))
