"""What starts, stops and schedules rotations, and what is refused."""

import threading

import pytest

from rotation.core.secret import Secret
from rotation_testkit.doubles.secretsmanager import RotationState

DAY = 86_400


def test_rotation_needs_a_function_that_may_be_invoked(bench, refusal):
    """None configured and one without permission are refused, and nothing is changed (recorded 2024-03)."""
    unknown = {"RotationLambdaARN": "arn:aws:lambda:eu-central-1:111122223333:function:none"}
    assert refusal(bench.client.rotate_secret, SecretId=bench.secret) == ("InvalidRequestException", 400)
    assert refusal(bench.client.rotate_secret, SecretId=bench.secret, **unknown) == ("AccessDeniedException", 400)
    assert "RotationLambdaARN" not in bench.client.describe_secret(SecretId=bench.secret)
    assert len(bench.double.labels(bench.secret)) == 1
    assert bench.double.events == ()


@pytest.mark.parametrize(
    "rules",
    [
        {"AutomaticallyAfterDays": 1, "ScheduleExpression": "rate(1 day)"},
        {"ScheduleExpression": "rate(3 hours)"},
        {"ScheduleExpression": "every day"},
    ],
)
def test_rules_that_make_no_schedule_are_refused(bench, refusal, rules):
    """Two schedules at once, a schedule of less than four hours, and text that is no schedule are refused."""
    rotate = {"SecretId": bench.secret, "RotationLambdaARN": bench.function.arn, "RotationRules": rules}
    assert refusal(bench.client.rotate_secret, **rotate) == ("InvalidParameterException", 400)
    assert bench.function.events == []


