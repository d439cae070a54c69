"""The template's own example secret can be rotated: taken out of the template, against the vendor's simulator."""

import json
import re

import pytest

from rotation import handler
from rotation_testkit.doubles.secretsmanager import RotationState
from rotation_testkit.processes.function_context import FunctionContext
from rotation_testkit.sandbox.sandbox import FUNCTION_ARN, UCLOUD, open_sandbox


class Stack:
    """The template with some parameters; it resolves those of CloudFormation's functions that the template uses."""

    def __init__(self, template, **given):
        self.template = template
        declared = template["Parameters"]
        self.parameters = {name: each["Default"] for name, each in declared.items()} | given
        for name, value in given.items():
            assert re.fullmatch(declared[name].get("AllowedPattern", ".*"), value), name

    def resolved(self, node):
        """Return what a part of the template stands for."""
        if isinstance(node, str):
            return node
        ((function, of),) = node.items()
        meaning = {
            "Ref": lambda: self.parameters[of],
            "Fn::Sub": lambda: re.sub(r"\$\{(\w+)\}", lambda found: str(self.parameters[found[1]]), of),
            "Fn::If": lambda: self.resolved(of[1] if self.resolved(self.template["Conditions"][of[0]]) else of[2]),
            "Fn::Equals": lambda: self.resolved(of[0]) == self.resolved(of[1]),
            "Fn::Not": lambda: not self.resolved(of[0]),
            "Fn::Or": lambda: any(self.resolved(each) for each in of),
        }
        return meaning[function]()

    def environment(self):
        """Return the function's variables that are not empty."""
        variables = self.template["Resources"]["RotationFunction"]["Properties"]["Environment"]["Variables"]
        return {name: value for name, node in variables.items() if (value := self.resolved(node))}

    def furnish(self, started):
        """Create the example secret as CloudFormation does and return its name."""
        properties = self.template["Resources"]["ExampleSecret"]["Properties"]
        options = dict(properties["GenerateSecretString"])
        document = json.loads(self.resolved(options.pop("SecretStringTemplate")))
        key = options.pop("GenerateStringKey")
        document[key] = started.secrets_manager.call("GetRandomPassword", **options)["RandomPassword"]
        name = str(self.resolved(properties["Name"]))
        started.secrets_manager.create(name, json.dumps(document))
        return name


@pytest.fixture
def started():
    """A container of CompShare, its SSH host, and Secrets Manager."""
    with open_sandbox(holding=(UCLOUD,), names={UCLOUD: "other"}, retry_delays=()) as one:
        yield one


def example(template, started, *keys, **given):
    """Return the stack of an operator who names the world's container, by these keys of its document."""
    document = started.vendor_accounts[UCLOUD].document
    names = {"region": "ExampleRegion", "zone": "ExampleZone", "uhost_id": "ExampleInstanceId"}
    names |= {"username": "ExampleUsername", "host_key": "ExampleHostKey"}
    place = {names[key]: document[key] for key in ("region", "zone", "uhost_id", "username", *keys)}
    return Stack(template, CreateExampleSecret="true", **place, **given)


@pytest.mark.parametrize(
    ("keys", "given", "trials"),
    [(["host_key"], {}, ["testSecret"]), ([], {"SshTrustOnFirstUse": "1"}, [])],
    ids=["pinned", "learnt"],
)
def test_the_first_rotation_puts_a_password_that_works(template, started, keys, given, trials):
    """The trial run of the schedule resets nothing, and the first rotation replaces the generated value."""
    stack = example(template, started, *keys, **given)
    name, store = stack.furnish(started), started.secrets_manager
    environment = started.environment() | stack.environment()
    outside = handler.World(connect=store.client, environment=environment, clock=started.clock)
    store.register_function(
        FUNCTION_ARN, lambda event: handler.handle(event, FunctionContext.lasting(60), outside) and None
    )
    schedule = template["Resources"]["ExampleSchedule"]["Properties"]
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
    assert json.loads(store.value(name).reveal())["password"] == started.live(UCLOUD).reveal()


def test_an_example_that_could_not_be_rotated_is_refused(template, started):
    """CloudFormation refuses an example with neither a host key nor the permission to learn it."""
    rule = template["Rules"]["ExampleHasAHostKey"]
    (assertion,) = rule["Assertions"]
    for stack, holds in (
        (example(template, started), False),
        (example(template, started, "host_key"), True),
        (example(template, started, SshTrustOnFirstUse="1"), True),
    ):
        assert stack.resolved(rule["RuleCondition"]) is True
        assert stack.resolved(assertion["Assert"]) is holds
    assert Stack(template).resolved(rule["RuleCondition"]) is False
