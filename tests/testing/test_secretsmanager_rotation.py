"""Rotations as the service runs them, started over the wire or in the test's own thread."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ClientError

from rotation.secret import Secret
from rotation.testing.secretsmanager import RotationState, SecretsManager, ServiceError

Refusal = Callable[..., tuple[str, int]]
DAY = 86_400
STEPS = ["createSecret", "setSecret", "testSecret", "finishSecret"]


def raising(*_: object) -> None:
    """Fail a step."""
    raise RuntimeError("step failed")


def names(double: SecretsManager) -> list[str]:
    """Return the names of the service's events."""
    return [event.name for event in double.events]


def test_a_rotation_over_the_wire_returns_at_once_and_runs_the_four_steps(
    double: SecretsManager, client: Any, secret: str, function: Any, function_arn: str
) -> None:
    """The answer carries the new version's id while the first step has not even ended."""
    gate = threading.Event()
    function.troubles["createSecret"] = [lambda _event: gate.wait(10)]
    rules = {"AutomaticallyAfterDays": 30}
    made = client.rotate_secret(SecretId=secret, RotationLambdaARN=function_arn, RotationRules=rules)
    assert double.labels(secret)[made["VersionId"]] == {"AWSPENDING"}
    gate.set()
    rotation = double.wait(secret)
    assert (rotation.state, rotation.attempts, rotation.token) == (RotationState.SUCCEEDED, 1, made["VersionId"])
    assert function.steps == STEPS
    assert {(event["SecretId"], event["ClientRequestToken"]) for event in function.events} == {
        (secret, made["VersionId"])
    }
    assert double.value(secret) == Secret(f"made for {made['VersionId']}")
    assert names(double) == ["RotationStarted", "RotationSucceeded"]
    assert {(event.secret, event.token) for event in double.events} == {(secret, made["VersionId"])}


def test_the_pending_version_begins_empty(
    client: Any, secret: str, function: Any, function_arn: str, double: SecretsManager
) -> None:
    """It is described, and reading it is "not found", by id, by label and by both."""
    seen: list[str] = []

    def look(event: dict[str, Any]) -> None:
        token = event["ClientRequestToken"]
        assert client.describe_secret(SecretId=secret)["VersionIdsToStages"][token] == ["AWSPENDING"]
        for named in (
            {"VersionId": token},
            {"VersionStage": "AWSPENDING"},
            {"VersionId": token, "VersionStage": "AWSPENDING"},
        ):
            with pytest.raises(ClientError) as caught:
                client.get_secret_value(SecretId=secret, **named)
            seen.append(caught.value.response["Error"]["Code"])

    function.troubles["createSecret"] = [look]
    rotation = double.rotate(secret, function=function_arn)
    assert (rotation.state, rotation.failures) == (RotationState.SUCCEEDED, [])
    assert seen == ["ResourceNotFoundException"] * 3


@pytest.mark.parametrize("step", STEPS)
def test_a_failed_step_restarts_the_whole_rotation_with_the_same_token(
    double: SecretsManager, secret: str, function: Any, function_arn: str, clock: Any, step: str
) -> None:
    """Every attempt begins with createSecret, after the configured pause."""
    function.troubles[step] = [raising]
    rotation = double.rotate(secret, function=function_arn)
    assert (rotation.state, rotation.attempts) == (RotationState.SUCCEEDED, 2)
    assert function.steps == [*STEPS[: STEPS.index(step) + 1], *STEPS]
    assert len({event["ClientRequestToken"] for event in function.events}) == 1
    assert clock.slept == [10.0]
    assert [failed for failed, _error in rotation.failures] == [step]


def test_a_rotation_that_keeps_failing_is_given_up_and_stays_pending(
    double: SecretsManager, client: Any, secret: str, function: Any, function_arn: str, clock: Any, refusal: Refusal
) -> None:
    """Then no new one can start until somebody deals with AWSPENDING."""
    function.troubles["setSecret"] = [raising] * 3
    rotation = double.rotate(secret, function=function_arn)
    assert (rotation.state, rotation.attempts, clock.slept) == (RotationState.FAILED, 3, [10.0, 600.0])
    assert names(double) == ["RotationStarted", "RotationFailed"]
    assert double.labels(secret)[rotation.token] == {"AWSPENDING"}
    assert double.value(secret) == Secret("old")
    assert refusal(client.rotate_secret, SecretId=secret) == ("InvalidRequestException", 400)
    client.update_secret_version_stage(SecretId=secret, VersionStage="AWSPENDING", RemoveFromVersionId=rotation.token)
    assert double.rotate(secret).state is RotationState.SUCCEEDED


