"""AWS Lambda entry of a rotation function whose proved values also go to Vault: finishSecret ends when both have it.

Everything is ``rotation.handler``'s; what follows the commit in Secrets Manager is the compare-and-swap in KV. A mirror
that cannot be written fails the step, so that the service repeats it; what even that leaves behind, ``lockstep vault
mirror --from aws`` finds. The server and the login are the environment's, as for the job.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from rotation import handler
from rotation.core.clock import Clock, SystemClock
from rotation.core.errors import InternalError, NotEnoughTime, RotationError, SettingsError
from rotation.core.event import RotationEvent
from rotation.core.values import Step
from rotation.stores.aws.client import secrets_manager
from rotation.stores.aws.secrets_manager import AwsSecretsManager
from rotation.stores.vault_kv import VaultKv
from vault_plugin.job.login import Login
from vault_plugin.job.settings import VaultSettings
from vault_plugin.mirror import bring_forward

if TYPE_CHECKING:
    from mypy_boto3_secretsmanager import SecretsManagerClient

PREFIX = "LOCKSTEP_VAULT_MIRROR_PREFIX"
SECONDS = 60.0
"""A dozen requests to the server; with less time than that none is begun."""


def lambda_handler(event: object, context: handler.LambdaContext) -> dict[str, object]:
    """Serve one invocation by Secrets Manager.

    Returns:
        The log line's fields, as ``rotation.handler``.

    Raises:
        RotationError: the step failed, or the mirror could not be written.
    """
    report = handler.lambda_handler(event, context)
    after(event, context, os.environ, SystemClock(), secrets_manager)
    return report


def after(
    event: object,
    context: handler.LambdaContext,
    environment: Mapping[str, str],
    clock: Clock,
    client: Callable[[], SecretsManagerClient],
) -> None:
    """Bring the mirror forward if this was a finishSecret that has succeeded.

    Args:
        event: the service's.
        context: the runtime's.
        environment: the function's variables.
        clock: everybody's.
        client: makes the AWS client.

    Raises:
        RotationError: the mirror is not known to hold the current value.
    """
    parsed = RotationEvent.parse(event)
    if parsed.step is not Step.FINISH:
        return
    failure: RotationError | None = None
    line: dict[str, object] = {"service": "lockstep", "request_id": context.aws_request_id}
    try:
        line["mirror"] = path_of(parsed.secret_id, environment)
        _raise_if_late(context)
        line["written"] = _bring_forward(parsed.secret_id, environment, clock, client)
    except RotationError as error:
        failure = error
    except Exception as foreign:  # noqa: BLE001 - its text may hold a value, so only its type gets out
        failure = InternalError.of(foreign)
    if failure is None:
        sys.stdout.write(json.dumps(line) + "\n")
        return
    sys.stdout.write(json.dumps(line | {"error": failure.describe()}) + "\n")
    failure.__context__ = failure.__cause__ = None
    raise failure.with_traceback(None)


def path_of(secret_id: str, environment: Mapping[str, str]) -> str:
    """Return where a secret's mirror is: its name below the folder that the deployment names, and nowhere else.

    Raises:
        SettingsError: the deployment names none.
    """
    folder = environment.get(PREFIX, "").strip("/")
    if not folder:
        raise SettingsError("environment", (f"{PREFIX} is missing",))
    name = secret_id.rpartition(":")[2]
    if secret_id.startswith("arn:"):
        name = name[:-7]  # a hyphen and six characters of the service's
    return f"{folder}/{name.strip('/')}"


def _raise_if_late(context: handler.LambdaContext) -> None:
    if context.get_remaining_time_in_millis() < SECONDS * 1000:
        raise NotEnoughTime("too little time is left to write the mirror; the step's repetition does")


def _bring_forward(
    secret_id: str, environment: Mapping[str, str], clock: Clock, client: Callable[[], SecretsManagerClient]
) -> bool:
    source = AwsSecretsManager(client(), secret_id, clock=clock)
    with Login(VaultSettings.from_environment(environment), clock=clock) as login, login.kv(seconds=SECONDS) as kv:
        return bring_forward(source, VaultKv(kv, path_of(secret_id, environment), clock=clock))
