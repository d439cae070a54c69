"""What is tried: an algorithm that rotates one secret, and the place where it keeps its values."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

from rotation.core.secret import Secret
from rotation_testkit.fault_lab.matrix.plan.faults import Kind
from rotation_testkit.fault_lab.matrix.plan.gate import Effect

if TYPE_CHECKING:
    from rotation_testkit.fault_lab.matrix.worlds.world import World

Saved = tuple[Any, ...]


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
        """Let a late request take effect."""
        ...

    def error(self, kind: Kind) -> Exception:
        """Return what the client raises for a missing answer, or for ``Kind.THROTTLED``."""
        ...


class Algorithm(Protocol):
    """A way to rotate one secret. All it remembers between invocations is what ``save`` returns.

    Attributes:
        name: in lines and tables.
        steps: invocations of one rotation.
        queued: whether its caller never delivers the same event twice, and nobody can cancel it.
    """

    name: str
    steps: int
    queued: bool

    @property
    def place(self) -> Place:
        """Where it keeps its values."""
        ...

    def begin(self) -> None:
        """Start a rotation."""
        ...

    def run(self, world: World, step: int) -> None:
        """Run one invocation.

        Raises:
            RotationError: it failed.
            Crash: the process died.
        """
        ...

    def cancel(self) -> None:
        """Strip the running rotation of its pending label, as an operator does."""
        ...

    def note(self, effect: Effect) -> None:
        """Take down what an effect is about to do."""
        ...

    def over(self) -> bool:
        """Tell whether the rotation was given up, so that the next attempt is a new one."""
        ...

    def faults(self, world: World) -> list[str]:
        """Return the names of the promises that are broken now, by what this algorithm promises."""
        ...

    def parked(self) -> str | None:
        """Return the reason why it stopped on purpose."""
        ...

    def save(self) -> Saved:
        """Return everything that can change beside the place."""
        ...

    def load(self, saved: Saved) -> None:
        """Go back to a saved state."""
        ...
