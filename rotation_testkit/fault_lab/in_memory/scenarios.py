"""Scenarios of every class of vendor."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from rotation.core.secret import Secret
from rotation.core.values import Authority, Lockout, Power
from rotation_testkit.fault_lab.in_memory.clock import VirtualClock
from rotation_testkit.fault_lab.in_memory.scenario import Scenario
from rotation_testkit.fault_lab.in_memory.vendor import MemoryVendor
from rotation_testkit.fault_lab.in_memory.vendor_classes import POLICY

OLD = "Old0Password0Old0Pas"
"""The password that works at first."""
OTHER_OLD = "Old0Password0Old0Bob"
"""That of an account which takes turns and is not current at first; no store holds it."""
# Made once: a scenario whose policy says another age than its vendor makes a new one in every invocation.
_PATIENT = replace(POLICY, min_age_seconds=300)
KINDS: Mapping[str, Mapping[str, object]] = {
    "admin": {"authority": Authority.ADMIN},
    "admin-late": {"authority": Authority.ADMIN, "delay_seconds": 30.0},
    "admin-task": {"authority": Authority.ADMIN, "delay_seconds": 45.0, "asynchronous": True},
    "machine": {"authority": Authority.ADMIN, "power": Power.RUNNING},
    "self": {
        "authority": Authority.SELF,
        "min_age_seconds": 300,
        "policy": _PATIENT,
        "history": 5,
        "lockout": Lockout(tries=5, window_seconds=300),
    },
}
"""What ``MemoryVendor`` is made with, by the class of vendor."""


def make_scenario(
    kind: str = "admin",
    *,
    oracle: bool = True,
    cls: type[Scenario] = Scenario,
    **vendor: Any,  # noqa: ANN401 - the vendor's own fields
) -> Scenario:
    """Return a scenario of one class of vendor; keyword arguments go to the vendor."""
    clock = VirtualClock()
    settings: dict[str, Any] = {"policy": POLICY, **KINDS[kind], **vendor}
    made = MemoryVendor(now=clock.now, initial=Secret(OLD), **settings)
    return cls(made, clock, oracle=oracle, propagation_seconds=30 if kind == "admin-late" else 0)


def make_pair(*, oracle: bool = True, **vendor: Any) -> Scenario:  # noqa: ANN401 - the vendors' own fields
    """Return a scenario of two accounts that take turns, ``alice`` and ``bob``; readers have alice first."""
    clock = VirtualClock()
    made = [
        MemoryVendor(now=clock.now, initial=Secret(first), policy=POLICY, username=name, **vendor)
        for name, first in (("alice", OLD), ("bob", OTHER_OLD))
    ]
    return Scenario(made[1], clock, oracle=oracle, other=made[0])