@pytest.mark.parametrize(
    ("rules", "seconds"),
    [
        ({"AutomaticallyAfterDays": 30}, 30 * DAY),
        ({"ScheduleExpression": "rate(12 hours)"}, DAY // 2),
        ({"ScheduleExpression": "rate(10 days)"}, 10 * DAY),
        ({"ScheduleExpression": "cron(0 8 ? * MON *)"}, None),
    ],
)
def test_the_next_date_follows_from_the_rules(bench, rules, seconds):
    """cron() is accepted and gives no date here."""
    assert bench.double.rotate(bench.secret, function=bench.function.arn, rules=rules).state is RotationState.SUCCEEDED
    described = bench.client.describe_secret(SecretId=bench.secret)
    assert described["RotationRules"] == rules
    assert described["LastRotatedDate"].timestamp() == bench.clock.now()
    due = described.get("NextRotationDate")
    assert (due and due.timestamp()) == (seconds and bench.clock.now() + seconds)
    assert len(bench.function.events) == 4


def test_tick_runs_what_is_due_and_nothing_else(bench):
    """A manual put counts as a rotation, as the service counts it."""
    bench.double.rotate(bench.secret, function=bench.function.arn, rules={"AutomaticallyAfterDays": 1})
    bench.clock.sleep(DAY - 1)
    assert bench.double.tick() == ()
    bench.double.call("PutSecretValue", SecretId=bench.secret, SecretString="by hand")
    bench.clock.sleep(1)
    assert bench.double.tick() == ()
    bench.clock.sleep(DAY)
    assert [rotation.state for rotation in bench.double.tick()] == [RotationState.SUCCEEDED]
    assert bench.double.tick() == ()
    assert len(bench.function.events) == 8


def test_tick_reattempts_a_given_up_rotation_under_its_own_token(bench):
    """The date of the last rotation that failed lies in the past until one succeeds."""
    bench.double.rotate(bench.secret, function=bench.function.arn, rules={"AutomaticallyAfterDays": 1})
    bench.clock.sleep(DAY)
    bench.function.fail("testSecret", times=3)
    (failed,) = bench.double.tick()
    assert bench.client.describe_secret(SecretId=bench.secret)["NextRotationDate"].timestamp() < bench.clock.now()
    (again,) = bench.double.tick()
    assert (failed.state, again.state) == (RotationState.FAILED, RotationState.SUCCEEDED)
    assert again.token == failed.token
    assert (
        bench.client.describe_secret(SecretId=bench.secret)["NextRotationDate"].timestamp() == bench.clock.now() + DAY
    )


@pytest.mark.parametrize("operation", ["PutSecretValue", "UpdateSecret"])
def test_a_version_made_by_hand_abandons_the_rotation(bench, operation):
    """The service strips AWSPENDING, reports it, and starts no further step."""
    bench.function.troubles["setSecret"] = [
        lambda _event: bench.double.call(operation, SecretId=bench.secret, SecretString="by hand") and None
    ]
    rotation = bench.double.rotate(bench.secret, function=bench.function.arn)
    assert rotation.state is RotationState.ABANDONED
    assert bench.function.steps == ["createSecret", "setSecret"]
    assert bench.double.labels(bench.secret)[rotation.token] == frozenset()
    assert [event.name for event in bench.double.events] == ["RotationStarted", "RotationAbandoned"]
    assert bench.double.value(bench.secret) == Secret("by hand")
    assert bench.double.rotate(bench.secret).state is RotationState.SUCCEEDED


def test_cancelling_stops_the_rotation_and_leaves_the_labels(bench, refusal):
    """The half-made version keeps AWSPENDING, which blocks the next rotation."""
    cancelled = []
    bench.function.troubles["setSecret"] = [
        lambda _event: cancelled.append(bench.client.cancel_rotate_secret(SecretId=bench.secret))
    ]
    rotation = bench.double.rotate(bench.secret, function=bench.function.arn, rules={"AutomaticallyAfterDays": 1})
    assert (rotation.state, cancelled[0]["VersionId"]) == (RotationState.CANCELLED, rotation.token)
    assert bench.function.steps == ["createSecret", "setSecret"]
    described = bench.client.describe_secret(SecretId=bench.secret)
    assert described["RotationEnabled"] is False
    assert "NextRotationDate" not in described
    assert described["VersionIdsToStages"][rotation.token] == ["AWSPENDING"]
    assert refusal(bench.client.rotate_secret, SecretId=bench.secret) == ("InvalidRequestException", 400)
    assert "VersionId" not in bench.client.cancel_rotate_secret(SecretId=bench.secret)


def test_a_secret_that_never_rotated_cannot_be_cancelled(bench, refusal):
    """Cancelling a rotation that was never configured is refused."""
    assert refusal(bench.client.cancel_rotate_secret, SecretId=bench.secret) == ("InvalidRequestException", 400)


def test_a_client_that_repeats_its_request_starts_no_second_rotation(bench, token, refusal):
    """The same token names the running rotation; another one, meanwhile, is refused."""
    gate = threading.Event()
    bench.function.troubles["createSecret"] = [lambda _event: gate.wait(10)]
    request = {"SecretId": bench.secret, "RotationLambdaARN": bench.function.arn}
    first = bench.client.rotate_secret(**request, ClientRequestToken=token)
    again = bench.client.rotate_secret(**request, ClientRequestToken=token)
    assert first["VersionId"] == again["VersionId"] == token
    assert refusal(bench.client.rotate_secret, **request) == ("InvalidRequestException", 400)
    gate.set()
    bench.double.wait(bench.secret)
    assert bench.function.steps == ["createSecret", "setSecret", "testSecret", "finishSecret"]
    assert refusal(bench.client.rotate_secret, **request, ClientRequestToken=token) == ("InvalidRequestException", 400)


@pytest.mark.parametrize(
    ("arn", "assumes_role"),
    [
        ("arn:aws:lambda:eu-central-1:444455556666:function:rotate", False),
        ("arn:aws:lambda:eu-central-1:111122223333:function:rotate", True),
    ],
)
def test_a_function_that_is_not_the_owner_must_bring_its_rotation_token(bench, refusal, arn, assumes_role):
    """Cross-account and assumed-role rotations get one in every event; a put without it is refused."""
    refused = []

    def forget(event):
        put = {"SecretId": bench.secret, "ClientRequestToken": event["ClientRequestToken"], "SecretString": "x"}
        refused.append(refusal(bench.client.put_secret_value, **put))
        refused.append(refusal(bench.client.put_secret_value, **put, RotationToken="0" * 36))

    bench.function.troubles["createSecret"] = [forget]
    bench.double.register_function(arn, bench.function, assumes_role=assumes_role)
    rotation = bench.double.rotate(bench.secret, function=arn)
    assert (rotation.state, rotation.attempts) == (RotationState.SUCCEEDED, 1)
    assert refused == [("AccessDeniedException", 400)] * 2
    assert len({event["RotationToken"] for event in bench.function.events}) == 1


def test_a_plain_function_gets_no_rotation_token(bench):
    """The event of the owner's function holds Step, SecretId and ClientRequestToken alone."""
    bench.double.rotate(bench.secret, function=bench.function.arn)
    assert {tuple(event) for event in bench.function.events} == {("Step", "SecretId", "ClientRequestToken")}
