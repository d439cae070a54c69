"""Many rotations by the service: each once, at a bounded pace, and resumable by the labels alone."""

import bisect
import collections
import gc
import itertools
import tracemalloc
import uuid

import pytest

from rotation.cli.fleet.codes import code_of
from rotation.stores.aws.fleet.fleet_secret import managed
from rotation.stores.aws.fleet.rotation_run import WRITES, FleetRotation, token_of
from rotation.stores.aws.fleet.turn import Ended
from rotation.stores.aws.listing import listed

RUN = uuid.UUID(int=7)
PROVED = "lockstep:proof:login"


def run(fleet, **how):
    """Return a run over the fleet, and its turns."""
    client = fleet.double.client(direct=True)
    made = FleetRotation(client=client, run=RUN, clock=fleet.clock, **how)
    return made, made.turns(list(managed(listed(client), fleet.clock.now())))


@pytest.mark.usefixtures("function")
def test_each_secret_is_rotated_once_with_its_evidence(fleet):
    """Every one ends with the version of its token current; none is asked for twice."""
    fleet.add_many(12)
    turns = list(run(fleet)[1])
    assert {(each.ended, each.evidence) for each in turns} == {(Ended.ROTATED, "LOGIN")}
    assert sorted(fleet.asked()) == sorted(each.secret.name for each in turns)
    assert all("AWSCURRENT" in fleet.double.labels(each.secret.arn)[token_of(RUN, each.secret)] for each in turns)
    assert code_of(each.ended for each in turns) == 0


@pytest.mark.usefixtures("function")
def test_a_killed_run_goes_on_and_rotates_none_twice(fleet):
    """A new process with the same id asks only for what is left; what was on its way is watched to its end."""
    fleet.add_many(12)
    first, turns = run(fleet)
    done = [next(turns), next(turns), next(turns)]
    begun = len(fleet.asked())
    assert begun >= len(done)
    turns.close()
    again = list(run(fleet)[1])
    assert len(again) == 12
    assert sorted(fleet.asked()) == [f"app/{each:03}" for each in range(12)]
    assert {each.ended for each in again} == {Ended.ROTATED, Ended.ALREADY_DONE}
    assert first.under_way == begun - len(done)


@pytest.mark.usefixtures("function")
def test_writes_keep_to_their_share(fleet):
    """Over any ten seconds the rotations write no more than their share, and one rotation."""
    fleet.add_many(40)
    list(run(fleet, writes_per_second=12.0, per_vendor=64)[1])
    writes = [each.time for each in fleet.double.calls if each.writes]
    assert len(writes) == 40 * WRITES
    assert max(sum(at <= other < at + 10 for other in writes) for at in writes) <= 10 * 12 + WRITES
    assert writes[-1] - writes[0] < 40 * WRITES / 12 + 5


def held_by_fleets():
    """Return the bytes that code of fleets has allocated and not given back."""
    gc.collect()
    only = tracemalloc.Filter(inclusive=True, filename_pattern="*/rotation/stores/aws/fleet/*")
    return sum(each.size for each in tracemalloc.take_snapshot().filter_traces([only]).statistics("filename"))


@pytest.mark.usefixtures("function")
@pytest.mark.parametrize("number", [60, pytest.param(10_000, marks=[pytest.mark.long, pytest.mark.timeout(3600)])])
def test_a_large_fleet_is_rotated_in_flat_memory_within_its_share_and_once(fleet, number):
    """The run is killed in the middle; the next one asks for none again, and neither holds more as it goes on."""
    fleet.add_many(number)
    tracemalloc.start()
    try:
        how = {"writes_per_second": 50.0, "per_vendor": 64}
        turns = run(fleet, **how)[1]
        list(itertools.islice(turns, number // 4))
        early = held_by_fleets()
        list(itertools.islice(turns, number // 4))
        turns.close()
        last = collections.deque(run(fleet, **how)[1], maxlen=1)
        assert held_by_fleets() <= early + 65_536
    finally:
        tracemalloc.stop()
    assert last[0].ended in (Ended.ROTATED, Ended.ALREADY_DONE)
    assert sorted(fleet.asked()) == sorted(f"app/{each:03}" for each in range(number))
    writes = sorted(each.time for each in fleet.double.calls if each.writes)
    assert len(writes) == number * WRITES
    most = max(bisect.bisect_left(writes, at + 10) - first for first, at in enumerate(writes))
    assert most <= 10 * 50 + 2 * WRITES  # two: the killed run's last rotation and the next run's first


def test_of_one_vendor_only_so_many_are_on_their_way(fleet, function):
    """A vendor whose rotations do not end holds up its own lane alone; what does not end is left to the service."""
    function.idle = True
    fleet.add_many(10)
    made, turns = run(fleet, per_vendor=2, patience=60.0)
    first = next(turns)
    assert len(fleet.asked()) == 4
    assert made.under_way == 3
    assert (first.ended, code_of([first.ended])) == (Ended.WAITS, 3)
    assert [each.ended for each in turns] == [Ended.WAITS] * 9


@pytest.mark.parametrize(
    ("reason", "ended", "code"), [("external_change", Ended.NEEDS_HUMAN, 4), ("too_soon", Ended.WAITS, 3)]
)
def test_what_is_parked_says_why(fleet, function, reason, ended, code):
    """The label's reason is the turn's, and the exit code says who has to act."""
    fleet.add_many(2)
    function.parks["app/000"] = reason
    turns = {each.secret.name: each for each in run(fleet)[1]}
    assert (turns["app/000"].ended, turns["app/000"].reason) == (ended, reason)
    assert turns["app/001"].ended is Ended.ROTATED
    assert code_of(each.ended for each in turns.values()) == code


@pytest.mark.usefixtures("function")
def test_what_cannot_be_rotated_stops_no_other(fleet):
    """A secret without a function needs a human, and one with an unfinished rotation waits; both say what to do."""
    fleet.add("app/bare", [PROVED], due=None)
    fleet.add("app/half", [PROVED], pending=[])
    fleet.add("app/fine", [PROVED])
    turns = {each.secret.name: each for each in run(fleet)[1]}
    assert turns["app/fine"].ended is Ended.ROTATED
    assert (turns["app/bare"].ended, turns["app/half"].ended) == (Ended.NEEDS_HUMAN, Ended.WAITS)
    assert "lockstep rotate" in turns["app/bare"].error.hint
    assert "--run" in turns["app/half"].error.hint
    assert fleet.asked() == ["app/fine"]


@pytest.mark.usefixtures("function")
def test_a_lost_answer_asks_under_the_same_token(fleet):
    """The request took effect and its answer was lost: the run goes on and finds the rotation done."""
    fleet.add_many(1)
    fleet.double.faults.drop("RotateSecret", applied=True)
    assert next(run(fleet)[1]).ended is Ended.FAILED
    assert [each.ended for each in run(fleet)[1]] == [Ended.ALREADY_DONE]
    assert fleet.asked() == ["app/000"]


@pytest.mark.usefixtures("function")
def test_a_stop_begins_nothing_new(fleet, monkeypatch):
    """What is on its way is left to the service."""
    fleet.add_many(12)
    _, turns = run(fleet)
    next(turns)
    begun = len(fleet.asked())
    monkeypatch.setattr("rotation.core.process.stop.requested", lambda: True)
    assert list(turns) == []
    assert len(fleet.asked()) == begun
