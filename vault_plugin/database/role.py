"""The options of a role: the account's keys, written as ``key=value`` in the role's ``rotation_statements``."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable
from typing import Any

from rotation.core import settings
from rotation.core.document import ALTERNATE, SecretDocument
from rotation.core.errors import SettingsError
from rotation.core.secret import Secret
from rotation.core.values import Power, PowerWish
from rotation.deployment.binder import COMMON_KEYS
from rotation.deployment.deployment import Deployment
from rotation.drivers.contract import DriverSpec

WHERE = "rotation_statements"


def document(spec: DriverSpec, username: str, password: Secret, statements: Iterable[str]) -> SecretDocument:
    """Return the account document that the engine works with.

    ``power`` is ``running`` unless the role says ``stopped``. A role cannot say ``as_found``: no plug-in notes what it
    found, so a machine that a dead plug-in had stopped would stay off.

    Raises:
        SettingsError: lists all faults, never a value.
    """
    options, faults = _options(statements)
    names = {field.name for field in dataclasses.fields(spec.account)}
    reserved = COMMON_KEYS | {"username"}
    faults += [f"{name} cannot be set by a role" for name in options if name in reserved]
    faults += [f"{name} is not possible: Vault gives a role one username" for name in options if name in _turns(names)]
    known = names | reserved | _turns(names) | {"power"}
    faults += [f"{name!r} is no known setting" for name in options if name not in known]
    power = options.setdefault("power", Power.RUNNING.value)
    if power not in (PowerWish.RUNNING, PowerWish.STOPPED):
        faults.append("power must be running or stopped")
    if faults:
        raise SettingsError(WHERE, tuple(faults))
    own = {**options, "username": username}
    settings.load(spec.account, own, where=WHERE, ignore_unknown=True)
    return SecretDocument({**own, "driver": spec.code, "password": password})


def _turns(names: set[str]) -> set[str]:
    return {f"{ALTERNATE}{name}" for name in names}


def account_of(spec: DriverSpec, deployment: Deployment, username: str, statements: Iterable[str]) -> tuple[str, ...]:
    """Return what tells a role's account from every other at the vendors.

    Raises:
        SettingsError: as ``document``.
    """
    own = document(spec, username, Secret("not a password"), statements)
    account = settings.load(spec.account, {**own, "username": username}, where=WHERE, ignore_unknown=True)
    return identity(spec, deployment, username, account)


def identity(spec: DriverSpec, deployment: Deployment, username: str, account: Any) -> tuple[str, ...]:  # noqa: ANN401 - an instance of the spec's account class
    """Return the identity of a bound account; two connections to one account give the same."""
    names = sorted(field.name for field in dataclasses.fields(account) if field.name not in spec.not_identity)
    return spec.code, deployment.endpoint(spec), username, *(f"{name}={getattr(account, name)}" for name in names)


def _options(statements: Iterable[str]) -> tuple[dict[str, str], list[str]]:
    options: dict[str, str] = {}
    faults: list[str] = []
    for number, statement in enumerate(statements, start=1):
        name, sign, value = statement.partition("=")
        name = name.strip()
        if not sign or not name.isidentifier():
            faults.append(f"statement {number} is not of the form key=value")
        elif name in options:
            faults.append(f"{name} is given twice")
        else:
            options[name] = value.strip()
    return options, faults
