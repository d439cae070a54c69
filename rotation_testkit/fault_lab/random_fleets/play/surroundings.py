"""The protocols by which the parts of a fleet see one another, so that none of them holds the whole."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Protocol, TypeAlias

from rotation.core.secret import Secret
from rotation.core.values import Lockout
from rotation_testkit.fault_lab.in_memory.clock import VirtualClock
from rotation_testkit.fault_lab.in_memory.effects import Port
from rotation_testkit.fault_lab.in_memory.vendor_classes import VendorClass
from rotation_testkit.fault_lab.random_fleets.play.secret import FleetSecret
from rotation_testkit.fault_lab.random_fleets.play.vendor import FleetVendor

Action: TypeAlias = Mapping[str, Any]
"""One thing that happens, or one fault, as it stands in a script."""

MOST_SKEW = 8.0
"""Seconds by which one invocation's clock is off at most."""


class Surroundings(Protocol):
    """What a member sees of its fleet.

    Attributes:
        clock: shared by all members.
        trace: what happened, line by line, when wanted.
        started: epoch of the beginning.
        calm_since: epoch after which no outage is under way.
    """

    clock: VirtualClock
    trace: list[str] | None
    started: float
    calm_since: float

    def apply(self, action: Action) -> str:
        """Make one thing happen, and return how it went."""
        ...

    def new_password(self) -> str:
        """Return a password that a human makes up."""
        ...


class AccountView(Protocol):
    """What invocations, monitors and the driver see of a member: its accounts and their secret.

    Attributes:
        name: the member's name, in traces.
        kind_name: the name of its class.
        kind: its class.
        clock: shared by all members.
        vendors: the vendor's side of each account.
        secret: holds a password for each account.
        planted: passwords that an outsider put in the place of a candidate.
        slow_seconds: by how much the change that is being sent is delayed, where it is.
        wrong_logins: those of the run whose effect is under way, each with the account's number and the moment.
    """

    name: str
    kind_name: str
    kind: VendorClass
    clock: VirtualClock
    vendors: list[FleetVendor]
    secret: FleetSecret
    planted: list[Secret]
    slow_seconds: float | None
    wrong_logins: list[tuple[int, float]] | None

    @property
    def lockout(self) -> Lockout:
        """The lock-out rule that the engine goes by."""
        ...

    def is_down(self, port: Port) -> bool:
        """Return whether an outage makes such an effect impossible now."""
        ...

    def interfere(self, action: Action) -> None:
        """Make something happen in the middle of a run."""
        ...

    def tell(self, text: str) -> None:
        """Add a line to the trace."""
        ...

    def hide(self, wrong_logins: Sequence[tuple[int, float]]) -> None:
        """Note wrong logins that the engine cannot know of."""
        ...

    def look_around(self, *, harmless: bool = False) -> None:
        """Check what must hold at every moment; after a harmless effect only if time or anything else moved on."""
        ...
