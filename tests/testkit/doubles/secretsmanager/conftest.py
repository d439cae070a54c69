"""A served Secrets Manager double with a clock that only tests move, and rotation functions to run on it."""

import base64
import io
import uuid
import zipfile
from types import SimpleNamespace

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError
from werkzeug.wrappers import Response

from rotation_testkit.doubles.secretsmanager import SecretsManager
from rotation_testkit.doubles.serving import serve
from rotation_testkit.fault_lab.in_memory.scenario import VirtualClock


class RecordingClock(VirtualClock):
    """A virtual clock that records its sleeps."""

    def __init__(self):
        super().__init__(1_790_000_000.0)
        self.slept = []

    def sleep(self, seconds):
        """Move on, and record how far."""
        self.slept.append(seconds)
        super().sleep(seconds)


class RotationFunction:
    """A minimal rotation function: it puts a value, and moves AWSCURRENT. ``troubles`` run before a step."""

    arn = "arn:aws:lambda:eu-central-1:111122223333:function:rotate"

    def __init__(self, client):
        self.client = client
        self.events = []
        self.troubles = {}

    def __call__(self, event):
        """Run one step."""
        self.events.append(dict(event))
        waiting = self.troubles.get(event["Step"])
        if waiting:
            waiting.pop(0)(event)
        named = {"SecretId": event["SecretId"]}
        if event["Step"] == "createSecret":
            extra = {"RotationToken": event["RotationToken"]} if "RotationToken" in event else {}
            self.client.put_secret_value(
                **named,
                ClientRequestToken=event["ClientRequestToken"],
                SecretString=f"made for {event['ClientRequestToken']}",
                VersionStages=["AWSPENDING"],
                **extra,
            )
        elif event["Step"] == "finishSecret":
            stages = self.client.describe_secret(**named)["VersionIdsToStages"]
            holder = next(version for version, labels in stages.items() if "AWSCURRENT" in labels)
            self.client.update_secret_version_stage(
                **named,
                VersionStage="AWSCURRENT",
                MoveToVersionId=event["ClientRequestToken"],
                RemoveFromVersionId=holder,
            )

    def fail(self, step, *, times=1):
        """Fail the next invocations of a step."""

        def failing(_event):
            raise RuntimeError("step failed")

        self.troubles.setdefault(step, []).extend([failing] * times)

    @property
    def steps(self):
        """The steps that were invoked, in order."""
        return [event["Step"] for event in self.events]


@pytest.fixture
def clock():
    """A clock that stands at one moment."""
    return RecordingClock()


@pytest.fixture
def double(clock):
    """A served double with two retries, 10 s and 600 s apart."""
    one = SecretsManager(clock=clock.now, sleep=clock.sleep, retry_delays=(10.0, 600.0))
    with one.serve():
        yield one


@pytest.fixture
def client(double):
    """A boto3 client of the double that tries once; its calls use no socket, those of ``wired`` do."""
    return double.client(direct=True)


@pytest.fixture
def wired(double):
    """A boto3 client of the double that tries once, over the wire."""
    one = double.client()
    yield one
    one.close()


@pytest.fixture
def secret(double):
    """The ARN of a secret whose current value is ``old``."""
    return double.create("app/db", "old")


@pytest.fixture
def function(double, client):
    """A working rotation function, registered under its ARN."""
    one = RotationFunction(client)
    double.register_function(one.arn, one)
    return one


@pytest.fixture
def token():
    """A fresh version id."""
    return str(uuid.uuid4())


@pytest.fixture
def refusal():
    """Call an operation that must be refused and return the error's code and HTTP status."""

    def call(operation, **params):
        with pytest.raises(ClientError) as caught:
            operation(**params)
        answer = caught.value.response
        return answer["Error"]["Code"], answer["ResponseMetadata"]["HTTPStatusCode"]

    return call


@pytest.fixture
def bench(double, client, secret, function, clock):
    """A secret, its rotation function and everything around them."""
    return SimpleNamespace(double=double, client=client, secret=secret, function=function, clock=clock)


@pytest.fixture
def moto(_moto):
    """A client of moto's Secrets Manager with an idle Lambda function ``idle`` and no secret."""
    from moto.secretsmanager.models import secretsmanager_backends

    yield _moto
    secretsmanager_backends["123456789012"]["eu-central-1"].reset()


@pytest.fixture(scope="module")
def _moto():
    from moto.awslambda_simple.models import lambda_simple_backends
    from moto.core.config import default_user_config
    from moto.iam.models import iam_backends

    before = default_user_config["lambda"]
    default_user_config["lambda"] = {"use_docker": False}
    account, region = "123456789012", "eu-central-1"
    functions = lambda_simple_backends[account][region]
    roles = iam_backends[account]["aws"]
    role = roles.create_role("idle", "{}", "/", None, "", [], "3600")
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as packed:
        packed.writestr("main.py", "")
    code = {"ZipFile": base64.b64encode(archive.getvalue()).decode()}
    made = {"FunctionName": "idle", "Code": code, "Role": role.arn, "Handler": "main.f", "Runtime": "python3.12"}
    functions.create_function(made)
    with serve(_moto_app()) as url:
        config = Config(retries={"total_max_attempts": 1})
        keys = {"aws_access_key_id": "any", "aws_secret_access_key": "any"}
        client = boto3.client("secretsmanager", endpoint_url=url, region_name=region, config=config, **keys)
        yield client
        client.close()
    for backend in (functions, roles):
        backend.reset()
    default_user_config["lambda"] = before


def _moto_app():
    """Serve the Secrets Manager of moto alone: its own server needs flask-cors, which nothing else here does."""
    from moto.core.request import Request
    from moto.secretsmanager.responses import SecretsManagerResponse

    class ServerRequest(Request):
        """A request as moto's own server marks it."""

        from_wsgi_server = True

    def app(environ, start_response):
        request = ServerRequest(environ)
        status, headers, body = SecretsManagerResponse.dispatch(request, request.url, request.headers)
        return Response(body, status=status, headers=headers)(environ, start_response)

    return app
