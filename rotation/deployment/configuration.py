"""Reads a deployment's settings from its file and from the variables, which override the file key by key.

All faults are collected, so that they are reported at once; a fault names the setting and never quotes its value. A key
or variable that nobody declared is a fault, with the nearest name that somebody did declare.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from rotation.deployment.setting import PREFIX, Scope, Setting
from rotation.deployment.sources import CONFIG, TEXT, File
from rotation.drivers import registry

FIRST = (DRIVERS, PLUGINS) = ("drivers", "plugins")
"""They say which tables and variables of drivers there may be, so they are read before all others."""
PROVISION_TABLES = frozenset({"plugin", "connections", "roles"})
"""Tables of the same file that `lockstep vault plugin install` reads and checks."""
_LIKE_A_CREDENTIAL = re.compile(
    r"pass(?:word|wd|phrase)|secret|token|credential|(?:private|access|api|app)_?key|key_?id", re.IGNORECASE
)
_SERVICE_LINK = re.compile(
    r"LOCKSTEP_(?:\w+_)?(?:SERVICE_(?:HOST|PORT\w*)=.*|PORT=[a-z]+://.*|PORT_[0-9]+_(?:TCP|UDP|SCTP)\w*=.*)", re.DOTALL
)
"""What Kubernetes sets in every pod beside a Service whose name begins with ``lockstep`` (Services, read 2026-11)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """A setting that is set.

    Attributes:
        setting: which one.
        code: the driver that it is for, if it is in a driver's table.
        value: what it stands for; ``None`` if it is faulty.
        written: the text or TOML value, for people; never a secret.
        origin: the file's name, or the variable.
    """

    setting: Setting
    code: str | None
    value: Any
    written: object = field(repr=False)
    origin: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Configuration:
    """All settings that are set, by their names in the file.

    Attributes:
        file: the name of the file, if there is one.
        entries: the values, by names such as ``driver.acme.endpoint``.
        faults: what is wrong, one sentence each.
        unused: names of settings of drivers that the deployment does not use. They are checked and have no effect.
    """

    file: str | None
    entries: Mapping[str, Entry]
    faults: tuple[str, ...]
    unused: tuple[str, ...]

    @property
    def where(self) -> str:
        """Where the settings stand, for errors."""
        return "environment" if self.file is None else "configuration"

    @property
    def drivers(self) -> tuple[str, ...]:
        """The codes of the drivers that the deployment uses."""
        return tuple(self.of(DRIVERS) or ())

    def of(self, name: str) -> Any:  # noqa: ANN401 - whatever the setting's form returns
        """Return the value of a setting by its name, or ``None``."""
        return self.entries[name].value if name in self.entries else None

    def origin(self, name: str) -> str:
        """Return how faults call a setting that is set: its variable, or its name and the file."""
        entry = self.entries[name]
        return entry.origin if entry.origin == entry.setting.variable(entry.code) else f"{name} in {entry.origin}"

    def value(self, setting: Setting) -> Any:  # noqa: ANN401 - as above
        """Return what is set: one value or ``None``, or for a setting of drivers a mapping by their codes."""
        if setting.scope is Scope.ALL:
            return self.of(setting.name())
        common = self.of(setting.name()) if setting.scope is Scope.BOTH else None
        found = {code: self.of(setting.name(code)) for code in self.drivers}
        values = {code: common if own is None else own for code, own in found.items()}
        return {code: value for code, value in values.items() if value is not None}


def read(settings: Iterable[Setting], environment: Mapping[str, str], file: File | None) -> Configuration:
    """Read the settings that are declared; nothing is raised, ``faults`` has what is wrong."""
    reading = _Reading(tuple(settings), environment, file)
    for key in FIRST:
        reading.read_first(key)
    if file is not None:
        reading.read_file(file)
    reading.read_variables()
    used = reading.drivers()
    return Configuration(
        file=None if file is None else file.name,
        entries=reading.entries,
        faults=tuple(reading.faults),
        unused=tuple(name for name, each in reading.entries.items() if each.code not in (None, *used)),
    )


