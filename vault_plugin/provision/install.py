"""Bring a server to the desired state of the declarative file; a second run changes nothing.

The order is: catalog, mount, password policies, roles to remove, connections, roles. Each thing is read first and
written only if it differs, and each yields one step. What fails does not stop what does not need it. Example, after
the period of one role was edited in the file and another role was taken out of it:

    plugin lockstep: unchanged
    secrets engine database: unchanged
    password policy lockstep-ucloud_compshare-container: unchanged
    connection compshare: written
    role gpu-1: changed
    role gpu-2: kept

The file decides every key of its connections: what it does not say goes back to its default. Roles are different,
since readers depend on them: one that the file does not name stays until ``prune`` names it.

A connection with an admin credential is always ``written``: the server does not show the credential, so it cannot be
compared. Writing a connection also moves it to the registered plug-in (OpenBao 2.7.2, measured 2026-11-30).
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from rotation.core.errors import ConfigError, RotationError, StoreDenied, StoreError, StoreUnavailable, Withheld
from rotation.core.secret import Secret
from rotation.policy.render import to_hcl
from vault_plugin.database import VERSION
from vault_plugin.database.connection import SEALED, Connection
from vault_plugin.database.role import account_of
from vault_plugin.provision.declaration import DesiredState, Role
from vault_plugin.provision.server import Server, ServerBusyError

_CATALOG = (
    "The token may not write the plug-in catalog, or the namespace has none. Let its owner register this file and "
    "version, then set `register = false` in [plugin]."
)
_OTHER = (
    "A role does not change its account: until its next rotation readers would get the former account's password. "
    "Give this account a role of another name, and remove the former role with `--prune` once nothing reads it."
)


@dataclass(frozen=True, slots=True)
class InstallStep:
    """One thing that was compared.

    Attributes:
        what: its kind.
        name: its name on the server.
        outcome: ``created``, ``changed``, ``written``, ``moved`` (to this plug-in), ``removed``, ``kept``,
            ``unchanged`` or ``failed``.
        why: what differs, or what failed.
        hint: the next step for a human, after a failure.
        done: whether the outcome is there; otherwise it is planned (``--dry-run``).
    """

    what: str
    name: str
    outcome: str
    why: str = ""
    hint: str = ""
    done: bool = True


@dataclass(frozen=True, slots=True)
class _Change:
    """A step that was found to be needed, and the writes that make it."""

    outcome: str
    why: str = ""
    work: Callable[[], None] = lambda: None


@dataclass(frozen=True, slots=True)
class _Part:
    """One thing to compare: ``look`` reads it; ``needs`` names the parts without which it cannot be installed."""

    what: str
    name: str
    look: Callable[[], _Change | None]
    needs: tuple[tuple[str, str], ...] = ()


def install(
    server: Server, desired: DesiredState, *, prune: tuple[str, ...] = (), dry_run: bool = False
) -> Iterator[InstallStep]:
    """Install everything and yield each step when it is done; with ``dry_run`` only say what would be done.

    The server rotates the account of a new role at once.

    Args:
        server: with the operator's token.
        desired: what shall be installed.
        prune: the roles to remove from the server; the file must not name them.
        dry_run: whether to read only.

    Raises:
        ConfigError: a role to remove is in the file.
        StoreUnavailable: the server does not answer. What is done stays; run the installation again.
    """
    wanted = [name for name in prune if name in desired.roles]
    if wanted:
        raise ConfigError(
            f"the file has the roles to remove: {', '.join(wanted)}", hint="First remove the role from the file."
        )
    failed: set[tuple[str, str]] = set()
    for part in _Installation(server, desired, prune).parts():
        step = _step(part, failed, dry_run=dry_run)
        if step is not None:
            yield step
            if step.outcome == "failed":
                failed.add((part.what, part.name))


def policy_name(role: Role) -> str:
    """Return the name of the role's password policy on the server."""
    return f"lockstep-{role.policy.name.replace('/', '-')}"


def role_path(desired: DesiredState, role: str) -> str:
    """Return the path of a role on the server."""
    return f"{desired.plugin.mount}/static-roles/{role}"


def _step(part: _Part, failed: set[tuple[str, str]], *, dry_run: bool) -> InstallStep | None:
    lacking = [f"{what} {name}" for what, name in part.needs if (what, name) in failed]
    if lacking:
        return InstallStep(part.what, part.name, "failed", f"needs {', '.join(lacking)}", done=not dry_run)
    try:
        change = part.look()
        if change is None:
            return None
        if not dry_run:
            change.work()
    except ServerBusyError as error:
        return InstallStep(part.what, part.name, "failed", error.headline, error.hint, not dry_run)
    except StoreUnavailable:
        raise
    except RotationError as error:
        return InstallStep(part.what, part.name, "failed", error.headline, error.hint, not dry_run)
    return InstallStep(part.what, part.name, change.outcome, change.why, done=not dry_run)


