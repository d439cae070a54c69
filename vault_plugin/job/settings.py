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


@dataclass(frozen=True, slots=True, kw_only=True)
class VaultSettings:
    """Which server the job uses, and how it logs in.

    Attributes:
        address: the API's base URL.
        namespace: the namespace of mount and login, if any.
        mount: the path of the KV version 2 engine.
        method: ``token``, ``approle`` or ``kubernetes``.
        login_mount: the path of the login method.
        role: the AppRole's role id, or the name of the Kubernetes role.
        proof: the token, or the AppRole's secret id.
        jwt_file: the file with the service account's token.
        ca_file: certificates to trust instead of the system's.
    """

    address: str
    mount: str
    namespace: str | None = None
    method: str
    login_mount: str = ""
    role: str = ""
    proof: Secret = field(default_factory=lambda: Secret(""))
    jwt_file: str = ""
    ca_file: str | None = None

    @classmethod
    def from_environment(cls, environment: Mapping[str, str]) -> VaultSettings:
        """Read ``VAULT_*``, ``BAO_*``, and ``[vault]`` or ``LOCKSTEP_VAULT_*``.

        Raises:
            SettingsError: lists every fault at once.
        """
        configuration = configured(environment)
        job, faults = KvJob.of(configuration), list(configuration.faults)

        def found(name: str) -> str:
            return environment.get(f"BAO_{name}") or environment.get(f"VAULT_{name}") or ""

        address, proof, role = found("ADDR"), Secret(""), ""
        if "vault.auth" in configuration.entries and configuration.of("vault.auth") is None:
            pass  # What the login needs cannot be said while the method is faulty.
        elif job.method == "token":
            proof = _proof("LOCKSTEP_VAULT_TOKEN_FILE", job.token_file, Secret(found("TOKEN")), faults)
        elif job.method == "approle":
            proof = _proof("LOCKSTEP_VAULT_SECRET_ID_FILE", job.secret_id_file, job.secret_id or Secret(""), faults)
            role = _required("LOCKSTEP_VAULT_ROLE_ID", job.role_id, faults)
        else:
            role = _required("LOCKSTEP_VAULT_ROLE", job.role, faults)
        if problem := settings.base_url(address) if address else "is missing":
            faults.append(f"VAULT_ADDR {problem}")
        if faults:
            raise SettingsError(configuration.where, tuple(faults))
        return cls(
            address=address.rstrip("/"),
            mount=job.mount,
            namespace=found("NAMESPACE") or None,
            method=job.method,
            login_mount=job.login_mount or job.method,
            role=role,
            proof=proof,
            jwt_file=job.jwt_file,
            ca_file=found("CACERT") or None,
        )


def _required(name: str, value: str, faults: list[str]) -> str:
    if not value:
        faults.append(f"{name} is missing")
    return value


def _proof(name: str, path: str, value: Secret, faults: list[str]) -> Secret:
    """Return the token or secret id: from the file if one is named, or else from the variable."""
    if not path:
        if not value:
            faults.append(f"{name.removesuffix('_FILE').replace('LOCKSTEP_VAULT_TOKEN', 'VAULT_TOKEN')} is missing")
        return value
    try:
        settings.warn_if_shared(Path(path), name)
        return Secret(Path(path).read_text(encoding="utf-8").strip())
    except (OSError, UnicodeDecodeError):
        faults.append(f"{name} cannot be read")
        return value
