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
            help="The vendor's family in rotation/drivers/families, which signs and sends its calls; by default the "
            "code's first word. A new name makes a new family.",
            metavar="NAME",
        ),
    ] = None,
    package: Annotated[
        Path | None,
        typer.Option(help="Write a separate package into this folder, not into the checkout.", metavar="FOLDER"),
    ] = None,
    as_json: Json = False,
) -> None:
    """Write the files of a new driver into this checkout, or into a package of its own.

    The files are a driver, error codes, password rules, a simulator, sample events, a page and tests. Each test fails
    at first, and its message says what to write. The command changes no existing file.
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
