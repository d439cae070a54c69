"""Huawei Meeting's account in the sandbox: one that changes its own password."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rotation_testkit.doubles.vendors.huawei_meeting.simulator import HuaweiMeeting
from rotation_testkit.sandbox.vendors import SandboxAccount, ServedVendor, first_password

CODE = "huawei_meeting"
ACCOUNTS = (CODE,)
MEETING_ACCOUNT = "robot@example.com"


@contextmanager
def serve(clock: Callable[[], float], keys: tuple[str, ...]) -> Iterator[ServedVendor]:
    """Serve Huawei Meeting with an account that changes its own password."""
    simulator = HuaweiMeeting(clock=clock)
    with simulator.serve() as endpoint:
        vendor = ServedVendor(simulator=simulator, endpoint=endpoint)
        for name in keys:
            first = first_password(CODE)
            simulator.add_account(MEETING_ACCOUNT, first)
            vendor.accounts[name] = SandboxAccount(
                document={"driver": CODE, "username": MEETING_ACCOUNT, "password": first.reveal()},
                live=lambda: simulator.live_password(MEETING_ACCOUNT),
                changes=lambda: simulator.changes(MEETING_ACCOUNT),
                wrong_logins=lambda: simulator.wrong_logins(MEETING_ACCOUNT),
            )
        yield vendor
