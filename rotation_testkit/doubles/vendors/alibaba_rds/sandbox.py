"""ApsaraDB RDS's account in the sandbox: one of a PostgreSQL instance."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager

from rotation_testkit.doubles.hosts.postgresql import PostgreSqlHost
from rotation_testkit.doubles.vendors.alibaba_rds.simulator import AlibabaRds
from rotation_testkit.sandbox.databases import database_account
from rotation_testkit.sandbox.vendors import ServedVendor, first_password

CODE = "alibaba_rds"
ACCOUNTS = (CODE,)
INSTANCE = "pgm-demo"


@contextmanager
def serve(clock: Callable[[], float], keys: tuple[str, ...]) -> Iterator[ServedVendor]:
    """Serve RDS with an instance whose server takes logins."""
    simulator = AlibabaRds(clock=clock)
    key = simulator.credentials
    admin = {"access_key_id": key.key_id, "access_key_secret": key.secret.reveal()}
    place = {"driver": CODE, "instance_id": INSTANCE}
    with ExitStack() as stack:
        vendor = ServedVendor(simulator=simulator, endpoint=stack.enter_context(simulator.serve()), admin=admin)
        for name in keys:
            instance = simulator.add_instance(INSTANCE)
            account = instance.add("robot", first_password(CODE, "postgresql"))
            vendor.accounts[name] = database_account(stack, instance, account, PostgreSqlHost, place)
        yield vendor
