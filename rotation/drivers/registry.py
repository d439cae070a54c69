"""Finds drivers and login probes by code, and imports only the one that is asked for."""

from __future__ import annotations

import importlib
import importlib.util
import pkgutil
import re
from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING

from rotation.core.errors import ConfigError, UnknownDriver, Withheld
from rotation.drivers import logins, vendors
from rotation.drivers.contract import DriverSpec
from rotation.drivers.network.login_probe import DEFAULT_TERMS, LoginKind, LoginProbe, LoginTerms
from rotation.policy import PasswordPolicy

if TYPE_CHECKING:
    from importlib.metadata import EntryPoint

GROUP = "lockstep.drivers"
LOGINS = "lockstep.logins"
CODE = re.compile(r"[a-z][a-z0-9_]{1,30}")


def driver_codes(plugins: tuple[str, ...] = ()) -> tuple[str, ...]:
    """Return the codes of all built-in drivers and of those that the named plug-ins bring, sorted.

    Args:
        plugins: outside distributions or driver codes that the deployment trusts.

    Raises:
        ConfigError: a plug-in takes a built-in driver's code, or two take the same.
    """
    # By file and not by entry point: the packed Lambda function has no distribution metadata.
    files = (module.name for module in pkgutil.iter_modules(vendors.__path__))
    return tuple(sorted({*filter(CODE.fullmatch, files), *_outside(plugins)}))


def load_driver(code: str, plugins: tuple[str, ...] = ()) -> DriverSpec:
    """Import one driver. A plug-in that is installed but not named in ``plugins`` is never imported.

    Raises:
        UnknownDriver: no driver of that code is built in or brought by a named plug-in, or it cannot be loaded.
        ConfigError: as in ``driver_codes``.
    """
    if not CODE.fullmatch(code):
        raise UnknownDriver("a driver's code has 2 to 31 lower-case letters, digits and underscores")
    outside = _outside(plugins)
    if _is_built_in(code):
        spec = importlib.import_module(f"{vendors.__name__}.{code}.driver").DRIVER
    elif code in outside:
        with Withheld(Exception, by=lambda error: _unloadable(code, error)):  # a foreign import may fail in any way
            spec = outside[code].load()
    else:
        raise UnknownDriver(f"there is no driver {code}")
    if not isinstance(spec, DriverSpec) or spec.code != code:
        raise UnknownDriver(f"what is registered as driver {code} is no DriverSpec of that code")
    return spec


def vendor_policies() -> Mapping[str, Mapping[str, PasswordPolicy]]:
    """Return the password policies of every built-in driver, by the driver's code and by variant."""
    return {code: load_driver(code).policies for code in driver_codes()}


def login_kinds(plugins: tuple[str, ...] = ()) -> tuple[str, ...]:
    """Return the names of all login probes, built in or brought by named plug-ins, sorted."""
    files = (module.name for module in pkgutil.iter_modules(logins.__path__))
    return tuple(sorted({*filter(CODE.fullmatch, files), *_outside(plugins, LOGINS, logins.__name__)}))


def login_kind(kind: str, plugins: tuple[str, ...] = ()) -> LoginKind:
    """Import one login probe's record; the libraries that a login needs are not imported.

    Raises:
        ConfigError: no login probe of that name is built in or brought by a named plug-in, or it cannot be loaded.
    """
    found: object = None
    if CODE.fullmatch(kind):
        if _is_built_in(kind, logins.__name__):
            found = importlib.import_module(f"{logins.__name__}.{kind}").LOGIN
        elif (point := _outside(plugins, LOGINS, logins.__name__).get(kind)) is not None:
            with Withheld(Exception, by=lambda error: _unloadable(kind, error)):  # as in load_driver
                found = point.load()
    if not isinstance(found, LoginKind):
        hint = f"Known kinds: {', '.join(login_kinds(plugins))}."
        raise ConfigError("there is no login probe of that kind", hint=hint)
    return found


def login_probe(
    kind: str,
    *,
    time_left: Callable[[], float],
    terms: LoginTerms = DEFAULT_TERMS,
    plugins: tuple[str, ...] = (),
) -> LoginProbe:
    """Return a shared login probe.

    Args:
        kind: one of ``DriverSpec.login_probes``.
        time_left: seconds until the process may end.
        terms: how the deployment wants logins to be made.
        plugins: outside distributions that the deployment trusts.

    Raises:
        ConfigError: as in ``login_kind``.
    """
    return login_kind(kind, plugins).probe(time_left, terms)


def absent(plugins: Iterable[str]) -> tuple[str, ...]:
    """Return the plug-ins that bring nothing: no such distribution or code is installed here."""
    from importlib.metadata import entry_points

    points = [*entry_points(group=GROUP), *entry_points(group=LOGINS)]
    there = {_normal(name) for each in points for name in (each.name, each.dist.name if each.dist else "")}
    return tuple(each for each in plugins if _normal(each) not in there)


def _is_built_in(code: str, package: str = vendors.__name__) -> bool:
    # Looks for one file: listing the folder takes longer than the rest of the binding, and this runs at every call.
    return importlib.util.find_spec(f"{package}.{code}") is not None


def _outside(plugins: Iterable[str], group: str = GROUP, package: str = vendors.__name__) -> dict[str, EntryPoint]:
    named = {_normal(plugin) for plugin in plugins}
    if not named:
        return {}
    from importlib.metadata import entry_points

    found: dict[str, EntryPoint] = {}
    what = "driver" if group == GROUP else "login probe"
    for point in entry_points(group=group):
        distribution = point.dist.name if point.dist else ""
        if named.isdisjoint({_normal(distribution), _normal(point.name)}):
            continue
        if CODE.fullmatch(point.name) and _is_built_in(point.name, package):
            raise ConfigError(f"plug-in {distribution} takes the code {point.name} of a built-in {what}")
        if point.name in found:
            raise ConfigError(f"two plug-ins bring a {what} {point.name}")
        found[point.name] = point
    return found


def _unloadable(code: str, error: Exception) -> UnknownDriver:
    return UnknownDriver(f"the plug-in of {code} cannot be loaded ({type(error).__name__})")


def _normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()
