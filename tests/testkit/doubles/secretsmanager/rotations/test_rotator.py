"""Rotations as the service runs them, started over the wire or in the test's own thread."""

import threading

import pytest
from botocore.exceptions import ClientError

from rotation.core.secret import Secret
from rotation_testkit.doubles.secretsmanager import RotationState, SecretsManager, ServiceError

STEPS = ["createSecret", "setSecret", "testSecret", "finishSecret"]


def names(double):
    """Return the names of the service's events."""
    return [event.name for event in double.events]


def test_a_rotation_over_the_wire_returns_at_once_and_runs_the_four_steps(bench):
    """The answer carries the new version's id while the first step has not even ended."""
    gate = threading.Event()
    bench.function.troubles["createSecret"] = [lambda _event: gate.wait(10)]
    rules = {"AutomaticallyAfterDays": 30}
    made = bench.client.rotate_secret(SecretId=bench.secret, RotationLambdaARN=bench.function.arn, RotationRules=rules)
    assert bench.double.labels(bench.secret)[made["VersionId"]] == {"AWSPENDING"}
    gate.set()
    rotation = bench.double.wait(bench.secret)
    assert (rotation.state, rotation.attempts, rotation.token) == (RotationState.SUCCEEDED, 1, made["VersionId"])
    assert bench.function.steps == STEPS
    assert {(event["SecretId"], event["ClientRequestToken"]) for event in bench.function.events} == {
        (bench.secret, made["VersionId"])
    }
    assert bench.double.value(bench.secret) == Secret(f"made for {made['VersionId']}")
    assert names(bench.double) == ["RotationStarted", "RotationSucceeded"]
    assert {(event.secret, event.token) for event in bench.double.events} == {(bench.secret, made["VersionId"])}


def test_the_pending_version_begins_empty(bench):
    """The pending version is described, and reading it by id, by label or by both is "not found"."""
    seen = []

    def look(event):
        token = event["ClientRequestToken"]
        assert bench.client.describe_secret(SecretId=bench.secret)["VersionIdsToStages"][token] == ["AWSPENDING"]
        for named in (
            {"VersionId": token},
            {"VersionStage": "AWSPENDING"},
            {"VersionId": token, "VersionStage": "AWSPENDING"},
        ):
            with pytest.raises(ClientError) as caught:
                bench.client.get_secret_value(SecretId=bench.secret, **named)
            seen.append(caught.value.response["Error"]["Code"])

    bench.function.troubles["createSecret"] = [look]
    rotation = bench.double.rotate(bench.secret, function=bench.function.arn)
    assert (rotation.state, rotation.failures) == (RotationState.SUCCEEDED, [])
    assert seen == ["ResourceNotFoundException"] * 3


@pytest.mark.parametrize("step", STEPS)
def test_a_failed_step_restarts_the_whole_rotation_with_the_same_token(bench, step):
    """Every attempt begins with createSecret, after the configured pause."""
    bench.function.fail(step)
    rotation = bench.double.rotate(bench.secret, function=bench.function.arn)
    assert (rotation.state, rotation.attempts) == (RotationState.SUCCEEDED, 2)
    assert bench.function.steps == [*STEPS[: STEPS.index(step) + 1], *STEPS]
    assert len({event["ClientRequestToken"] for event in bench.function.events}) == 1
    assert bench.clock.slept == [10.0]
    assert [failed for failed, _error in rotation.failures] == [step]


def test_a_rotation_that_keeps_failing_is_given_up_and_stays_pending(bench, refusal):
    """After the last attempt no new rotation can start until somebody removes AWSPENDING."""
    bench.function.fail("setSecret", times=3)
    rotation = bench.double.rotate(bench.secret, function=bench.function.arn)
    assert (rotation.state, rotation.attempts, bench.clock.slept) == (RotationState.FAILED, 3, [10.0, 600.0])
    assert names(bench.double) == ["RotationStarted", "RotationFailed"]
    assert bench.double.labels(bench.secret)[rotation.token] == {"AWSPENDING"}
    assert bench.double.value(bench.secret) == Secret("old")
    assert refusal(bench.client.rotate_secret, SecretId=bench.secret) == ("InvalidRequestException", 400)
    bench.client.update_secret_version_stage(
        SecretId=bench.secret, VersionStage="AWSPENDING", RemoveFromVersionId=rotation.token
    )
    assert bench.double.rotate(bench.secret).state is RotationState.SUCCEEDED


def test_a_function_that_dies_like_a_process_is_a_failed_step(bench):
    """An exception past ``Exception`` ends the invocation, not the service."""

    def die(_event):
        raise SystemExit(1)

    bench.function.troubles["setSecret"] = [die]
    assert bench.double.rotate(bench.secret, function=bench.function.arn).attempts == 2


