"""What ``template.yaml`` allows is what the function does: its statements against the calls that real rotations make.

Secrets Manager uses the key of a secret in the caller's name: GetSecretValue needs kms:Decrypt, PutSecretValue also
kms:GenerateDataKey, both with the secret's ARN in the encryption context (AWS, "Secret encryption and decryption").
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

import pytest
from botocore.loaders import Loader

from rotation import handler
from rotation.cli.app import run
from rotation.stores.aws.event_bus import SOURCE
from rotation.stores.aws.secrets_manager import BINDING_TAG
from rotation_testkit.doubles.secretsmanager import RotationState
from rotation_testkit.processes.function_context import FunctionContext
from rotation_testkit.sandbox.sandbox import (
    BATCH,
    FUNCTION_ARN,
    HUAWEI,
    SEAL_SECRET,
    TENCENT,
    UCLOUD,
    VOLCENGINE,
    Sandbox,
    open_sandbox,
)

ROOT = Path(__file__).parents[2]
HELD = (UCLOUD, TENCENT, BATCH, VOLCENGINE, HUAWEI)
KEY, ADMIN_KEY = (f"arn:aws:kms:eu-central-1:111122223333:key/{name}" for name in ("rotated", "admin"))
BUS = "arn:aws:events:eu-central-1:111122223333:event-bus/default"
KEY_USE = {"GetSecretValue": ("kms:Decrypt",), "PutSecretValue": ("kms:GenerateDataKey", "kms:Decrypt")}
FUNCTION_OF_SECRET = "secretsmanager:resource/AllowRotationLambdaArn"
TAG_KEYS = "aws:TagKeys"
SECRET_OF_KEY = "kms:EncryptionContext:SecretARN"
Statement = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Request:
    """One request as IAM sees it."""

    action: str
    resource: str
    context: Mapping[str, str] = field(default_factory=dict)


def _listed(value: Any) -> list[str]:
    return value if isinstance(value, list) else [value]


def _holds(operator: str, wanted: Mapping[str, Any], context: Mapping[str, str]) -> bool:
    # Each request here has one tag key, so that "for all values" is "for the value".
    operator = operator.removeprefix("ForAllValues:")
    same = {"StringEquals": str.__eq__, "StringLike": fnmatchcase}[operator]
    return all(any(same(context.get(key, ""), each) for each in _listed(wanted[key])) for key in wanted)


def allows(statement: Statement, request: Request) -> bool:
    """Return whether a statement allows a request."""
    assert statement["Effect"] == "Allow"
    return (
        request.action in _listed(statement["Action"])
        and any(fnmatchcase(request.resource, each) for each in _listed(statement["Resource"]))
        and all(_holds(name, wanted, request.context) for name, wanted in statement.get("Condition", {}).items())
    )


def _requests(started: Sandbox, operation: str, secret: str) -> Iterator[Request]:
    described = started.secrets_manager.call("DescribeSecret", SecretId=secret)
    function = {FUNCTION_OF_SECRET: described.get("RotationLambdaARN", "")}
    tags = {TAG_KEYS: BINDING_TAG} if operation == "TagResource" else {}
    yield Request(f"secretsmanager:{operation}", described["ARN"], function | tags)
    through = {"kms:ViaService": "secretsmanager.eu-central-1.amazonaws.com", SECRET_OF_KEY: described["ARN"]}
    for action in KEY_USE.get(operation, ()):
        yield Request(action, described["KmsKeyId"], through)


def _rotate_twice(started: Sandbox) -> set[tuple[str, str]]:
    """Rotate every account, once undisturbed and once with lost answers; return the function's calls.

    The first rotations bind the secrets.
    """
    store, made = started.secrets_manager, set()
    environment = started.environment() | {"LOCKSTEP_BINDING": "pin"}
    world = handler.World(connect=store.client, environment=environment, clock=started.clock)

    def function(event: dict[str, object]) -> None:
        before = len(store.calls)
        try:
            handler.handle(event, FunctionContext.lasting(60), world)
        finally:
            made.update((call.operation, str(call.secret)) for call in store.calls[before:])

    store.register_function(FUNCTION_ARN, function)
    for name in started.accounts.values():
        store.call("UntagResource", SecretId=name, TagKeys=[BINDING_TAG])
        assert store.rotate(name, function=FUNCTION_ARN).state is RotationState.SUCCEEDED
        started.clock.sleep(30 * 86_400)
        for operation in ("PutSecretValue", "UpdateSecretVersionStage"):
            store.faults.drop(operation, applied=True)
        assert store.rotate(name).state is RotationState.SUCCEEDED
    return made


@pytest.fixture(scope="module")
def recorded() -> Iterator[tuple[dict[str, str], list[Request]]]:
    """The template's parameters for the sandbox with its seal, and every request that the function made in it.

    An event on a bus is one more; EventBridge is not in the sandbox.
    """
    with open_sandbox(holding=HELD, retry_delays=(900.0, 900.0)) as started:
        store, admins = started.secrets_manager, {**started.admin_secrets, SEAL_SECRET: SEAL_SECRET}
        for name in (*started.accounts.values(), *admins.values()):
            store.call("UpdateSecret", SecretId=name, KmsKeyId=ADMIN_KEY if name in admins.values() else KEY)
        arns = {code: store.call("DescribeSecret", SecretId=name)["ARN"] for code, name in admins.items()}
        given = {"SealSecret": arns.pop(SEAL_SECRET), "AdminSecretArns": ",".join(arns.values())}
        calls = sorted(_rotate_twice(started))
        world = handler.World(connect=store.client, environment=started.environment(), clock=started.clock)
        before = len(store.calls)
        handler.handle({"lockstep": handler.WATCH}, FunctionContext.lasting(60), world)
        (watch,) = (Request(f"secretsmanager:{each.operation}", "*") for each in store.calls[before:])
        made = [request for operation, secret in calls for request in _requests(started, operation, secret)]
        event = Request("events:PutEvents", BUS, {"events:source": SOURCE})
        yield given, [*made, watch, event]


@pytest.fixture
def statements(
    recorded: tuple[dict[str, str], list[Request]], stack: Callable[..., Any], bindings_stack: Callable[..., Any]
) -> list[Statement]:
    """The role's statements with both keys, the sandbox's admin secrets, and the example's right to bind."""
    given = dict(recorded[0])
    made = stack(pseudo={"SealSecret": given.pop("SealSecret")}, KmsKeyArns=f"{ADMIN_KEY},{KEY}", **given)
    return [*made.statements(), *bound(bindings_stack)]


