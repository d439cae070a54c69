"""The account that a document names, before anything is called: its driver, its identity, and where its logins go."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from rotation.drivers.contract import DriverSpec
from rotation.drivers.guarded import Guarded
from rotation.drivers.network.login_settings import normal_pin, pin_fields
from rotation.state.binding import Binding, digest, in_turn


@dataclass(frozen=True, slots=True, kw_only=True)
class Named:
    """One account.

    Attributes:
        account: instance of ``spec.account``.
        pins: by kind of login, the key or certificate by which the host is known; none where it is to be learnt.
        by_host: whether a login at a host proves the password.
        other: the account that takes turns with this one.
    """

    spec: DriverSpec
    account: Any
    username: str
    pins: Mapping[str, str]
    by_host: bool
    other: Named | None = None

    def binding(self) -> Binding:
        """Return what a secret with this account is bound to, and with the one that takes turns with it."""
        own = binding_for(self.spec.code, self.account, self.username, self.pins, self.spec.not_identity)
        return own if self.other is None else in_turn(own, self.other.binding())


def binding_for(
    code: str,
    account: Any,  # noqa: ANN401 - the spec's account class
    username: str,
    pins: Mapping[str, str] | None = None,
    not_identity: frozenset[str] = frozenset(),
) -> Binding:
    """Return the binding of an account.

    Settings with their default values do not count, so that a driver may get a new optional one. For the arguments see
    ``Named`` and ``DriverSpec``.
    """
    fields = {field.name: field for field in dataclasses.fields(account)}
    stated = {name: getattr(account, name) for name in fields}
    stated = {name: value for name, value in stated.items() if value != fields[name].default}
    own = {name: value for name, value in stated.items() if name not in not_identity | {"username"}}
    chosen = not_identity - pin_fields(account).keys()
    return Binding(
        driver=code,
        account=digest({"driver": code, "account": own, "username": username}),
        place=digest({name: value for name, value in stated.items() if name in chosen}),
        pin=digest({kind: normal_pin(kind, pin) for kind, pin in (pins or {}).items()}),
        note="/".join([*map(str, own.values()), username]),
    )


def identity(of: Named | Guarded) -> Mapping[str, object]:
    """Return the fields that tell an account from every other."""
    names = set(of.account.__dataclass_fields__) - of.spec.not_identity
    return {name: getattr(of.account, name) for name in names} | {"username": of.username}
