"""The vendor's side of a world of the matrix: one account in memory, with a state that can be saved and compared."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from rotation.core.secret import Secret
from rotation.core.values import Evidence, Power
from rotation.drivers.contract import Driver, DriverSpec
from rotation.policy import Charset, Context, PasswordPolicy, Problem
from rotation_testkit.fault_lab.in_memory.clock import VirtualClock
from rotation_testkit.fault_lab.in_memory.driver import MemoryLoginDriver, gated, memory_spec
from rotation_testkit.fault_lab.in_memory.effects import Passage
from rotation_testkit.fault_lab.in_memory.vendor import MemoryVendor
from rotation_testkit.fault_lab.in_memory.vendor_classes import VendorClass
from rotation_testkit.fault_lab.invariants import is_proved

USERNAME = "alice"
FIRST = Secret("First0Password0First")


class NumberedPolicy(PasswordPolicy):
    """Draws ``Candidate0000000001`` and so on, so that runs repeat exactly and states can be compared.

    What real policies draw is tested with them; here it only matters who holds which value.
    """

    def numbered_by(self, count: Callable[[], int]) -> NumberedPolicy:
        """Take the numbers from ``count``."""
        object.__setattr__(self, "_count", count)
        return self

    def generate(self, context: Context = Context()) -> Secret:  # noqa: B008 - a frozen value
        """See ``PasswordPolicy``."""
        del context
        count: Callable[[], int] = self.__dict__["_count"]
        return Secret(f"Candidate{count():011d}")

    def problems(self, candidate: Secret, context: Context = Context()) -> tuple[Problem, ...]:  # noqa: B008 - same
        """See ``PasswordPolicy``; only the length is looked at."""
        if len(candidate.reveal()) == self.length:
            return ()
        return super().problems(candidate, context)


def shows_a_password(text: str) -> bool:
    """Return whether a text holds the first password or any candidate."""
    return FIRST.reveal() in text or "Candidate0" in text


def policy() -> NumberedPolicy:
    """Return the rule of every account: 20 letters and digits, one of each class, as the numbered ones have."""
    letters = "abcdefghijklmnopqrstuvwxyz"
    classes = {"lower": letters, "upper": letters.upper(), "digit": "0123456789"}
    return NumberedPolicy(length=20, charsets=tuple(Charset(name, chars, 1) for name, chars in classes.items()))


@dataclass(slots=True)
class Account:
    """One vendor account of a class.

    Attributes:
        kind: the class.
        clock: the world's.
        drawn: how many passwords were drawn for it.
        before: the vendor's state before the latest change, for stale answers.
    """

    kind: VendorClass
    clock: VirtualClock
    drawn: int = 0
    vendor: MemoryVendor = field(init=False)
    spec: DriverSpec = field(init=False)
    before: tuple[Any, ...] = field(init=False)

    def __post_init__(self) -> None:
        numbered = policy()
        self.vendor = MemoryVendor(
            now=self.clock.now, initial=FIRST, policy=numbered, username=USERNAME, **self.kind.vendor
        )
        self.spec = memory_spec(self.vendor, oracle=self.kind.oracle, propagation_seconds=self.kind.propagation_seconds)
        for drawer in self.spec.policies.values():
            if isinstance(drawer, NumberedPolicy):
                drawer.numbered_by(self._draw)
        self.before = self.vendor.save()

    @property
    def minimum(self) -> Evidence:
        """The least evidence: the driver's best."""
        return self.spec.evidence

    def _draw(self) -> int:
        self.drawn += 1
        return self.drawn

    def save(self) -> tuple[Any, ...]:
        """Return everything that can change but ``before``, as a value that can be compared."""
        return (self.vendor.save(), self.drawn)

    def load(self, saved: tuple[Any, ...]) -> None:
        """Go back to a saved state."""
        state, self.drawn = saved
        self.vendor.load(state)

    def changing(self) -> None:
        """Keep the state before a change, for stale answers."""
        self.before = self.vendor.save()

    def stale(self, call: Callable[[], Any]) -> Any:  # noqa: ANN401 - whatever the call returns
        """Answer by the state before the latest change."""
        now = self.vendor.save()
        self.vendor.load(self.before)
        try:
            return call()
        finally:
            self.vendor.load(now)

    def has_proved(self, value: str) -> bool:
        """Return whether a value may become current (I2)."""
        return is_proved(self.vendor, Secret(value), self.minimum)

    def deliver(self, request: tuple[str, ...]) -> None:
        """Hand a delayed request to the vendor."""
        if request[0] == "set_password":
            self.vendor.change(Secret(request[1]), Secret(request[2]) if request[2] else None)
        else:
            self.vendor.switch(Power.STOPPED if request[0] == "stop" else Power.RUNNING)

    def driver(self, passage: Passage) -> Driver:
        """Return the driver as a fresh process would make it."""
        return gated(MemoryLoginDriver(self.vendor), passage, login=self.kind.oracle)
