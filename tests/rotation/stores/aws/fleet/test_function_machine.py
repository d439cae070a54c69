"""The state machine of ``template.yaml``, run by moto's interpreter, over the function and a fleet at the double."""

import io
import itertools
import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from rotation.core.errors import RotationError
from rotation.stores.aws.fleet.function import FleetWorld, handle
from rotation.stores.aws.fleet.objects import Objects
from rotation_testkit.processes.function_context import FunctionContext

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]
ROOT = Path(__file__).parents[5]
FUNCTION = "arn:aws:lambda:eu-central-1:111122223333:function:rotate"
FLEET = FUNCTION.replace("rotate", "fleet")
REGION = "eu-central-1"


@pytest.fixture(scope="module")
def definition():
    """The definition, with what CloudFormation puts in."""
    import yaml

    class Loader(yaml.SafeLoader):
        """Leaves CloudFormation's functions out: the definition has none."""

    Loader.add_multi_constructor("!", lambda *_: None)
    template = yaml.load((ROOT / "template.yaml").read_text(), Loader)  # noqa: S506 - a loader that makes plain data
    machine = template["Resources"]["FleetStateMachine"]["Properties"]
    given = {"Partition": "aws", "Function": FLEET, "Bucket": "fleets"}
    assert given.keys() == machine["DefinitionSubstitutions"].keys()
    return re.sub(r"\$\{(\w+)\}", lambda found: given[found[1]], json.dumps(machine["Definition"]))


class Lambda:
    """Calls the fleet's function as Lambda does: an exception becomes its type's name and its message."""

    def begin(self, world):
        """Serve another world from now on."""
        self.world, self.calls, self.seconds = world, [], [900] * 99

    def invoke(self, *, FunctionName, Payload, **_):  # noqa: N803 - botocore's names
        """Run the function."""
        assert FunctionName == FLEET
        event = json.loads(Payload)
        self.calls.append(event["do"])
        try:
            answer = handle(event, FunctionContext.lasting(self.seconds.pop(0)), self.world)
        except RotationError as error:
            said = {"errorType": type(error).__name__, "errorMessage": str(error)}
            return {"FunctionError": "Unhandled", "Payload": io.BytesIO(json.dumps(said).encode())}
        return {"Payload": io.BytesIO(json.dumps(answer).encode())}


@dataclass
class Machine:
    """The state machine: what runs an order, the function's calls, the bucket, and the seconds of all waits."""

    run: Callable[..., Any]
    service: Lambda
    objects: Objects
    paused: list[int]


@pytest.fixture(scope="module")
def interpreter(definition):
    """The state machine at moto; its executions run in the caller's thread, and its waits only note their time."""
    import boto3
    from moto import mock_aws
    from moto.stepfunctions.parser.asl.component.state.exec.state_task import lambda_eval_utils
    from moto.stepfunctions.parser.asl.component.state.wait.wait_function.wait_function import WaitFunction
    from moto.stepfunctions.parser.backend.execution_worker import ExecutionWorker

    service, paused = Lambda(), []
    with pytest.MonkeyPatch.context() as patch, mock_aws(config={"stepfunctions": {"execute_state_machine": True}}):
        patch.setattr(ExecutionWorker, "start", ExecutionWorker._execution_logic)
        patch.setattr(WaitFunction, "_wait_interval", lambda *_, **found: paused.append(found["wait_seconds"]))
        patch.setattr(lambda_eval_utils, "boto_client_for", lambda **_: service)
        session = boto3.Session(aws_access_key_id="a", aws_secret_access_key="b", region_name=REGION)
        s3 = session.client("s3")
        s3.create_bucket(Bucket="fleets", CreateBucketConfiguration={"LocationConstraint": REGION})
        states, role = session.client("stepfunctions"), "arn:aws:iam::111122223333:role/fleet"
        arn = states.create_state_machine(name="fleet", definition=definition, roleArn=role)["stateMachineArn"]

        numbers = itertools.count()

        def run(**order):
            name = f"execution-{next(numbers)}"
            execution = states.start_execution(stateMachineArn=arn, name=name, input=json.dumps(order))["executionArn"]
            return states.describe_execution(executionArn=execution)

        yield Machine(run, service, Objects(s3, "fleets"), paused)


@pytest.fixture
def machine(fleet, interpreter):
    """The state machine over a fleet."""
    interpreter.service.begin(
        FleetWorld(
            store=fleet.double.client(direct=True),
            objects=interpreter.objects,
            check=lambda arn: {"ended": "drifted" if "/001-" in arn else "verified"},
            function=FUNCTION,
            prefix="app/",
            writes_per_second=50.0,
            clock=fleet.clock,
        )
    )
    interpreter.paused.clear()
    return interpreter


@pytest.mark.usefixtures("function")
def test_an_order_to_rotate_is_carried_out_once_for_each_secret(fleet, machine):
    """Listed, rotated in batches, added up; a batch whose time was over is called again, and nothing is asked twice."""
    fleet.add_many(60)
    machine.service.seconds[:4] = [900, 66, 66, 900]
    done = machine.run(do="rotate", tags={}, all=True)
    assert done["status"] == "SUCCEEDED", done
    summary = json.loads(done["output"])
    assert (summary["count"], summary["ended"]) == (60, {"rotated": 60})
    assert sorted(fleet.asked()) == [f"app/{each:03}" for each in range(60)]
    assert machine.service.calls[0] == "list"
    assert machine.service.calls[-1] == "sum"
    assert machine.service.calls.count("rotate") > 2
    assert sum(machine.paused) == 5 * len(machine.paused) > 0
    again = machine.run(do="rotate", all=True, run=summary["run"])
    assert json.loads(again["output"])["ended"] == {"rotated": 60}
    assert len(fleet.asked()) == 60


def test_a_drift_check_ends_as_failed_where_a_password_does_not_work(fleet, machine):
    """The cause is the summary, which says where the secrets are named; nothing is rotated."""
    fleet.add_many(3)
    done = machine.run(do="verify", all=True, comment="by schedule")
    assert (done["status"], done["error"]) == ("FAILED", "SomeFailed")
    summary = json.loads(done["cause"])
    assert (summary["ended"], summary["bad"]) == ({"drifted": 1, "verified": 2}, 1)
    (bad,) = machine.objects.read(summary["summary"].removeprefix("s3://fleets/"))["look_at"]
    assert bad["secret_id"] == "app/001"
    assert fleet.asked() == []


@pytest.mark.parametrize(
    ("order", "status", "error"),
    [({"do": "rotate", "all": True}, "SUCCEEDED", None), ({"do": "rotate"}, "FAILED", "EventError")],
)
def test_an_empty_fleet_is_done_and_a_wrong_order_is_refused(machine, order, status, error):
    """Neither starts a batch."""
    done = machine.run(**order)
    assert (done["status"], done.get("error")) == (status, error)
    assert set(machine.service.calls) <= {"list", "sum"}


def test_batches_that_fail_are_added_up_all_the_same(fleet, machine):
    """A batch in which nothing succeeded fails the map, and the summary names its secrets."""
    fleet.add_many(2)
    fleet.double.faults.fail("RotateSecret", "AccessDeniedException", times=99)
    done = machine.run(do="rotate", all=True)
    assert (done["status"], done["error"]) == ("FAILED", "SomeFailed")
    assert json.loads(done["cause"])["ended"] == {"needs_human": 2}