class _Reading:
    """Settings while they are read."""

    def __init__(self, settings: tuple[Setting, ...], environment: Mapping[str, str], file: File | None) -> None:
        self.entries: dict[str, Entry] = {}
        self.faults: list[str] = []
        self._file = file
        self._variables = {
            name: text for name, text in environment.items() if name.startswith(PREFIX) and name not in (CONFIG, TEXT)
        }
        self._driver_tables = {} if file is None else _table(file.tables.get("driver"))
        self._single = {each.name(): each for each in settings if each.scope is not Scope.DRIVER}
        self._of_driver = {each.key: each for each in settings if each.scope is not Scope.ALL}
        self._tables = {each.table for each in settings if each.table}

    def drivers(self) -> tuple[str, ...]:
        """Return the codes that are named."""
        return self._named(DRIVERS)

    def read_first(self, key: str) -> None:
        """Take one setting from both sources."""
        setting = self._single[key]
        if self._file is not None and key in self._file.tables:
            self._take(self._file, key, setting, None, self._file.tables[key])
        self._take_variable(setting, None, self._variables.pop(setting.variable(), ""))

    def read_file(self, file: File) -> None:
        """Take what the file holds, and note its faults."""
        for key, value in file.tables.items():
            if key in self._tables and isinstance(value, dict):
                self._take_all(file, key, value)
            elif key in self._tables or (key == "driver" and not isinstance(value, dict)):
                self.faults.append(f"{key} in {file.name} must be a table")
            elif key != "driver" and key not in PROVISION_TABLES and key not in FIRST:
                self._take_all(file, "", {key: value})
        for code, table in self._driver_tables.items():
            self._take_table_of_driver(file, code, table)

    def _take_table_of_driver(self, file: File, code: str, table: object) -> None:
        name = f"driver.{code}"
        if not isinstance(table, dict):
            self.faults.append(f"{name} in {file.name} must be a table")
        elif self._is_driver(code):
            for key, value in table.items():
                self._take(file, f"{name}.{key}", self._of_driver.get(key), code, value)
        else:
            near = _nearest(code, registry.driver_codes())
            self.faults.append(f"{name} in {file.name} is the table of no known driver{near}")

    def _take_all(self, file: File, table: str, values: Mapping[str, object]) -> None:
        for key, value in values.items():
            name = f"{table}.{key}" if table else key
            self._take(file, name, self._single.get(name), None, value)

    def _take(self, file: File, name: str, setting: Setting | None, code: str | None, value: object) -> None:
        if setting is None:
            self.faults.append(f"{name} in {file.name} {self._unknown(name, code)}")
        elif setting.secret:
            self.faults.append(f"{name} in {file.name} is a secret; only {setting.variable(code)} may hold it")
        else:
            parsed, faults = setting.form.read_toml(value)
            self._enter(setting, code, parsed, value, file.name)
            self.faults.extend(f"{name} in {file.name} {fault}" for fault in faults)

    def _unknown(self, name: str, code: str | None) -> str:
        key = name.rpartition(".")[2]
        if _LIKE_A_CREDENTIAL.search(key):
            return "looks like a credential, which must not stand here; admin_secret names the secret that holds it"
        known = [*self._single, *PROVISION_TABLES, "driver"]
        known = known if code is None else [each.name(code) for each in self._of_driver.values()]
        return "is no known setting" + _nearest(name, known)

    def read_variables(self) -> None:
        """Take what the variables hold, and note their faults. An empty variable counts as missing."""
        known: dict[str, tuple[Setting, str | None]] = {each.variable(): (each, None) for each in self._single.values()}
        known |= self._variables_of(self.drivers())
        if not known.keys() >= self._variables.keys():
            known |= self._variables_of(each for each in self._idle_codes() if each not in self.drivers())
        for name, text in self._variables.items():
            if name in known:
                self._take_variable(*known[name], text)
            elif not _SERVICE_LINK.fullmatch(f"{name}={text}"):
                self.faults.append(f"{name} is no known variable{_nearest(name, known)}")

    def _variables_of(self, codes: Iterable[str]) -> dict[str, tuple[Setting, str | None]]:
        return {each.variable(code): (each, code) for code in codes for each in self._of_driver.values()}

    def _take_variable(self, setting: Setting, code: str | None, text: str) -> None:
        if text:
            variable = setting.variable(code)
            parsed, faults = setting.form.read_text(text)
            self._enter(setting, code, parsed, text, variable)
            self.faults.extend(f"{variable} {fault}" for fault in faults)

    def _enter(self, setting: Setting, code: str | None, value: object, written: object, origin: str) -> None:
        shown = "(set)" if setting.secret else written
        self.entries[setting.name(code)] = Entry(setting=setting, code=code, value=value, written=shown, origin=origin)

    def _is_driver(self, code: str) -> bool:
        return code in self.drivers() or code in self._idle_codes()

    def _idle_codes(self) -> tuple[str, ...]:
        """Return the codes of drivers that could be used: built in, brought by a plug-in that is named, or in use."""
        return (*self.drivers(), *registry.driver_codes(self._named(PLUGINS)))

    def _named(self, key: str) -> tuple[str, ...]:
        return tuple(self.entries[key].value or ()) if key in self.entries else ()


def _table(value: object) -> Mapping[str, object]:
    return value if isinstance(value, dict) else {}


def _nearest(name: str, known: Iterable[str]) -> str:
    """Return the end of a sentence that names the nearest known name, if there is one."""
    from difflib import get_close_matches  # not needed in a deployment without faults

    near = get_close_matches(name, sorted(known), n=1)
    return f"; the nearest is {near[0]}" if near else ""
