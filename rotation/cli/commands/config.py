"""``config``: check the configuration, show where each value comes from, print its JSON Schema."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

import typer

from rotation.cli.exit_codes import DONE, FAILED
from rotation.cli.output import Json, console, emit, show_error, show_table
from rotation.core.errors import SettingsError
from rotation.deployment.configuration import Configuration
from rotation.deployment.deployment import SETTINGS, Deployment, configured
from rotation.deployment.schema import json_schema
from rotation.deployment.setting import Scope, Setting
from rotation.deployment.sources import CONFIG, TEXT
from rotation.drivers import registry

config_app = typer.Typer(
    name="config",
    help="Check and show the configuration. Each LOCKSTEP_* variable overrides one key of lockstep.toml.",
    no_args_is_help=True,
)

File = Annotated[
    Path | None, typer.Option("--file", "-f", help="Read this file instead of the one that a rotation would find.")
]


@config_app.command()
def check(file: File = None, *, as_json: Json = False) -> int:
    """Name every fault of the configuration that a rotation would find. No server is called.

    Unknown keys and variables are faults. The command also checks and names the settings of drivers that are not in
    use.

    Exits 0 without a fault, 1 otherwise.
    """
    configuration = _read(file)
    try:
        faults = Deployment.of(configuration).faults()
    except SettingsError as error:
        faults = error.faults
    if as_json:
        emit({"file": configuration.file, "faults": list(faults), "unused": list(configuration.unused)})
        return FAILED if faults else DONE
    out = console()
    for fault in faults:
        out.print(f"fault: {fault}")
    for name in configuration.unused:
        out.print(f"unused: {name}, because its driver is not among drivers")
    if not faults:
        out.print(f"no fault in {configuration.file or 'the LOCKSTEP_* variables; there is no file'}")
    return FAILED if faults else DONE


@config_app.command()
def show(file: File = None, *, as_json: Json = False) -> int:
    """Show every key with its value and the file or variable that sets it.

    A faulty value is left out. Exits 1 if there is a fault.
    """
    configuration = _read(file)
    rows = list(_rows(configuration))
    if as_json:
        for name, variable, value, origin in rows:
            emit({"key": name, "variable": variable, "value": value, "from": origin})
    else:
        show_table(("key", "value", "from"), [(name, _text(value), origin) for name, _, value, origin in rows])
    if not configuration.faults:
        return DONE
    show_error(SettingsError(configuration.where, configuration.faults), as_json=as_json)
    return FAILED


@config_app.command()
def schema(*, as_json: Json = False) -> None:
    """Print the JSON Schema of lockstep.toml, for editors. With --json the schema is one line."""
    made = json_schema(SETTINGS, registry.driver_codes())
    if as_json:
        emit(made)
    else:
        typer.echo(json.dumps(made, indent=2))


def _read(file: Path | None) -> Configuration:
    if file is None:
        return configured(os.environ)
    return configured({name: text for name, text in os.environ.items() if name != TEXT} | {CONFIG: str(file)})


def _rows(configuration: Configuration) -> Iterator[tuple[str, str, object, str]]:
    """Yield name, variable, value and origin of every setting, for each driver in use where it has one of its own."""
    for setting in SETTINGS:
        if setting.scope is not Scope.DRIVER:
            yield _row(configuration, setting, None)
    for code in configuration.drivers:
        for setting in SETTINGS:
            if setting.scope is not Scope.ALL:
                yield _row(configuration, setting, code)


def _row(configuration: Configuration, setting: Setting, code: str | None) -> tuple[str, str, object, str]:
    name, variable = setting.name(code), setting.variable(code)
    for held in (name, setting.name()) if setting.scope is Scope.BOTH else (name,):
        entry = configuration.entries.get(held)
        if entry is not None and entry.value is not None:
            return name, variable, entry.written, entry.origin
    return name, variable, None, f"default: {setting.otherwise}" if setting.otherwise else "default"


def _text(value: object) -> str:
    if isinstance(value, list):
        return ", ".join(map(str, value))
    return "" if value is None else str(value).lower() if isinstance(value, bool) else str(value)
