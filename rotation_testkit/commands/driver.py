"""``driver``: begin a new driver."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from rotation.cli.exit_codes import CommandUsageError
from rotation.cli.output import Json, console, emit, note
from rotation.core.errors import ConfigError
from rotation.drivers.registry import CODE, driver_codes
from rotation_testkit.scaffold.new_driver import planned, write

driver_app = typer.Typer(name="driver", help="Begin a driver for another vendor's product.", no_args_is_help=True)
_CHECKOUT = ("rotation/drivers/vendors", "rotation_testkit/doubles/vendors", "tests/house")
_NEXT = "Each test fails with a sentence that says what to write: docs/write-a-driver.md."


@driver_app.callback()
def _group() -> None:
    """Begin a driver for another vendor's product."""


@driver_app.command("new")
def new(
    code: Annotated[str, typer.Argument(help="The driver's code, such as acme_directory.", metavar="CODE")],
    *,
    family: Annotated[
        str | None,
        typer.Option(
            help="Signing and transport of the vendor, in rotation/drivers/families; a new name begins a new one. By "
            "default the code's first word.",
            metavar="NAME",
        ),
    ] = None,
    package: Annotated[
        Path | None,
        typer.Option(help="A folder for a package of its own, instead of this checkout.", metavar="FOLDER"),
    ] = None,
    as_json: Json = False,
) -> None:
    """Write the files of a new driver into this checkout, or into a package of its own.

    Driver, error codes, password rules, simulator, sample events, page, and tests that fail with a sentence each. No
    file that exists is changed.
    """
    if not CODE.fullmatch(code) or (family is not None and not CODE.fullmatch(family)):
        raise CommandUsageError("a code has 2 to 31 lower-case letters, digits and underscores, a letter first")
    if code in driver_codes():
        raise CommandUsageError(f"there is a driver {code} already", hint="`lockstep drivers` lists them.")
    folder = Path() if package is None else package
    if package is None and not all((folder / each).is_dir() for each in _CHECKOUT):
        hint = "Run it in the top folder of one, or name a folder for a package of its own by --package."
        raise ConfigError("this is no checkout of Lockstep", hint=hint)
    files = planned(code, family or code.partition("_")[0], package=package is not None)
    write(files, folder)
    paths = [str(folder / path) for path in sorted(files)]
    if as_json:
        emit({"code": code, "files": paths})
        return
    for path in paths:
        console().print(path)
    note(_NEXT)
