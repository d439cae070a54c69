"""The secret of ``examples/aws/secret.yaml`` can be rotated, against the vendor's simulator."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import pytest

from rotation import handler
from rotation.core.document import SecretDocument
from rotation_testkit.doubles.secretsmanager import RotationState
from rotation_testkit.processes.function_context import FunctionContext
from rotation_testkit.sandbox.enrolled import tagged
from rotation_testkit.sandbox.sandbox import FUNCTION_ARN, UCLOUD, Sandbox, open_sandbox

Stack = Any
"""What the fixture ``stack`` makes."""


def furnish(stack: Stack, started: Sandbox) -> str:
    """Create the example secret as CloudFormation does and return its name."""
    properties = stack.properties("ExampleSecret")
    options = dict(properties["GenerateSecretString"])
    document = json.loads(options.pop("SecretStringTemplate"))
    key = options.pop("GenerateStringKey")
    document[key] = started.secrets_manager.call("GetRandomPassword", **options)["RandomPassword"]
    started.secrets_manager.create(properties["Name"], json.dumps(document), tagged(SecretDocument(document)))
    return str(properties["Name"])


@pytest.fixture
def started() -> Iterator[Sandbox]:
    """A container of CompShare, its SSH host, and Secrets Manager."""
    with open_sandbox(holding=(UCLOUD,), names={UCLOUD: "other"}, retry_delays=()) as one:
        yield one


def example(stack: Callable[..., Stack], started: Sandbox, *keys: str) -> Stack:
    """Return the stack of an operator who names the world's container, by these keys of its document."""
    document: Mapping[str, Any] = started.vendor_accounts[UCLOUD].document
    names = {"region": "Region", "zone": "Zone", "uhost_id": "InstanceId"}
    names |= {"username": "Username", "host_key": "HostKey"}
    place = {names[key]: document[key] for key in ("region", "zone", "uhost_id", "username", *keys)}
    return stack(RotationFunctionArn=FUNCTION_ARN, **place)


@pytest.mark.parametrize(
    ("keys", "given", "trials"),
    [(["host_key"], {}, ["testSecret"]), ([], {"LOCKSTEP_SSH_TRUST_ON_FIRST_USE": "1"}, [])],
    ids=["pinned", "learnt"],
)
def test_the_first_rotation_puts_a_password_that_works(
    example_stack: Callable[..., Stack], started: Sandbox, keys: list[str], given: dict[str, str], trials: list[str]
) -> None:
    """The trial run of the schedule resets nothing, and the first rotation replaces the generated value."""
    made = example(example_stack, started, *keys)
    name, store = furnish(made, started), started.secrets_manager
    environment = started.environment() | given
    outside = handler.World(connect=store.client, environment=environment, clock=started.clock)
    store.register_function(
        FUNCTION_ARN, lambda event: handler.handle(event, FunctionContext.lasting(60), outside) and None
    )
    schedule = made.properties("ExampleSchedule")
    assert schedule["RotationLambdaARN"] == FUNCTION_ARN
    assert schedule["RotateImmediatelyOnUpdate"] is False  # creating it resets no password
    trial = store.rotate(
        name,
        function=FUNCTION_ARN,
        rules=dict(schedule["RotationRules"]),
        immediately=schedule["RotateImmediatelyOnUpdate"],
    )
    assert [step for step, _ in trial.failures] == trials
    assert started.changes(UCLOUD) == 0
    rotation = store.rotate(name)
    assert rotation.state is RotationState.SUCCEEDED, [str(error) for _, error in rotation.failures]
    assert (started.changes(UCLOUD), started.wrong_logins(UCLOUD)) == (1, len(trials))
    current = store.value(name)
    assert current is not None
    assert json.loads(current.reveal())["password"] == started.live(UCLOUD).reveal()
