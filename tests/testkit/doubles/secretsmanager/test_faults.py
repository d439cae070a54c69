"""Faults on demand, as the product's own fault tests use them."""

from concurrent.futures import ThreadPoolExecutor

import pytest
from botocore.exceptions import ClientError, ConnectionClosedError, EndpointConnectionError, HTTPClientError

from rotation.core.secret import Secret
from rotation_testkit.doubles.secretsmanager import ConnectionDropped, ServiceError

LOST = (ConnectionClosedError, EndpointConnectionError, HTTPClientError)


def test_a_fresh_value_can_be_unreadable_for_some_reads(double, client, secret, token, refusal):
    """With a lag a new value is stored and described, and the next two reads are "not found"."""
    double.faults.lag(values=2)
    client.put_secret_value(SecretId=secret, SecretString="b", ClientRequestToken=token, VersionStages=["AWSPENDING"])
    read = {"SecretId": secret, "VersionId": token}
    assert [refusal(client.get_secret_value, **read)[0] for _ in range(2)] == ["ResourceNotFoundException"] * 2
    assert client.get_secret_value(**read)["SecretString"] == "b"
    assert client.get_secret_value(SecretId=secret)["SecretString"] == "old"


def test_a_description_can_be_stale_for_some_reads(double, client, secret, token):
    """The state before the latest change is shown once more."""
    double.faults.lag(describe=1)
    client.put_secret_value(SecretId=secret, SecretString="b", ClientRequestToken=token, VersionStages=["AWSPENDING"])
    client.get_secret_value(SecretId=secret)
    seen = [token in client.describe_secret(SecretId=secret)["VersionIdsToStages"] for _ in range(3)]
    assert seen == [False, True, True]
    assert token in double.labels(secret)


def test_throttling_hits_the_next_calls_of_one_operation(double, client, secret, refusal):
    """Other operations succeed meanwhile, and afterwards this one does too."""
    double.faults.throttle("PutSecretValue", times=2)
    put = {"SecretId": secret, "SecretString": "b"}
    assert [refusal(client.put_secret_value, **put) for _ in range(2)] == [("ThrottlingException", 400)] * 2
    assert client.get_secret_value(SecretId=secret)["SecretString"] == "old"
    client.put_secret_value(**put)
    assert [(call.operation, call.outcome, call.applied) for call in double.calls[-4:]] == [
        ("PutSecretValue", "ThrottlingException", False),
        ("PutSecretValue", "ThrottlingException", False),
        ("GetSecretValue", "ok", True),
        ("PutSecretValue", "ok", True),
    ]


def test_botocore_gets_over_throttling_by_itself(double, secret):
    """The error is one that an unmodified client retries."""
    double.faults.throttle("DescribeSecret")
    client = double.client(attempts=2)
    assert client.describe_secret(SecretId=secret)["ARN"] == secret
    client.close()


def test_a_right_can_be_taken_and_given_back(double, client, secret, refusal):
    """A denied operation is refused until the faults are cleared."""
    double.faults.deny("UpdateSecretVersionStage")
    attach = {
        "SecretId": secret,
        "VersionStage": "mark",
        "MoveToVersionId": client.describe_secret(SecretId=secret)["VersionIdsToStages"].popitem()[0],
    }
    for _ in range(3):
        assert refusal(client.update_secret_version_stage, **attach) == ("AccessDeniedException", 400)
    double.faults.clear()
    client.update_secret_version_stage(**attach)


def test_a_broken_key_stops_values_but_not_labels(double, client, secret, refusal):
    """A broken key is DecryptionFailure on reads and EncryptionFailure on writes; labels still move."""
    double.faults.break_key()
    assert refusal(client.get_secret_value, SecretId=secret) == ("DecryptionFailure", 400)
    assert refusal(client.put_secret_value, SecretId=secret, SecretString="b") == ("EncryptionFailure", 400)
    assert client.describe_secret(SecretId=secret)["ARN"] == secret


@pytest.mark.parametrize("applied", [False, True])
def test_an_internal_error_comes_before_or_after_the_effect(double, client, secret, refusal, applied):
    """The caller cannot tell the two apart."""
    double.faults.fail("PutSecretValue", "InternalServiceError", applied=applied)
    put = {"SecretId": secret, "SecretString": "b"}
    assert refusal(client.put_secret_value, **put) == ("InternalServiceError", 500)
    assert double.value(secret) == Secret("b" if applied else "old")
    assert (double.calls[-1].outcome, double.calls[-1].applied) == ("InternalServiceError", applied)


