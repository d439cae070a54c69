"""A session over Secrets Manager for commands that look at one secret, with the deployment's own variables."""

from __future__ import annotations

import os
import time
from collections.abc import Mapping
from typing import TYPE_CHECKING

from rotation.core.clock import Clock, SystemClock
from rotation.core.document import SecretDocument
from rotation.deployment.binder import Binder
from rotation.deployment.deployment import Deployment
from rotation.engine.session import Session
from rotation.state.store import Store
from rotation.stores.aws.secrets_manager import AwsSecretsManager, read_current

if TYPE_CHECKING:
    from mypy_boto3_secretsmanager import SecretsManagerClient

STEP_SECONDS = 120.0
"""A step's time. A killed run's lease lasts as long, so it is a function's time-out rather than a human's patience."""


def over(
    client: SecretsManagerClient, store: Store, token: str, deployment: Deployment, clock: Clock
) -> tuple[Session, Binder]:
    """Return a session of one step's length, and the binder that knows which driver it used."""
    deadline = time.monotonic() + STEP_SECONDS

    def time_left() -> float:
        return deadline - time.monotonic()

    def fetch(name: str) -> SecretDocument:
        return read_current(client, name)

    binder = Binder(deployment=deployment, fetch=fetch, clock=clock, time_left=time_left)
    session = Session(
        store=store, token=token, bind=binder, clock=clock, time_left=time_left, holder=os.urandom(8).hex()
    )
    return session, binder


def on(
    client: SecretsManagerClient, secret_id: str, environment: Mapping[str, str], *, clock: Clock | None = None
) -> Session:
    """Return a session for looking at a secret; it has no token.

    Raises:
        SettingsError: the deployment's variables are wrong.
    """
    clock = clock or SystemClock()
    store = AwsSecretsManager(client, secret_id, clock=clock)
    return over(client, store, "", Deployment.from_environment(environment), clock)[0]
