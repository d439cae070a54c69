"""Settings of the rotation job from the environment: address, namespace and mount of the server, and the login.

The variables have Vault's own names where Vault has one. ``BAO_*`` overrides ``VAULT_*``, as OpenBao does it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from rotation.core import settings
from rotation.core.errors import SettingsError
from rotation.core.secret import Secret

_METHODS = ("token", "approle", "kubernetes")
_JWT = "/var/run/secrets/kubernetes.io/serviceaccount/token"
_LETTERS = settings.matches(
    r"[A-Za-z0-9_.-]{1,64}(?:/[A-Za-z0-9_.-]{1,64})*", "must be a path of letters, digits and -_."
)


def _name_problem(text: str) -> str | None:
    return _LETTERS(text) or settings.path_problem(text)


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
    mount: str = "secret"
    namespace: str | None = None
    method: str = "token"
    login_mount: str = ""
    role: str = ""
    proof: Secret = field(default_factory=lambda: Secret(""))
    jwt_file: str = _JWT
    ca_file: str | None = None

    @classmethod
    def from_environment(cls, environment: Mapping[str, str]) -> VaultSettings:
        """Read ``VAULT_*``, ``BAO_*`` and ``LOCKSTEP_VAULT_*``.

        Raises:
            SettingsError: lists every fault at once.
        """
        faults: list[str] = []

        def found(name: str) -> str:
            return environment.get(f"BAO_{name}") or environment.get(f"VAULT_{name}") or ""

        def own(name: str, default: str = "") -> str:
            return environment.get(f"LOCKSTEP_VAULT_{name}") or default

        def checked(name: str, text: str, problem: str | None) -> str:
            faults.extend([f"{name} {problem}"] if problem else [])
            return text

        method = own("AUTH", "token")
        address = found("ADDR")
        proof = Secret("")
        if method not in _METHODS:
            faults.append(f"LOCKSTEP_VAULT_AUTH must be one of {', '.join(_METHODS)}")
        elif method != "kubernetes":
            name, value = ("TOKEN", found("TOKEN")) if method == "token" else ("SECRET_ID", own("SECRET_ID"))
            proof = _proof(f"LOCKSTEP_VAULT_{name}_FILE", own(f"{name}_FILE"), Secret(value), faults)
        role = {"approle": "ROLE_ID", "kubernetes": "ROLE"}.get(method)
        if role is not None and not own(role):
            faults.append(f"LOCKSTEP_VAULT_{role} is missing")
        checked("VAULT_ADDR", address, settings.base_url(address) if address else "is missing")
        checked("LOCKSTEP_VAULT_MOUNT", own("MOUNT", "secret"), _name_problem(own("MOUNT", "secret")))
        checked("LOCKSTEP_VAULT_AUTH_MOUNT", own("AUTH_MOUNT", "x"), _name_problem(own("AUTH_MOUNT", "x")))
        if faults:
            raise SettingsError("environment", tuple(faults))
        return cls(
            address=address.rstrip("/"),
            mount=own("MOUNT", "secret"),
            namespace=found("NAMESPACE") or None,
            method=method,
            login_mount=own("AUTH_MOUNT", method),
            role=own(role) if role else "",
            proof=proof,
            jwt_file=own("JWT_FILE", _JWT),
            ca_file=found("CACERT") or None,
        )


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
