"""A served Secrets Manager double with a clock that only tests move, and rotation functions to run on it."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest
from botocore.exceptions import ClientError

from rotation.testing.secretsmanager import SecretsManager

FUNCTION = "arn:aws:lambda:eu-central-1:111122223333:function:rotate"


@dataclass
class FakeClock:
    """Epoch seconds that stand still; ``sleep`` moves them and notes how long."""

    now: float = 1_790_000_000.0
    slept: list[float] = field(default_factory=list)

    def __call__(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += seconds


class Plain:
    """A rotation function that does the least: put, nothing, nothing, move. ``troubles`` run before a step."""

    def __init__(self, client: Any) -> None:
        self.client = client
        self.events: list[dict[str, Any]] = []
        self.troubles: dict[str, list[Callable[[dict[str, Any]], None]]] = {}

    def __call__(self, event: dict[str, Any]) -> None:
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

    @property
    def steps(self) -> list[str]:
        return [event["Step"] for event in self.events]


@pytest.fixture
def clock() -> FakeClock:
    """A clock that stands at one moment."""
    return FakeClock()


@pytest.fixture
def double(clock: FakeClock) -> Iterator[SecretsManager]:
    """A served double with two retries, 10 s and 600 s apart."""
    one = SecretsManager(clock=clock, sleep=clock.sleep, retry_delays=(10.0, 600.0))
    with one.serve():
        yield one


@pytest.fixture
def client(double: SecretsManager) -> Iterator[Any]:
    """A boto3 client of the double that tries once."""
    one = double.client()
    yield one
    one.close()


@pytest.fixture
def secret(double: SecretsManager) -> str:
    """The ARN of a secret whose current value is ``old``."""
    return double.create("app/db", "old")


@pytest.fixture
def function(double: SecretsManager, client: Any) -> Plain:
    """A working rotation function, registered under the ARN of ``function_arn``."""
    one = Plain(client)
    double.register_function(FUNCTION, one)
    return one


@pytest.fixture
def function_arn() -> str:
    """The ARN that ``function`` has."""
    return FUNCTION


@pytest.fixture
def token() -> str:
    """A fresh version id."""
    return str(uuid.uuid4())


@pytest.fixture
def refusal() -> Callable[..., tuple[str, int]]:
    """Call an operation that must be refused and return the error's code and HTTP status."""

    def call(operation: Callable[..., Any], **params: Any) -> tuple[str, int]:
        with pytest.raises(ClientError) as caught:
            operation(**params)
        answer = caught.value.response
        return answer["Error"]["Code"], answer["ResponseMetadata"]["HTTPStatusCode"]

    return call