def bound(bindings_stack: Callable[..., Any]) -> list[Statement]:
    """Return the statements that the example adds to the role of this stack's function."""
    made = bindings_stack(RotationRoleName="lockstep-role", RotationFunctionArn=FUNCTION_ARN)
    return list(made.properties("Bindings")["PolicyDocument"]["Statement"])


@pytest.fixture
def requests(recorded: tuple[dict[str, str], list[Request]]) -> list[Request]:
    """Every request that the function made."""
    return recorded[1]


def test_every_request_of_the_function_is_allowed(statements: list[Statement], requests: list[Request]) -> None:
    """Each recorded request, those for the keys included, is allowed by a statement."""
    assert len({request.action for request in requests}) == 9
    assert [each for each in requests if not any(allows(statement, each) for statement in statements)] == []


def test_every_allowed_action_is_used(statements: list[Statement], requests: list[Request]) -> None:
    """Each action of each statement is one that a recorded request needs; Lambda itself writes the log."""
    unused = {
        (statement["Sid"], action)
        for statement in statements
        for action in _listed(statement["Action"])
        if not any(allows({**statement, "Action": action}, each) for each in requests)
    }
    assert unused == {("Logs", "logs:CreateLogStream"), ("Logs", "logs:PutLogEvents")}


def _put(arn: str, function: str = FUNCTION_ARN) -> Request:
    return Request("secretsmanager:PutSecretValue", arn, {FUNCTION_OF_SECRET: function})


def _tag(arn: str, key: str = BINDING_TAG, function: str = FUNCTION_ARN) -> Request:
    return Request("secretsmanager:TagResource", arn, {FUNCTION_OF_SECRET: function, TAG_KEYS: key})


def _decrypt(arn: str, key: str = KEY, service: str = "secretsmanager") -> Request:
    through = {"kms:ViaService": f"{service}.eu-central-1.amazonaws.com", SECRET_OF_KEY: arn}
    return Request("kms:Decrypt", key, through)


def _event(source: str = SOURCE, account: str = "111122223333") -> Request:
    return Request("events:PutEvents", BUS.replace("111122223333", account), {"events:source": source})


ARN = "arn:aws:secretsmanager:eu-central-1:111122223333:secret:lockstep/x-AbCdEf"
ELSEWHERE = ARN.replace("lockstep/x", "team/x")


