"""The declarative file of ``lockstep vault plugin install``, read as the desired state. It is TOML without secrets.

It is the same ``lockstep.toml`` that the other faces read: a connection takes what it does not say itself from the
table of its driver, ``[driver.ucloud_compshare]``, and from the top of the file. ``LOCKSTEP_*`` variables do not count,
because what the server keeps should follow from the file alone.

[plugin]
file = "lockstep-plugin"          # beside this file; also its name in the server's plug-in folder

[connections.compshare]
driver = "ucloud_compshare"
admin = "compshare-admin.json"    # the admin credential, a JSON object in a file of its own

[roles.gpu-1]
connection = "compshare"
username = "root"
period = 86400
policy = "container"
options = { region = "cn-wlcb", zone = "cn-wlcb-01", uhost_id = "uhost-1", host_key = "ssh-ed25519 AAAA..." }
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from rotation.core import settings
from rotation.core.document import SecretDocument
from rotation.core.errors import ConfigError, SettingsError, Withheld
from rotation.deployment.configuration import Configuration, read
from rotation.deployment.deployment import SETTINGS, Deployment, wishes_in
from rotation.deployment.sources import read as read_file
from rotation.drivers.contract import DriverSpec
from rotation.policy import PasswordPolicy, PasswordWishes
from vault_plugin.database import role
from vault_plugin.database.connection import Connection, Keys, deployment_of, inherited

_NAME = settings.matches(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,62}", "must have 1 to 63 letters, digits, dots, dashes or _")
_SHORTEST = 5
"""Seconds; the servers' own limit."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PluginTable:
    """The table ``[plugin]``."""

    name: str = settings.setting("Name in the catalog.", check=_NAME, default="lockstep")
    file: str = settings.setting(
        "The built plug-in; its file name is also the one in the plug-in folder. Needed unless register is false.",
        default="",
    )
    register: bool = settings.setting(
        "Whether to register the file in the catalog; false if its owner does that, as for a namespace.", default=True
    )
    mount: str = settings.setting("Path of the database secrets engine.", check=_NAME, default="database")
    tick_seconds: int = settings.setting("How often the server's scheduler looks; the server's own when 0.", default=0)


@dataclass(frozen=True, slots=True, kw_only=True)
class RoleTable:
    """A table ``[roles.NAME]``, beside its ``options``."""

    connection: str = settings.setting("Which connection.", check=_NAME)
    username: str = settings.setting("The account's name at the vendor.")
    period: int = settings.setting(
        "Seconds between two rotations.",
        check=lambda text: None if int(text) >= _SHORTEST else f"must be {_SHORTEST} or more",
    )
    policy: str = settings.setting("Variant of the driver's password policy, where it has several.", default="")


@dataclass(frozen=True, slots=True, kw_only=True)
class Role:
    """The desired state of one static role; ``account`` tells its account from every other."""

    name: str
    connection: str
    username: str
    period: int
    policy: PasswordPolicy
    statements: tuple[str, ...]
    account: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class DesiredState:
    """The desired state of plug-in, connections and roles; no connections if the file was read without credentials."""

    plugin: PluginTable
    file: Path
    connections: Mapping[str, Connection]
    roles: Mapping[str, Role]

    def role(self, name: str) -> Role:
        """Return one role."""
        if name not in self.roles:
            raise ConfigError(
                f"the file has no role {name!r}", hint=f"The file has {', '.join(sorted(self.roles)) or 'none'}."
            )
        return self.roles[name]


def load(path: Path, *, credentials: bool = True) -> DesiredState:
    """Read and check a file and, if ``credentials`` is true, the files with the admin credentials.

    Raises:
        ConfigError: lists all faults of a table, never a value.
    """
    with Withheld(SettingsError, by=lambda error: _of_the_file(error, path)):
        return _load(path, credentials=credentials)


def _of_the_file(error: SettingsError, path: Path) -> SettingsError:
    if error.hint != SettingsError.default_hint:
        return error.changed()
    return error.with_hint(f"Correct what is named in {path.name}, and run the same command again.")


