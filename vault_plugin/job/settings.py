"""Settings of the rotation job: address, namespace and mount of the server, and the login.

The variables have Vault's own names where Vault has one. ``BAO_*`` overrides ``VAULT_*``, as OpenBao does it. The rest
is the table ``[vault]`` of the configuration, or ``LOCKSTEP_VAULT_*``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from rotation.core import settings
from rotation.core.errors import SettingsError
from rotation.core.secret import Secret
from rotation.deployment.deployment import configured
from rotation.deployment.kv_job import KvJob
from vault_plugin.server_access import UNPRINTABLE, ServerAccess, token, unprintable


@dataclass(frozen=True, slots=True, kw_only=True)
class VaultSettings:
    """Which server the job uses, and how it logs in.

    Attributes:
        server: where the server is, and how it is reached.
        mount: the path of the KV version 2 engine.
        method: ``token``, ``approle`` or ``kubernetes``.
        login_mount: the path of the login method.
        role: the AppRole's role id, or the name of the Kubernetes role.
        proof: the token, or the AppRole's secret id.
        jwt_file: the file with the service account's token.
    """

    server: ServerAccess
    mount: str
    method: str
    login_mount: str = ""
    role: str = ""
    proof: Secret = field(default_factory=lambda: Secret(""))
    jwt_file: str = ""

    @classmethod
    def from_environment(cls, environment: Mapping[str, str]) -> VaultSettings:
        """Read ``VAULT_*``, ``BAO_*``, and ``[vault]`` or ``LOCKSTEP_VAULT_*``.

        Raises:
            SettingsError: lists every fault at once.
        """
        configuration = configured(environment)
        job, faults = KvJob.of(configuration), list(configuration.faults)

        proof, role = Secret(""), ""
        if "vault.auth" in configuration.entries and configuration.of("vault.auth") is None:
            pass  # What the login needs cannot be said while the method is faulty.
        elif job.method == "token" and not job.token_file:
            proof = token(environment, faults)
        elif job.method == "token":
            proof = _read("LOCKSTEP_VAULT_TOKEN_FILE", job.token_file, faults)
        elif job.method == "approle":
            proof = job.secret_id or Secret("")
            if job.secret_id_file:
                proof = _read("LOCKSTEP_VAULT_SECRET_ID_FILE", job.secret_id_file, faults)
            else:
                _required("LOCKSTEP_VAULT_SECRET_ID", proof.reveal(), faults)
            role = _required("LOCKSTEP_VAULT_ROLE_ID", job.role_id, faults)
        else:
            role = _required("LOCKSTEP_VAULT_ROLE", job.role, faults)
        server = ServerAccess.read(environment, faults)
        if faults:
            raise SettingsError(configuration.where, tuple(faults))
        return cls(
            server=server,
            mount=job.mount,
            method=job.method,
            login_mount=job.login_mount or job.method,
            role=role,
            proof=proof,
            jwt_file=job.jwt_file,
        )


def _required(name: str, value: str, faults: list[str]) -> str:
    """Return a value that a header or a path can hold, or note what is wrong with it."""
    if not value or unprintable(value):
        faults.append(f"{name} {UNPRINTABLE if value else 'is missing'}")
    return value


def _read(name: str, path: str, faults: list[str]) -> Secret:
    """Return the token or secret id in a file."""
    try:
        settings.warn_if_shared(Path(path), name)
        found = Path(path).read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError):
        faults.append(f"{name} cannot be read")
        return Secret("")
    return Secret(_required(name, found, faults))