@pytest.mark.parametrize(
    ("allowed", "refused"),
    [
        (_put(ARN), _put(ELSEWHERE)),
        (_put(ARN), _put(ARN.replace("111122223333", "444455556666"))),
        (_put(ARN), _put(ARN, FUNCTION_ARN + "-other")),
        (_put(ARN), _put(ARN, "")),
        (_put(ARN, FUNCTION_ARN + ":live"), _put(ARN, FUNCTION_ARN + "-other:live")),
        (_tag(ARN), _tag(ELSEWHERE)),
        (_tag(ARN), _tag(ARN, key="lockstep:mirror-of")),
        (_tag(ARN), _tag(ARN, function="")),
        (_decrypt(ARN), _decrypt(ELSEWHERE)),
        (_decrypt(ARN), replace(_decrypt(ELSEWHERE), action="kms:GenerateDataKey")),
        (_decrypt(ARN), _decrypt(ARN, service="s3")),
        (_decrypt(ARN), _decrypt(ARN, key=KEY + "-other")),
        (_event(), _event(SOURCE + "x")),
        (_event(), _event(account="444455556666")),
    ],
    ids=[
        "name",
        "account",
        "function",
        "no-function",
        "alias",
        "tag-name",
        "tag-key",
        "tag-function",
        "key-secret",
        "key-new-secret",
        "key-service",
        "other-key",
        "event-source",
        "event-account",
    ],
)
def test_a_neighbouring_request_is_refused(statements: list[Statement], allowed: Request, refused: Request) -> None:
    """A request that differs from an allowed one in one point is allowed by no statement."""
    assert any(allows(statement, allowed) for statement in statements)
    assert not any(allows(statement, refused) for statement in statements)


def test_only_a_deployment_that_records_bindings_may_write_them(
    stack: Callable[..., Any], bindings_stack: Callable[..., Any]
) -> None:
    """An attacker in a function that demands bindings cannot bind a secret to another account."""
    assert not any(allows(statement, _tag(ARN)) for statement in stack().statements())
    assert any(allows(statement, _tag(ARN)) for statement in bound(bindings_stack))


def test_an_admin_secret_is_only_read(recorded: tuple[dict[str, str], list[Request]], statements: list[Any]) -> None:
    """The function may read the admin secrets that are named, but not write them."""
    for arn in ",".join(recorded[0].values()).split(","):
        read = Request("secretsmanager:GetSecretValue", arn)
        assert any(allows(statement, read) for statement in statements)
        assert not any(allows(statement, _put(arn, "")) for statement in statements)


@pytest.mark.parametrize("prefix", ["lockstep/", "team-a/"])
def test_secrets_manager_may_invoke_for_secrets_under_the_prefix(stack: Callable[..., Any], prefix: str) -> None:
    """The invoke permission names this account and, as a pattern, the secrets under the prefix and no others."""
    permission = stack(SecretNamePrefix=prefix).properties("RotationPermission")
    assert permission["Principal"] == "secretsmanager.amazonaws.com"
    assert permission["SourceAccount"] == "111122223333"
    own = ARN.replace("lockstep/", prefix)
    others = [ELSEWHERE, own.replace("111122223333", "444455556666"), own.replace("eu-central-1", "eu-west-1")]
    assert fnmatchcase(own, permission["SourceArn"])
    assert [arn for arn in others if fnmatchcase(arn, permission["SourceArn"])] == []


@pytest.mark.parametrize("others", ["", ELSEWHERE.replace("/x-", "/y-") + ","])
def test_an_admin_secret_is_named_by_its_whole_arn(stack: Callable[..., Any], others: str) -> None:
    """Neither a pattern nor an ARN without the six characters that end it is taken: each might name another secret."""
    made = stack(AdminSecretArns=others + ELSEWHERE)
    (statement,) = [each for each in made.statements() if each["Sid"] == "AdminSecrets"]
    assert statement["Resource"] == [*filter(None, others.split(",")), ELSEWHERE]
    for arn in (
        "*",
        ELSEWHERE[:-3] + "*",
        ELSEWHERE[:-1] + "?",
        ELSEWHERE.replace("111122223333", "*"),
        ELSEWHERE[:-7],
    ):
        with pytest.raises(AssertionError):
            stack(AdminSecretArns=others + arn)


def test_a_key_is_named_by_its_whole_arn(stack: Callable[..., Any]) -> None:
    """Neither a pattern nor an alias is taken: IAM would not compare an alias with the key that it stands for."""
    stack(KmsKeyArns=KEY)
    for arn in ("*", KEY[:-1] + "*", KEY.replace("111122223333", "*"), KEY.replace("key/", "alias/")):
        with pytest.raises(AssertionError):
            stack(KmsKeyArns=f"{KEY},{arn}")


