"""The protocol itself: signatures, error shapes, validation, what stands in logs and environments."""

import json
import uuid
from contextlib import closing
from http.client import HTTPConnection
from urllib.parse import urlsplit

import boto3
import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.config import Config
from botocore.credentials import Credentials
from botocore.exceptions import ClientError

from rotation_testkit.doubles.secretsmanager import SecretsManager

TARGET = "secretsmanager.DescribeSecret"


def send(double, headers, body, *, method="POST"):
    """Send one raw request and return status, decoded body and headers in lower case."""
    with closing(HTTPConnection(urlsplit(double.endpoint).netloc, timeout=10)) as connection:
        connection.request(method, "/", body=body, headers=headers)
        reply = connection.getresponse()
        return reply.status, json.load(reply), {key.lower(): value for key, value in reply.getheaders()}


@pytest.fixture
def signed(double):
    """Make the headers of a signed request."""

    def sign(body, *, target=TARGET, kind="application/x-amz-json-1.1"):
        headers = {"X-Amz-Target": target, "Content-Type": kind}
        request = AWSRequest("POST", double.endpoint + "/", headers=headers, data=body)
        keys = Credentials(double.access_key, double.secret_key.reveal())
        SigV4Auth(keys, "secretsmanager", "eu-central-1").add_auth(request)
        return dict(request.headers.items())

    return sign


@pytest.fixture
def post(double, signed):
    """Send a properly signed operation with any parameters."""

    def call(operation, params):
        body = json.dumps(params).encode()
        return send(double, signed(body, target=f"secretsmanager.{operation}"), body)

    return call


def outcome(answer):
    """Return status and error code of an answer."""
    status, body, _headers = answer
    return status, body["__type"]


def test_an_answer_is_amz_json_with_a_request_id(post, secret):
    """Each answer is amz-json and has the request id that a support case needs."""
    status, body, headers = post("DescribeSecret", {"SecretId": secret})
    assert (status, body["ARN"]) == (200, secret)
    assert headers["content-type"] == "application/x-amz-json-1.1"
    assert uuid.UUID(headers["x-amzn-requestid"])


def test_errors_have_the_shapes_of_aws(double, post):
    """Modelled ones say ``Message``, the others ``message``; all are HTTP 400 (recorded 2022-09)."""
    status, body, headers = post("DescribeSecret", {"SecretId": "none"})
    assert (status, body["__type"]) == (400, "ResourceNotFoundException")
    assert body["Message"] == "Secrets Manager can't find the specified secret."
    assert uuid.UUID(headers["x-amzn-requestid"])
    double.faults.throttle("DescribeSecret")
    status, body, _headers = post("DescribeSecret", {"SecretId": "none"})
    assert (status, body["__type"]) == (400, "ThrottlingException")
    assert set(body) == {"__type", "message"}


def test_an_unsigned_request_is_refused(double):
    """A request without an Authorization header, or with half of one, is refused."""
    headers = {"X-Amz-Target": TARGET, "Content-Type": "application/x-amz-json-1.1"}
    assert outcome(send(double, headers, b"{}")) == (400, "MissingAuthenticationTokenException")
    half = {**headers, "Authorization": "AWS4-HMAC-SHA256 Credential=x"}
    assert outcome(send(double, half, b"{}")) == (400, "IncompleteSignatureException")
    assert double.calls == ()


def test_a_changed_body_or_target_breaks_the_signature(double, signed, secret):
    """A request whose body or target was changed after signing is refused."""
    body = json.dumps({"SecretId": secret}).encode()
    headers = signed(body)
    assert send(double, headers, body)[0] == 200
    for changed, sent in ((headers, body + b" "), ({**headers, "X-Amz-Target": "secretsmanager.DeleteSecret"}, body)):
        status, answer, _headers = send(double, changed, sent)
        assert (status, answer["__type"]) == (400, "InvalidSignatureException")


@pytest.mark.parametrize(
    ("wrong", "code"),
    [
        ({"aws_access_key_id": "AKIAWRONG"}, "UnrecognizedClientException"),
        ({"aws_secret_access_key": "wrong"}, "InvalidSignatureException"),
        ({"region_name": "us-east-1"}, "InvalidSignatureException"),
    ],
)
def test_wrong_credentials_are_told_apart(double, wrong, code):
    """An unknown key, a wrong secret key and a signature for another region have the codes of AWS."""
    right = {
        "aws_access_key_id": double.access_key,
        "aws_secret_access_key": double.secret_key.reveal(),
        "region_name": "eu-central-1",
    }
    config = Config(retries={"total_max_attempts": 1})
    client = boto3.client("secretsmanager", endpoint_url=double.endpoint, config=config, **{**right, **wrong})
    with pytest.raises(ClientError) as caught:
        client.list_secrets()
    client.close()
    assert caught.value.response["Error"]["Code"] == code


