"""An IAM user in the sandbox, who changes its own password."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rotation_testkit.doubles.vendors.huawei_iam_user.simulator import DOMAIN, DOMAIN_NAME, HuaweiIam
from rotation_testkit.sandbox.vendors import SandboxAccount, ServedVendor, first_password

CODE = "huawei_iam_user"
ACCOUNTS = (CODE,)
USER, NAME = "2c1c6c54e59141b889c99e6fada5f19f", "robot"


@contextmanager
def serve(clock: Callable[[], float], keys: tuple[str, ...]) -> Iterator[ServedVendor]:
    """Serve IAM with one user."""
    simulator = HuaweiIam(clock=clock)
    place = {"username": NAME, "user_id": USER, "domain_name": DOMAIN_NAME, "domain_id": DOMAIN}
    with simulator.serve() as endpoint:
        vendor = ServedVendor(simulator=simulator, endpoint=endpoint)
        for name in keys:
            first = first_password(CODE)
            simulator.add_user(USER, NAME, first)
            vendor.accounts[name] = SandboxAccount(
                document={"driver": CODE, "password": first.reveal(), **place},
                live=lambda: simulator.user(USER).password,
                changes=lambda: simulator.user(USER).changes,
                wrong_logins=lambda: simulator.user(USER).wrong_logins,
            )
        yield vendor
