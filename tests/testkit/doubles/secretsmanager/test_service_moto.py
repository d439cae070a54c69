"""The double and moto, asked the same over the same wire: equal where moto keeps AWS's contract, deviations listed.

``DEVIATIONS`` is data on moto 5.2: it fails when moto mends one, so that we notice. Each entry says what AWS does and
how that is known, the calls, and what the double and moto answer to the last of them.
"""

from __future__ import annotations

import boto3
import pytest
from botocore.exceptions import ClientError

from rotation.core.errors import StoreError
from rotation.stores.aws.failures import asked
from rotation.stores.aws.secrets_manager import AwsSecretsManager
from rotation_testkit.doubles.secretsmanager import SecretsManager

ACCOUNT = "123456789012"  # moto's own
REGION = "eu-central-1"
FUNCTION = f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:idle"
V1, V2, V3, V4 = ("1" * 32, "2" * 32, "3" * 32, "4" * 32)


@pytest.fixture
def ours():
    """A client of the double with the same idle function, tried once."""
    double = SecretsManager(account=ACCOUNT, region=REGION, retry_delays=())
    double.register_function(FUNCTION, lambda _event: None)
    with double.serve():
        client = double.client()
        client.meta.events.register("after-call.secrets-manager.RotateSecret", lambda **_: _settle(double))
        yield client
        client.close()


def _settle(double):
    """Wait for the rotation that an accepted request started: moto runs it within the request."""
    if any(call.operation == "RotateSecret" and call.applied for call in double.calls):
        double.wait("s")


def play(client, steps):
    """Run operations and return (error code or ok, HTTP status, what the answer says) for each."""
    outcomes = []
    for operation, params in steps:
        try:
            answer = getattr(client, operation)(**params)
        except ClientError as error:
            status = error.response["ResponseMetadata"]["HTTPStatusCode"]
            outcomes.append((error.response["Error"]["Code"], status, {}))
        else:
            outcomes.append(("ok", answer["ResponseMetadata"]["HTTPStatusCode"], said(answer)))
    return outcomes


def said(answer):
    """Return an answer without dates, random ends of ARNs and the order of labels."""
    answer = {key: value for key, value in answer.items() if not key.endswith("Date") and key != "ResponseMetadata"}
    if "SecretList" in answer:
        answer["SecretList"] = [(each["Name"], each.get("Tags", [])) for each in answer["SecretList"]]
        answer["NextToken"] = "NextToken" in answer
    if "ARN" in answer:
        answer["ARN"] = answer["ARN"].rpartition("-")[0]
    if "VersionStages" in answer:
        answer["VersionStages"] = sorted(answer["VersionStages"])
    if "VersionIdsToStages" in answer:
        stages = answer["VersionIdsToStages"]
        answer["VersionIdsToStages"] = {version: sorted(labels) for version, labels in stages.items() if labels}
    return answer


def create(**more):
    """Create the secret with its first version."""
    return "create_secret", {"Name": "s", "SecretString": "a", "ClientRequestToken": V1, **more}


def put(token, value, *stages):
    """Put a value under a token."""
    labels = {"VersionStages": list(stages)} if stages else {}
    return "put_secret_value", {"SecretId": "s", "ClientRequestToken": token, "SecretString": value, **labels}


def get(**how):
    """Read a value."""
    return "get_secret_value", {"SecretId": "s", **how}


def move(label, **ends):
    """Move a label."""
    return "update_secret_version_stage", {"SecretId": "s", "VersionStage": label, **ends}


def delete(**how):
    """Delete the secret."""
    return "delete_secret", {"SecretId": "s", **how}


def rotate(**how):
    """Rotate with the idle function."""
    return "rotate_secret", {"SecretId": "s", "ClientRequestToken": V3, "RotationLambdaARN": FUNCTION, **how}


def listing(*filters, **how):
    """List secrets by filters, each a key and values."""
    return "list_secrets", {"Filters": [{"Key": key, "Values": list(values)} for key, *values in filters], **how}


DESCRIBE = ("describe_secret", {"SecretId": "s"})
PROMOTE = move("AWSCURRENT", RemoveFromVersionId=V1, MoveToVersionId=V2)
CREATED_WITH_PENDING = [create(), put(V2, "b", "AWSPENDING")]

