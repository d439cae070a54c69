"""Drivers and policies by the codes that a command line names."""

from __future__ import annotations

import os
from collections.abc import Callable
from functools import wraps
from typing import Annotated, TypeVar

import typer

from rotation.cli.exit_codes import WRONG_USAGE, CommandUsageError
from rotation.cli.output import show_error
from rotation.core.errors import PolicyError, UnknownDriver, Withheld
from rotation.deployment.deployment import configured, wishes_in
from rotation.drivers import registry
from rotation.drivers.contract import DriverSpec
from rotation.policy import PasswordPolicy, PasswordWishes

Code = Annotated[str, typer.Argument(help="A driver's code; `lockstep drivers` lists them.", metavar="CODE")]
Variant = Annotated[
    str | None,
    typer.Option(help="One of the driver's policies, such as linux or windows.", metavar="NAME"),
]

Result = TypeVar("Result")


def by_arguments(command: Callable[..., Result]) -> Callable[..., Result | int]:
    """Return a command that exits 2 for an unknown driver or for options that its policy refuses.

    The command line itself is wrong then; the same errors are failures where a deployment or a secret names the driver.
    """

    @wraps(command)
    def run(**arguments: object) -> Result | int:
        try:
            return command(**arguments)
        except (PolicyError, UnknownDriver) as error:
            about_deployments = error.hint == PolicyError.default_hint
            hint = "`lockstep policy CODE` shows what the vendor allows." if about_deployments else error.hint
            show_error(error.with_hint(hint), as_json=bool(arguments["as_json"]))
            return WRONG_USAGE

    return run


def spec(code: str) -> DriverSpec:
    """Return a driver's record, including one of a distribution that LOCKSTEP_PLUGINS names."""
    known = ", ".join(sorted(registry.driver_codes()))
    with Withheld(UnknownDriver, by=lambda unknown: unknown.with_hint(f"Known codes: {known}.")):
        return registry.load_driver(code, plugins())


def plugins() -> tuple[str, ...]:
    """Return the distributions whose drivers may be loaded here, also where another setting is wrong."""
    return tuple(configured(os.environ).of("plugins") or ())


def wishes_of(code: str) -> PasswordWishes:
    """Return what the deployment here asks of new passwords of a driver, also where another setting is wrong."""
    return wishes_in(configured(os.environ), code)


def policy_of(code: str, variant: str | None) -> tuple[str, PasswordPolicy]:
    """Return the named variant and its policy, or the driver's first one."""
    by_variant = spec(code).policies
    name = next(iter(by_variant)) if variant is None else variant
    if name not in by_variant:
        raise CommandUsageError(
            f"{code} has no policy variant of that name", hint=f"The driver's variants: {', '.join(by_variant)}."
        )
    return name, by_variant[name]
