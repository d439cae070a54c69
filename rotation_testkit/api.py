"""Everything that the author of a driver or a store imports from the kit.

For a driver: write a ``Simulator`` of the vendor, put an account of it into a ``DriverHarness``, and inherit
``DriverConformance``. For a store: write a ``Backdoor`` and inherit ``StoreConformance``. The example in
``examples/rotation-driver-example`` does the former. ``pytest -p rotation_testkit.canary.plugin`` adds the leak canary.
"""

from __future__ import annotations

from rotation_testkit.canary.spellings import leaks
from rotation_testkit.conformance.driver_harness import DriverHarness
from rotation_testkit.conformance.driver_suite import DriverConformance, overrides
from rotation_testkit.conformance.store_backdoor import BASE, LIVE, Backdoor, Cut
from rotation_testkit.conformance.store_suite import StoreConformance
from rotation_testkit.doubles.vendor_api.call import Access, Call, Captured, Refused, Reply
from rotation_testkit.doubles.vendor_api.faults import Fault, FaultKind, FaultPlan
from rotation_testkit.doubles.vendor_api.reset_simulator import Delays, Limiter, MachineSimulator, ResetSimulator
from rotation_testkit.doubles.vendor_api.simulator import Simulator

__all__ = [
    "BASE",
    "LIVE",
    "Access",
    "Backdoor",
    "Call",
    "Captured",
    "Cut",
    "Delays",
    "DriverConformance",
    "DriverHarness",
    "Fault",
    "FaultKind",
    "FaultPlan",
    "Limiter",
    "MachineSimulator",
    "Refused",
    "Reply",
    "ResetSimulator",
    "Simulator",
    "StoreConformance",
    "leaks",
    "overrides",
]
