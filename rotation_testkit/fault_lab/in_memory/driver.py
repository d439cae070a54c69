"""The driver of the in-memory vendor, with and without a login call, and its record."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import cast

from rotation.core.errors import ConfigError, InProgress
from rotation.core.secret import Secret
from rotation.core.settings import setting
from rotation.core.values import Authority, Evidence, LoginTarget, Observation, Power, Progress, Task, Verdict
from rotation.drivers.contract import Driver, DriverSpec, Verifies, Wiring
from rotation_testkit.fault_lab.in_memory.effects import Effect, Passage, Port
from rotation_testkit.fault_lab.in_memory.vendor import MemoryVendor


@dataclass(frozen=True, slots=True, kw_only=True)
class MemoryAccount:
    """The account's own keys in the secret."""

    username: str = setting("Name of the account")
    tenant: str = setting("Where the account lives", default="main")


class MemoryDriver:
    """``contract.Driver`` over a ``MemoryVendor``, or over one for each account; has no login call."""

    def __init__(self, *vendors: MemoryVendor) -> None:
        self._vendors = vendors

    def _of(self, account: MemoryAccount) -> MemoryVendor:
        if len(self._vendors) == 1:
            return self._vendors[0]
        return next(each for each in self._vendors if each.username == account.username.lower())

    def set_password(self, account: MemoryAccount, new: Secret, *, current: Secret | None) -> Task | None:
        """See ``contract.Driver``."""
        return self._of(account).change(new, current)

    def observe(self, account: MemoryAccount) -> Observation:
        """See ``contract.Observes``."""
        vendor = self._of(account)
        machine = vendor.power is not None
        busy = (InProgress("a reset of this account is running"),) if vendor.busy else ()
        return Observation(
            variant="default",
            obstacles=busy + vendor.obstacles,
            readback=vendor.live if vendor.readback else None,
            power=None if busy else vendor.power,
            reset_needs=Power.STOPPED if machine and not vendor.applies_at_start else None,
            applies_at_start=vendor.applies_at_start,
            change=vendor.state if vendor.by_state else None,
            rules=vendor.rules,
        )

    def stop(self, account: MemoryAccount) -> None:
        """See ``contract.Powers``."""
        self._of(account).switch(Power.STOPPED)

    def start(self, account: MemoryAccount) -> None:
        """See ``contract.Powers``."""
        self._of(account).switch(Power.RUNNING)

    def poll(self, account: MemoryAccount, task: Task) -> Progress:
        """See ``contract.Polls``."""
        return Progress(self._of(account).task_state(task))


class MemoryLoginDriver(MemoryDriver):
    """The same with a login call."""

    def verify(self, account: MemoryAccount, password: Secret) -> Verdict:
        """See ``contract.Verifies``."""
        return self._of(account).log_in(password)


def gated(driver: Driver, passage: Passage, *, login: bool = True) -> Driver:
    """Return the driver with each of its verbs an effect; without ``login`` it has no login call."""
    kind = GatedLoginDriver if login and isinstance(driver, Verifies) else GatedDriver
    return kind(cast("MemoryLoginDriver", driver), passage)


class GatedDriver:
    """A driver each of whose verbs is an effect."""

    def __init__(self, driver: MemoryLoginDriver, passage: Passage) -> None:
        self._driver, self._passage = driver, passage

    def set_password(self, account: MemoryAccount, new: Secret, *, current: Secret | None) -> Task | None:
        """See ``contract.Driver``."""
        late = ("vendor", "set_password", new.reveal(), "" if current is None else current.reveal(), account.username)
        effect = Effect(port=Port.RESET, verb="set_password", account=account.username, late=lambda: late)
        return self._passage.call(effect, lambda: self._driver.set_password(account, new, current=current))

    def observe(self, account: MemoryAccount) -> Observation:
        """See ``contract.Observes``."""
        return self._passage.call(Effect(port=Port.LOOK, verb="observe"), lambda: self._driver.observe(account))

    def poll(self, account: MemoryAccount, task: Task) -> Progress:
        """See ``contract.Polls``."""
        return self._passage.call(Effect(port=Port.LOOK, verb="poll"), lambda: self._driver.poll(account, task))

    def stop(self, account: MemoryAccount) -> None:
        """See ``contract.Powers``."""
        effect = Effect(port=Port.SWITCH, verb="stop", late=lambda: ("vendor", "stop"))
        self._passage.call(effect, lambda: self._driver.stop(account))

    def start(self, account: MemoryAccount) -> None:
        """See ``contract.Powers``."""
        effect = Effect(port=Port.SWITCH, verb="start", late=lambda: ("vendor", "start"))
        self._passage.call(effect, lambda: self._driver.start(account))


class GatedLoginDriver(GatedDriver):
    """The same with a login call."""

    def verify(self, account: MemoryAccount, password: Secret) -> Verdict:
        """See ``contract.Verifies``."""
        effect = Effect(port=Port.LOGIN, verb="verify", account=account.username)
        return self._passage.call(effect, lambda: self._driver.verify(account, password))


@dataclass(frozen=True, slots=True)
class GatedHost:
    """A shared login probe at the vendor's machine, with each of its verbs an effect; see ``login_probe.Greets``."""

    vendor: MemoryVendor
    passage: Passage

    def unready(self, target: LoginTarget) -> ConfigError | None:
        """See ``LoginProbe``."""
        del target
        return None

    def greet(self, target: LoginTarget) -> None:
        """See ``Greets``."""
        self.passage.call(Effect(port=Port.GREET, verb="greet", account=target.username), lambda: None)

    def login(self, target: LoginTarget, password: Secret) -> Verdict:
        """See ``LoginProbe``."""
        effect = Effect(port=Port.LOGIN, verb="login", account=target.username)
        return self.passage.call(effect, lambda: self.vendor.log_in(password))


def memory_spec(
    vendor: MemoryVendor, other: MemoryVendor | None = None, *, oracle: bool = True, propagation_seconds: int = 0
) -> DriverSpec:
    """Return the record that describes this vendor truthfully; ``other`` is that of an account that takes turns."""
    vendors = (vendor,) if other is None else (vendor, other)

    def factory(wiring: Wiring) -> MemoryDriver:
        del wiring
        return MemoryLoginDriver(*vendors) if oracle else MemoryDriver(*vendors)

    weaker = Evidence.READBACK if vendor.readback else Evidence.ACCEPTED
    policy = vendor.policy
    if policy.min_age_seconds != vendor.min_age_seconds:
        # A new policy has to count its passwords, which takes as long as a whole run.
        policy = replace(policy, min_age_seconds=vendor.min_age_seconds)
    return DriverSpec(
        code="memory",
        name="Memory",
        docs="https://vendor.example/docs",
        authority=vendor.authority,
        evidence=Evidence.LOGIN if oracle else weaker,
        endpoint="https://vendor.example",
        endpoints=("https://vendor.example",),
        account=MemoryAccount,
        admin=None,
        alternates=frozenset({"username"} if vendor.authority is Authority.ADMIN else ()),
        policies={"default": policy},
        factory=factory,
        lockout=vendor.lockout,
        history=vendor.history or None,
        propagation_seconds=propagation_seconds,
        poll_seconds=5,
        completes_by_state=vendor.by_state,
        reads_rules=vendor.rules is not None,
        source="this module",
        checked="2026-11-22",
    )
