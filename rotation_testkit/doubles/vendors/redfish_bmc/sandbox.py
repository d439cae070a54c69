"""A management controller's account in the sandbox."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rotation_testkit.doubles.vendors.redfish_bmc.simulator import RedfishBmc
from rotation_testkit.sandbox.vendors import SandboxAccount, ServedVendor, first_password

CODE = "redfish_bmc"
ACCOUNTS = (CODE,)
ACCOUNT_ID, NAME = "2", "robot"


@contextmanager
def serve(clock: Callable[[], float], keys: tuple[str, ...]) -> Iterator[ServedVendor]:
    """Serve one controller with an administrator and another account."""
    simulator = RedfishBmc(clock=clock)
    admin = {"username": simulator.admin.username, "password": simulator.admin.password.reveal()}
    with simulator.serve() as endpoint:
        vendor = ServedVendor(simulator=simulator, endpoint=endpoint, admin=admin)
        for name in keys:
            first = first_password(CODE)
            simulator.add_account(ACCOUNT_ID, NAME, first)
            vendor.accounts[name] = SandboxAccount(
                document={"driver": CODE, "username": NAME, "account_id": ACCOUNT_ID, "password": first.reveal()},
                live=lambda: simulator.account(ACCOUNT_ID).password,
                changes=lambda: simulator.account(ACCOUNT_ID).changes,
                wrong_logins=lambda: simulator.account(ACCOUNT_ID).wrong_logins,
            )
        yield vendor
