"""Huawei RDS's account in the sandbox: one of a PostgreSQL instance."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager

from rotation_testkit.doubles.hosts.postgresql import PostgreSqlHost
from rotation_testkit.doubles.vendors.huawei_rds.simulator import PROJECT, HuaweiRds
from rotation_testkit.sandbox.databases import database_account
from rotation_testkit.sandbox.vendors import ServedVendor, first_password

CODE = "huawei_rds"
ACCOUNTS = (CODE,)
INSTANCE = "ed7cc6166ec24360a5ed5c5c9c2ed726in03"


@contextmanager
def serve(clock: Callable[[], float], keys: tuple[str, ...]) -> Iterator[ServedVendor]:
    """Serve RDS with an instance whose server takes logins."""
    simulator = HuaweiRds(clock=clock)
    key = simulator.credentials
    admin = {"access_key": key.key_id, "secret_key": key.secret.reveal()}
    place = {"driver": CODE, "project_id": PROJECT, "instance_id": INSTANCE}
    with ExitStack() as stack:
        vendor = ServedVendor(simulator=simulator, endpoint=stack.enter_context(simulator.serve()), admin=admin)
        for name in keys:
            instance = simulator.add_instance(INSTANCE)
            account = instance.add("robot", first_password(CODE, "postgresql"))
            vendor.accounts[name] = database_account(stack, instance, account, PostgreSqlHost, place)
        yield vendor
