"""TencentDB's account in the sandbox. No server stands behind it, so the vendor's yes is the evidence there."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rotation_testkit.doubles.vendors.tencent_cdb.simulator import REGION, TencentCdb
from rotation_testkit.sandbox.vendors import SandboxAccount, ServedVendor, first_password

CODE = "tencent_cdb"
ACCOUNTS = (CODE,)
INSTANCE = "cdb-demo"


@contextmanager
def serve(clock: Callable[[], float], keys: tuple[str, ...]) -> Iterator[ServedVendor]:
    """Serve TencentDB with an instance that has no address."""
    simulator = TencentCdb(clock=clock)
    key, evidence = simulator.credentials, {"MIN_EVIDENCE": "ACCEPTED"}
    admin = {"secret_id": key.secret_id, "secret_key": key.secret_key.reveal()}
    with simulator.serve() as endpoint:
        vendor = ServedVendor(simulator=simulator, endpoint=endpoint, admin=admin, settings=evidence)
        for name in keys:
            simulator.add_instance(INSTANCE).host = ""
            first = first_password(CODE)
            simulator.add_account(INSTANCE, "robot", first)
            place = {"region": REGION, "instance_id": INSTANCE, "username": "robot"}
            vendor.accounts[name] = SandboxAccount(
                document={"driver": CODE, **place, "password": first.reveal()},
                live=lambda: simulator.account(INSTANCE, "robot").password,
                changes=lambda: simulator.account(INSTANCE, "robot").resets,
                wrong_logins=lambda: 0,
            )
        yield vendor
