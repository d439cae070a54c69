"""Finds drivers and login probes by code, and imports only the one that is asked for."""

from __future__ import annotations

import importlib
import importlib.util
import pkgutil
import re
from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING

from rotation.core.errors import ConfigError, UnknownDriver, Withheld
from rotation.drivers import vendors
from rotation.drivers.contract import DriverSpec
from rotation.drivers.network.login_probe import DEFAULT_TERMS, LoginProbe, LoginTerms
from rotation.policy import PasswordPolicy

if TYPE_CHECKING:
    from importlib.metadata import EntryPoint

GROUP = "lockstep.drivers"
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


def login_probe(kind: str, *, time_left: Callable[[], float], terms: LoginTerms = DEFAULT_TERMS) -> LoginProbe:
    """Return a shared login probe, given one of ``DriverSpec.login_probes`` and the seconds until the process may end.

    Raises:
        ConfigError: there is no such probe.
    """
    if kind == "ssh":
        from rotation.drivers.network.ssh import SshProbe

        return SshProbe(time_left=time_left, terms=terms)
    if kind == "winrm":
        from rotation.drivers.network.winrm import WinRmProbe

        return WinRmProbe(time_left=time_left, terms=terms)
    raise ConfigError("there is no login probe of that kind", hint="Known kinds: ssh, winrm.")


def _is_built_in(code: str) -> bool:
    # Looks for one file: listing the folder takes longer than the rest of the binding, and this runs at every call.
    return importlib.util.find_spec(f"{vendors.__name__}.{code}") is not None


def _outside(plugins: Iterable[str]) -> dict[str, EntryPoint]:
    named = {_normal(plugin) for plugin in plugins}
    if not named:
        return {}
    from importlib.metadata import entry_points

    found: dict[str, EntryPoint] = {}
    for point in entry_points(group=GROUP):
        distribution = point.dist.name if point.dist else ""
        if named.isdisjoint({_normal(distribution), _normal(point.name)}):
            continue
        if CODE.fullmatch(point.name) and _is_built_in(point.name):
            raise ConfigError(f"plug-in {distribution} takes the code {point.name} of a built-in driver")
        if point.name in found:
            raise ConfigError(f"two plug-ins bring a driver {point.name}")
        found[point.name] = point
    return found


def _unloadable(code: str, error: Exception) -> UnknownDriver:
    return UnknownDriver(f"the plug-in of driver {code} cannot be loaded ({type(error).__name__})")


def _normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()