EQUAL = {
    "create and read": [create(), get(), get(VersionId=V1), get(VersionStage="AWSCURRENT"), DESCRIBE],
    "create again": [create(), create(), create(SecretString="b"), create(ClientRequestToken=V2)],
    "metadata": [create(Description="d", Tags=[{"Key": "a", "Value": "1"}], KmsKeyId="alias/k"), DESCRIBE],
    "binary": [("create_secret", {"Name": "s", "SecretBinary": b"\0\1", "ClientRequestToken": V1}), get()],
    "no value yet": [("create_secret", {"Name": "s"}), DESCRIBE, put(V2, "b", "mine"), DESCRIBE],
    "put twice": [create(), put(V2, "b"), DESCRIBE, put(V3, "c"), get(VersionStage="AWSPREVIOUS"), DESCRIBE],
    "pending": [*CREATED_WITH_PENDING, get(VersionId=V2, VersionStage="AWSPENDING"), DESCRIBE],
    "same put again": [*CREATED_WITH_PENDING, put(V2, "b", "AWSPENDING"), DESCRIBE],
    "other value, current": [create(), put(V2, "b"), put(V2, "b"), put(V2, "c"), DESCRIBE],
    "labels taken by a put": [create(), put(V2, "b", "x", "y"), put(V3, "c", "y"), DESCRIBE],
    "promote": [*CREATED_WITH_PENDING, PROMOTE, DESCRIBE],
    "promote and back": [
        *CREATED_WITH_PENDING,
        PROMOTE,
        move("AWSCURRENT", RemoveFromVersionId=V2, MoveToVersionId=V1),
        DESCRIBE,
    ],
    "promote with the wrong holder": [
        *CREATED_WITH_PENDING,
        move("AWSCURRENT", MoveToVersionId=V2),
        move("AWSCURRENT", RemoveFromVersionId=V2, MoveToVersionId=V2),
        move("AWSCURRENT", RemoveFromVersionId=V4, MoveToVersionId=V2),
        DESCRIBE,
    ],
    "unknown version": [create(), move("x", MoveToVersionId=V4)],
    "forced deletion": [
        create(),
        *[delete(ForceDeleteWithoutRecovery=True)] * 2,
        delete(ForceDeleteWithoutRecovery=True, RecoveryWindowInDays=7),
        delete(RecoveryWindowInDays=6),
    ],
    "deletion and restoration": [create(), delete(), get(), ("restore_secret", {"SecretId": "s"}), get()],
    "update": [
        create(),
        ("update_secret", {"SecretId": "s", "Description": "d"}),
        ("update_secret", {"SecretId": "s", "SecretString": "b", "ClientRequestToken": V2}),
        DESCRIBE,
    ],
    "tags": [
        create(),
        ("tag_resource", {"SecretId": "s", "Tags": [{"Key": "a", "Value": "1"}]}),
        DESCRIBE,
        ("untag_resource", {"SecretId": "s", "TagKeys": ["a", "b"]}),
        DESCRIBE,
    ],
    "listing": [
        create(Tags=[{"Key": "team", "Value": "pay"}]),
        ("create_secret", {"Name": "t", "Tags": [{"Key": "other", "Value": "x"}]}),
        listing(),
        listing(MaxResults=1),
        listing(("name", "s")),
        listing(("name", "S")),
        listing(("name", "!s")),
        listing(("name", "s", "t")),
        listing(("tag-key", "te")),
        listing(("tag-value", "p")),
        listing(("tag-key", "team"), ("tag-value", "x")),
        delete(),
        listing(),
        listing(IncludePlannedDeletion=True),
    ],
    "short random password": [("get_random_password", {"PasswordLength": 3})],
    "cancel without rotation": [create(), ("cancel_rotate_secret", {"SecretId": "s"})],
}


