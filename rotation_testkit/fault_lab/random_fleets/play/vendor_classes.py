"""The classes of vendors in a fleet, as data."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from rotation.core.secret import Secret
from rotation.core.values import Authority, Evidence, Lockout, Power
from rotation.policy import Charset, PasswordPolicy
from rotation_testkit.fault_lab.random_fleets.play.vendor import FleetVendor

_CHARSETS = (
    Charset("lower", "abcdefghijklmnopqrstuvwxyz", min_chars=1),
    Charset("upper", "ABCDEFGHIJKLMNOPQRSTUVWXYZ", min_chars=1),
    Charset("digit", "0123456789", min_chars=1),
)
POLICIES = tuple(PasswordPolicy(length=length, charsets=_CHARSETS, name=f"fleet {length}") for length in (20, 24, 16))
"""An account starts with the first; each refuses what the others make, so that outcomes do not hang on chance."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """One class of vendors.

    Attributes:
        vendor: what ``FleetVendor`` is made with.
        oracle: whether there is a login call.
        propagation_seconds: what the driver declares.
        proof: the least evidence accepted, which is also the best there is.
        accounts: how many one secret holds.
    """

    vendor: Mapping[str, Any] = field(default_factory=dict)
    oracle: bool = True
    propagation_seconds: int = 0
    proof: Evidence = Evidence.LOGIN
    accounts: int = 1

    def make(self, now: Callable[[], float], initial: Secret) -> FleetVendor:
        """Return an account's vendor."""
        return FleetVendor(now=now, initial=initial, policy=POLICIES[0], **self.vendor)


_SELF = {"authority": Authority.SELF, "min_age_seconds": 300, "history": 5, "lockout": Lockout(5, 300)}
_TASK = {"delay_seconds": 45.0, "asynchronous": True}

KINDS: Mapping[str, Kind] = {
    "admin": Kind(),
    "admin-late": Kind(vendor={"delay_seconds": 30.0}, propagation_seconds=30),
    "admin-lockout": Kind(vendor={"lockout": Lockout(3, 900), "history": 3}),
    "machine": Kind(vendor={"power": Power.RUNNING}),
    "machine-accepted": Kind(vendor={"power": Power.RUNNING}, oracle=False, proof=Evidence.ACCEPTED),
    "task": Kind(vendor=_TASK),
    "task-accepted": Kind(vendor=_TASK, oracle=False, proof=Evidence.ACCEPTED),
    "accepted": Kind(oracle=False, proof=Evidence.ACCEPTED),
    "readback": Kind(vendor={"readback": True}, oracle=False, proof=Evidence.READBACK),
    "self": Kind(vendor=_SELF),
    "self-late": Kind(vendor={**_SELF, "delay_seconds": 10.0, "min_age_seconds": 0}, propagation_seconds=10),
    "self-strict": Kind(vendor={**_SELF, "min_age_seconds": 3600, "history": 12, "lockout": Lockout(3, 900)}),
    "batch": Kind(vendor={"lockout": Lockout(3, 900)}, accounts=3),
    "batch-task": Kind(vendor=_TASK, accounts=2),
    "batch-self": Kind(vendor=_SELF, accounts=2),
}