def test_the_environment_is_all_that_a_client_needs(double, secret, monkeypatch):
    """A client made without any argument finds the double, and signs with a session token as a Lambda would."""
    monkeypatch.delenv("AWS_RETRY_MODE", raising=False)
    for name, value in {**double.environment(), "AWS_SESSION_TOKEN": "session"}.items():
        monkeypatch.setenv(name, value)
    client = boto3.session.Session().client("secretsmanager")
    assert client.describe_secret(SecretId="app/db")["ARN"] == secret
    client.close()
    assert "AWS_RETRY_MODE" not in double.environment()


def test_there_is_no_environment_outside_serving():
    """The environment exists only while the double is served."""
    with pytest.raises(RuntimeError):
        SecretsManager().environment()


@pytest.mark.parametrize(
    ("operation", "params", "code"),
    [
        ("DescribeSecret", {}, "ValidationException"),
        ("DescribeSecret", {"SecretId": ""}, "ValidationException"),
        ("DescribeSecret", {"SecretId": "a", "Extra": 1}, "ValidationException"),
        ("DescribeSecret", {"SecretId": 1}, "SerializationException"),
        ("DescribeSecret", [], "SerializationException"),
        ("ListSecrets", {"MaxResults": True}, "SerializationException"),
        ("ListSecrets", {"MaxResults": 101}, "ValidationException"),
        ("ListSecrets", {"SortOrder": "up"}, "ValidationException"),
        ("TagResource", {"SecretId": "a", "Tags": [{"Key": ""}]}, "ValidationException"),
        ("CreateSecret", {"Name": "a", "SecretBinary": "?"}, "SerializationException"),
        ("PutSecretValue", {"SecretId": "a", "RotationToken": "_" * 36}, "ValidationException"),
        ("PutSecretValue", {"SecretId": "a", "VersionStages": []}, "ValidationException"),
        ("MakeCoffee", {}, "UnknownOperationException"),
    ],
)
def test_parameters_are_checked_against_the_service_model(post, operation, params, code):
    """The double checks what botocore would never send, and what botocore does not check."""
    assert outcome(post(operation, params)) == (400, code)


@pytest.mark.parametrize(
    ("operation", "params", "code"),
    [
        ("CreateSecret", {"Name": "new", "SecretString": "x"}, "InvalidRequestException"),
        ("PutSecretValue", {"SecretId": "app/db", "SecretString": "x"}, "InvalidRequestException"),
        ("UpdateSecret", {"SecretId": "app/db", "SecretString": "x"}, "InvalidRequestException"),
        ("RotateSecret", {"SecretId": "app/db"}, "InvalidParameterException"),
    ],
)
def test_a_raw_request_must_bring_its_token(post, secret, operation, params, code):
    """SDKs fill it in; the service does not (recorded 2023-05, with the odd code of RotateSecret)."""
    assert outcome(post(operation, params)) == (400, code)
    assert secret in post("DescribeSecret", {"SecretId": secret})[1].values()


def test_a_request_that_is_no_operation_is_refused(double, signed):
    """A wrong method, another service, no JSON and another content type are refused."""
    assert send(double, signed(b""), b"", method="PUT")[1]["__type"] == "UnknownOperationException"
    assert send(double, signed(b"{}", target="kms.Decrypt"), b"{}")[1]["__type"] == "UnknownOperationException"
    assert send(double, signed(b"{"), b"{")[1]["__type"] == "SerializationException"
    assert send(double, signed(b"{}", kind="text/plain"), b"{}")[1]["__type"] == "SerializationException"


def test_what_is_not_built_says_so(client, secret):
    """An operation that is not built is HTTP 501."""
    with pytest.raises(ClientError) as caught:
        client.get_resource_policy(SecretId=secret)
    assert caught.value.response["ResponseMetadata"]["HTTPStatusCode"] == 501


def test_the_call_log_names_everything_but_values(double, client, secret, token):
    """The log holds operation, secret, version, labels and outcome of each call, refused ones included."""
    put = {"SecretId": secret, "ClientRequestToken": token, "VersionStages": ["AWSPENDING"]}
    client.put_secret_value(**put, SecretString="canary-value")
    with pytest.raises(ClientError):
        client.put_secret_value(**put, SecretString="other-canary")
    done, refused = double.calls[-2:]
    assert (done.operation, done.secret, done.version, done.stages) == (
        "PutSecretValue",
        "app/db",
        token,
        ("AWSPENDING",),
    )
    assert (done.outcome, done.applied) == ("ok", True)
    assert (refused.outcome, refused.applied, refused.moves) == ("ResourceExistsException", False, ())
    shown = repr((double.calls, double.events, double.value(secret, version=token)))
    assert "canary" not in shown


def test_a_refusal_never_shows_what_was_sent(post):
    """A value in a wrong place does not come back in the error."""
    for params in (
        {"Name": "a", "SecretString": ["canary"]},
        {"Name": "a", "SecretBinary": "canary?"},
        {"canary": "canary"},
    ):
        _status, body, _headers = post("CreateSecret", params)
        assert "canary" not in json.dumps(body)
