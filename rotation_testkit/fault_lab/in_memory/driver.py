"""The driver of the in-memory vendor, with and without a login call, and its record."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from rotation.core.errors import InProgress
from rotation.core.secret import Secret
from rotation.core.settings import setting
from rotation.core.values import Evidence, Observation, Power, Progress, Task, Verdict
from rotation.drivers.contract import Driver, DriverSpec, Verifies, Wiring
from rotation_testkit.fault_lab.in_memory.fuse import Fuse
from rotation_testkit.fault_lab.in_memory.vendor import MemoryVendor


@dataclass(frozen=True, slots=True, kw_only=True)
class MemoryAccount:
    """The account's own keys in the secret."""

    username: str = setting("Name of the account")
    tenant: str = setting("Where the account lives", default="main")


class MemoryDriver:
    """``ports.Driver`` over a ``MemoryVendor``; has no login call."""

    def __init__(self, vendor: MemoryVendor) -> None:
        self._vendor = vendor

    def set_password(self, account: MemoryAccount, new: Secret, *, current: Secret | None) -> Task | None:
        """See ``ports.Driver``."""
        del account
        return self._vendor.change(new, current)

    def observe(self, account: MemoryAccount) -> Observation:
        """See ``ports.Observes``."""
        del account
        vendor = self._vendor
        machine = vendor.power is not None
        busy = (InProgress("a reset of this account is running"),) if vendor.busy else ()
        return Observation(
            variant="default",
            obstacles=busy + vendor.obstacles,
            readback=vendor.live if vendor.readback else None,
            power=None if busy else vendor.power,
            reset_needs=Power.STOPPED if machine else None,
        )

    def stop(self, account: MemoryAccount) -> None:
        """See ``ports.Powers``."""
        del account
        self._vendor.switch(Power.STOPPED)

    def start(self, account: MemoryAccount) -> None:
        """See ``ports.Powers``."""
        del account
        self._vendor.switch(Power.RUNNING)

    def poll(self, account: MemoryAccount, task: Task) -> Progress:
        """See ``ports.Polls``."""
        del account
        return Progress(self._vendor.task_state(task))


class MemoryLoginDriver(MemoryDriver):
    """The same with a login call."""

    def verify(self, account: MemoryAccount, password: Secret) -> Verdict:
        """See ``ports.Verifies``."""
        del account
        return self._vendor.log_in(password)


def counted(driver: Driver, fuse: Fuse) -> Driver:
    """Return the driver with each of its verbs counted as an effect, and with the same optional ports."""
    if isinstance(driver, Verifies):
        return _CountedLogin(driver, fuse)
    return _Counted(driver, fuse)


class _Counted:
    def __init__(self, driver: Any, fuse: Fuse) -> None:  # noqa: ANN401 - whichever ports the driver has
        self._driver, self._fuse = driver, fuse

    def set_password(self, account: object, new: Secret, *, current: Secret | None) -> Task | None:
        task: Task | None = self._fuse.pass_through(
            "set_password", lambda: self._driver.set_password(account, new, current=current)
        )
        return task

    def observe(self, account: object) -> Observation:
        seen: Observation = self._fuse.pass_through("observe", lambda: self._driver.observe(account))
        return seen

    def stop(self, account: object) -> None:
        self._fuse.pass_through("stop", lambda: self._driver.stop(account))

    def start(self, account: object) -> None:
        self._fuse.pass_through("start", lambda: self._driver.start(account))

    def poll(self, account: object, task: Task) -> Progress:
        progress: Progress = self._fuse.pass_through("poll", lambda: self._driver.poll(account, task))
        return progress


class _CountedLogin(_Counted):
    def verify(self, account: object, password: Secret) -> Verdict:
        verdict: Verdict = self._fuse.pass_through("verify", lambda: self._driver.verify(account, password))
        return verdict


def memory_spec(vendor: MemoryVendor, *, oracle: bool = True, propagation_seconds: int = 0) -> DriverSpec:
    """Return the driver record that describes this vendor truthfully."""

    def factory(wiring: Wiring) -> MemoryDriver:
        del wiring
        return MemoryLoginDriver(vendor) if oracle else MemoryDriver(vendor)

    weaker = Evidence.READBACK if vendor.readback else Evidence.ACCEPTED
    policy = vendor.policy
    if policy.min_age_seconds != vendor.min_age_seconds:
        # Another policy is counted anew, which takes as long as a whole run.
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
        policies={"default": policy},
        factory=factory,
        lockout=vendor.lockout,
        history=vendor.history or None,
        propagation_seconds=propagation_seconds,
        poll_seconds=5,
        source="this module",
        checked="2026-11-22",
    )
