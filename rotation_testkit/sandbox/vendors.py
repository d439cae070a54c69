"""What the sandbox needs of a simulated vendor, and where it finds each product: ``doubles/vendors/<code>/sandbox.py``.

Such a module has ``ACCOUNTS``, the keys of its accounts, and ``serve``, which serves the vendor with some of them.
"""

from __future__ import annotations

import importlib
import json
import pkgutil
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from typing import Protocol, cast

from rotation.core.document import SecretDocument, documents
from rotation.core.secret import Secret
from rotation.drivers.registry import load_driver
from rotation_testkit.doubles import vendors
from rotation_testkit.doubles.vendor_api.simulator import Simulator


class LoginHost(Protocol):
    """A host that takes logins."""

    @property
    def host(self) -> str:
        """Its address."""

    @property
    def port(self) -> int:
        """The port of the logins."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SandboxAccount:
    """One account at a vendor, or a batch of them.

    Attributes:
        document: the account document with the first password.
        live: returns the password that the account accepts now; of a batch the list of them, as ``password_of`` does.
        changes: returns how many resets took effect.
        wrong_logins: returns how often a wrong password was tried.
        host: the host that takes the account's logins, where there is one.
    """

    document: Mapping[str, object]
    live: Callable[[], Secret]
    changes: Callable[[], int]
    wrong_logins: Callable[[], int]
    host: LoginHost | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ServedVendor:
    """One vendor, being served.

    Attributes:
        endpoint: its base URL.
        admin: the admin credential's document, ``None`` where accounts change their own passwords.
        accounts: its accounts by their keys.
    """

    simulator: Simulator
    endpoint: str
    admin: Mapping[str, str] | None = None
    accounts: dict[str, SandboxAccount] = field(default_factory=dict)


VendorServer = Callable[[Callable[[], float], tuple[str, ...]], AbstractContextManager[ServedVendor]]
"""Serves a vendor with the accounts of these keys, by this clock."""


class SandboxModule(Protocol):
    """What a product's ``sandbox.py`` has.

    Attributes:
        ACCOUNTS: keys of its accounts: the driver's code for the usual one, ``<code>/<kind>`` for each other kind.
        serve: serves the vendor with the accounts of some of these keys.
    """

    ACCOUNTS: tuple[str, ...]
    serve: VendorServer


DRIVERS = tuple(sorted(each.name for each in pkgutil.iter_modules(vendors.__path__) if each.ispkg))
"""The codes of all products with a simulator, each of which is also the key of one account."""


def sandbox_module(code: str) -> SandboxModule:
    """Import what the sandbox needs of one product."""
    return cast("SandboxModule", importlib.import_module(f"{vendors.__name__}.{code}.sandbox"))


def every_account() -> tuple[str, ...]:
    """Return the keys of all accounts, those of a product one after the other; imports every simulator."""
    return tuple(key for code in DRIVERS for key in sandbox_module(code).ACCOUNTS)


def password_of(document: SecretDocument) -> Secret:
    """Return a document's password; of a batch the list of them, as ``SandboxAccount.live`` gives it."""
    devices = documents(document, "devices")
    return Secret(json.dumps([each.password.reveal() for each in devices])) if devices else document.password


def first_password(code: str, variant: str | None = None) -> Secret:
    """Return a new password that fits a policy of the driver, by default its first one."""
    policies = load_driver(code).policies
    return policies[variant or next(iter(policies))].generate()
