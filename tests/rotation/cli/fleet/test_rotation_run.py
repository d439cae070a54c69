"""Many rotations by the service: each once, at a bounded pace, and resumable by the labels alone."""

import uuid

import pytest

from rotation.cli.fleet.rotation_run import WRITES, FleetRotation, token_of
from rotation.cli.fleet.turn import Ended, code_of
from rotation.stores.aws.fleet_secret import managed
from rotation.stores.aws.listing import listed

RUN = uuid.UUID(int=7)
FUNCTION = "arn:aws:lambda:eu-central-1:111122223333:function:rotate"
PROVED = "lockstep:proof:login"


class Function:
    """A rotation function that makes the six writes of a clean rotation, or parks."""

    def __init__(self, fleet):
        self.fleet, self.parks, self.idle = fleet, {}, False

    def __call__(self, event):
        """Run one step."""
        named, token = {"SecretId": event["SecretId"]}, event["ClientRequestToken"]
        if event["Step"] != "createSecret" or self.idle:
            return
        call = self.fleet.double.call
        call("PutSecretValue", **named, ClientRequestToken=token, SecretString="new", VersionStages=["AWSPENDING"])
        secret = self.fleet.double._state.find(event["SecretId"])
        if secret.name in self.parks:
            label = f"lockstep:parked:{self.parks[secret.name]}:1790000000@{token[-8:]}"
            call("UpdateSecretVersionStage", **named, VersionStage=label, MoveToVersionId=token)
            raise RuntimeError("parked")
        for label in ("a", "b", "a"):
            held = secret.labels.get(label)
            ends = {"MoveToVersionId": token} if held is None else {"RemoveFromVersionId": held}
            call("UpdateSecretVersionStage", **named, VersionStage=label, **ends)
        held = {"RemoveFromVersionId": secret.labels[PROVED]} if PROVED in secret.labels else {}
        call("UpdateSecretVersionStage", **named, VersionStage=PROVED, MoveToVersionId=token, **held)
        ends = {"RemoveFromVersionId": secret.labels["AWSCURRENT"], "MoveToVersionId": token}
        call("UpdateSecretVersionStage", **named, VersionStage="AWSCURRENT", **ends)


@pytest.fixture
def function(fleet, monkeypatch):
    """A working function, whose rotations have ended before the clock moves on."""
    move_on = fleet.clock.sleep

    def sleep(seconds):
        for worker in list(fleet.double._workers):
            worker.join(30)
        move_on(seconds)

    monkeypatch.setattr(fleet.clock, "sleep", sleep)
    made = Function(fleet)
    fleet.double.register_function(FUNCTION, made)
    fleet.double._rotator.retry_delays = ()
    return made


def run(fleet, **how):
    """Return a run over the fleet, and its turns."""
    client = fleet.double.client(direct=True)
    made = FleetRotation(client=client, run=RUN, clock=fleet.clock, **how)
    return made, made.turns(list(managed(listed(client), fleet.clock.now())))


def asked(fleet):
    """Return the names of the secrets whose rotation was asked for, and accepted."""
    return [each.secret for each in fleet.double.calls if each.operation == "RotateSecret" and each.applied]


def add(fleet, number, **how):
    """Add secrets, half of them bound to another driver."""
    for each in range(number):
        driver = "ucloud_compshare" if each % 2 else "tencent_bm"
        tags = {"lockstep:account": f"1 {driver} {'0' * 32} - - note"}
        fleet.add(f"app/{each:03}", [PROVED], tags=tags, **how)


@pytest.mark.usefixtures("function")
def test_each_secret_is_rotated_once_with_its_evidence(fleet):
    """Every one ends with the version of its token current; none is asked for twice."""
    add(fleet, 12)
    turns = list(run(fleet)[1])
    assert {(each.ended, each.evidence) for each in turns} == {(Ended.ROTATED, "LOGIN")}
    assert sorted(asked(fleet)) == sorted(each.secret.name for each in turns)
    assert all("AWSCURRENT" in fleet.double.labels(each.secret.arn)[token_of(RUN, each.secret)] for each in turns)
    assert code_of(each.ended for each in turns) == 0


@pytest.mark.usefixtures("function")
def test_a_killed_run_goes_on_and_rotates_none_twice(fleet):
    """A new process with the same id asks only for what is left; what was on its way is watched to its end."""
    add(fleet, 12)
    first, turns = run(fleet)
    done = [next(turns), next(turns), next(turns)]
    begun = len(asked(fleet))
    assert begun >= len(done)
    turns.close()
    again = list(run(fleet)[1])
    assert len(again) == 12
    assert sorted(asked(fleet)) == [f"app/{each:03}" for each in range(12)]
    assert {each.ended for each in again} == {Ended.ROTATED, Ended.ALREADY_DONE}
    assert first.under_way == begun - len(done)


@pytest.mark.usefixtures("function")
def test_writes_keep_to_their_share(fleet):
    """Over any ten seconds the rotations write no more than their share, and one rotation."""
    add(fleet, 40)
    list(run(fleet, writes_per_second=12.0, per_vendor=64)[1])
    writes = [each.time for each in fleet.double.calls if each.writes]
    assert len(writes) == 40 * WRITES
    assert max(sum(at <= other < at + 10 for other in writes) for at in writes) <= 10 * 12 + WRITES
    assert writes[-1] - writes[0] < 40 * WRITES / 12 + 5


def test_of_one_driver_only_so_many_are_on_their_way(fleet, function):
    """A driver whose rotations do not end holds up its own lane alone; what does not end is left to the service."""
    function.idle = True
    add(fleet, 10)
    made, turns = run(fleet, per_vendor=2, patience=60.0)
    first = next(turns)
    assert len(asked(fleet)) == 4
    assert made.under_way == 3
    assert (first.ended, code_of([first.ended])) == (Ended.WAITS, 3)
    assert [each.ended for each in turns] == [Ended.WAITS] * 9


@pytest.mark.parametrize(
    ("reason", "ended", "code"), [("external_change", Ended.NEEDS_HUMAN, 4), ("too_soon", Ended.WAITS, 3)]
)
def test_what_is_parked_says_why(fleet, function, reason, ended, code):
    """The label's reason is the turn's, and the exit code says who has to act."""
    add(fleet, 2)
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
    assert asked(fleet) == ["app/fine"]


@pytest.mark.usefixtures("function")
def test_a_lost_answer_asks_under_the_same_token(fleet):
    """The request took effect and its answer was lost: the run goes on and finds the rotation done."""
    add(fleet, 1)
    fleet.double.faults.drop("RotateSecret", applied=True)
    assert next(run(fleet)[1]).ended is Ended.FAILED
    assert [each.ended for each in run(fleet)[1]] == [Ended.ALREADY_DONE]
    assert asked(fleet) == ["app/000"]


@pytest.mark.usefixtures("function")
def test_a_stop_begins_nothing_new(fleet, monkeypatch):
    """What is on its way is left to the service."""
    add(fleet, 12)
    _, turns = run(fleet)
    next(turns)
    begun = len(asked(fleet))
    monkeypatch.setattr("rotation.core.process.stop.requested", lambda: True)
    assert list(turns) == []
    assert len(asked(fleet)) == begun
