"""A secret at the strict Secrets Manager, reached over the wire by the client that the handler uses."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cached_property
from typing import Any

import pytest
from botocore.config import Config

from rotation.core.secret import Secret
from rotation.stores.aws.secrets_manager import AwsSecretsManager
from rotation_testkit.conformance.store_backdoor import BASE, LIVE, Cut
from rotation_testkit.doubles.secretsmanager import SecretsManager
from rotation_testkit.processes.isolated_function import aws_session

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


class Service:
    """A served Secrets Manager with the clients that its secrets share: making one takes longer than most tests."""

    def __init__(self, double: SecretsManager) -> None:
        self.double = double
        self._clients: dict[int, Any] = {}
        self._names = itertools.count(1)

    def new_name(self) -> str:
        """Return a name that no other secret here has."""
        return f"prod/app-{next(self._names)}"

    def client(self, attempts: int = 1) -> Any:
        """Return the client that tries so often, made as ``rotation.handler`` makes it, pointed here."""
        if attempts not in self._clients:
            self._clients[attempts] = aws_session().create_client(
                "secretsmanager",
                region_name="eu-central-1",
                endpoint_url=self.double.endpoint,
                aws_access_key_id=self.double.access_key,
                aws_secret_access_key=self.double.secret_key.reveal(),
                config=Config(
                    connect_timeout=5, read_timeout=10, retries={"mode": "standard", "total_max_attempts": attempts}
                ),
            )
        return self._clients[attempts]

    @cached_property
    def direct_client(self) -> Any:
        """A client whose calls use no socket; the rest of a call stays what it is."""
        return self.double.client(direct=True)

    def close(self) -> None:
        """Close every client on the wire."""
        for client in self._clients.values():
            client.close()


class Door:
    """The operator's side of a secret of its own at Secrets Manager."""

    def __init__(self, service: Service, *, direct: bool = False) -> None:
        self.double, self.name, self.clock = service.double, service.new_name(), Clock()
        self.client, self._retrying = service.direct_client if direct else service.client(), service.client
        self.double.call("CreateSecret", Name=self.name, SecretString=LIVE.dump().reveal(), ClientRequestToken=BASE)
        self.double.register_function(FUNCTION, _do_nothing)
        self.double.rotate(self.name, function=FUNCTION, rules={"AutomaticallyAfterDays": 30}, immediately=False)

    def store(self, *, attempts: int = 1, rotation_token: Secret | None = None) -> AwsSecretsManager:
        """Return a store for the secret."""
        client = self.client if attempts == 1 else self._retrying(attempts)
        return AwsSecretsManager(client, self.name, rotation_token=rotation_token)

    def begin(self, token: str) -> None:
        """Start a rotation whose function does nothing, so that its version stays empty."""
        self.double.register_function(FUNCTION, _fail)
        self.double.rotate(self.name, token=token)

    def put_text(self, token: str, text: Secret) -> None:
        """Put a value by hand under AWSPENDING."""
        self.double.call(
            "PutSecretValue",
            SecretId=self.name,
            ClientRequestToken=token,
            SecretString=text.reveal(),
            VersionStages=["AWSPENDING"],
        )

    def strip(self, token: str, stage: str) -> None:
        """Take a stage from a version."""
        self.double.call("UpdateSecretVersionStage", SecretId=self.name, VersionStage=stage, RemoveFromVersionId=token)

    def disable(self) -> None:
        """Switch rotation off."""
        self.double.call("CancelRotateSecret", SecretId=self.name)

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
def served() -> Iterator[Service]:
    """Serve a Secrets Manager."""
    double = SecretsManager(retry_delays=())
    with double.serve():
        service = Service(double)
        yield service
        service.close()


@pytest.fixture(scope="module")
def service() -> Iterator[Service]:
    """One for a module: each test has a secret of its own in it."""
    with served() as made:
        yield made


@pytest.fixture
def door(service: Service) -> Iterator[Door]:
    """A secret of its own; no fault outlives the test."""
    yield Door(service)
    service.double.faults.clear()


@pytest.fixture
def own_door() -> Iterator[Door]:
    """A secret at a Secrets Manager, with a client, that nobody else has."""
    with served() as made:
        yield Door(made)


@pytest.fixture
def new_secret(service: Service) -> Callable[[], Any]:
    """A function that makes a new secret, for many calls: they use no socket."""

    @contextmanager
    def make() -> Iterator[Door]:
        yield Door(service, direct=True)

    return make
