"""A stand-in for AWS's own rotation template, with the same calls to Secrets Manager in the same order.

It stands for ``SecretsManagerRDSPostgreSQLRotationSingleUser`` of the public repository
``aws-samples/aws-secrets-manager-rotation-lambdas`` (commit 0bd847b, read 2026-11-29), without ``masterarn``. By that
source a clean rotation makes 14 calls, 2 of them writes:

| step | calls |
| --- | --- |
| createSecret | describe, current value, pending value (there is none), random password, **put** |
| setSecret | describe, previous value, current value, pending value; then a login and ``ALTER USER`` |
| testSecret | describe, pending value; then a login |
| finishSecret | describe, describe again, **move AWSCURRENT** |

Each invocation makes a client of its own, as the template does. The code is ours, and so is the stub of the database.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from rotation.core.secret import Secret
from rotation_testkit.doubles.secretsmanager import SecretsManager

if TYPE_CHECKING:
    from mypy_boto3_secretsmanager import SecretsManagerClient


@dataclass(slots=True)
class Database:
    """A stub with one user, whose password changes at once."""

    live: Secret

    def takes(self, password: str | None) -> bool:
        """Tell whether a login works."""
        return password is not None and self.live == Secret(password)


@dataclass(slots=True)
class Template:
    """The stand-in, as a rotation function of a served double."""

    service: SecretsManager
    database: Database

    def __call__(self, event: Mapping[str, object]) -> None:
        """Run one step.

        Raises:
            ValueError: the event's version is not the pending one, or a login failed.
        """
        client = self.service.client()
        secret, token = str(event["SecretId"]), str(event["ClientRequestToken"])
        labels = client.describe_secret(SecretId=secret)["VersionIdsToStages"].get(token, [])
        if "AWSPENDING" not in labels:
            raise ValueError("this version is not the pending one")
        steps = {
            "createSecret": self._create,
            "setSecret": self._set,
            "testSecret": self._test,
            "finishSecret": self._finish,
        }
        steps[str(event["Step"])](client, secret, token)

    def _create(self, client: SecretsManagerClient, secret: str, token: str) -> None:
        document = _value(client, secret, "AWSCURRENT")
        if _value(client, secret, "AWSPENDING", token):
            return
        document["password"] = client.get_random_password(ExcludeCharacters=":/@\"'\\")["RandomPassword"]
        text = json.dumps(document)
        client.put_secret_value(
            SecretId=secret, ClientRequestToken=token, SecretString=text, VersionStages=["AWSPENDING"]
        )

    def _set(self, client: SecretsManagerClient, secret: str, token: str) -> None:
        previous = _value(client, secret, "AWSPREVIOUS")
        current = _value(client, secret, "AWSCURRENT")
        pending = _value(client, secret, "AWSPENDING", token)
        if self.database.takes(pending["password"]):
            return
        if not self.database.takes(current["password"]) and not self.database.takes(previous.get("password")):
            raise ValueError("no stored password opens the database")
        self.database.live = Secret(pending["password"])

    def _test(self, client: SecretsManagerClient, secret: str, token: str) -> None:
        if not self.database.takes(_value(client, secret, "AWSPENDING", token)["password"]):
            raise ValueError("the pending password does not open the database")

    def _finish(self, client: SecretsManagerClient, secret: str, token: str) -> None:
        versions = client.describe_secret(SecretId=secret)["VersionIdsToStages"]
        current = next(version for version, labels in versions.items() if "AWSCURRENT" in labels)
        client.update_secret_version_stage(
            SecretId=secret, VersionStage="AWSCURRENT", MoveToVersionId=token, RemoveFromVersionId=current
        )


def _value(client: SecretsManagerClient, secret: str, stage: str, token: str | None = None) -> dict[str, str]:
    """Return a version's document; an empty one where there is no such version."""
    named = {} if token is None else {"VersionId": token}
    try:
        answer = client.get_secret_value(SecretId=secret, VersionStage=stage, **named)
    except client.exceptions.ResourceNotFoundException:
        return {}
    document: dict[str, str] = json.loads(answer["SecretString"])
    return document