def test_a_function_that_does_not_move_current_has_not_rotated(bench):
    """AWSPENDING on a version of its own is no success, whatever the function says."""
    arn = "arn:aws:lambda:eu-central-1:111122223333:function:lazy"
    bench.double.register_function(arn, lambda _event: None)
    rotation = bench.double.rotate(bench.secret, function=arn)
    assert (rotation.state, rotation.attempts) == (RotationState.FAILED, 3)
    assert bench.double.value(bench.secret) == Secret("old")


@pytest.mark.parametrize("removes", [True, False])
def test_pending_after_success_is_a_switch_and_blocks_nothing(bench, removes):
    """AWS's own documents contradict each other; the next rotation starts either way."""
    double = SecretsManager(clock=bench.clock.now, sleep=bench.clock.sleep, removes_pending=removes)
    with double.serve():
        bench.function.client = double.client()
        double.register_function(bench.function.arn, bench.function)
        secret = double.create("app/db", "old")
        first = double.rotate(secret, function=bench.function.arn).token
        assert double.labels(secret)[first] == ({"AWSCURRENT"} if removes else {"AWSCURRENT", "AWSPENDING"})
        assert double.rotate(secret).state is RotationState.SUCCEEDED
        assert double.labels(secret)[first] == {"AWSPREVIOUS"}
        bench.function.client.close()


def test_not_immediately_only_tests_with_an_empty_version_that_vanishes(bench):
    """Only testSecret runs, once, also when it fails; the schedule is stored."""
    before = bench.double.labels(bench.secret)
    seen = []

    def look(event):
        seen.append(
            (
                bench.double.labels(bench.secret)[event["ClientRequestToken"]],
                bench.double.value(bench.secret, stage="AWSPENDING"),
            )
        )

    bench.function.troubles["testSecret"] = [look]
    bench.function.fail("testSecret")
    rules = {"AutomaticallyAfterDays": 30}
    bench.client.rotate_secret(
        SecretId=bench.secret, RotationLambdaARN=bench.function.arn, RotationRules=rules, RotateImmediately=False
    )
    assert bench.double.wait(bench.secret).state is RotationState.SUCCEEDED
    assert bench.double.rotate(bench.secret, immediately=False).attempts == 1
    assert seen == [({"AWSPENDING"}, None)]
    assert bench.function.steps == ["testSecret", "testSecret"]
    assert bench.double.labels(bench.secret) == before
    assert names(bench.double) == [
        "TestRotationStarted",
        "TestRotationSucceeded",
        "TestRotationStarted",
        "TestRotationFailed",
    ]
    assert bench.client.describe_secret(SecretId=bench.secret)["RotationEnabled"] is True


@pytest.mark.parametrize("step", ["setSecret", "finishSecret"])
@pytest.mark.parametrize("forced", [False, True])
def test_a_secret_deleted_in_the_middle_fails_its_rotation(bench, step, forced):
    """When the secret is marked for deletion or gone, the remaining steps fail, and so does the rotation."""
    arn = "arn:aws:lambda:eu-central-1:111122223333:function:deleting"

    def delete(event):
        if event["Step"] == step:
            how = {"ForceDeleteWithoutRecovery": True} if forced else {}
            bench.double.call("DeleteSecret", SecretId=bench.secret, **how)

    bench.double.register_function(arn, delete)
    bench.double.call("RotateSecret", SecretId=bench.secret, RotationLambdaARN=arn)
    rotation = bench.double.rotations[-1]
    assert rotation.done.wait(10)
    assert (rotation.state, rotation.attempts) == (RotationState.FAILED, 3)


def test_a_refused_rotation_raises_in_the_callers_thread(bench):
    """A refusal without the wire is the double's own exception."""
    with pytest.raises(ServiceError) as caught:
        bench.double.rotate(bench.secret)
    assert caught.value.code == "InvalidRequestException"


def test_waiting_for_no_rotation_is_a_time_out(bench):
    """A test that waits for what never started fails at once."""
    with pytest.raises(TimeoutError):
        bench.double.wait(bench.secret, timeout=0)


def test_the_end_of_serving_ends_rotations(bench):
    """No step starts after the block, and no thread outlives it."""
    double = SecretsManager(clock=bench.clock.now, sleep=bench.clock.sleep)
    entered, gate = threading.Event(), threading.Event()

    def hold(_event):
        entered.set()
        gate.wait(10)
        raise RuntimeError("too late")

    double.register_function(bench.function.arn, hold)
    secret = double.create("app/db", "old")
    with double.serve():
        double.call("RotateSecret", SecretId=secret, RotationLambdaARN=bench.function.arn)
        assert entered.wait(10)
        threading.Timer(0.05, gate.set).start()
    rotation = double.wait(secret, timeout=0)
    assert (rotation.state, rotation.attempts) == (RotationState.CANCELLED, 1)
