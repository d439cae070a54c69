"""Which worlds there are: algorithm, driver class, store and spacing by name."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from types import MappingProxyType

from rotation_testkit.fault_lab.matrix.plan.faults import OURS, Line
from rotation_testkit.fault_lab.matrix.plan.timeline import Timeline
from rotation_testkit.fault_lab.matrix.worlds.driver_classes import DRIVER_CLASSES, Account
from rotation_testkit.fault_lab.matrix.worlds.lockstep import Lockstep
from rotation_testkit.fault_lab.matrix.worlds.references import REFERENCES
from rotation_testkit.fault_lab.matrix.worlds.rigs import MemoryRig, Rig
from rotation_testkit.fault_lab.matrix.worlds.world import ATTEMPTS, World

SPACINGS = (10, 600)
"""Seconds between the service's attempts: within a lock-out window and minimum age, and beyond them."""


def _aws(clock: Timeline) -> Rig:
    from rotation_testkit.fault_lab.matrix.worlds.rig_aws import (
        AwsRig,  # with botocore, whose model alone takes half a second to read
    )

    return AwsRig(clock)


def _vault(clock: Timeline) -> Rig:
    from rotation_testkit.fault_lab.matrix.worlds.rig_vault import (
        VaultRig,  # with hvac, which the other stores do without
    )

    return VaultRig(clock)


STORES: Mapping[str, Callable[[Timeline], Rig]] = MappingProxyType({"memory": MemoryRig, "aws": _aws, "vault": _vault})
"""By name, what makes the store's rig."""

OWN = "own"
"""How lines call the store of an algorithm that brings its own."""


def lines() -> Iterator[Line]:
    """Yield the clean line of every world of Lockstep's own, those that take longest first."""
    for store in ("vault", "aws", "memory"):
        for driver in sorted(DRIVER_CLASSES, key=("admin_vm", "admin_task").__contains__, reverse=True):
            for spacing in SPACINGS:
                yield Line(OURS, driver, store, spacing)


def one_attempt_lines() -> Iterator[Line]:
    """Yield one line of every driver class and store, for runs in which the spacing plays no part."""
    return (line for line in lines() if line.spacing == SPACINGS[0])


def reference_lines() -> Iterator[Line]:
    """Yield the clean line of every world of a reference algorithm."""
    for algorithm in REFERENCES:
        for driver, kind in DRIVER_CLASSES.items():
            if "power" not in kind.vendor:
                for spacing in SPACINGS:
                    yield Line(algorithm, driver, OWN, spacing)


def make(line: Line, *, attempts: int = ATTEMPTS) -> World:
    """Return the world that a line names, at its beginning.

    Args:
        line: the name.
        attempts: after how many the service gives up.

    Raises:
        KeyError: there is no such driver class, store or algorithm.
    """
    clock = Timeline()
    account = Account(DRIVER_CLASSES[line.driver], clock)
    reference = REFERENCES.get(line.algorithm)
    if reference is not None:
        return World(clock, account, reference(), float(line.spacing), attempts)
    return World(clock, account, Lockstep(STORES[line.store](clock)), float(line.spacing), attempts)
