"""The link between a mirror and its source, kept on the mirror, where a writer of the source cannot change it.

A mirror names its source: in KV by the custom metadata ``mirror-of`` of the mirror's path, in AWS Secrets Manager by
the tag ``lockstep:mirror-of``. A mirror that Lockstep creates in KV gets the link before its first value. A target
that is there and names no source, or another one, is never written. Example: a writer of ``prod/apps/a`` sets its
``lockstep-mirror`` to ``mirrors/b``, which is the mirror of ``prod/apps/b``. The tag of ``mirrors/b`` says
``vault:secret/prod/apps/b``, so the rotation of ``prod/apps/a`` stops before the vendor is called.
"""

from __future__ import annotations

from collections.abc import Mapping
from shlex import quote
from typing import TYPE_CHECKING, Any, Protocol

from rotation.core.errors import ConfigError
from rotation.deployment.deployment import configured
from rotation.deployment.kv_job import KvJob
from rotation.stores.vault_kv import Kv

if TYPE_CHECKING:
    from mypy_boto3_secretsmanager import SecretsManagerClient

CUSTOM_KEY, TAG_KEY = "mirror-of", "lockstep:mirror-of"
_SHOWN = 300


class MirrorNotLinked(ConfigError):
    """The mirror does not name this source, so it may be another secret's; nothing was written."""

    code = "mirror_not_linked"
    default_hint = "If this is the right mirror, link it to its source by the command that the error shows."


class Annotated(Kv, Protocol):
    """A mount whose custom metadata can be written."""

    def annotate(self, path: str, custom: Mapping[str, str]) -> None:
        """Replace an entry's custom metadata, also before its first version."""
        ...


def vault_source(path: str, environment: Mapping[str, str]) -> str:
    """Return the name of a source in KV, as links have it."""
    namespace = environment.get("BAO_NAMESPACE") or environment.get("VAULT_NAMESPACE") or ""
    mount = KvJob.of(configured(environment)).mount
    return "vault:" + "/".join(part.strip("/") for part in (namespace, mount, path) if part.strip("/"))


def aws_source(client: SecretsManagerClient, secret_id: str) -> str:
    """Return the name of a source in AWS Secrets Manager, as links have it: its ARN."""
    return secret_id if secret_id.startswith("arn:") else str(described(client, secret_id).get("ARN", ""))


def require_aws_link(client: SecretsManagerClient, name: str, source: str) -> None:
    """Raise unless a secret in AWS names this source.

    Raises:
        MirrorNotLinked: it names none, or another one.
        StoreError: the secret cannot be described.
    """
    found = described(client, name).get("Tags") or []
    linked = {str(each.get("Key")): str(each.get("Value")) for each in found}.get(TAG_KEY)
    if linked != source:
        raise _not_linked(
            linked,
            f"The owner of the mirror links it: `aws secretsmanager tag-resource --secret-id {quote(name[:_SHOWN])} "
            f"--tags Key={TAG_KEY},Value={quote(source)}`.",
        )


def require_kv_link(kv: Annotated, path: str, source: str) -> None:
    """Raise unless a path of KV names this source; a path that is not there yet is linked to it.

    Raises:
        MirrorNotLinked: it names none, or another one.
        StoreError: its metadata cannot be read or written.
    """
    entry = kv.read(path)
    custom = None if entry is None else entry.custom
    if custom is None:
        metadata = kv.metadata(path)
        custom = None if metadata is None else metadata.custom
    if custom is None:
        kv.annotate(path, {CUSTOM_KEY: source})
    elif custom.get(CUSTOM_KEY) != source:
        raise _not_linked(
            custom.get(CUSTOM_KEY),
            f"The owner of the mirror links it: `bao kv metadata patch -mount=MOUNT "
            f"-custom-metadata={CUSTOM_KEY}={quote(source)} {quote(path[:_SHOWN])}`.",
        )


def _not_linked(linked: str | None, hint: str) -> MirrorNotLinked:
    why = "names no source" if linked is None else "is the mirror of another secret"
    return MirrorNotLinked(f"the mirror exists and {why}; nothing was written", hint=hint)


def described(client: SecretsManagerClient, secret_id: str) -> Any:  # noqa: ANN401 - the API's answer
    """Return what DescribeSecret says; botocore is loaded only where a mirror is in AWS."""
    from rotation.stores.aws.secrets_manager import described as describe

    return describe(client, secret_id)
