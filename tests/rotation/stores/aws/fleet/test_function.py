"""The fleet's function: what is ordered, batches, results, and what never happens twice."""

import io
import json
import subprocess
import sys
import uuid
from dataclasses import replace
from types import SimpleNamespace

import pytest
from botocore.exceptions import ClientError, ReadTimeoutError

from rotation.core.errors import EventError, StoreDenied, StoreError, StoreUnavailable
from rotation.stores.aws.deadline import before_send
from rotation.stores.aws.fleet.function import BATCH, CONCURRENCY, FleetWorld, handle, invoked, lambda_handler
from rotation.stores.aws.fleet.objects import Objects
from rotation.stores.aws.fleet.rotation_run import WRITES
from rotation_testkit.processes.function_context import FunctionContext

FUNCTION = "arn:aws:lambda:eu-central-1:111122223333:function:rotate"
RUN = "00000000-0000-0000-0000-000000000007"
ORDER = {"do": "rotate", "all": True, "run": RUN}


class Bucket:
    """S3 as a dictionary, with pages of two keys."""

    def __init__(self):
        self.held = {}

    def put_object(self, *, Bucket, Key, Body):  # noqa: N803 - botocore's names
        """Put an object."""
        assert Bucket == "fleets"
        self.held[Key] = Body

    def get_object(self, *, Bucket, Key):  # noqa: N803 - as above
        """Get one."""
        assert Bucket == "fleets"
        if Key not in self.held:
            raise ClientError({"Error": {"Code": "NoSuchKey"}}, "GetObject")
        return {"Body": io.BytesIO(self.held[Key])}

    def list_objects_v2(self, *, Bucket, Prefix, ContinuationToken=""):  # noqa: N803 - as above
        """List two keys."""
        assert Bucket == "fleets"
        keys = [key for key in sorted(self.held) if key.startswith(Prefix) and key > ContinuationToken]
        more = {"NextContinuationToken": keys[1]} if len(keys) > 2 else {}
        return {"Contents": [{"Key": key} for key in keys[:2]], **more}


@pytest.fixture
def world(fleet):
    """The function's world over a fleet; each check says what ``answers`` has for its secret."""
    return FleetWorld(
        store=fleet.double.client(direct=True),
        objects=Objects(Bucket(), "fleets"),
        check=lambda arn: {"ended": "verified", "evidence": "LOGIN"},  # noqa: ARG005 - every password works
        function=FUNCTION,
        prefix="app/",
        writes_per_second=12.0,
        clock=fleet.clock,
    )


def call(world, *, seconds=900, **event):
    """Call the function."""
    return handle(event, FunctionContext.lasting(seconds), world)


def batches(world, **order):
    """Return what an order lists, and its batches."""
    listed = call(world, do="list", order={**ORDER, **order}, execution="arn:execution")
    return listed, world.objects.read(listed["key"])


@pytest.mark.usefixtures("function")
def test_a_run_rotates_every_secret_of_its_function_once(fleet, world):
    """The summary counts them; those of another function or prefix, and what is no order, are left alone."""
    fleet.add_many(BATCH + 10)
    fleet.add("other/x", ["lockstep:proof:login"])
    fleet.add("app/foreign", ["lockstep:proof:login"]).schedule.function = FUNCTION + "-other"
    listed, made = batches(world)
    assert (listed["count"], [len(each["secrets"]) for each in made]) == (BATCH + 10, [BATCH, 10])
    assert {each["writes_per_second"] for each in made} == {12.0 / CONCURRENCY}
    for each in made:
        assert call(world, **each)["left"] == 0
    summary = call(world, do="sum", listed=listed)
    assert (summary["ended"], summary["bad"], summary["without_result"]) == ({"rotated": BATCH + 10}, 0, 0)
    assert sorted(fleet.asked()) == [f"app/{each:03}" for each in range(BATCH + 10)]
    made = {each.operation for each in fleet.double.calls}
    assert made - {"PutSecretValue", "UpdateSecretVersionStage"} == {"ListSecrets", "DescribeSecret", "RotateSecret"}


@pytest.mark.usefixtures("function")
def test_a_batch_whose_time_is_over_goes_on_at_the_next_call(fleet, world):
    """What is left comes back, on its way or not, and nothing is asked for twice; so it is after a kill."""
    fleet.add_many(20)
    _, (batch,) = batches(world)
    first = call(world, **batch, seconds=66)
    assert 0 < first["left"] < 20
    assert call(world, **first)["left"] == 0
    assert call(world, **batch)["left"] == 0
    assert sorted(fleet.asked()) == [f"app/{each:03}" for each in range(20)]
    assert call(world, do="sum", listed={"run": RUN, "count": 20})["ended"] == {"rotated": 20}