def test_a_function_that_dies_like_a_process_is_a_failed_step(
    double: SecretsManager, secret: str, function: Any, function_arn: str
) -> None:
    """An exception past ``Exception`` ends the invocation, not the service."""

    def die(_event: dict[str, Any]) -> None:
        raise SystemExit(1)

    function.troubles["setSecret"] = [die]
    assert double.rotate(secret, function=function_arn).attempts == 2


def test_a_function_that_does_not_move_current_has_not_rotated(double: SecretsManager, secret: str) -> None:
    """AWSPENDING on a version of its own is no success, whatever the function says."""
    arn = "arn:aws:lambda:eu-central-1:111122223333:function:lazy"
    double.register_function(arn, lambda _event: None)
    rotation = double.rotate(secret, function=arn)
    assert (rotation.state, rotation.attempts) == (RotationState.FAILED, 3)
    assert double.value(secret) == Secret("old")


@pytest.mark.parametrize("removes", [True, False])
def test_pending_after_success_is_a_switch_and_blocks_nothing(
    clock: Any, function: Any, function_arn: str, removes: bool
) -> None:
    """AWS's own documents contradict each other; the next rotation starts either way."""
    double = SecretsManager(clock=clock, sleep=clock.sleep, removes_pending=removes)
    with double.serve():
        function.client = double.client()
        double.register_function(function_arn, function)
        secret = double.create("app/db", "old")
        first = double.rotate(secret, function=function_arn).token
        assert double.labels(secret)[first] == ({"AWSCURRENT"} if removes else {"AWSCURRENT", "AWSPENDING"})
        second = double.rotate(secret)
        assert second.state is RotationState.SUCCEEDED
        assert double.labels(secret)[first] == {"AWSPREVIOUS"}
        function.client.close()


def test_not_immediately_only_tests_with_an_empty_version_that_vanishes(
    double: SecretsManager, client: Any, secret: str, function: Any, function_arn: str
) -> None:
    """Only testSecret runs, once, also when it fails; the schedule is stored."""
    before = double.labels(secret)
    seen: list[Any] = []

    def look(event: dict[str, Any]) -> None:
        seen.append((double.labels(secret)[event["ClientRequestToken"]], double.value(secret, stage="AWSPENDING")))

    function.troubles["testSecret"] = [look, raising]
    rules = {"AutomaticallyAfterDays": 30}
    client.rotate_secret(SecretId=secret, RotationLambdaARN=function_arn, RotationRules=rules, RotateImmediately=False)
    assert double.wait(secret).state is RotationState.SUCCEEDED
    assert double.rotate(secret, immediately=False).attempts == 1
    assert seen == [({"AWSPENDING"}, None)]
    assert function.steps == ["testSecret", "testSecret"]
    assert double.labels(secret) == before
    assert names(double) == [
        "TestRotationStarted",
        "TestRotationSucceeded",
        "TestRotationStarted",
        "TestRotationFailed",
    ]
    assert client.describe_secret(SecretId=secret)["RotationEnabled"] is True


def test_rotation_needs_a_function_that_may_be_invoked(
    double: SecretsManager, client: Any, secret: str, refusal: Refusal
) -> None:
    """None configured and one without permission are refused, and nothing is changed (recorded 2024-03)."""
    unknown = {"RotationLambdaARN": "arn:aws:lambda:eu-central-1:111122223333:function:none"}
    assert refusal(client.rotate_secret, SecretId=secret) == ("InvalidRequestException", 400)
    assert refusal(client.rotate_secret, SecretId=secret, **unknown) == ("AccessDeniedException", 400)
    assert "RotationLambdaARN" not in client.describe_secret(SecretId=secret)
    assert len(double.labels(secret)) == 1
    assert double.events == ()


@pytest.mark.parametrize(
    "rules",
    [
        {"AutomaticallyAfterDays": 1, "ScheduleExpression": "rate(1 day)"},
        {"ScheduleExpression": "rate(3 hours)"},
        {"ScheduleExpression": "every day"},
    ],
)
def test_rules_that_make_no_schedule_are_refused(
    client: Any, secret: str, function: Any, function_arn: str, refusal: Refusal, rules: dict[str, Any]
) -> None:
    """Two schedules, one oftener than every four hours, and one that is none."""
    rotate = {"SecretId": secret, "RotationLambdaARN": function_arn, "RotationRules": rules}
    assert refusal(client.rotate_secret, **rotate) == ("InvalidParameterException", 400)
    assert function.events == []


