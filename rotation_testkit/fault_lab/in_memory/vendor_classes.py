"""The classes of vendors that the fault machines run over, as data."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

from rotation.core.values import Authority, Evidence, Lockout, Power
from rotation.policy import Charset, PasswordPolicy

_CHARSETS = (
    Charset("lower", "abcdefghijklmnopqrstuvwxyz", min_chars=1),
    Charset("upper", "ABCDEFGHIJKLMNOPQRSTUVWXYZ", min_chars=1),
    Charset("digit", "0123456789", min_chars=1),
)
POLICY = PasswordPolicy(length=20, charsets=_CHARSETS, name="test")
"""The rule of accounts in memory."""
FLEET_POLICIES = tuple(
    PasswordPolicy(length=length, charsets=_CHARSETS, name=f"fleet {length}") for length in (20, 24, 16)
)
"""An account of a fleet starts with the first; each refuses what the others make, so that outcomes never vary."""


@dataclass(frozen=True, slots=True, kw_only=True)
class VendorClass:
    """One class of vendors.

    Attributes:
        title: its description, for the page.
        vendor: arguments of ``MemoryVendor``.
        oracle: whether there is a login call.
        propagation_seconds: what the driver declares.
        accounts: how many one secret holds.
        in_turns: whether a second account takes turns with the first one.
        by_host: whether the login check is a shared probe's, at a host that names its login methods first.
    """

    title: str = ""
    vendor: Mapping[str, Any] = field(default_factory=dict)
    oracle: bool = True
    propagation_seconds: int = 0
    accounts: int = 1
    in_turns: bool = False
    by_host: bool = False

    @property
    def proof(self) -> Evidence:
        """The best evidence there is, which is also the least that is accepted."""
        if self.oracle:
            return Evidence.LOGIN
        return Evidence.READBACK if "readback" in self.vendor else Evidence.ACCEPTED


_LATE = {"delay_seconds": 30.0}
_MACHINE = {"power": Power.RUNNING}
_TASK = {"delay_seconds": 45.0, "asynchronous": True}
_RESTART = {**_MACHINE, "applies_at_start": True}
_STATE = {"delay_seconds": 45.0, "by_state": True}
_READBACK = {"readback": True}
_SELF = {"authority": Authority.SELF, "min_age_seconds": 300, "history": 5, "lockout": Lockout(5, 300)}

MATRIX_CLASSES: Mapping[str, VendorClass] = MappingProxyType(
    {
        "admin": VendorClass(title="an API key resets it at once; login check"),
        "admin_late": VendorClass(
            title="as admin; the password works up to 30 s after the yes", vendor=_LATE, propagation_seconds=30
        ),
        "admin_vm": VendorClass(
            title="as admin; the machine must be stopped for the reset and runs again afterwards", vendor=_MACHINE
        ),
        "admin_restart": VendorClass(
            title="as admin; the password takes effect when the machine starts the next time", vendor=_RESTART
        ),
        "admin_task": VendorClass(title="as admin; the reset is a task of 45 s that is polled", vendor=_TASK),
        "admin_state": VendorClass(
            title="as admin; the reset takes 45 s, has no task, and shows in the target's state", vendor=_STATE
        ),
        "admin_host": VendorClass(
            title="as admin; the login is at a host, which is asked for its login methods before the reset",
            by_host=True,
        ),
        "alternating": VendorClass(
            title="as admin; two accounts take turns, and each rotation resets the one that is not current",
            in_turns=True,
        ),
        "accepted": VendorClass(title="an API key resets it; nothing can be asked afterwards", oracle=False),
        "readback": VendorClass(
            title="an API key resets it; the API returns the stored password, no login check",
            vendor=_READBACK,
            oracle=False,
        ),
        "self": VendorClass(
            title="needs the old password; 5 minutes of minimum age, history, 5 wrong logins lock for 5 minutes",
            vendor=_SELF,
        ),
    }
)
"""Those of the fault matrix."""

FLEET_CLASSES: Mapping[str, VendorClass] = MappingProxyType(
    {
        "admin": VendorClass(),
        "admin-late": VendorClass(vendor=_LATE, propagation_seconds=30),
        "admin-lockout": VendorClass(vendor={"lockout": Lockout(3, 900), "history": 3}),
        "machine": VendorClass(vendor=_MACHINE),
        "machine-accepted": VendorClass(vendor=_MACHINE, oracle=False),
        "task": VendorClass(vendor=_TASK),
        "task-accepted": VendorClass(vendor=_TASK, oracle=False),
        "accepted": VendorClass(oracle=False),
        "readback": VendorClass(vendor=_READBACK, oracle=False),
        "self": VendorClass(vendor=_SELF),
        "self-late": VendorClass(vendor={**_SELF, "delay_seconds": 10.0, "min_age_seconds": 0}, propagation_seconds=10),
        "self-strict": VendorClass(
            vendor={**_SELF, "min_age_seconds": 3600, "history": 12, "lockout": Lockout(3, 900)}
        ),
        "restart": VendorClass(vendor=_RESTART),
        "by-state": VendorClass(vendor=_STATE),
        "turns": VendorClass(vendor={"lockout": Lockout(3, 900)}, in_turns=True),
        "batch": VendorClass(vendor={"lockout": Lockout(3, 900)}, accounts=3),
        "batch-task": VendorClass(vendor=_TASK, accounts=2),
        "batch-self": VendorClass(vendor=_SELF, accounts=2),
    }
)
"""Those of the random fleets. The order is part of what a seed means."""