@dataclass(slots=True)
class _Installation:
    """One run; it notes whether the registered file changed, and which roles outside of the file the server has."""

    server: Server
    desired: DesiredState
    prune: tuple[str, ...]
    _moves: bool = False
    _others: dict[str, Mapping[str, Any]] = field(default_factory=dict)

    def parts(self) -> Iterator[_Part]:
        desired = self.desired
        plugin, engine = ("plugin", desired.plugin.name), ("secrets engine", desired.plugin.mount)
        if desired.plugin.register:
            yield _Part(*plugin, self._plugin)
        yield _Part(*engine, self._engine)
        for name, role in {policy_name(role): role for role in desired.roles.values()}.items():
            yield _Part("password policy", name, partial(self._policy, name, role))
        for name in self.prune:
            yield _Part("role", name, partial(self._pruned, name), (engine,))
        for name, connection in desired.connections.items():
            yield _Part("connection", name, partial(self._connection, name, connection), (plugin, engine))
        if self._moves:
            yield from self._strangers()
        for each in desired.roles.values():
            needs = (plugin, engine, ("password policy", policy_name(each)), ("connection", each.connection))
            yield _Part("role", each.name, partial(self._role, each), needs)
        for name in self._others:
            yield _Part("role", name, partial(_kept, name))

    def _plugin(self) -> _Change:
        plugin = self.desired.plugin
        file = self.desired.file
        body = {"sha256": _sha256(file), "command": file.name, "version": VERSION}
        path = f"sys/plugins/catalog/database/{plugin.name}"
        with Withheld(StoreError, by=lambda error: error.with_hint(_CATALOG)):
            there = self.server.read(f"{path}?version={VERSION}")
        if there is not None and all(there.get(key) == value for key, value in body.items()):
            return _Change("unchanged")
        self._moves = True

        def work() -> None:
            with Withheld(StoreError, by=lambda error: error.with_hint(_CATALOG)):
                self.server.write(path, body)

        return _Change("created" if there is None else "changed", f"version {VERSION}", work)

    def _engine(self) -> _Change:
        plugin = self.desired.plugin
        if f"{plugin.mount}/" in (self.server.read("sys/mounts") or {}):
            return _Change("unchanged")
        options = {"rotation_queue_tick_interval": str(plugin.tick_seconds)} if plugin.tick_seconds else {}
        body = {"type": "database", "options": options}
        return _Change("created", work=partial(self.server.write, f"sys/mounts/{plugin.mount}", body))

    def _policy(self, name: str, role: Role) -> _Change:
        path = f"sys/policies/password/{name}"
        return self._put(path, {"policy": to_hcl(role.policy).text}, self.server.read(path))

    def _pruned(self, name: str) -> _Change:
        path = role_path(self.desired, name)
        there = self.server.read(path)
        if there is None:
            return _Change("unchanged", "the server has no such role")
        if there.get("db_name") not in self.desired.connections:
            raise ConfigError(f"role {name} is of a connection that this file does not have")
        return _Change("removed", work=partial(self.server.delete, path))

    def _connection(self, name: str, connection: Connection) -> _Change:
        mount, plugin = self.desired.plugin.mount, self.desired.plugin.name
        there = self.server.read(f"{mount}/config/{name}")
        kept = connection.stored()
        sealed = kept.pop(SEALED, None)
        now = dict((there or {}).get("connection_details") or {})
        if now.get("driver", kept["driver"]) != kept["driver"]:
            raise ConfigError(
                f"the connection is of driver {now['driver']} on the server, and its roles are that vendor's accounts",
                hint="Give the connection another name in the file.",
            )
        allowed = set((there or {}).get("allowed_roles") or [])
        own = {role.name for role in self.desired.roles.values() if role.connection == name}
        for other in sorted(allowed - {"*"} - set(self.desired.roles) - set(self.prune)):
            found = self.server.read(role_path(self.desired, other))
            if found is not None and found.get("db_name") == name:
                self._others[other] = found
        roles = sorted((allowed - set(self.prune)) | (set() if "*" in allowed else own))
        pinned = (there or {}).get("plugin_name"), (there or {}).get("plugin_version")
        same = now == kept and allowed == set(roles) and pinned == (plugin, VERSION)
        if there is not None and sealed is None and same and not self._moves:
            return _Change("unchanged")
        # An empty value takes a key out: the server merges what is written with what it has.
        body = dict.fromkeys((*now, SEALED), "") | kept | ({SEALED: sealed} if sealed else {})
        body |= {"plugin_name": plugin, "plugin_version": VERSION, "allowed_roles": roles}
        secrets = tuple(Secret(value) for value in connection.admin.values() if isinstance(value, str))
        work = partial(self.server.write, f"{mount}/config/{name}", body, secrets=secrets)
        return _Change("created" if there is None else "written", "" if there is None else _differs(now, kept), work)

    def _strangers(self) -> Iterator[_Part]:
        """Move the mount's other connections whose version names the same file with another sum: none could start."""
        path = f"{self.desired.plugin.mount}/config"
        try:
            names = self.server.list(path)
        except StoreDenied as error:
            denied = error.changed()
            names = ()
            yield _Part("connection", "*", partial(_refused, denied))
        for name in names:
            if name not in self.desired.connections:
                yield _Part("connection", name, partial(self._stranger, name), (("plugin", self.desired.plugin.name),))

    def _stranger(self, name: str) -> _Change | None:
        plugin, path = self.desired.plugin.name, f"{self.desired.plugin.mount}/config/{name}"
        there = self.server.read(path) or {}
        version = there.get("plugin_version")
        if there.get("plugin_name") != plugin or version == VERSION:
            return None
        entry = self.server.read(f"sys/plugins/catalog/database/{plugin}?version={version}") or {}
        if entry.get("command") != self.desired.file.name:
            return None
        body = {"plugin_version": VERSION, "verify_connection": False}
        return _Change("moved", f"from {version}, whose file was replaced", partial(self.server.write, path, body))

    def _role(self, role: Role) -> _Change:
        there = self.server.read(role_path(self.desired, role.name))
        if there is None:
            self._refuse_second(role)
        else:
            self._refuse_other_account(role, there)
        body = {
            "db_name": role.connection,
            "username": role.username,
            "rotation_period": role.period,
            "rotation_statements": list(role.statements),
            "credential_type": "password",
            "credential_config": {"password_policy": policy_name(role)},
        }
        return self._put(role_path(self.desired, role.name), body, there)

    def _refuse_second(self, role: Role) -> None:
        """Raise if a role outside of the file rotates the same account: each would make the other's password dead."""
        for name, there in self._others.items():
            if self._account(role, there) == role.account:
                raise ConfigError(
                    f"role {name}, which is not in the file, rotates the same account",
                    hint=f"Remove the old role in this run: `--prune {name}`. Its readers need the new role's name.",
                )

    def _refuse_other_account(self, role: Role, there: Mapping[str, Any]) -> None:
        if there.get("db_name") != role.connection:
            raise ConfigError(f"on the server the role belongs to connection {there.get('db_name')}", hint=_OTHER)
        account = self._account(role, there)
        if account is not None and account != role.account:
            raise ConfigError("on the server the role is of another account", hint=_OTHER)

    def _account(self, role: Role, there: Mapping[str, Any]) -> tuple[str, ...] | None:
        """Return the account of a role on the server; ``None`` if its options cannot be read by this driver."""
        connection = self.desired.connections[role.connection]
        username, statements = str(there.get("username")), tuple(map(str, there.get("rotation_statements") or ()))
        try:
            return account_of(connection.spec, connection.deployment, username, statements)
        except RotationError:
            return None

    def _put(self, path: str, body: Mapping[str, Any], there: Mapping[str, Any] | None) -> _Change:
        differs = [key for key, value in body.items() if there is None or there.get(key) != value]
        if not differs:
            return _Change("unchanged")
        outcome, why = ("created", "") if there is None else ("changed", ", ".join(differs))
        return _Change(outcome, why, partial(self.server.write, path, body))


def _refused(error: RotationError) -> _Change:
    raise error


def _kept(name: str) -> _Change:
    return _Change("kept", f"not in the file; its readers keep it, and `--prune {name}` removes it")


def _differs(now: Mapping[str, Any], wanted: Mapping[str, Any]) -> str:
    """Return the names of the keys that change, and of those that go back to their default."""
    changed = sorted(key for key, value in wanted.items() if now.get(key) != value)
    default = sorted(set(now) - set(wanted))
    texts = (("changes", changed), ("back to default", default))
    return "; ".join(f"{text}: {', '.join(keys)}" for text, keys in texts if keys)


def _sha256(file: Path) -> str:
    try:
        return hashlib.sha256(file.read_bytes()).hexdigest()
    except OSError as error:
        kind = type(error).__name__
    raise ConfigError(f"the plug-in {file.name} cannot be read ({kind})", hint="Run `lockstep vault plugin build`.")