@pytest.mark.parametrize(
    ("rules", "seconds"),
    [
        ({"AutomaticallyAfterDays": 30}, 30 * DAY),
        ({"ScheduleExpression": "rate(12 hours)"}, DAY // 2),
        ({"ScheduleExpression": "rate(10 days)"}, 10 * DAY),
        ({"ScheduleExpression": "cron(0 8 ? * MON *)"}, None),
    ],
)
def test_the_next_date_follows_from_the_rules(
    double: SecretsManager,
    client: Any,
    secret: str,
    function: Any,
    function_arn: str,
    clock: Any,
    rules: dict[str, Any],
    seconds: int | None,
) -> None:
    """cron() is accepted and gives no date here."""
    assert double.rotate(secret, function=function_arn, rules=rules).state is RotationState.SUCCEEDED
    described = client.describe_secret(SecretId=secret)
    assert described["RotationRules"] == rules
    assert described["LastRotatedDate"].timestamp() == clock.now
    due = described.get("NextRotationDate")
    assert (due and due.timestamp()) == (seconds and clock.now + seconds)
    assert len(function.events) == 4


def test_tick_runs_what_is_due_and_nothing_else(
    double: SecretsManager, secret: str, function: Any, function_arn: str, clock: Any
) -> None:
    """A manual put counts as a rotation, as the service counts it."""
    double.rotate(secret, function=function_arn, rules={"AutomaticallyAfterDays": 1})
    clock.now += DAY - 1
    assert double.tick() == ()
    double.call("PutSecretValue", SecretId=secret, SecretString="by hand")
    clock.now += 1
    assert double.tick() == ()
    clock.now += DAY
    assert [rotation.state for rotation in double.tick()] == [RotationState.SUCCEEDED]
    assert double.tick() == ()
    assert len(function.events) == 8


def test_tick_reattempts_a_given_up_rotation_under_its_own_token(
    double: SecretsManager, client: Any, secret: str, function: Any, function_arn: str, clock: Any
) -> None:
    """The date of the last rotation that failed lies in the past until one succeeds."""
    double.rotate(secret, function=function_arn, rules={"AutomaticallyAfterDays": 1})
    clock.now += DAY
    function.troubles["testSecret"] = [raising] * 3
    (failed,) = double.tick()
    assert client.describe_secret(SecretId=secret)["NextRotationDate"].timestamp() < clock.now
    (again,) = double.tick()
    assert (failed.state, again.state) == (RotationState.FAILED, RotationState.SUCCEEDED)
    assert again.token == failed.token
    assert client.describe_secret(SecretId=secret)["NextRotationDate"].timestamp() == clock.now + DAY


@pytest.mark.parametrize("operation", ["PutSecretValue", "UpdateSecret"])
def test_a_version_made_by_hand_abandons_the_rotation(
    double: SecretsManager, secret: str, function: Any, function_arn: str, operation: str
) -> None:
    """The service strips AWSPENDING, reports it, and starts no further step."""
    function.troubles["setSecret"] = [
        lambda _event: double.call(operation, SecretId=secret, SecretString="by hand") and None
    ]
    rotation = double.rotate(secret, function=function_arn)
    assert rotation.state is RotationState.ABANDONED
    assert function.steps == ["createSecret", "setSecret"]
    assert double.labels(secret)[rotation.token] == frozenset()
    assert names(double) == ["RotationStarted", "RotationAbandoned"]
    assert double.value(secret) == Secret("by hand")
    assert double.rotate(secret).state is RotationState.SUCCEEDED


def test_cancelling_stops_the_rotation_and_leaves_the_labels(
    double: SecretsManager, client: Any, secret: str, function: Any, function_arn: str, refusal: Refusal
) -> None:
    """The half-made version keeps AWSPENDING, which blocks the next rotation."""
    cancelled: list[Any] = []
    function.troubles["setSecret"] = [lambda _event: cancelled.append(client.cancel_rotate_secret(SecretId=secret))]
    rotation = double.rotate(secret, function=function_arn, rules={"AutomaticallyAfterDays": 1})
    assert (rotation.state, cancelled[0]["VersionId"]) == (RotationState.CANCELLED, rotation.token)
    assert function.steps == ["createSecret", "setSecret"]
    described = client.describe_secret(SecretId=secret)
    assert described["RotationEnabled"] is False
    assert "NextRotationDate" not in described
    assert described["VersionIdsToStages"][rotation.token] == ["AWSPENDING"]
    assert refusal(client.rotate_secret, SecretId=secret) == ("InvalidRequestException", 400)
    assert "VersionId" not in client.cancel_rotate_secret(SecretId=secret)


def test_a_secret_that_never_rotated_cannot_be_cancelled(client: Any, secret: str, refusal: Refusal) -> None:
    """There is nothing to turn off."""
    assert refusal(client.cancel_rotate_secret, SecretId=secret) == ("InvalidRequestException", 400)


def test_a_client_that_repeats_its_request_starts_no_second_rotation(
    double: SecretsManager, client: Any, secret: str, function: Any, function_arn: str, token: str, refusal: Refusal
) -> None:
    """The same token names the running rotation; another one, meanwhile, is refused."""
    gate = threading.Event()
    function.troubles["createSecret"] = [lambda _event: gate.wait(10)]
    request = {"SecretId": secret, "RotationLambdaARN": function_arn}
    first = client.rotate_secret(**request, ClientRequestToken=token)
    again = client.rotate_secret(**request, ClientRequestToken=token)
    assert first["VersionId"] == again["VersionId"] == token
    assert refusal(client.rotate_secret, **request) == ("InvalidRequestException", 400)
    gate.set()
    double.wait(secret)
    assert function.steps == STEPS
    assert refusal(client.rotate_secret, **request, ClientRequestToken=token) == ("InvalidRequestException", 400)


@pytest.mark.parametrize(
    ("arn", "assumes_role"),
    [
        ("arn:aws:lambda:eu-central-1:444455556666:function:rotate", False),
        ("arn:aws:lambda:eu-central-1:111122223333:function:rotate", True),
    ],
)
def test_a_function_that_is_not_the_owner_must_bring_its_rotation_token(
    double: SecretsManager, client: Any, secret: str, function: Any, refusal: Refusal, arn: str, assumes_role: bool
) -> None:
    """Cross-account and assumed-role rotations get one in every event; a put without it is refused."""
    refused: list[Any] = []

    def forget(event: dict[str, Any]) -> None:
        put = {"SecretId": secret, "ClientRequestToken": event["ClientRequestToken"], "SecretString": "x"}
        refused.append(refusal(client.put_secret_value, **put))
        refused.append(refusal(client.put_secret_value, **put, RotationToken="0" * 36))

    function.troubles["createSecret"] = [forget]
    double.register_function(arn, function, assumes_role=assumes_role)
    rotation = double.rotate(secret, function=arn)
    assert (rotation.state, rotation.attempts) == (RotationState.SUCCEEDED, 1)
    assert refused == [("AccessDeniedException", 400)] * 2
    assert len({event["RotationToken"] for event in function.events}) == 1


def test_a_plain_function_gets_no_rotation_token(
    double: SecretsManager, secret: str, function: Any, function_arn: str
) -> None:
    """Step, SecretId and ClientRequestToken are all there is."""
    double.rotate(secret, function=function_arn)
    assert {tuple(event) for event in function.events} == {("Step", "SecretId", "ClientRequestToken")}


def test_a_refused_rotation_raises_in_the_callers_thread(double: SecretsManager, secret: str) -> None:
    """Without the wire the refusal is the double's own exception."""
    with pytest.raises(ServiceError) as caught:
        double.rotate(secret)
    assert caught.value.code == "InvalidRequestException"


def test_waiting_for_no_rotation_is_a_time_out(double: SecretsManager, secret: str) -> None:
    """A test that waits for what never started fails at once."""
    with pytest.raises(TimeoutError):
        double.wait(secret, timeout=0)


def test_the_end_of_serving_ends_rotations(clock: Any, function: Any, function_arn: str) -> None:
    """No step starts after the block, and no thread outlives it."""
    double = SecretsManager(clock=clock, sleep=clock.sleep)
    entered, gate = threading.Event(), threading.Event()

    def hold(_event: dict[str, Any]) -> None:
        entered.set()
        gate.wait(10)
        raise RuntimeError("too late")

    double.register_function(function_arn, hold)
    secret = double.create("app/db", "old")
    with double.serve():
        double.call("RotateSecret", SecretId=secret, RotationLambdaARN=function_arn)
        assert entered.wait(10)
        threading.Timer(0.05, gate.set).start()
    rotation = double.wait(secret, timeout=0)
    assert (rotation.state, rotation.attempts) == (RotationState.CANCELLED, 1)
    assert function.events == []
