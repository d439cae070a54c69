"""What the author of a driver needs from the kit, under names that stay.

``DriverConformance`` and its harness are the promises, ``Simulator`` and its words are the vendor to keep them against.
"""

from __future__ import annotations

from rotation_testkit.conformance.driver_harness import DriverHarness, leaks
from rotation_testkit.conformance.driver_suite import DriverConformance, overrides
from rotation_testkit.doubles.vendors.call import Access, Call, Captured, Refused, Reply
from rotation_testkit.doubles.vendors.faults import Fault, FaultKind, FaultPlan
from rotation_testkit.doubles.vendors.simulator import Simulator

__all__ = [
    "Access",
    "Call",
    "Captured",
    "DriverConformance",
    "DriverHarness",
    "Fault",
    "FaultKind",
    "FaultPlan",
    "Refused",
    "Reply",
    "Simulator",
    "leaks",
    "overrides",
]
