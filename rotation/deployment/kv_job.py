"""What the job over KV, the mirrors and the scheduled function read beside the deployment: the table ``[vault]``.

``vault_plugin.job.settings`` puts it together with the server's own variables (``VAULT_ADDR`` and so on).
"""

from __future__ import annotations

from dataclasses import dataclass

from rotation.core.secret import Secret
from rotation.deployment import forms
from rotation.deployment.configuration import Configuration
from rotation.deployment.setting import declare, declared

_TABLE = "vault"
_JWT = "/var/run/secrets/kubernetes.io/serviceaccount/token"
_PREFIX = forms.ANY_TEXT


@dataclass(frozen=True, slots=True, kw_only=True)
class KvJob:
    """The table ``[vault]``, and the prefix of mirrors in AWS. What is left out is empty, or the default."""

    mount: str = declare(
        "mount",
        forms.PATH,
        "Mount of the KV version 2 engine; the paths of secrets are relative to it.",
        table=_TABLE,
        default="secret",
        otherwise="secret",
        example="secret",
    )
    method: str = declare(
        "auth",
        forms.choice(token="token", approle="approle", kubernetes="kubernetes"),  # noqa: S106 - the name of a method
        "Login method of the job: token, approle or kubernetes.",
        table=_TABLE,
        default="token",
        otherwise="token",
        example="approle",
    )
    login_mount: str = declare(
        "auth_mount",
        forms.PATH,
        "Mount of the login method, if the method is mounted elsewhere.",
        table=_TABLE,
        default="",
        otherwise="the value of auth",
        example="team/approle",
    )
    role_id: str = declare(
        "role_id", forms.ANY_TEXT, "Role id, for approle.", table=_TABLE, default="", otherwise="", example="lockstep"
    )
    secret_id: Secret | None = declare(  # noqa: RUF009 - declares a field
        "secret_id",
        forms.SECRET,
        "Secret id, for approle. Only the variable can hold it; `secret_id_file` is safer.",
        table=_TABLE,
        otherwise="",
        example="",
        secret=True,
    )
    secret_id_file: str = declare(
        "secret_id_file",
        forms.ANY_TEXT,
        "File with the secret id, for approle.",
        table=_TABLE,
        default="",
        otherwise="",
        example="/run/secrets/lockstep-secret-id",
    )
    token_file: str = declare(
        "token_file",
        forms.ANY_TEXT,
        "File with the token, for the method token; it overrides VAULT_TOKEN.",
        table=_TABLE,
        default="",
        otherwise="VAULT_TOKEN",
        example="/run/secrets/vault-token",
    )
    role: str = declare(
        "role",
        forms.ANY_TEXT,
        "Name of the role, for kubernetes.",
        table=_TABLE,
        default="",
        otherwise="",
        example="lockstep",
    )
    jwt_file: str = declare(
        "jwt_file",
        forms.ANY_TEXT,
        "File with the service account's token, for kubernetes.",
        table=_TABLE,
        default=_JWT,
        otherwise="the pod's own",
        example=_JWT,
    )
    prefix: str = declare(
        "prefix",
        _PREFIX,
        "Folder that the scheduled function rotates, if its event names none.",
        table=_TABLE,
        default="",
        otherwise="the whole mount",
        example="prod/apps",
    )
    vault_mirror_prefix: str = declare(
        "mirror_prefix",
        _PREFIX,
        "Folder in KV for the mirrors of secrets that the AWS function rotates.",
        table=_TABLE,
        default="",
        otherwise="no mirrors in KV",
        example="mirror",
    )
    mirror_prefix: str = declare(
        "mirror_prefix",
        _PREFIX,
        "Prefix that the names of mirrors in AWS must have, if the job over KV rotates their secrets.",
        default="",
        otherwise="no mirrors in AWS",
        example="mirrors/",
    )

    @classmethod
    def of(cls, configuration: Configuration) -> KvJob:
        """Return what a configuration says; its faults are the caller's to report."""
        found = {name: configuration.value(setting) for name, setting in declared(cls).items()}
        return cls(**{name: value for name, value in found.items() if value is not None})
