"""Random schedules hold every invariant, are the same on every machine, and show a broken engine."""

from collections import Counter

import pytest

from rotation.core.values import Evidence
from rotation.engine.account import proof
from rotation.engine.account.attempt import Attempt
from rotation.engine.tables.reconciliation import Finding
from rotation.state import marks
from rotation.state.store import LabelStore
from rotation_testkit.fault_lab.in_memory.vendor_classes import FLEET_CLASSES
from rotation_testkit.fault_lab.random_fleets import runner
from rotation_testkit.fault_lab.random_fleets.runner import first_bad, script_of, simulate
from rotation_testkit.fault_lab.random_fleets.schedule.generate import schedule
from rotation_testkit.fault_lab.random_fleets.schedule.script import Script, play

CHUNK = 25


@pytest.mark.parametrize("first", range(0, 300, CHUNK))
def test_no_schedule_violates_an_invariant(first):
    """The same 300 in every run of the tests; `lockstep simulate-faults` plays any number of others."""
    played, bad = first_bad(2026, first, CHUNK)
    assert bad is None, f"lockstep simulate-faults --seed 2026 --runs {first + played}: {play(script_of(2026, bad))}"
    assert played == CHUNK


def test_a_seed_makes_the_same_schedules_everywhere():
    """This schedule is written down, because a change of the generator changes what the seeds in reports mean."""
    kinds, actions = schedule(1, 1)
    assert kinds == ["self"]
    assert [action["do"] for action in actions] == [
        "attempt",
        "wait",
        "wait",
        "store-down",
        "attempt",
        "wait",
        "attempt",
    ]


def test_every_class_takes_part_and_batches_less_often():
    """Batches are rarer, because each costs several times as much."""
    drawn = Counter(kind for number in range(3000) for kind in schedule(3, number)[0])
    assert set(drawn) == set(FLEET_CLASSES)
    batches = [drawn[kind] for kind, each in FLEET_CLASSES.items() if each.accounts > 1]
    others = [drawn[kind] for kind, each in FLEET_CLASSES.items() if each.accounts == 1]
    assert len(batches) == 3
    assert 20 < max(batches) < min(others)


def test_the_same_schedule_leaves_the_same_trace():
    """Traces are equal effect by effect, parallel runs included, although passwords differ each time."""
    with_threads = [number for number in range(40) if "parallel" in script_of(5, number).dump()]
    assert with_threads
    for number in [*range(5), *with_threads]:
        traces = [[], []]
        for trace in traces:
            play(script_of(5, number), trace=trace)
        assert traces[0] == traces[1]
        assert traces[0]


def test_the_number_of_processes_changes_nothing(monkeypatch):
    """Any number of processes finds the same, because results are taken in the order of the schedules."""
    monkeypatch.setattr(runner, "CHUNK", 4)
    alone, together = simulate(7, 10), simulate(7, 10, workers=2)
    assert (alone.runs, alone.finding) == (together.runs, together.finding) == (10, None)


TAKEN = LabelStore.acquire


def without_intent(self, token, state, claim):
    """Take the lease and leave no intent."""
    held = TAKEN(self, token, state, claim)
    for each in held.version(token).intents:
        if each.run == marks.run_name(claim.holder):
            self.unmark(token, each.mark)
    return held


def unknown_is_no(ask):
    """Take "could not tell" for "wrong password"."""

    def mutant(attempt, password):
        finding = ask(attempt, password)
        return Finding.REJECTED if finding is Finding.UNKNOWN else finding

    return mutant


MUTATIONS = {
    "no intent mark": (LabelStore, "acquire", without_intent, {"I5"}),
    "commit before verification": (proof, "_find", lambda *_, **__: Evidence.LOGIN, {"I1", "I2"}),
    "unknown treated as rejected": (Attempt, "_ask", unknown_is_no(Attempt._ask), {"unknown", "I8"}),
}


@pytest.mark.parametrize("mutation", MUTATIONS)
def test_a_broken_engine_is_found_out(mutation, monkeypatch):
    """A mutation is found within 250 schedules, by the right invariant, as a script that can be played again."""
    owner, name, mutant, expected = MUTATIONS[mutation]
    monkeypatch.setattr(owner, name, mutant)

    report = simulate(12, 250)

    assert report.finding is not None
    assert report.finding.violation.split(":")[0] in expected
    read_back = Script.parse(report.finding.script.dump())
    assert str(play(read_back)) == report.finding.violation
    monkeypatch.undo()
    assert play(read_back) is None
