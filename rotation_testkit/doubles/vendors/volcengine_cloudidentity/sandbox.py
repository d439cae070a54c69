"""Cloud Identity's account in the sandbox: a user of the directory."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rotation.core.secret import Secret
from rotation_testkit.doubles.vendors.volcengine_cloudidentity.simulator import VolcengineCloudIdentity
from rotation_testkit.sandbox.vendors import SandboxAccount, ServedVendor, first_password

CODE = "volcengine_cloudidentity"
ACCOUNTS = (CODE,)
USER_ID = "user-demo"


@contextmanager
def serve(clock: Callable[[], float], keys: tuple[str, ...]) -> Iterator[ServedVendor]:
    """Serve Cloud Identity with a user. Its API takes no logins, so there are no wrong ones."""
    simulator = VolcengineCloudIdentity(clock=clock)
    key = simulator.credentials
    admin = {"access_key": key.access_key, "secret_key": key.secret_key.reveal()}
    with simulator.serve() as endpoint:
        vendor = ServedVendor(simulator=simulator, endpoint=endpoint, admin=admin)
        for name in keys:
            first = first_password(CODE)
            simulator.add_user("robot", first, user_id=USER_ID)
            own = {"username": "robot", "user_id": USER_ID, "password": first.reveal()}
            vendor.accounts[name] = SandboxAccount(
                document={"driver": CODE, **own},
                live=lambda: simulator.live_password(USER_ID) or Secret(""),
                changes=lambda: simulator.resets(USER_ID),
                wrong_logins=lambda: 0,
            )
        yield vendor
