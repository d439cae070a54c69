"""The template's own example secret can be rotated: taken out of the template, against the vendor's simulator."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import pytest

from rotation import handler
from rotation_testkit.doubles.secretsmanager import RotationState
from rotation_testkit.processes.function_context import FunctionContext
from rotation_testkit.sandbox.sandbox import FUNCTION_ARN, SEAL_SECRET, UCLOUD, Sandbox, open_sandbox

Stack = Any
"""What the fixture ``stack`` makes."""


def furnish(stack: Stack, started: Sandbox) -> str:
    """Create the example secret as CloudFormation does and return its name."""
    properties = stack.properties("ExampleSecret")
    options = dict(properties["GenerateSecretString"])
    document = json.loads(options.pop("SecretStringTemplate"))
    key = options.pop("GenerateStringKey")
    document[key] = started.secrets_manager.call("GetRandomPassword", **options)["RandomPassword"]
    started.secrets_manager.create(properties["Name"], json.dumps(document))
    key = started.secrets_manager.value(SEAL_SECRET)
    assert key is not None
    started.secrets_manager.create("SealSecret", key)  # what `!Ref SealSecret` stands for in a resolved stack
    return str(properties["Name"])


@pytest.fixture
def started() -> Iterator[Sandbox]:
    """A container of CompShare, its SSH host, and Secrets Manager."""
    with open_sandbox(holding=(UCLOUD,), names={UCLOUD: "other"}, retry_delays=()) as one:
        yield one


def example(stack: Callable[..., Stack], started: Sandbox, *keys: str, **given: str) -> Stack:
    """Return the stack of an operator who names the world's container, by these keys of its document."""
    document: Mapping[str, Any] = started.vendor_accounts[UCLOUD].document
    names = {"region": "ExampleRegion", "zone": "ExampleZone", "uhost_id": "ExampleInstanceId"}
    names |= {"username": "ExampleUsername", "host_key": "ExampleHostKey"}
    place = {names[key]: document[key] for key in ("region", "zone", "uhost_id", "username", *keys)}
    return stack(CreateExampleSecret="true", **place, **given)


@pytest.mark.parametrize(
    ("keys", "given", "trials"),
    [(["host_key"], {}, ["testSecret"]), ([], {"SshTrustOnFirstUse": "1"}, [])],
    ids=["pinned", "learnt"],
)
def test_the_first_rotation_puts_a_password_that_works(
    stack: Callable[..., Stack], started: Sandbox, keys: list[str], given: dict[str, str], trials: list[str]
) -> None:
    """The trial run of the schedule resets nothing, and the first rotation replaces the generated value."""
    made = example(stack, started, *keys, **given)
    name, store = furnish(made, started), started.secrets_manager
    environment = started.environment() | made.environment()
    outside = handler.World(connect=store.client, environment=environment, clock=started.clock)
    store.register_function(
        FUNCTION_ARN, lambda event: handler.handle(event, FunctionContext.lasting(60), outside) and None
    )
    schedule = made.properties("ExampleSchedule")
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


def test_an_example_that_could_not_be_rotated_is_refused(stack: Callable[..., Stack], started: Sandbox) -> None:
    """CloudFormation refuses an example with neither a host key nor the permission to learn it."""
    rule = stack().template["Rules"]["ExampleHasAHostKey"]
    (assertion,) = rule["Assertions"]
    for made, holds in (
        (example(stack, started), False),
        (example(stack, started, "host_key"), True),
        (example(stack, started, SshTrustOnFirstUse="1"), True),
    ):
        assert made.resolved(rule["RuleCondition"]) is True
        assert made.resolved(assertion["Assert"]) is holds
    assert stack().resolved(rule["RuleCondition"]) is False