def _load(path: Path, *, credentials: bool) -> DesiredState:
    file = read_file(path)
    tables, configuration = file.tables, read(SETTINGS, {}, file)
    if configuration.faults:
        raise SettingsError(path.name, configuration.faults)
    plugin = settings.load(PluginTable, _table(tables, "plugin"), where="[plugin]")
    if plugin.register and not plugin.file:
        raise SettingsError("[plugin]", ("file is missing (the built plug-in)",))
    role_tables = _tables(tables, "roles")
    connections = {
        name: {**_inherited(configuration, table), **table} for name, table in _tables(tables, "connections").items()
    }
    keys = {
        name: settings.load(Keys, _without("admin", table), where=_where("connections", name))
        for name, table in connections.items()
    }
    deployments = {name: deployment_of(each) for name, each in keys.items()}
    specs = {name: deployments[name].load(SecretDocument({"driver": each.driver})) for name, each in keys.items()}
    known = {name: (spec, deployments[name]) for name, spec in specs.items()}
    wishes = partial(wishes_in, configuration)
    roles = {name: _role(name, table, known, wishes) for name, table in role_tables.items()}
    _refuse_two_of_one(roles)
    return DesiredState(
        plugin=plugin,
        file=path.parent / plugin.file,
        connections={
            name: Connection.load({**_admin(name, table, path.parent), **_without("admin", table)})
            for name, table in connections.items()
            if credentials
        },
        roles=roles,
    )


def _inherited(configuration: Configuration, table: Mapping[str, object]) -> dict[str, object]:
    """Return what a connection takes from its driver's table, or else from the top of the file."""
    code, values = str(table.get("driver", "")), {}
    for setting in SETTINGS:
        key = inherited(setting)
        entries = [configuration.entries.get(name) for name in (setting.name(code), setting.name())]
        entry = next(filter(None, entries), None)
        if key is not None and entry is not None and not setting.table:
            written = entry.written
            values[key] = ",".join(written) if isinstance(written, list) else written
    return values


def _table(tables: Mapping[str, object], name: str) -> Mapping[str, object]:
    table = tables.get(name, {})
    if not isinstance(table, dict):
        raise SettingsError(name, ("must be a table",))
    return table


def _tables(tables: Mapping[str, object], name: str) -> dict[str, Mapping[str, object]]:
    found = _table(tables, name)
    return {each: _table(found, each) for each in found}


def _without(key: str, table: Mapping[str, object]) -> dict[str, object]:
    return {name: value for name, value in table.items() if name != key}


def _where(kind: str, name: str) -> str:
    """Return the name of a table for errors, or raise if ``name`` cannot be one."""
    where, problem = f"[{kind}.{name}]", _NAME(name)
    if problem:
        raise SettingsError(where, (f"the name {problem}",))
    return where


def _admin(name: str, table: Mapping[str, object], folder: Path) -> Mapping[str, object]:
    if "admin" not in table:
        return {}
    try:
        settings.warn_if_shared(folder / str(table["admin"]), f"[connections.{name}] admin")
        return SecretDocument.parse((folder / str(table["admin"])).read_text(encoding="utf-8"))
    except OSError as error:
        kind = type(error).__name__
    except ValueError:  # the message would quote what is not UTF-8
        kind = "no text in UTF-8"
    raise ConfigError(
        f"[connections.{name}]: the file with the admin credential cannot be read ({kind})",
        hint="`admin` names a file beside this one with a JSON object in UTF-8, such as the driver's page shows.",
    )


def _role(
    name: str,
    table: Mapping[str, object],
    connections: Mapping[str, tuple[DriverSpec, Deployment]],
    wishes: Callable[[str], PasswordWishes],
) -> Role:
    where = _where("roles", name)
    own = settings.load(RoleTable, _without("options", table), where=where)
    if own.connection not in connections:
        raise SettingsError(where, (f"there is no connection {own.connection!r} in this file",))
    spec, deployment = connections[own.connection]
    statements = tuple(f"{key}={value}" for key, value in sorted(_table(table, "options").items()))
    with Withheld(SettingsError, by=lambda error: SettingsError(f"{where} options", error.faults)):
        account = role.account_of(spec, deployment, own.username, statements)  # the plug-in makes the same check
    return Role(
        name=name,
        connection=own.connection,
        username=own.username,
        period=own.period,
        policy=wishes(spec.code).applied(_policy(spec, own.policy, where)),
        statements=statements,
        account=account,
    )


def _refuse_two_of_one(roles: Mapping[str, Role]) -> None:
    """Raise if two roles name one account: each rotation of one would make the other's password dead."""
    first: dict[tuple[str, ...], str] = {}
    faults = tuple(
        f"[roles.{name}] is the account of [roles.{first[each.account]}]"
        for name, each in roles.items()
        if first.setdefault(each.account, name) != name
    )
    if faults:
        raise SettingsError("[roles]", faults, hint="An account has one role; all its readers read that one.")


def _policy(spec: DriverSpec, variant: str, where: str) -> PasswordPolicy:
    if variant in spec.policies:
        return spec.policies[variant]
    if not variant and len(spec.policies) == 1:
        return next(iter(spec.policies.values()))
    raise SettingsError(where, (f"policy must be one of {', '.join(spec.policies)}",))