def test_a_check_that_hangs_loses_no_other_ones_result(fleet, world):
    """Its call ends before the function is stopped, and the results of the batch are written."""
    fleet.add_many(3)
    sent = []

    class Request:
        """What botocore is about to send."""

        def __init__(self):
            self.context = {}

    def check(arn):
        request = Request()
        before_send(900, request)  # as the client does that asks the rotation function
        sent.append((context.get_remaining_time_in_millis() / 1000, request.context["read_timeout"]))
        if arn.rpartition(":")[2].startswith("app/001"):
            fleet.clock.sleep(request.context["read_timeout"])
            raise StoreUnavailable("the rotation function did not answer")
        return {"ended": "verified"}

    world = replace(world, check=check)
    _, (batch,) = batches(world, do="verify")
    ends = fleet.clock.now() + 70
    context = SimpleNamespace(get_remaining_time_in_millis=lambda: int((ends - fleet.clock.now()) * 1000))
    done = handle(batch, context, world)
    assert context.get_remaining_time_in_millis() > 5000
    assert all(timeout < left - 10 for left, timeout in sent)
    assert done["left"] < 3
    assert [key for key in world.objects.client.held if "/results/" in key]


@pytest.mark.parametrize("odd", [None, [], {}, {"ended": "of another release"}, {"ended": "failed", "error": "x"}])
def test_an_answer_that_is_none_keeps_no_other_check_back(fleet, world, odd):
    """The secret has failed, with the next step, and the batch goes on to its end."""
    fleet.add_many(3)
    world = replace(world, check=lambda arn: odd if "app/001" in arn else {"ended": "verified"})
    listed, (batch,) = batches(world, do="verify")
    assert call(world, **batch)["left"] == 0
    assert call(world, do="sum", listed=listed)["ended"] == {"failed": 1, "verified": 2}
    (bad,) = world.objects.read(f"runs/{RUN}/summary.json")["look_at"]
    assert "one release" in bad["error"]["hint"]


def test_each_call_writes_a_line(fleet, world, capsys):
    """The function's log says what was done; a call that fails says why."""
    fleet.add_many(1)
    listed, _ = batches(world)
    assert json.loads(capsys.readouterr().out) == {"fleet": "list", "run": RUN, "count": 1}
    call(world, do="sum", listed=listed)
    assert json.loads(capsys.readouterr().out)["fleet"] == "sum"
    with pytest.raises(EventError):
        call(world, do="dance")
    assert json.loads(capsys.readouterr().err)["error"]["code"] == "event_error"


@pytest.mark.parametrize("choice", [{"prefix": "app/none"}, {"tags": {"team": "none"}}])
def test_an_order_that_chooses_no_secret_is_refused(fleet, world, choice):
    """A misspelt one would succeed every night; an order of all secrets of a stack that has none is none."""
    fleet.add_many(1)
    with pytest.raises(EventError, match="no secret"):
        call(world, do="list", order={"do": "verify", **choice}, execution="arn:execution")
    fleet.double.call("DeleteSecret", SecretId="app/000", ForceDeleteWithoutRecovery=True)
    assert call(world, do="list", order={"do": "verify", "all": True}, execution="arn:execution")["count"] == 0


@pytest.mark.usefixtures("function")
def test_batches_keep_to_their_part_of_the_share(fleet, world):
    """One batch begins rotations no faster than its part of the writes allows."""
    fleet.add_many(20)
    _, (batch,) = batches(world, per_vendor=64)
    call(world, **batch)
    writes = sorted(each.time for each in fleet.double.calls if each.writes)
    share = 12.0 / CONCURRENCY
    assert len(writes) == 20 * WRITES
    assert max(sum(at <= other < at + 10 for other in writes) for at in writes) <= 10 * share + WRITES


def test_a_check_is_the_rotation_functions_and_drift_is_bad(fleet, world):
    """Its answer is the result; one that did not answer is a failure, and does not end the batch."""
    fleet.add_many(4)
    answers = {
        "app/000": {"ended": "verified", "evidence": "LOGIN"},
        "app/001": {"ended": "drifted", "error": {"code": "login_rejected"}},
        "app/002": {"ended": "waits", "error": {"code": "parked"}},
    }

    def check(arn):
        name = arn.rpartition(":")[2].rpartition("-")[0]
        if name not in answers:
            raise StoreUnavailable("the rotation function did not answer")
        return answers[name]

    world = replace(world, check=check)
    listed, (batch,) = batches(world, do="verify")
    began = fleet.clock.now()
    assert call(world, **batch)["left"] == 0
    assert fleet.clock.now() - began >= 4 * 2 * CONCURRENCY / 12.0 - 0.1
    summary = call(world, do="sum", listed=listed)
    assert (summary["ended"], summary["bad"]) == ({"drifted": 1, "failed": 1, "verified": 1, "waits": 1}, 2)
    named = {
        turn["secret_id"]: turn.get("reason") for turn in world.objects.read(f"runs/{RUN}/summary.json")["look_at"]
    }
    assert named == {"app/001": "login_rejected", "app/003": None}
    assert fleet.asked() == []


