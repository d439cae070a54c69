"""The rotation function's handler for one account, between Secrets Manager's double and a served vendor."""

from __future__ import annotations

import json
import logging
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import Any

import pytest

from rotation import handler
from rotation.core.errors import RotationError
from rotation.core.secret import Secret
from rotation_testkit.doubles.secretsmanager import Rotation, SecretsManager
from rotation_testkit.doubles.vendors.simulator import Simulator
from rotation_testkit.sandbox.sandbox import FUNCTION_ARN, REGION, ShiftedClock

SECRET, ADMIN = "lockstep/account", "lockstep/admin"


@dataclass
class Context:
    """What the runtime hands over: as much time as the clock says, with the virtual part of it."""

    clock: ShiftedClock
    end: float
    aws_request_id: str = "00000000-0000-4000-8000-000000000000"

    def get_remaining_time_in_millis(self) -> int:
        """Return the rest of the time that a run has."""
        return max(0, int((self.end - self.clock.now()) * 1000))


@dataclass
class Function:
    """One account's rotation.

    Attributes:
        environment: the function's variables; tests change them.
        errors: what it raised, in order.
        reports: what it returned.
        seconds: how long one run may take.
    """

    clock: ShiftedClock
    store: SecretsManager
    environment: dict[str, str]
    client: Any
    seconds: float = 600.0
    errors: list[RotationError] = field(default_factory=list)
    reports: list[dict[str, object]] = field(default_factory=list)

    def serve(self, event: dict[str, object]) -> None:
        """Be the rotation function, as Secrets Manager sees it."""
        outside = handler.World(connect=lambda: self.client, environment=self.environment, clock=self.clock)
        try:
            report = handler.handle(event, Context(self.clock, self.clock.now() + self.seconds), outside)
        except RotationError as error:
            self.errors.append(error)
            raise
        self.reports.append(report)

    def rotate(self, **options: Any) -> Rotation:
        """Rotate as the schedule does, with the service's retries."""
        return self.store.rotate(SECRET, function=FUNCTION_ARN, rules={"AutomaticallyAfterDays": 1}, **options)

    def rotate_once(self, **options: Any) -> Rotation:
        """The same with a service that makes no second attempt, now and later."""
        self.store._rotator.retry_delays = ()
        return self.rotate(**options)

    def codes(self) -> list[str]:
        """Return the errors' codes."""
        return [error.code for error in self.errors]

    def document(self, stage: str = "AWSCURRENT") -> dict[str, Any]:
        """Return the account document under a stage."""
        value = self.store.value(SECRET, stage=stage)
        assert value is not None
        document: dict[str, Any] = json.loads(value.reveal())
        return document

    def put(self, document: dict[str, Any]) -> None:
        """Store a document as an operator would."""
        self.store.call("PutSecretValue", SecretId=SECRET, SecretString=json.dumps(document))

    def put_admin(self, admin: dict[str, str]) -> None:
        """Store another admin credential."""
        self.store.call("PutSecretValue", SecretId=ADMIN, SecretString=json.dumps(admin))

    def cancel(self) -> None:
        """Give up a rotation, as an operator would: rotation off, the pending label away, rotation on again."""
        self.store.call("CancelRotateSecret", SecretId=SECRET)
        for version, labels in self.store.labels(SECRET).items():
            if "AWSPENDING" in labels:
                self.store.call(
                    "UpdateSecretVersionStage", SecretId=SECRET, VersionStage="AWSPENDING", RemoveFromVersionId=version
                )

    @property
    def password(self) -> Secret:
        """The current password."""
        return Secret(self.document()["password"])

    @property
    def outcomes(self) -> list[object]:
        """What each step that went well did."""
        return [report["outcome"] for report in self.reports]


@pytest.fixture
def clock() -> ShiftedClock:
    """One clock for Secrets Manager, the function and the vendor."""
    return ShiftedClock()


@pytest.fixture
def install(clock: ShiftedClock) -> Iterator[Callable[..., Function]]:
    """A function that serves a vendor and stores an account's document and the admin credential."""
    for each in logging.getLogger("lockstep").handlers:
        if isinstance(each, logging.StreamHandler):
            each.stream = sys.__stdout__  # Powertools keeps the stream of the test that made it, closed by now
    with ExitStack() as stack:

        def make(
            simulator: Simulator,
            document: dict[str, object],
            admin: dict[str, str] | None,
            *,
            retries: int = 2,
            spacing: float = 600.0,
        ) -> Function:
            url = stack.enter_context(simulator.serve())
            store = SecretsManager(
                clock=clock.now,
                sleep=clock.sleep,
                retry_delays=(spacing,) * retries,
                account="111122223333",
                region=REGION,
            )
            stack.enter_context(store.serve())
            prefix = f"LOCKSTEP_{str(document['driver']).upper()}_"
            environment = {
                "LOCKSTEP_DRIVERS": str(document["driver"]),
                "LOCKSTEP_HOSTS": url.removeprefix("http://"),
                f"{prefix}ENDPOINT": url,
            }
            if admin is not None:
                environment[f"{prefix}ADMIN_SECRET"] = ADMIN
                store.create(ADMIN, json.dumps(admin))
            store.create(SECRET, Secret(json.dumps(document)))
            client = store.client(direct=True)
            made = Function(clock, store, environment, client)
            store.register_function(FUNCTION_ARN, made.serve)
            return made

        yield make
