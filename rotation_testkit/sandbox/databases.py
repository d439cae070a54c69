"""Accounts of simulated database instances, and the hosts that take their logins."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import ExitStack

from rotation_testkit.doubles.hosts.database import DatabaseDoor
from rotation_testkit.doubles.vendor_api.database import DatabaseAccount, DatabaseInstance
from rotation_testkit.sandbox.vendors import SandboxAccount


def database_account(
    stack: ExitStack,
    instance: DatabaseInstance,
    account: DatabaseAccount,
    kind: type[DatabaseDoor],
    document: Mapping[str, object],
) -> SandboxAccount:
    """Start the host that takes the logins of an instance's account.

    Args:
        stack: ends the host.
        instance: gets the host's address.
        account: one of its accounts.
        kind: of host.
        document: the account's document, but for user, password and certificate.
    """
    host = stack.enter_context(kind(instance.logins))
    instance.host, instance.port = host.host, host.port
    own = {"username": account.name, "password": account.password.reveal(), "certificate": host.fingerprint}
    return SandboxAccount(
        document={**document, **own},
        live=lambda: account.password,
        changes=lambda: account.resets,
        wrong_logins=lambda: host.rejected[account.name],
        host=host,
    )
