"""Compare the stored password of each role with the vendor, through the role's own driver."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from rotation.core.clock import SystemClock
from rotation.core.errors import RotationError, StoreUnavailable
from rotation.core.secret import Secret
from rotation.core.values import Verdict
from rotation.deployment.binder import Binder
from vault_plugin.database.role import document
from vault_plugin.provision.declaration import DesiredState, Role
from vault_plugin.provision.install import role_path
from vault_plugin.provision.server import Server

_SECONDS = 60.0


@dataclass(frozen=True, slots=True, kw_only=True)
class RoleStatus:
    """One role.

    Attributes:
        finding: ``equal``, ``different``, ``unknown``, ``missing`` or ``failed``.
        why: explains the last three.
    """

    role: str
    finding: str
    how: str = ""
    last_rotation: str = ""
    why: str = ""


def role_statuses(server: Server, desired: DesiredState) -> Iterator[RoleStatus]:
    """Compare each role of the file. A role that differs costs one wrong login."""
    for role in desired.roles.values():
        try:
            yield _status(server, desired, role)
        except StoreUnavailable:
            raise
        except RotationError as error:
            yield RoleStatus(role=role.name, finding="failed", why=error.headline)


def _status(server: Server, desired: DesiredState, role: Role) -> RoleStatus:
    if server.read(role_path(desired, role.name)) is None:  # OpenBao refuses to read the password of such a role
        return RoleStatus(role=role.name, finding="missing", why="the server has no such role")
    creds = server.read(f"{desired.plugin.mount}/static-creds/{role.name}")
    if creds is None:
        return RoleStatus(role=role.name, finding="missing", why="the server has no password for the role")
    finding, how, why = _compare(desired, role, Secret(str(creds["password"])))
    last = str(creds.get("last_vault_rotation", ""))
    return RoleStatus(role=role.name, finding=finding, how=how, last_rotation=last, why=why)


def _compare(desired: DesiredState, role: Role, stored: Secret) -> tuple[str, str, str]:
    connection = desired.connections[role.connection]
    binder = Binder(
        deployment=connection.deployment,
        fetch=lambda _: connection.admin,
        clock=SystemClock(),
        time_left=lambda: _SECONDS,
    )
    try:
        bound = binder(document(connection.spec, role.username, stored, role.statements))
        seen = bound.observe()
        if bound.can_ask(seen):
            verdict = bound.verify(stored)
            return ("equal" if verdict is Verdict.ACCEPTED else "different"), "login", ""
        if seen.readback is not None:
            return ("equal" if seen.readback == stored else "different"), "readback", ""
    except RotationError as error:
        return "unknown", "", error.headline
    return "unknown", "", "the vendor offers no way to check a password"
