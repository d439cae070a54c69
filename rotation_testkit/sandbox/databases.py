"""Accounts of simulated database instances, and the hosts that take their logins."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import ExitStack

from rotation_testkit.doubles.hosts.postgresql import PostgreSqlHost
from rotation_testkit.doubles.vendor_api.database import DatabaseInstance
from rotation_testkit.sandbox.vendors import SandboxAccount, first_password


def database_account(
    stack: ExitStack, instance: DatabaseInstance, code: str, name: str, document: Mapping[str, object]
) -> SandboxAccount:
    """Make an account of a PostgreSQL instance and start its host.

    Args:
        stack: ends the host.
        instance: gets the host's address, and the account.
        code: the driver's.
        name: the account's.
        document: the rest of the account's document.
    """
    first = first_password(code, "postgresql")
    account = instance.add(name, first)
    host = stack.enter_context(PostgreSqlHost(instance.logins))
    instance.host, instance.port = host.host, host.port
    own = {"driver": code, "username": name, "password": first.reveal(), "certificate": host.fingerprint}
    return SandboxAccount(
        document={**own, **document},
        live=lambda: account.password,
        changes=lambda: account.resets,
        wrong_logins=lambda: host.rejected[name],
        host=host,
    )
