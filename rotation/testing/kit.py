"""What the author of a driver needs from the kit, under names that stay.

``DriverConformance`` and its harness are the promises, ``Simulator`` and its words are the vendor to keep them against.
"""

from __future__ import annotations

from rotation.testing.driver_harness import DriverHarness, leaks
from rotation.testing.driver_suite import DriverConformance, overrides
from rotation.testing.faults import Fault, FaultKind, FaultPlan
from rotation.testing.simulators._call import Access, Call, Captured, Refused, Reply
from rotation.testing.simulators._web import Simulator

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
