"""A driver whose vendor answers at once, so only server, protocol and engine are measured."""

from __future__ import annotations

import os
import time
from dataclasses import dataclass
from pathlib import Path

from rotation.core.secret import Secret
from rotation.core.settings import setting
from rotation.core.values import Authority, Evidence
from rotation.drivers.contract import DriverSpec, Wiring
from rotation.drivers.vendors.volcengine_cloudidentity.policy import POLICIES


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """The account's own keys."""

    username: str = setting("Name of the account.")


class Instant:
    """Accepts every password."""

    def __init__(self, wiring: Wiring) -> None:
        del wiring

    def set_password(self, account: Account, new: Secret, *, current: Secret | None) -> None:
        """Note when, where that is asked for, and succeed."""
        del account, new, current
        with Path(os.environ.get("BENCH_LOG", os.devnull)).open("a") as log:
            log.write(f"{time.time()}\n")


DRIVER = DriverSpec(
    code="bench_instant",
    name="A vendor that answers at once",
    docs="https://vendor.example",
    authority=Authority.ADMIN,
    evidence=Evidence.ACCEPTED,
    endpoint="https://vendor.example",
    endpoints=("https://vendor.example",),
    account=Account,
    admin=None,
    policies=POLICIES,
    factory=Instant,
    source="invented",
    checked="2026-11-22",
)