DEVIATIONS = {
    "rotate over a foreign pending": (
        "refuses while AWSPENDING sits on a version of its own (RotateSecret)",
        [*CREATED_WITH_PENDING, rotate()],
        "InvalidRequestException 400",
        "ok",
    ),
    "rotate with pending on current": (
        "allows it (RotateSecret)",
        [*CREATED_WITH_PENDING, PROMOTE, rotate()],
        "ok",
        "InvalidRequestException 400",
    ),
    "same token, other value, pending": (
        "never changes a version (PutSecretValue)",
        [*CREATED_WITH_PENDING, put(V2, "c", "AWSPENDING")],
        "ResourceExistsException 400",
        "ok",
    ),
    "idle function": (
        "leaves moving AWSCURRENT to the function: here the old value stays readable",
        [create(), rotate(), get()],
        "a",
        "ResourceNotFoundException 404",
    ),
    "trial rotation": (
        "removes the version that RotateImmediately=false made, and it never had a value",
        [create(), rotate(RotateImmediately=False), get(VersionId=V3)],
        "ResourceNotFoundException 400",
        "a",
    ),
    "status of not found": (
        "HTTP 400 (recorded 2022-09)",
        [("get_secret_value", {"SecretId": "none"})],
        "ResourceNotFoundException 400",
        "ResourceNotFoundException 404",
    ),
    "status of a mismatch": (
        "HTTP 400, as every error of the caller",
        [*CREATED_WITH_PENDING, get(VersionId=V2, VersionStage="AWSCURRENT")],
        "InvalidRequestException 400",
        "InvalidRequestException 404",
    ),
    "read after promotion": (
        "returns what AWSCURRENT is on (GetSecretValue)",
        [*CREATED_WITH_PENDING, PROMOTE, get()],
        "b",
        "a",
    ),
    "own label without its holder": (
        "refuses for every label that is attached elsewhere (UpdateSecretVersionStage)",
        [create(), put(V2, "b", "lock"), move("lock", MoveToVersionId=V1)],
        "InvalidParameterException 400",
        "ok",
    ),
    "own label twice": (
        "attaches a label once",
        [create(), move("x", MoveToVersionId=V1), move("x", MoveToVersionId=V1), DESCRIBE],
        {V1: ["AWSCURRENT", "x"]},
        {V1: ["AWSCURRENT", "x", "x"]},
    ),
    "current removed": (
        "lets AWSCURRENT only move",
        [create(), move("AWSCURRENT", RemoveFromVersionId=V1)],
        "InvalidParameterException 400",
        "ok",
    ),
    "pending after a put by hand": (
        "strips AWSPENDING (RotationAbandoned in the CloudTrail page; recorded 2022-09)",
        [*CREATED_WITH_PENDING, put(V3, "c"), DESCRIBE],
        {V1: ["AWSPREVIOUS"], V3: ["AWSCURRENT"]},
        {V1: ["AWSPREVIOUS"], V2: ["AWSPENDING"], V3: ["AWSCURRENT"]},
    ),
    "put into a deleted secret": (
        "refuses (PutSecretValue)",
        [create(), delete(), put(V2, "b")],
        "InvalidRequestException 400",
        "ok",
    ),
    "update with a known token": (
        "is an error whatever the value (UpdateSecret)",
        [create(), put(V2, "b"), ("update_secret", {"SecretId": "s", "SecretString": "b", "ClientRequestToken": V2})],
        "ResourceExistsException 400",
        "ok",
    ),
    "rotate without a function": (
        "refuses (InvalidRequestException)",
        [create(), ("rotate_secret", {"SecretId": "s", "ClientRequestToken": V3})],
        "InvalidRequestException 400",
        "ok",
    ),
    "rotate with a function that cannot be invoked": (
        "AccessDeniedException (recorded 2024-03)",
        [create(), rotate(RotationLambdaARN=f"{FUNCTION}2")],
        "AccessDeniedException 400",
        "ResourceNotFoundException 404",
    ),
    "twenty-first label": (
        "has a quota of 20 labels across all versions of a secret",
        [create(), *(move(f"x{number}", MoveToVersionId=V1) for number in range(20))],
        "LimitExceededException 400",
        "ok",
    ),
}


def test_a_deprecated_version_is_not_described(ours, moto):
    """DescribeSecret leaves out a version without labels (its page); moto shows it with none, which says the same."""
    steps = [create(), put(V2, "b"), put(V3, "c"), DESCRIBE]
    for client, shown in ((ours, {V2, V3}), (moto, {V1, V2, V3})):
        play(client, steps)
        stages = client.describe_secret(SecretId="s")["VersionIdsToStages"]
        assert stages.keys() == shown
        assert not stages.get(V1)


def test_a_replica_is_refused_by_the_name_of_its_primary(moto):
    """The double has no replicas, so that the store meets moto's; the words are those that AWS was seen to say.

    InvalidParameterException: cloud-nuke's issue 435 (2023-04), terraform-aws-secrets-manager's issue 188 (2026-07).
    """
    moto.create_secret(Name="s", SecretString="a", ClientRequestToken=V1, AddReplicaRegions=[{"Region": "eu-west-1"}])
    keys = {"aws_access_key_id": "any", "aws_secret_access_key": "any"}
    replica = boto3.client("secretsmanager", endpoint_url=moto.meta.endpoint_url, region_name="eu-west-1", **keys)
    with pytest.raises(StoreError, match="the secret is a replica of one in eu-central-1") as seen:
        AwsSecretsManager(replica, "s").describe()
    assert "AWS_REGION=eu-central-1" in seen.value.hint
    with pytest.raises(StoreError, match="the secret is a replica") as refused:
        asked(replica, "s", lambda: replica.tag_resource(SecretId="s", Tags=[{"Key": "a", "Value": "b"}]))
    assert (refused.value.vendor_code, refused.value.retryable) == ("InvalidParameterException", False)
    assert "primary secret" in refused.value.hint
    replica.close()


def digest(outcome):
    """Return what of an outcome a deviation is about: the error, the labels, the value, or just ok."""
    code, status, answer = outcome
    if code != "ok":
        return f"{code} {status}"
    return answer.get("VersionIdsToStages", answer.get("SecretString", "ok"))


@pytest.mark.parametrize("name", EQUAL)
def test_both_answer_alike(ours, moto, name):
    """Code, status and content agree call by call."""
    assert play(ours, EQUAL[name]) == play(moto, EQUAL[name])


@pytest.mark.parametrize("name", DEVIATIONS)
def test_moto_deviates(ours, moto, name):
    """The double keeps the contract and moto does not; when moto mends it, move the calls to ``EQUAL``."""
    _aws, steps, our_answer, motos_answer = DEVIATIONS[name]
    assert digest(play(ours, steps)[-1]) == our_answer
    assert digest(play(moto, steps)[-1]) == motos_answer