def test_a_batch_in_which_nothing_succeeds_says_so(fleet, world):
    """The state machine counts it as failed, and stops after a quarter of such batches."""
    fleet.add_many(3)
    _, (batch,) = batches(world)
    fleet.double.faults.fail("RotateSecret", "AccessDeniedException", times=99)
    assert call(world, **batch)["useless"] is True


@pytest.mark.parametrize(
    ("order", "said"),
    [
        ([], "is not an object"),
        ({"do": "rotate"}, "chooses no secrets"),
        ({"do": "delete", "all": True}, "malformed: do"),
        ({"do": "rotate", "all": "yes"}, "malformed: all"),
        ({"do": "rotate", "al": True}, "unknown: al"),
        ({"do": "rotate", "prefix": "other/"}, "begin with app/"),
        ({"do": "rotate", "all": True, "run": "mine"}, "not the id"),
    ],
)
def test_a_wrong_order_is_refused_before_anything_is_listed(world, order, said):
    """The error shows an order that is right, and no call is made."""
    with pytest.raises(EventError, match=said) as caught:
        call(world, do="list", order=order, execution="arn:execution")
    assert caught.value.hint
    with pytest.raises(EventError, match="does not know"):
        call(world, do="dance")


def test_an_execution_is_a_run_of_its_own(world):
    """Without an id the run is named after the execution, so that a call that is made again lists for the same run."""
    orders = [{"do": "verify", "all": True}] * 3
    runs = [
        call(world, do="list", order=order, execution=f"arn:{name}")["run"]
        for order, name in zip(orders, "aab", strict=True)
    ]
    assert runs[0] == runs[1] != runs[2]
    assert uuid.UUID(runs[0])


def test_an_answer_of_the_rotation_function_is_read_or_is_an_error():
    """A function that failed, was not called, or did not answer in time tells nothing."""

    class Service:
        def __init__(self, answer):
            self.answer = answer

        def invoke(self, *, FunctionName, Payload):  # noqa: N803 - botocore's names
            assert (FunctionName, json.loads(Payload)) == ("f", {"Verify": "arn"})
            if isinstance(self.answer, Exception):
                raise self.answer
            return self.answer

    def ask(answer):
        return invoked(Service(answer), "f", {"Verify": "arn"})

    assert ask({"Payload": io.BytesIO(b'{"ended": "verified"}')}) == {"ended": "verified"}
    denied = ClientError({"Error": {"Code": "AccessDeniedException"}}, "Invoke")
    for answer, kind in [
        ({"Payload": io.BytesIO(b"{}"), "FunctionError": "Unhandled"}, StoreUnavailable),
        ({"Payload": io.BytesIO(b"x")}, StoreUnavailable),
        (ReadTimeoutError(endpoint_url="x"), StoreUnavailable),
        (denied, StoreDenied),
        (ClientError({"Error": {"Code": "ResourceNotFoundException"}}, "Invoke"), StoreError),
        (ClientError({"Error": {"Code": "KMSDisabledException"}}, "Invoke"), StoreError),
        (ClientError({"Error": {"Code": "TooManyRequestsException"}}, "Invoke"), StoreUnavailable),
    ]:
        with pytest.raises(kind) as caught:
            ask(answer)
        assert type(caught.value) is kind


def test_an_object_that_is_not_there_is_a_typed_error(world):
    """S3's code is kept, and its exception is not."""
    with pytest.raises(StoreError) as caught:
        world.objects.read("runs/none")
    assert (caught.value.vendor_code, caught.value.__context__) == ("NoSuchKey", None)


def test_the_entry_reads_its_variables_and_refuses_what_it_does_not_know(monkeypatch):
    """The template sets these four; no call is made for an event that is none of the state machine's."""
    for name, value in (("BUCKET", "fleets"), ("FUNCTION", FUNCTION), ("PREFIX", "app/"), ("WRITES_PER_SECOND", "10")):
        monkeypatch.setenv(f"FLEET_{name}", value)
    monkeypatch.setenv("AWS_REGION", "eu-central-1")
    with pytest.raises(EventError, match="does not know this call"):
        lambda_handler({"do": "dance"}, FunctionContext.lasting(60))


def test_the_package_needs_no_more_than_awss_client():
    """``make build`` packs the function without vendored packages, command line and drivers."""
    code = (
        "import sys; sys.modules |= dict.fromkeys(('requests', 'hvac', 'aws_lambda_powertools', 'typer', 'paramiko'))\n"
        "import rotation.stores.aws.fleet.function\n"
        "print([name for name in sys.modules if name.startswith(('rotation.cli', 'rotation.drivers'))])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60)
    assert done.stdout == "[]\n"
