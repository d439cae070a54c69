"""A secret at the strict Secrets Manager, reached over the wire by the client that the handler uses."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from botocore.config import Config

from rotation.secret import Secret
from rotation.stores.aws_secrets_manager import AwsSecretsManager
from rotation.testing.isolated import aws_session
from rotation.testing.secretsmanager import SecretsManager
from rotation.testing.store_kit import BASE, LIVE, Cut

NAME = "prod/app"
FUNCTION = "arn:aws:lambda:eu-central-1:111122223333:function:rotate"


class Clock:
    """Time stands still; pauses are written down."""

    def __init__(self) -> None:
        self.pauses: list[float] = []

    def now(self) -> float:
        """Return epoch seconds."""
        return 1_700_000_000.0

    def sleep(self, seconds: float) -> None:
        """Write a pause down."""
        self.pauses.append(seconds)


class Door:
    """The operator's side of a secret at Secrets Manager."""

    def __init__(self, double: SecretsManager) -> None:
        self.double = double
        self.clock = Clock()
        self.client = self.make_client()
        double.call("CreateSecret", Name=NAME, SecretString=LIVE.dump().reveal(), ClientRequestToken=BASE)
        double.register_function(FUNCTION, _do_nothing)
        double.rotate(NAME, function=FUNCTION, rules={"AutomaticallyAfterDays": 30}, immediately=False)

    def make_client(self, *, attempts: int = 1) -> Any:
        """Return a client made as ``rotation.handler`` makes it, pointed here."""
        return aws_session().create_client(
            "secretsmanager",
            region_name="eu-central-1",
            endpoint_url=self.double.endpoint,
            aws_access_key_id=self.double.access_key,
            aws_secret_access_key=self.double.secret_key.reveal(),
            config=Config(
                connect_timeout=5, read_timeout=10, retries={"mode": "standard", "total_max_attempts": attempts}
            ),
        )

    def store(self, *, attempts: int | None = None, rotation_token: Secret | None = None) -> AwsSecretsManager:
        """Return a store for the secret."""
        client = self.client if attempts is None else self.make_client(attempts=attempts)
        return AwsSecretsManager(client, NAME, clock=self.clock, rotation_token=rotation_token)

    def begin(self, token: str) -> None:
        """Start a rotation whose function does nothing, so that its version stays empty."""
        self.double.register_function(FUNCTION, _fail)
        self.double.rotate(NAME, token=token)

    def put_text(self, token: str, text: Secret) -> None:
        """Put a value by hand under AWSPENDING."""
        self.double.call(
            "PutSecretValue",
            SecretId=NAME,
            ClientRequestToken=token,
            SecretString=text.reveal(),
            VersionStages=["AWSPENDING"],
        )

    def strip(self, token: str, stage: str) -> None:
        """Take a stage from a version."""
        self.double.call("UpdateSecretVersionStage", SecretId=NAME, VersionStage=stage, RemoveFromVersionId=token)

    def disable(self) -> None:
        """Switch rotation off."""
        self.double.call("CancelRotateSecret", SecretId=NAME)

    @contextmanager
    def cut_after(self, operations: int) -> Iterator[None]:
        """End the process at a label operation, before it is sent."""
        left = [operations]

        def count(**_: Any) -> None:
            if left[0] == 0:
                raise Cut
            left[0] -= 1

        event = "before-call.secretsmanager.UpdateSecretVersionStage"
        self.client.meta.events.register(event, count)
        try:
            yield
        finally:
            self.client.meta.events.unregister(event, count)


def _do_nothing(event: dict[str, object]) -> None:
    """Succeed at every step."""


def _fail(event: dict[str, object]) -> None:  # noqa: ARG001 - the service hands the event over
    """Fail at every step."""
    raise RuntimeError("not today")


@contextmanager
def a_secret() -> Iterator[Door]:
    """Serve a Secrets Manager with one secret."""
    double = SecretsManager(retry_delays=())
    with double.serve():
        yield Door(double)


@pytest.fixture
def door() -> Iterator[Door]:
    """A secret at a Secrets Manager of its own."""
    with a_secret() as made:
        yield made


@pytest.fixture
def new_secret() -> Callable[[], Any]:
    """A function that serves a new secret."""
    return a_secret
