"""Driver codes from the command line to records and policies."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from functools import wraps
from typing import Annotated, TypeVar

import typer

from rotation.cli.exit_codes import WRONG_USAGE, CommandUsageError
from rotation.cli.output import show_error
from rotation.core.errors import PolicyError, UnknownDriver
from rotation.drivers import registry
from rotation.drivers.contract import DriverSpec
from rotation.policy import PasswordPolicy

Code = Annotated[str, typer.Argument(help="A driver's code; `lockstep drivers` lists them.", metavar="CODE")]
Variant = Annotated[
    str | None,
    typer.Option(help="Which of the driver's policies, such as linux or windows.", metavar="NAME"),
]


Result = TypeVar("Result")


def by_arguments(command: Callable[..., Result]) -> Callable[..., Result | int]:
    """Return a command whose arguments name the driver: one that nobody knows, or a wish against its policy, exits 2.

    Where a deployment or a secret names the driver, the same errors are failures.
    """

    @wraps(command)
    def run(**given: object) -> Result | int:
        try:
            return command(**given)
        except (PolicyError, UnknownDriver) as error:
            if error.hint == PolicyError.default_hint:  # which speaks of deployments
                error.hint = "`lockstep policy CODE` shows what the vendor allows."
            show_error(error, as_json=bool(given["as_json"]))
            return WRONG_USAGE

    return run


def spec(code: str) -> DriverSpec:
    """Return a driver's record, also one of a distribution that LOCKSTEP_PLUGINS names.

    Raises:
        UnknownDriver: there is none.
    """
    return registry.load_driver(code, plugins())


def plugins() -> tuple[str, ...]:
    """Return the distributions whose drivers may be loaded here."""
    return tuple(filter(None, (part.strip() for part in os.environ.get("LOCKSTEP_PLUGINS", "").split(","))))


def policies(code: str) -> Mapping[str, PasswordPolicy]:
    """Return a driver's password policies by variant.

    Raises:
        UnknownDriver: no driver has that code.
    """
    try:
        return spec(code).policies
    except UnknownDriver as unknown:
        known = ", ".join(sorted(registry.driver_codes()))
        failure = UnknownDriver(unknown.message, hint=f"Known codes: {known}.")
    raise failure


def chosen(code: str, variant: str | None) -> tuple[str, PasswordPolicy]:
    """Return one policy and its variant: the named one, or the driver's first.

    Raises:
        CommandUsageError: the driver has no such variant.
        UnknownDriver: no such driver.
    """
    by_variant = policies(code)
    name = next(iter(by_variant)) if variant is None else variant
    if name not in by_variant:
        raise CommandUsageError(
            f"{code} has no policy variant of that name", hint=f"Its variants: {', '.join(by_variant)}."
        )
    return name, by_variant[name]
