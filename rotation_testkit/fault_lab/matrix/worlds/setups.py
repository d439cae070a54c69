"""Which worlds there are: algorithm, driver class, store and spacing by name."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import partial
from types import MappingProxyType

from rotation.core.document import SecretDocument
from rotation_testkit.fault_lab.in_memory.clock import VirtualClock
from rotation_testkit.fault_lab.in_memory.vendor_classes import MATRIX_CLASSES
from rotation_testkit.fault_lab.matrix.plan import OURS, Line
from rotation_testkit.fault_lab.matrix.worlds.account import Account
from rotation_testkit.fault_lab.matrix.worlds.backends import DOCUMENT, IN_TURNS, Backend, MemoryBackend
from rotation_testkit.fault_lab.matrix.worlds.checks import broken_after_a_step, unreadable_now
from rotation_testkit.fault_lab.matrix.worlds.lockstep import Lockstep
from rotation_testkit.fault_lab.matrix.worlds.references import REFERENCES
from rotation_testkit.fault_lab.matrix.worlds.world import ATTEMPTS, World

SPACINGS = (10, 600)
"""Seconds between the service's attempts: within a lock-out window and minimum age, and beyond them."""


def _aws(clock: VirtualClock, document: SecretDocument) -> Backend:
    # with botocore, whose model alone takes half a second to read
    from rotation_testkit.fault_lab.matrix.worlds.aws_backend import AwsBackend

    return AwsBackend(clock, document)


def _vault(clock: VirtualClock, document: SecretDocument) -> Backend:
    # with hvac, which the other stores do without
    from rotation_testkit.fault_lab.matrix.worlds.vault_backend import VaultBackend

    return VaultBackend(clock, document)


STORES: Mapping[str, Callable[[VirtualClock, SecretDocument], Backend]] = MappingProxyType(
    {"memory": MemoryBackend, "aws": _aws, "vault": _vault}
)
"""Makers of each store's backend, by name."""

_SLOW = ("admin_vm", "admin_restart", "admin_task", "admin_state")

OWN = "own"
"""How lines call the store of an algorithm that brings its own."""


def lines() -> Iterator[Line]:
    """Yield the clean line of every world of Lockstep's own, those that take longest first."""
    for store in ("vault", "aws", "memory"):
        for driver in sorted(MATRIX_CLASSES, key=_SLOW.__contains__, reverse=True):
            for spacing in SPACINGS:
                yield Line(OURS, driver, store, spacing)


def one_attempt_lines() -> Iterator[Line]:
    """Yield one line of every driver class and store, for runs in which the spacing plays no part."""
    return (line for line in lines() if line.spacing == SPACINGS[0])


def around_lines() -> Iterator[Line]:
    """Yield one line of every driver class, for pairs of which one fault is of what is around.

    What those show of the engine they show in memory, and the singles show it in the other stores.
    """
    return (line for line in lines() if line.store == "memory" and line.spacing == SPACINGS[1])


def reference_lines() -> Iterator[Line]:
    """Yield the clean line of every world of a reference algorithm."""
    for algorithm in REFERENCES:
        for driver, kind in MATRIX_CLASSES.items():
            if not ({"power", "by_state"} & set(kind.vendor) or kind.in_turns):  # they know none of these
                for spacing in SPACINGS:
                    yield Line(algorithm, driver, OWN, spacing)


def make(line: Line, *, attempts: int = ATTEMPTS, early: bool = False) -> World:
    """Return the world that a line names, at its beginning.

    Args:
        line: the name.
        attempts: after how many the service gives up.
        early: whether Lockstep makes a candidate current in the invocation that proved it.

    Raises:
        KeyError: there is no such driver class, store or algorithm.
    """
    clock = VirtualClock()
    account = Account(MATRIX_CLASSES[line.driver], clock)
    reference = REFERENCES.get(line.algorithm)
    if reference is not None:
        return World(clock, account, reference(), unreadable_now, float(line.spacing), attempts)
    document = IN_TURNS if account.other is not None else DOCUMENT
    ours = Lockstep(STORES[line.store](clock, document), early=early)
    return World(clock, account, ours, partial(broken_after_a_step, ours), float(line.spacing), attempts)
