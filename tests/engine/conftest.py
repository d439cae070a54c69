"""Worlds for the engine tests."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from rotation.core.secret import Secret
from rotation.core.values import Authority, Lockout, Power
from rotation.policy import Charset, PasswordPolicy
from rotation_testkit.fault_lab.in_memory.scenario import Scenario, VirtualClock
from rotation_testkit.fault_lab.in_memory.vendor import MemoryVendor

POLICY = PasswordPolicy(
    length=20,
    charsets=(
        Charset("lower", "abcdefghijklmnopqrstuvwxyz", min_chars=1),
        Charset("upper", "ABCDEFGHIJKLMNOPQRSTUVWXYZ", min_chars=1),
        Charset("digit", "0123456789", min_chars=1),
    ),
    name="test",
)
OLD = "Old0Password0Old0Pas"
# Made once: a scenario whose policy says another age than its vendor makes a new one in every invocation.
PATIENT = replace(POLICY, min_age_seconds=300)
KINDS = {
    "admin": {"authority": Authority.ADMIN},
    "admin-late": {"authority": Authority.ADMIN, "delay_seconds": 30.0},
    "admin-task": {"authority": Authority.ADMIN, "delay_seconds": 45.0, "asynchronous": True},
    "machine": {"authority": Authority.ADMIN, "power": Power.RUNNING},
    "self": {
        "authority": Authority.SELF,
        "min_age_seconds": 300,
        "policy": PATIENT,
        "history": 5,
        "lockout": Lockout(tries=5, window_seconds=300),
    },
}


@pytest.fixture
def world() -> Callable[..., Scenario]:
    """Make a scenario of one vendor class; keyword arguments go to the vendor."""

    def make(kind: str = "admin", *, oracle: bool = True, **vendor: object) -> Scenario:
        clock = VirtualClock()
        settings = {"policy": POLICY, **KINDS[kind], **vendor}
        made = MemoryVendor(now=clock.now, initial=Secret(OLD), **settings)
        propagation = 30 if kind == "admin-late" else 0
        return Scenario(made, clock, oracle=oracle, propagation_seconds=propagation)

    return make
