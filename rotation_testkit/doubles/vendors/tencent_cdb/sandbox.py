"""TencentDB's account in the sandbox, of an instance whose server takes logins."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager

from rotation_testkit.doubles.hosts.mysql import MySqlHost
from rotation_testkit.doubles.vendors.tencent_cdb.simulator import REGION, TencentCdb
from rotation_testkit.sandbox.databases import database_account
from rotation_testkit.sandbox.vendors import ServedVendor, first_password

CODE = "tencent_cdb"
ACCOUNTS = (CODE,)
INSTANCE = "cdb-demo"


@contextmanager
def serve(clock: Callable[[], float], keys: tuple[str, ...]) -> Iterator[ServedVendor]:
    """Serve TencentDB with an instance whose server takes logins."""
    simulator = TencentCdb(clock=clock)
    key = simulator.credentials
    admin = {"secret_id": key.secret_id, "secret_key": key.secret_key.reveal()}
    place = {"driver": CODE, "region": REGION, "instance_id": INSTANCE}
    with ExitStack() as stack:
        vendor = ServedVendor(simulator=simulator, endpoint=stack.enter_context(simulator.serve()), admin=admin)
        for name in keys:
            instance = simulator.add_instance(INSTANCE)
            account = simulator.add_account(INSTANCE, "robot", first_password(CODE))
            vendor.accounts[name] = database_account(stack, instance, account, MySqlHost, place)
        yield vendor
