"""What the matrix tries: an algorithm that rotates one secret. Here are the protocols between it and its world."""

from __future__ import annotations

from typing import Any, Protocol

from rotation.core.errors import StoreUnavailable
from rotation.core.secret import Secret
from rotation_testkit.fault_lab.gate import Gate
from rotation_testkit.fault_lab.in_memory.clock import VirtualClock
from rotation_testkit.fault_lab.in_memory.effects import Effect, Kind
from rotation_testkit.fault_lab.machine import Machine
from rotation_testkit.fault_lab.matrix.worlds.account import Account

Saved = tuple[Any, ...]
"""A state as a value that can be compared and hashed."""


class Place(Protocol):
    """Where an algorithm keeps its values."""

    def current(self) -> Secret | None:
        """Return the value that readers get."""
        ...

    def stored(self) -> list[Secret]:
        """Return every password that can still be read by some name."""
        ...

    def save(self) -> Saved:
        """Return everything that can change, as a value that can be compared."""
        ...

    def load(self, saved: Saved) -> None:
        """Go back to a saved state."""
        ...

    def deliver(self, request: tuple[str, ...]) -> None:
        """Apply a delayed request."""
        ...

    def error(self, kind: Kind) -> Exception:
        """Return what the client raises for a missing answer, or for ``Kind.THROTTLED``."""
        return StoreUnavailable("throttled" if kind is Kind.THROTTLED else "no answer")


class Run(Protocol):
    """What one invocation of an algorithm works with.

    Attributes:
        attempt: how many attempts of the service failed before.
        step: which invocation of the rotation this is.
        runs: how many times the algorithm was run in this invocation or after the end.
        deadline: epoch of the function's time-out.
    """

    attempt: int
    step: int
    runs: int
    deadline: float

    @property
    def clock(self) -> VirtualClock:
        """The world's clock."""
        ...

    @property
    def account(self) -> Account:
        """The vendor's side."""
        ...

    @property
    def machine(self) -> Machine:
        """What the invocation runs on."""
        ...

    @property
    def gate(self) -> Gate:
        """What every effect passes."""
        ...


class Algorithm(Protocol):
    """A way to rotate one secret. All it remembers between invocations is what ``save`` returns.

    As written here it remembers nothing beside its place, starts nothing, parks nothing, and cannot be cancelled.

    Attributes:
        name: in lines and tables.
        steps: invocations of one rotation.
        queued: whether its caller never delivers the same event twice and offers no way to cancel it.
    """

    name: str
    steps: int = 1
    queued: bool = True

    @property
    def place(self) -> Place:
        """Where it keeps its values."""
        ...

    def run(self, run: Run, step: int) -> None:
        """Run one invocation.

        Raises:
            RotationError: it failed.
            Crash: the process died.
        """
        ...

    def begin(self) -> None:
        """Start a rotation."""

    def cancel(self) -> None:
        """Strip the running rotation of its pending label, as an operator does."""

    def note(self, effect: Effect) -> None:
        """Note what an effect is about to do."""

    def over(self) -> bool:
        """Return whether the rotation was given up, so that the next attempt is a new one."""
        return False

    def parked(self) -> str | None:
        """Return the reason why it stopped on purpose."""
        return None

    def save(self) -> Saved:
        """Return everything that can change beside the place."""
        return ()

    def load(self, saved: Saved) -> None:
        """Go back to a saved state."""
