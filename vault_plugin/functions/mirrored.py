"""AWS Lambda entry of a rotation function that mirrors its proved values to Vault.

``rotation.handler`` does the rotation. After a finishSecret this module writes the current value to KV with a
check-and-set. A mirror that cannot be written fails the step, so the service repeats it; ``lockstep vault mirror --from
aws`` repairs what is still left. The environment names the server and the login, as for the job.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from rotation import handler
from rotation.core.clock import Clock, SystemClock
from rotation.core.errors import NotEnoughTime, SettingsError
from rotation.core.process.library_logs import silence_libraries
from rotation.core.process.output import write_line
from rotation.core.settings import checked_path
from rotation.core.values import Step
from rotation.deployment.deployment import configured
from rotation.deployment.kv_job import KvJob
from rotation.stores.aws.client import secrets_manager
from rotation.stores.aws.deadline import within
from rotation.stores.aws.rotation_event import RotationEvent
from rotation.stores.aws.secrets_manager import AwsSecretsManager
from rotation.stores.vault_kv import VaultKv
from vault_plugin.functions import failures_logged
from vault_plugin.job.login import Login
from vault_plugin.job.settings import VaultSettings
from vault_plugin.mirror import bring_forward
from vault_plugin.mirror_link import aws_source, require_kv_link

if TYPE_CHECKING:
    from mypy_boto3_secretsmanager import SecretsManagerClient

PREFIX = "LOCKSTEP_VAULT_MIRROR_PREFIX"
SECONDS = 60.0
"""The time of a dozen requests to the server; with less time left none is begun."""


def lambda_handler(event: object, context: handler.LambdaContext) -> dict[str, object]:
    """Serve one invocation by Secrets Manager; return the fields of the log line, as ``rotation.handler`` does.

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
    """Write the mirror after a finishSecret that succeeded, and log one line."""
    silence_libraries()
    parsed = RotationEvent.parse(event)
    if parsed.step is not Step.FINISH:
        return
    line: dict[str, object] = {"service": "lockstep", "request_id": context.aws_request_id}

    def write(fields: Mapping[str, object]) -> None:
        write_line({**line, **fields}, sys.stdout, sys.stderr)

    with failures_logged(write), within(lambda: context.get_remaining_time_in_millis() / 1000):
        line["mirror"] = path_of(parsed.secret_id, environment)
        if context.get_remaining_time_in_millis() < SECONDS * 1000:
            raise NotEnoughTime("too little time is left to write the mirror; the repeated step writes it")
        aws, path = client(), str(line["mirror"])
        source = AwsSecretsManager(aws, parsed.secret_id)
        with Login(VaultSettings.from_environment(environment), clock=clock) as login, login.kv(seconds=SECONDS) as kv:
            require_kv_link(kv, path, aws_source(aws, parsed.secret_id))
            line["written"] = bring_forward(source, VaultKv(kv, path, clock=clock))
    write({})


def path_of(secret_id: str, environment: Mapping[str, str]) -> str:
    """Return the path of a secret's mirror: the secret's name below the folder that the deployment names."""
    folder = KvJob.of(configured(environment)).vault_mirror_prefix.strip("/")
    if not folder:
        raise SettingsError("environment", (f"{PREFIX} is missing",))
    name = secret_id.rpartition(":")[2]
    if secret_id.startswith("arn:"):
        name = name[:-7]  # the service appends a hyphen and six characters
    return f"{folder}/{checked_path(name, what='the name of a secret with a mirror')}"
