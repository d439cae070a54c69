"""``lockstep enroll --function``: rotation is switched on as a test, and the command says how the test ended."""

import os

import pytest

from rotation.cli import attachment
from rotation.cli.local_rotation import session_for
from rotation.core.process import stop
from rotation.engine.run import verify
from rotation_testkit.sandbox.sandbox import HUAWEI

ID = "lockstep/huawei_meeting"
FUNCTION = "arn:aws:lambda:eu-central-1:111122223333:function:lockstep-rotation"


@pytest.fixture
def service(embedded, monkeypatch):
    """The double, whose function makes the check that testSecret makes of a current password."""
    monkeypatch.setattr(attachment, "_LOOK_SECONDS", 0.05)
    store = embedded.secrets_manager

    def test_secret(event):
        assert event["Step"] == "testSecret"
        verify(session_for(store.client(direct=True), event["SecretId"], os.environ))

    store.register_function(FUNCTION, test_secret)
    return store


def test_the_rotation_is_attached_and_its_test_waited_for(lockstep, embedded, service):
    """Nothing is reset, the schedule stands, and a second call finds it done."""
    words = ("enroll", ID, "--yes", "--json", "--function", FUNCTION, "--every", "rate(10 days)")
    ran = lockstep(*words)
    assert ran.code == 0, ran.out + ran.err
    assert ran.objects[-1] == {
        "event": "rotation",
        "secret_id": ID,
        "outcome": "tested",
        "function": FUNCTION,
        "schedule": "rate(10 days)",
        "log_group": "/aws/lambda/lockstep-rotation",
    }
    found = service.call("DescribeSecret", SecretId=ID)
    assert (found["RotationEnabled"], found["RotationLambdaARN"]) == (True, FUNCTION)
    assert found["RotationRules"]["ScheduleExpression"] == "rate(10 days)"
    assert [each.only_tests for each in service.rotations] == [True]
    assert (embedded.changes(HUAWEI), embedded.stored(HUAWEI)) == (0, embedded.live(HUAWEI))
    again = lockstep(*words)
    assert (again.code, again.objects[-1]["outcome"]) == (0, "already_attached")
    assert len(service.rotations) == 1


@pytest.mark.usefixtures("service")
def test_another_schedule_than_the_one_that_is_there_is_not_passed_over(lockstep):
    """It is not changed, and a script sees that; without --every the schedule that is there is meant."""
    words = ("enroll", ID, "--yes", "--json", "--function", FUNCTION)
    assert lockstep(*words, "--every", "rate(10 days)").code == 0
    again = lockstep(*words, "--every", "rate(7 days)")
    assert (again.code, again.objects[-1]["outcome"]) == (4, "other_schedule")
    again = lockstep(*words)
    assert (again.code, again.objects[-1]["outcome"]) == (0, "already_attached")
    assert "schedule" not in again.objects[-1]


@pytest.mark.parametrize(("days", "every"), [(30, "rate(30 days)"), (1, "rate(1 day)")])
def test_a_schedule_that_was_given_in_days_is_the_same(lockstep, service, days, every):
    """The service describes it as it was put: as a number of days, or as an expression."""
    words = ("enroll", ID, "--yes", "--json", "--function", FUNCTION)
    assert lockstep(*words).code == 0
    rules = {"AutomaticallyAfterDays": days}
    service.call("RotateSecret", SecretId=ID, RotationRules=rules, RotateImmediately=False)
    again = lockstep(*words, "--every", every)
    assert (again.code, again.objects[-1]["outcome"]) == (0, "already_attached")


def test_a_rejected_password_is_shown(lockstep, service, put_by_hand):
    """The function's test leaves a label on the version, which the command reads."""
    put_by_hand(ID, "Drifted0Password0Drif")
    ran = lockstep("enroll", ID, "--yes", "--function", FUNCTION)
    assert (ran.code, "the test found that the vendor rejects the password" in ran.out) == (4, True), ran.out
    assert "/aws/lambda/lockstep-rotation" in ran.out
    assert service.rotations[0].failures


def test_a_function_that_the_service_may_not_invoke_is_the_services_refusal(lockstep, embedded):
    """The secret is bound, and rotation stays off."""
    ran = lockstep("enroll", ID, "--yes", "--json", "--function", FUNCTION.replace("rotation", "nobody"))
    assert (ran.code, ran.objects[-1]["code"]) == (4, "store_denied"), ran.out
    assert not embedded.secrets_manager.call("DescribeSecret", SecretId=ID).get("RotationEnabled")


@pytest.mark.usefixtures("service")
def test_a_command_that_is_asked_to_stop_says_where_it_stands(lockstep, monkeypatch):
    """The binding is written, and the same command continues with the rotation."""
    monkeypatch.setattr(stop, "requested", lambda: True)
    ran = lockstep("enroll", ID, "--yes", "--json", "--function", FUNCTION)
    assert ran.code == 130
    assert "not bound yet" in ran.objects[-1]["message"] or "not switched on yet" in ran.objects[-1]["message"]
    assert f"`lockstep enroll {ID}`" in ran.objects[-1]["hint"]
