"""The vendor's side of a world of the matrix: an account in memory, with a state that can be saved and compared.

Where a second account takes turns with it, there are two sides: at first readers have ``USERNAME`` with ``FIRST``, and
the first rotation resets ``OTHER``, whose first password is in no store.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from rotation.core.secret import Secret
from rotation.core.values import Evidence, Lockout, LoginTarget, Power
from rotation.drivers.contract import Driver, DriverSpec
from rotation.drivers.guarded import DEFAULT_LOCKOUT, HOST_LOCKOUT
from rotation.drivers.login_proof import LoginProof
from rotation.policy import Charset, Context, PasswordPolicy, Problem
from rotation_testkit.fault_lab.in_memory.clock import VirtualClock
from rotation_testkit.fault_lab.in_memory.driver import GatedHost, MemoryLoginDriver, gated, memory_spec
from rotation_testkit.fault_lab.in_memory.effects import Passage
from rotation_testkit.fault_lab.in_memory.vendor import MemoryVendor
from rotation_testkit.fault_lab.in_memory.vendor_classes import VendorClass
from rotation_testkit.fault_lab.invariants import in_step, is_proved

USERNAME, OTHER = "alice", "bob"
FIRST, UNKNOWN = Secret("First0Password0First"), Secret("Other0Password0Other")


_HOST = LoginTarget(kind="ssh", host="host.invalid", port=22, username=USERNAME, host_key="ssh-ed25519 AAAA")


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
    """Return whether a text holds a first password or any candidate."""
    return any(each in text for each in (FIRST.reveal(), UNKNOWN.reveal(), "Candidate0"))


def policy() -> NumberedPolicy:
    """Return the rule of every account: 20 letters and digits, one of each class, as the numbered ones have."""
    letters = "abcdefghijklmnopqrstuvwxyz"
    classes = {"lower": letters, "upper": letters.upper(), "digit": "0123456789"}
    return NumberedPolicy(length=20, charsets=tuple(Charset(name, chars, 1) for name, chars in classes.items()))


@dataclass(slots=True)
class Account:
    """One vendor account of a class, or two that take turns.

    Attributes:
        kind: the class.
        clock: the world's.
        drawn: how many passwords were drawn for it.
        vendor: the side of the account that the first rotation resets.
        other: that of the account that readers have at first, where two take turns.
        before: the sides' state before the latest change, for stale answers.
    """

    kind: VendorClass
    clock: VirtualClock
    drawn: int = 0
    vendor: MemoryVendor = field(init=False)
    other: MemoryVendor | None = field(init=False, default=None)
    spec: DriverSpec = field(init=False)
    before: tuple[Any, ...] = field(init=False)

    def __post_init__(self) -> None:
        numbered = policy()
        make = partial(MemoryVendor, now=self.clock.now, policy=numbered, **self.kind.vendor)
        self.vendor = first = make(initial=FIRST, username=USERNAME)
        if self.kind.in_turns:
            self.vendor, self.other = make(initial=UNKNOWN, username=OTHER), first
        self.spec = memory_spec(
            self.vendor, self.other, oracle=self.kind.oracle, propagation_seconds=self.kind.propagation_seconds
        )
        for drawer in self.spec.policies.values():
            if isinstance(drawer, NumberedPolicy):
                drawer.numbered_by(self._draw)
        self.before = self._sides_now()

    @property
    def sides(self) -> tuple[MemoryVendor, ...]:
        """Both accounts' sides, or the one's."""
        return (self.vendor,) if self.other is None else (self.vendor, self.other)

    @property
    def known(self) -> list[Secret]:
        """What opens the accounts now, but for a password that never was in the store."""
        return [each.live for each in self.sides if each.live != UNKNOWN]

    @property
    def resets(self) -> int:
        """Resets of either account."""
        return sum(each.resets for each in self.sides)

    @property
    def wrong_logins(self) -> int:
        """Wrong logins at either account."""
        return sum(each.wrong_logins for each in self.sides)

    def serves(self, value: Secret | None) -> bool:
        """Return whether a password opens an account, whose machine is not left stopped; no two have the same."""
        return any(in_step(each, value) for each in self.sides)

    def _sides_now(self) -> tuple[Any, ...]:
        return tuple(each.save() for each in self.sides)

    def _go_to(self, sides: tuple[Any, ...]) -> None:
        for each, saved in zip(self.sides, sides, strict=True):
            each.load(saved)

    @property
    def minimum(self) -> Evidence:
        """The least evidence: the driver's best."""
        return self.spec.evidence

    def _draw(self) -> int:
        self.drawn += 1
        return self.drawn

    def save(self) -> tuple[Any, ...]:
        """Return everything that can change but ``before``, as a value that can be compared."""
        return (self._sides_now(), self.drawn)

    def load(self, saved: tuple[Any, ...]) -> None:
        """Go back to a saved state."""
        sides, self.drawn = saved
        self._go_to(sides)

    def changing(self) -> None:
        """Keep the state before a change, for stale answers."""
        self.before = self._sides_now()

    def stale(self, call: Callable[[], Any]) -> Any:  # noqa: ANN401 - whatever the call returns
        """Answer by the state before the latest change."""
        now = self._sides_now()
        self._go_to(self.before)
        try:
            return call()
        finally:
            self._go_to(now)

    def has_proved(self, value: str) -> bool:
        """Return whether a value may become current (I2)."""
        return any(is_proved(each, Secret(value), self.minimum) for each in self.sides)

    def deliver(self, request: tuple[str, ...]) -> None:
        """Hand a delayed request to the vendor."""
        if request[0] == "set_password":
            side = next(each for each in self.sides if each.username == request[3])
            side.change(Secret(request[1]), Secret(request[2]) if request[2] else None)
        else:
            self.vendor.switch(Power.STOPPED if request[0] == "stop" else Power.RUNNING)

    def driver(self, passage: Passage) -> Driver:
        """Return the driver as a fresh process would make it."""
        return gated(MemoryLoginDriver(*self.sides), passage, login=self.kind.oracle and not self.kind.by_host)

    def logins(self, passage: Passage) -> LoginProof:
        """Return how a shared probe can prove a password, where the driver has no login call."""
        if not self.kind.by_host:
            return LoginProof()
        return LoginProof(probes={"ssh": GatedHost(self.vendor, passage)}, configured=_HOST)

    @property
    def lockout(self) -> Lockout:
        """The lock-out rule that the engine goes by."""
        return self.spec.lockout or (HOST_LOCKOUT if self.kind.by_host else DEFAULT_LOCKOUT)