@pytest.mark.parametrize("applied", [False, True])
def test_a_connection_is_dropped_before_or_after_the_effect(double, wired, secret, applied):
    """A dropped connection gives no answer, and the next call works."""
    double.faults.drop("PutSecretValue", applied=applied)
    with pytest.raises(LOST):
        wired.put_secret_value(SecretId=secret, SecretString="b")
    assert double.value(secret) == Secret("b" if applied else "old")
    assert (double.calls[-1].outcome, double.calls[-1].applied) == ("dropped", applied)
    assert wired.describe_secret(SecretId=secret)["ARN"] == secret


def test_a_lost_put_repeated_by_the_client_is_harmless(double, secret):
    """The client repeats it with the same token, and the service recognises it."""
    double.faults.drop("PutSecretValue", applied=True)
    client = double.client(attempts=2)
    made = client.put_secret_value(SecretId=secret, SecretString="b")["VersionId"]
    client.close()
    assert len(double.labels(secret)) == 2
    assert double.labels(secret)[made] == {"AWSCURRENT"}


def test_a_fault_can_wait_for_a_later_call_of_one_secret(double, client, secret, refusal):
    """``skip`` and ``secret`` aim at one call in a run."""
    double.create("app/other", "x")
    double.faults.fail(None, "InternalServiceError", skip=1, secret="app/db")
    client.get_secret_value(SecretId="app/other")
    client.get_secret_value(SecretId=secret)
    client.get_secret_value(SecretId="app/other")
    assert refusal(client.describe_secret, SecretId=secret) == ("InternalServiceError", 500)
    client.describe_secret(SecretId=secret)


def test_hooks_run_around_the_effect_and_may_use_the_double(double, client, secret):
    """An operator can come in between a call and its effect, or between the effect and the answer."""
    seen = []

    def note(when):
        return lambda call: seen.append((f"{when} {call.operation}", double.value(secret)))

    double.faults.before("PutSecretValue", note("before"))
    double.faults.after("PutSecretValue", note("after"))
    double.faults.after(None, lambda _call: double.call("TagResource", SecretId=secret, Tags=[]) if not seen else None)
    client.put_secret_value(SecretId=secret, SecretString="b")
    client.get_secret_value(SecretId=secret)
    assert seen == [("before PutSecretValue", Secret("old")), ("after PutSecretValue", Secret("b"))]


def test_an_operator_meets_the_same_faults_without_the_wire(double, secret):
    """``call`` raises what the wire would answer."""
    double.faults.fail("GetSecretValue", "InternalServiceError")
    with pytest.raises(ServiceError):
        double.call("GetSecretValue", SecretId=secret)
    double.faults.drop("GetSecretValue", applied=False)
    with pytest.raises(ConnectionDropped):
        double.call("GetSecretValue", SecretId=secret)


def test_a_fault_in_a_rotation_fails_its_step_and_the_retry_heals_it(double, secret, function):
    """The move was applied and its answer lost: the second attempt finds it done."""
    double.faults.drop("UpdateSecretVersionStage", applied=True)
    rotation = double.rotate(secret, function=function.arn)
    assert rotation.failures[0][0] == "finishSecret"
    assert double.labels(secret)[rotation.token] >= {"AWSCURRENT"}


def test_a_stale_description_hides_the_new_pending_version(double, client, secret, function):
    """A function that looks too early does not see its own token."""
    seen = []

    def look(event):
        for _ in range(2):
            described = client.describe_secret(SecretId=secret)
            seen.append(event["ClientRequestToken"] in described["VersionIdsToStages"])

    function.troubles["createSecret"] = [look]
    double.faults.lag(describe=1)
    client.rotate_secret(SecretId=secret, RotationLambdaARN=function.arn)
    double.wait(secret)
    assert seen == [False, True]


def test_many_callers_at_once_get_one_winner(client, secret, token):
    """The label moves once; all other callers named a holder that no longer has it."""
    first = client.get_secret_value(SecretId=secret)["VersionId"]
    client.put_secret_value(SecretId=secret, SecretString="b", ClientRequestToken=token, VersionStages=["AWSPENDING"])
    client.update_secret_version_stage(SecretId=secret, VersionStage="lock", MoveToVersionId=first)

    def take(_number):
        try:
            client.update_secret_version_stage(
                SecretId=secret, VersionStage="lock", RemoveFromVersionId=first, MoveToVersionId=token
            )
        except ClientError as error:
            return str(error.response["Error"]["Code"])
        return "ok"

    with ThreadPoolExecutor(8) as pool:
        outcomes = list(pool.map(take, range(8)))
    assert sorted(outcomes) == ["InvalidParameterException"] * 7 + ["ok"]
