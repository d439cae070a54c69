"""Bring a server to the desired state of the declarative file; a second run changes nothing.

The order is: catalog, mount, password policies, connections, roles. Each thing is read first and written only if it
differs, and each yields one step. Example, after the period of one role was edited in the file:

    plugin lockstep: unchanged
    secrets engine database: unchanged
    password policy lockstep-ucloud_compshare-container: unchanged
    connection compshare: written
    role gpu-1: changed

A connection with an admin credential is always ``written``: the server does not show the credential, so it cannot be
compared. Writing the same one again changes nothing.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rotation.core.errors import ConfigError
from rotation.core.secret import Secret
from rotation.policy.render import to_hcl
from vault_plugin.database import VERSION
from vault_plugin.database.connection import SEALED, Connection
from vault_plugin.provision.declaration import DesiredState, Role
from vault_plugin.provision.server import Server


@dataclass(frozen=True, slots=True)
class InstallStep:
    """One thing that was compared: ``created``, ``changed``, ``written``, ``restarted`` or ``unchanged``."""

    what: str
    name: str
    outcome: str


def install(server: Server, desired: DesiredState) -> Iterator[InstallStep]:
    """Install everything and yield each step when it is done.

    The server rotates the account of a new role at once.

    Raises:
        RotationError: the first failure. What is done stays; run the installation again.
    """
    yield from _plugin(server, desired)
    for name, text in _policies(desired).items():
        yield _put(server, "password policy", name, f"sys/policies/password/{name}", {"policy": text})
    for name, connection in desired.connections.items():
        yield _connection(server, desired, name, connection)
    for each in desired.roles.values():
        yield _role(server, desired, each)


def policy_name(role: Role) -> str:
    """Return the name of the role's password policy on the server."""
    return f"lockstep-{role.policy.name.replace('/', '-')}"


def role_path(desired: DesiredState, role: Role) -> str:
    """Return the path of the role on the server."""
    return f"{desired.plugin.mount}/static-roles/{role.name}"


def _plugin(server: Server, desired: DesiredState) -> Iterator[InstallStep]:
    plugin = desired.plugin
    body = {"sha256": _sha256(desired.file), "command": desired.file.name, "version": VERSION}
    path = f"sys/plugins/catalog/database/{plugin.name}"
    there = server.read(f"{path}?version={VERSION}")
    same = there is not None and all(there.get(key) == value for key, value in body.items())
    if not same:
        server.write(path, body)
    yield InstallStep("plugin", plugin.name, "unchanged" if same else "created" if there is None else "changed")
    mounts = server.read("sys/mounts") or {}
    mounted = f"{plugin.mount}/" in mounts
    if not mounted:
        options = {"rotation_queue_tick_interval": str(plugin.tick_seconds)} if plugin.tick_seconds else {}
        server.write(f"sys/mounts/{plugin.mount}", {"type": "database", "options": options})
    yield InstallStep("secrets engine", plugin.mount, "unchanged" if mounted else "created")
    if mounted and not same:
        # A running plug-in keeps the old file until its connections are reset.
        for name in desired.connections:
            if server.read(f"{plugin.mount}/config/{name}") is not None:
                server.write(f"{plugin.mount}/reset/{name}", {})
                yield InstallStep("connection", name, "restarted")


def _sha256(file: Path) -> str:
    try:
        return hashlib.sha256(file.read_bytes()).hexdigest()
    except OSError as error:
        kind = type(error).__name__
    raise ConfigError(f"the plug-in {file.name} cannot be read ({kind})", hint="Run `lockstep vault plugin build`.")


def _policies(desired: DesiredState) -> dict[str, str]:
    return {policy_name(role): to_hcl(role.policy).text for role in desired.roles.values()}


def _connection(server: Server, desired: DesiredState, name: str, connection: Connection) -> InstallStep:
    path = f"{desired.plugin.mount}/config/{name}"
    roles = sorted(role.name for role in desired.roles.values() if role.connection == name)
    kept = connection.stored()
    sealed = kept.pop(SEALED, None)
    there = server.read(path)
    if sealed is None and there is not None:
        now = there.get("connection_details", {})
        if (
            now == kept
            and sorted(there.get("allowed_roles", [])) == roles
            and there.get("plugin_name") == desired.plugin.name
        ):
            return InstallStep("connection", name, "unchanged")
    body = {**kept, "plugin_name": desired.plugin.name, "plugin_version": VERSION, "allowed_roles": roles}
    body |= {SEALED: sealed} if sealed else {}
    server.write(path, body, secrets=_secrets(connection))
    return InstallStep("connection", name, "created" if there is None else "written")


def _secrets(connection: Connection) -> tuple[Secret, ...]:
    return tuple(Secret(value) for value in connection.admin.values() if isinstance(value, str))


def _role(server: Server, desired: DesiredState, role: Role) -> InstallStep:
    body = {
        "db_name": role.connection,
        "username": role.username,
        "rotation_period": role.period,
        "rotation_statements": list(role.statements),
        "credential_type": "password",
        "credential_config": {"password_policy": policy_name(role)},
    }
    return _put(server, "role", role.name, role_path(desired, role), body)


def _put(server: Server, what: str, name: str, path: str, body: Mapping[str, Any]) -> InstallStep:
    there = server.read(path)
    if there is not None and all(there.get(key) == value for key, value in body.items()):
        return InstallStep(what, name, "unchanged")
    server.write(path, body)
    return InstallStep(what, name, "created" if there is None else "changed")