def test_the_role_has_a_boundary_and_a_path_if_the_operator_says_so(stack: Callable[..., Any]) -> None:
    """By default the role has no permissions boundary and stands at the root."""
    plain, boundary = stack().properties("RotationRole"), "arn:aws:iam::111122223333:policy/limits/rotation"
    assert ("PermissionsBoundary" in plain, plain["Path"]) == (False, "/")
    role = stack(PermissionsBoundaryArn=boundary, RolePath="/lockstep/").properties("RotationRole")
    assert (role["PermissionsBoundary"], role["Path"]) == (boundary, "/lockstep/")
    for wrong in ({"RolePath": "lockstep"}, {"PermissionsBoundaryArn": boundary[:-3] + "*"}):
        with pytest.raises(AssertionError):
            stack(**wrong)


OTHERS = "444455556666"


def test_another_accounts_secrets_are_rotated_on_demand(stack: Callable[..., Any]) -> None:
    """Its account is named: only its secrets under the prefix, and their keys, are added, and it may invoke."""
    theirs, elsewhere = (arn.replace("111122223333", OTHERS) for arn in (ARN, ELSEWHERE))
    their_key = KEY.replace("111122223333", OTHERS)
    plain, made = stack(KmsKeyArns=KEY), stack(KmsKeyArns=f"{KEY},{their_key}", OtherAccountId=OTHERS)
    for request in (_put(theirs), _decrypt(theirs, key=their_key)):
        assert any(allows(each, request) for each in made.statements())
        assert not any(allows(each, request) for each in plain.statements())
    for request in (_put(elsewhere), _put(theirs, ""), _decrypt(elsewhere, key=their_key)):
        assert not any(allows(each, request) for each in made.statements())
    permission = made.properties("OtherAccountPermission")
    assert permission["SourceAccount"] == OTHERS
    assert fnmatchcase(theirs, permission["SourceArn"])
    assert not fnmatchcase(ARN, permission["SourceArn"])
    assert plain.template["Resources"]["OtherAccountPermission"]["Condition"] == "HasOtherAccount"


def test_the_function_may_read_its_own_configuration_and_no_other(
    stack: Callable[..., Any], parameter_store: Any
) -> None:
    """A step that reads its configuration makes one call, which the role allows for this parameter alone."""
    name = "/lockstep/config"
    with open_sandbox(holding=(HUAWEI,)) as started:
        variables = started.environment()
        own = {each: variables.pop(each) for each in list(variables) if each.startswith("LOCKSTEP_")}
        text = f'drivers = ["{HUAWEI}"]\nhosts = ["{own["LOCKSTEP_HOSTS"]}"]\n[driver.{HUAWEI}]\n'
        parameter_store.put(name, text + f'endpoint = "{own["LOCKSTEP_HUAWEI_MEETING_ENDPOINT"]}"\n')
        seal = started.secrets_manager.call("DescribeSecret", SecretId=SEAL_SECRET)["ARN"]
        made = stack(pseudo={"SealSecret": seal}, Configuration=f"ssm:{name}")
        world = handler.World(
            connect=started.secrets_manager.client, environment=variables | made.environment(), clock=started.clock
        )
        started.secrets_manager.register_function(
            FUNCTION_ARN, lambda event: handler.handle(event, FunctionContext.lasting(60), world) and None
        )
        rotation = started.secrets_manager.rotate(started.accounts[HUAWEI], function=FUNCTION_ARN)
        assert rotation.state is RotationState.SUCCEEDED, [str(error) for _, error in rotation.failures]
    assert parameter_store.asked == [("GetParameter", name)]
    at = f"arn:aws:ssm:eu-central-1:111122223333:parameter{name}"
    asked, other = (Request(f"ssm:{operation}", each) for operation in ("GetParameter",) for each in (at, at + "2"))
    (statement,) = [each for each in made.statements() if each["Action"] == "ssm:GetParameter"]
    assert allows(statement, asked)
    assert not allows(statement, other)
    assert not any(allows(each, asked) for each in stack().statements())


