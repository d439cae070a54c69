"""Brings a server to what the declarative file says; doing it twice changes nothing the second time."""

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
from vault_plugin.provision.declaration import Role, Wanted
from vault_plugin.provision.server import Server


@dataclass(frozen=True, slots=True)
class Deed:
    """One thing that was looked at. ``outcome`` is ``created``, ``changed``, ``written`` or ``unchanged``."""

    what: str
    name: str
    outcome: str


def install(server: Server, wanted: Wanted) -> Iterator[Deed]:
    """Install, and tell each thing as it is done: catalog, mount, password policies, connections, roles.

    Making a role rotates its account at once, by the server's rules.

    Raises:
        RotationError: the first thing that failed. What is done stays; run it again.
    """
    yield from _plugin(server, wanted)
    for name, text in _policies(wanted).items():
        yield _put(server, "password policy", name, f"sys/policies/password/{name}", {"policy": text})
    for name, connection in wanted.connections.items():
        yield _connection(server, wanted, name, connection)
    for each in wanted.roles.values():
        yield _role(server, wanted, each)


def policy_name(role: Role) -> str:
    """Return the name of the role's password policy on the server."""
    return f"lockstep-{role.policy.name.replace('/', '-')}"


def role_path(wanted: Wanted, role: Role) -> str:
    """Return where the role stands on the server."""
    return f"{wanted.plugin.mount}/static-roles/{role.name}"


def _plugin(server: Server, wanted: Wanted) -> Iterator[Deed]:
    plugin = wanted.plugin
    body = {"sha256": _sha256(wanted.file), "command": wanted.file.name, "version": VERSION}
    path = f"sys/plugins/catalog/database/{plugin.name}"
    there = server.read(f"{path}?version={VERSION}")
    same = there is not None and all(there.get(key) == value for key, value in body.items())
    if not same:
        server.write(path, body)
    yield Deed("plugin", plugin.name, "unchanged" if same else "created" if there is None else "changed")
    mounts = server.read("sys/mounts") or {}
    mounted = f"{plugin.mount}/" in mounts
    if not mounted:
        options = {"rotation_queue_tick_interval": str(plugin.tick_seconds)} if plugin.tick_seconds else {}
        server.write(f"sys/mounts/{plugin.mount}", {"type": "database", "options": options})
    yield Deed("secrets engine", plugin.mount, "unchanged" if mounted else "created")
    if mounted and not same:
        # A process that runs already goes on with the old file until its connections are reset.
        for name in wanted.connections:
            if server.read(f"{plugin.mount}/config/{name}") is not None:
                server.write(f"{plugin.mount}/reset/{name}", {})
                yield Deed("connection", name, "restarted")


def _sha256(file: Path) -> str:
    try:
        return hashlib.sha256(file.read_bytes()).hexdigest()
    except OSError as error:
        kind = type(error).__name__
    raise ConfigError(f"the plug-in {file.name} cannot be read ({kind})", hint="Run `lockstep vault plugin build`.")


def _policies(wanted: Wanted) -> dict[str, str]:
    return {policy_name(role): to_hcl(role.policy).text for role in wanted.roles.values()}


def _connection(server: Server, wanted: Wanted, name: str, connection: Connection) -> Deed:
    path = f"{wanted.plugin.mount}/config/{name}"
    roles = sorted(role.name for role in wanted.roles.values() if role.connection == name)
    kept = connection.stored()
    sealed = kept.pop(SEALED, None)
    there = server.read(path)
    if sealed is None and there is not None:
        now = there.get("connection_details", {})
        if (
            now == kept
            and sorted(there.get("allowed_roles", [])) == roles
            and there.get("plugin_name") == wanted.plugin.name
        ):
            return Deed("connection", name, "unchanged")
    body = {**kept, "plugin_name": wanted.plugin.name, "plugin_version": VERSION, "allowed_roles": roles}
    # The secret part cannot be read back to compare it, so it is written each time; that changes nothing.
    body |= {SEALED: sealed} if sealed else {}
    server.write(path, body, secrets=_secrets(connection))
    return Deed("connection", name, "created" if there is None else "written")


def _secrets(connection: Connection) -> tuple[Secret, ...]:
    return tuple(Secret(value) for value in connection.admin.values() if isinstance(value, str))


def _role(server: Server, wanted: Wanted, role: Role) -> Deed:
    body = {
        "db_name": role.connection,
        "username": role.username,
        "rotation_period": role.period,
        "rotation_statements": list(role.statements),
        "credential_type": "password",
        "credential_config": {"password_policy": policy_name(role)},
    }
    return _put(server, "role", role.name, role_path(wanted, role), body)


def _put(server: Server, what: str, name: str, path: str, body: Mapping[str, Any]) -> Deed:
    there = server.read(path)
    if there is not None and all(there.get(key) == value for key, value in body.items()):
        return Deed(what, name, "unchanged")
    server.write(path, body)
    return Deed(what, name, "created" if there is None else "changed")
