"""The driver classes of the matrix: one vendor account in memory each, behind the gate."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

from rotation.core.secret import Secret
from rotation.core.values import Authority, Evidence, Lockout, Observation, Power, Progress, Task, Verdict
from rotation.drivers.contract import DriverSpec
from rotation.policy import Charset, Context, PasswordPolicy, Problem
from rotation_testkit.fault_lab.in_memory.driver import MemoryAccount, MemoryDriver, memory_spec
from rotation_testkit.fault_lab.in_memory.vendor import MemoryVendor
from rotation_testkit.fault_lab.matrix.plan.faults import Port
from rotation_testkit.fault_lab.matrix.plan.gate import Effect, Gate
from rotation_testkit.fault_lab.matrix.plan.timeline import Timeline

USERNAME = "alice"
FIRST = Secret("First0Password0First")


@dataclass(frozen=True, slots=True, kw_only=True)
class DriverClass:
    """One row of the table.

    Attributes:
        name: in lines and in the table.
        title: what it is like, for the page.
        vendor: how the account behaves.
        oracle: whether there is a login check.
        propagation_seconds: what the driver declares.
    """

    name: str
    title: str
    vendor: Mapping[str, Any]
    oracle: bool = True
    propagation_seconds: int = 0


_ALL = (
    DriverClass(name="admin", title="an API key resets it at once; login check", vendor={"authority": Authority.ADMIN}),
    DriverClass(
        name="admin_late",
        title="as admin; the password works up to 30 s after the yes",
        vendor={"authority": Authority.ADMIN, "delay_seconds": 30.0},
        propagation_seconds=30,
    ),
    DriverClass(
        name="admin_vm",
        title="as admin; the machine must be stopped for the reset and runs again afterwards",
        vendor={"authority": Authority.ADMIN, "power": Power.RUNNING},
    ),
    DriverClass(
        name="admin_task",
        title="as admin; the reset is a task of 45 s that is polled",
        vendor={"authority": Authority.ADMIN, "delay_seconds": 45.0, "asynchronous": True},
    ),
    DriverClass(
        name="accepted",
        title="an API key resets it; nothing can be asked afterwards",
        vendor={"authority": Authority.ADMIN},
        oracle=False,
    ),
    DriverClass(
        name="readback",
        title="an API key resets it; the API returns the stored password, no login check",
        vendor={"authority": Authority.ADMIN, "readback": True},
        oracle=False,
    ),
    DriverClass(
        name="self",
        title="needs the old password; 5 minutes of minimum age, history, 5 wrong logins lock for 5 minutes",
        vendor={
            "authority": Authority.SELF,
            "min_age_seconds": 300,
            "history": 5,
            "lockout": Lockout(tries=5, window_seconds=300),
        },
    ),
)
DRIVER_CLASSES: Mapping[str, DriverClass] = MappingProxyType({each.name: each for each in _ALL})


class NumberedPolicy(PasswordPolicy):
    """Draws ``Candidate0000000001`` and so on, so that runs repeat exactly and states can be compared.

    What real policies draw is tested where they are; here only who holds which value matters.
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
    """Tell whether a text holds the first password or any candidate."""
    return FIRST.reveal() in text or "Candidate0" in text


def policy() -> NumberedPolicy:
    """Return the rule of every account: 20 letters and digits."""
    letters = "abcdefghijklmnopqrstuvwxyz"
    return NumberedPolicy(
        length=20,
        charsets=(Charset("lower", letters), Charset("upper", letters.upper()), Charset("digit", "0123456789")),
    )


@dataclass(slots=True)
class Account:
    """One vendor account of a class.

    Attributes:
        kind: the class.
        clock: shared with everybody.
        drawn: how many passwords were drawn for it.
        before: the vendor's state before the latest change, for stale answers.
    """

    kind: DriverClass
    clock: Timeline
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
        """Tell whether a value may become current: it is live, or, where nothing can be asked, the vendor took it."""
        vendor = self.vendor
        if vendor.live.reveal() == value:
            return True
        return self.minimum is Evidence.ACCEPTED and any(each.reveal() == value for each in vendor.taken)

    def deliver(self, request: tuple[str, ...]) -> None:
        """Hand a late request to the vendor."""
        if request[0] == "set_password":
            self.vendor.change(Secret(request[1]), Secret(request[2]) if request[2] else None)
        else:
            self.vendor.switch(Power.STOPPED if request[0] == "stop" else Power.RUNNING)

    def driver(self, gate: Gate) -> GatedDriver:
        """Return the driver as a fresh process would make it."""
        return GatedLoginDriver(self.vendor, gate) if self.kind.oracle else GatedDriver(self.vendor, gate)


class GatedDriver(MemoryDriver):
    """The driver with each verb an effect."""

    def __init__(self, vendor: MemoryVendor, gate: Gate) -> None:
        super().__init__(vendor)
        self._gate = gate

    def set_password(self, account: MemoryAccount, new: Secret, *, current: Secret | None) -> Task | None:
        """See ``ports.Driver``."""
        request = ("vendor", "set_password", new.reveal(), "" if current is None else current.reveal())
        effect = Effect(port=Port.RESET, name="set_password", late=lambda: request)
        return self._gate.call(effect, lambda: MemoryDriver.set_password(self, account, new, current=current))

    def observe(self, account: MemoryAccount) -> Observation:
        """See ``ports.Observes``."""
        return self._gate.call(Effect(port=Port.LOOK, name="observe"), lambda: MemoryDriver.observe(self, account))

    def poll(self, account: MemoryAccount, task: Task) -> Progress:
        """See ``ports.Polls``."""
        return self._gate.call(Effect(port=Port.LOOK, name="poll"), lambda: MemoryDriver.poll(self, account, task))

    def stop(self, account: MemoryAccount) -> None:
        """See ``ports.Powers``."""
        effect = Effect(port=Port.SWITCH, name="stop", late=lambda: ("vendor", "stop"))
        self._gate.call(effect, lambda: MemoryDriver.stop(self, account))

    def start(self, account: MemoryAccount) -> None:
        """See ``ports.Powers``."""
        effect = Effect(port=Port.SWITCH, name="start", late=lambda: ("vendor", "start"))
        self._gate.call(effect, lambda: MemoryDriver.start(self, account))


class GatedLoginDriver(GatedDriver):
    """The same with a login call."""

    def verify(self, account: MemoryAccount, password: Secret) -> Verdict:
        """See ``ports.Verifies``."""
        del account
        return self._gate.call(Effect(port=Port.LOGIN, name="verify"), lambda: self._vendor.log_in(password))