def test_people_need_the_rights_that_the_page_names(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each command of docs/on-call.md makes the calls of its row, and no others."""
    page = (ROOT / "docs/on-call.md").read_text().partition("<!-- rights -->")[2].partition("\n\n")[0]
    rows = {names: set(re.findall(r"`([A-Z]\w+)`", cell)) for names, cell in re.findall(r"\| (.*?) \| (.*) \|", page)}
    same, files = rows["`lockstep verify`"], Loader()
    monkeypatch.setattr("botocore.session.create_loader", lambda _search_path: files)  # half of what a command costs
    with open_sandbox(holding=(HUAWEI,), retry_delays=()) as started:
        for name, value in started.environment().items():
            monkeypatch.setenv(name, value)
        for command in ("fleet status", "verify", "doctor", "rotate --dry-run", "rotate", "enroll --yes"):
            before, (what, *options) = len(started.secrets_manager.calls), command.split()
            assert run([what, *([started.accounts[HUAWEI]] if what != "fleet" else []), *options]) == 0, command
            made = {call.operation for call in started.secrets_manager.calls[before:]}
            (row,) = (names for names in rows if f"`lockstep {command.removesuffix(' --yes')}`" in names)
            named = rows[row] | (same if what in {"doctor", "rotate"} else set())
            assert made == named, command


BUCKET = "FleetBucket.Arn"


def _describe(arn: str, function: str = FUNCTION_ARN, action: str = "RotateSecret") -> Request:
    return Request(f"secretsmanager:{action}", arn, {FUNCTION_OF_SECRET: function})


def test_the_fleets_function_asks_for_rotations_and_reads_no_value(stack: Callable[..., Any]) -> None:
    """Its rights are those of the calls that it makes, on the secrets of this stack's function alone."""
    statements = stack(FleetWritesPerSecond="10").statements("FleetFunctionRole")
    actions = {action for each in statements for action in _listed(each["Action"])}
    assert actions == {
        *(f"secretsmanager:{name}" for name in ("ListSecrets", "DescribeSecret", "RotateSecret")),
        *("lambda:InvokeFunction", "s3:GetObject", "s3:PutObject", "s3:ListBucket"),
        *("logs:CreateLogStream", "logs:PutLogEvents"),
    }
    assert [each["Sid"] for each in statements if each["Resource"] == "*"] == ["List"]
    allowed = (
        _describe(ARN),
        _describe(ARN, FUNCTION_ARN + ":live", "DescribeSecret"),
        Request("lambda:InvokeFunction", "RotationFunction.Arn"),
        Request("s3:PutObject", f"{BUCKET}/runs/x/batches.json"),
        Request("s3:ListBucket", BUCKET),
    )
    refused = (
        _describe(ELSEWHERE),
        _describe(ARN, ""),
        _describe(ARN, FUNCTION_ARN + "-other"),
        Request("lambda:InvokeFunction", "FleetFunction.Arn"),
        Request("s3:PutObject", f"{BUCKET}/maps/x"),
    )
    assert all(any(allows(statement, each) for statement in statements) for each in allowed)
    assert not any(allows(statement, each) for statement in statements for each in refused)


def test_the_state_machine_calls_one_function_and_starts_itself(stack: Callable[..., Any]) -> None:
    """It reads the batches, writes what the map writes, and has no right at Secrets Manager; the schedule starts it."""
    made = stack(FleetWritesPerSecond="10", DriftCheckSchedule="rate(1 day)")
    statements = made.statements("FleetStateMachineRole")
    machine = "arn:aws:states:eu-central-1:111122223333:stateMachine:lockstep-rotation-fleet"
    execution = machine.replace("stateMachine", "execution") + "/Batches:1"
    for request, right in (
        (Request("lambda:InvokeFunction", "FleetFunction.Arn"), True),
        (Request("lambda:InvokeFunction", "RotationFunction.Arn"), False),
        (Request("states:StartExecution", machine), True),
        (Request("states:StartExecution", machine + "-other"), False),
        (Request("states:StopExecution", execution), True),
        (Request("states:StopExecution", execution.replace("-fleet/", "-other/")), False),
        (Request("s3:GetObject", f"{BUCKET}/runs/x/batches.json"), True),
        (Request("s3:PutObject", f"{BUCKET}/runs/x/batches.json"), False),
        (Request("s3:PutObject", f"{BUCKET}/maps/x"), True),
    ):
        assert any(allows(statement, request) for statement in statements) is right, request
    assert not any("secretsmanager" in action for each in statements for action in _listed(each["Action"]))
    (start,) = made.statements("DriftCheckRole")
    assert (start["Action"], start["Resource"]) == ("states:StartExecution", "FleetStateMachine.Arn")
