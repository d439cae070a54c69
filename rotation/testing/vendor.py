"""A vendor in memory whose behaviour follows a ``DriverSpec``: for tests of the engine over every class of vendor.

It keeps one account with password history, minimum age, lock-out, propagation delay and asynchronous tasks, and counts
what was done to it. Faults are injected by wrapping it (``rotation.testing.fuse``), not by switches in here.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

from rotation.errors import (
    AccountLocked,
    DriverError,
    InProgress,
    OldPasswordRejected,
    PasswordRejected,
    PasswordReused,
    TooSoon,
)
from rotation.model import (
    Authority,
    DriverSpec,
    Evidence,
    Lockout,
    Observation,
    Progress,
    Task,
    TaskState,
    Verdict,
    Wiring,
)
from rotation.policy import Context, PasswordPolicy
from rotation.ports import Driver, Verifies
from rotation.secret import Secret
from rotation.settings import setting
from rotation.testing.fuse import Fuse


@dataclass(frozen=True, slots=True, kw_only=True)
class MemoryAccount:
    """The account's own keys in the secret."""

    username: str = setting("Name of the account")
    tenant: str = setting("Where the account lives", default="main")


@dataclass(slots=True, kw_only=True)
class MemoryVendor:
    """The vendor's side of one account.

    Attributes:
        now: the vendor's clock, epoch seconds.
        initial: what opens the account at first.
        authority: who may change it.
        policy: the vendor's password rule.
        username: the account's name.
        lockout: wrong logins that lock, and for how long.
        min_age_seconds: age below which a change is refused.
        history: how many former passwords are refused; the live one always is for SELF.
        delay_seconds: how long an accepted change takes to apply.
        asynchronous: whether a change answers with a task.
        resets: changes that were accepted.
        wrong_logins: logins and changes with a wrong password.
        obstacles: what ``observe`` reports.
        readback: whether ``observe`` returns the password.
    """

    now: Callable[[], float]
    initial: Secret
    authority: Authority = Authority.ADMIN
    policy: PasswordPolicy
    username: str = "alice"
    lockout: Lockout | None = None
    min_age_seconds: int = 0
    history: int = 0
    delay_seconds: float = 0.0
    asynchronous: bool = False
    readback: bool = False
    obstacles: tuple[DriverError, ...] = ()
    resets: int = 0
    wrong_logins: int = 0
    changed_at: float = 0.0
    task_fails: bool = False
    _former: list[Secret] = field(default_factory=list)
    _wrong_at: list[float] = field(default_factory=list)
    _coming: tuple[float, Secret] | None = None
    _live: Secret = field(init=False)

    def __post_init__(self) -> None:
        self._live = self.initial

    @property
    def live(self) -> Secret:
        """What opens the account now."""
        self._arrive()
        return self._live

    def change(self, new: Secret, old: Secret | None) -> Task | None:
        """Apply one change request by the vendor's rules."""
        self._arrive()
        if self.busy:
            raise InProgress("a reset of this account is running")
        if self.authority is Authority.SELF:
            self._check_lock()
            if old != self.live:
                self._wrong()
                raise OldPasswordRejected("the old password is wrong")
        if self.changed_at and self.now() < self.changed_at + self.min_age_seconds:
            raise TooSoon("changed too recently", not_before=self.changed_at + self.min_age_seconds)
        if self.history and new in [self.live, *self._former[-self.history :]]:
            raise PasswordReused("used before")
        if self.policy.problems(new, Context(username=self.username)):
            raise PasswordRejected("the password breaks the vendor's rule")
        self.resets += 1
        if not self.task_fails:
            self._coming = (self.now() + self.delay_seconds, new)
        self._arrive()
        return Task(f"task-{self.resets}") if self.asynchronous else None

    def log_in(self, password: Secret) -> Verdict:
        """Try a login by the vendor's rules."""
        self._arrive()
        self._check_lock()
        if password == self.live:
            self._wrong_at.clear()
            return Verdict.ACCEPTED
        self._wrong()
        return Verdict.REJECTED

    def task_state(self, task: Task) -> TaskState:
        """Tell how a task stands."""
        self._arrive()
        if self.task_fails or task.id != f"task-{self.resets}":
            return TaskState.FAILED
        return TaskState.DONE if self._coming is None else TaskState.RUNNING

    def set_by_hand(self, password: Secret) -> None:
        """Change the password outside Lockstep, as an operator would on the console."""
        self._become(password)

    @property
    def busy(self) -> bool:
        """Whether a task is running."""
        self._arrive()
        return self.asynchronous and self._coming is not None

    @property
    def locked(self) -> bool:
        """Whether the account is locked now."""
        return self._locked_until() > self.now()

    def _arrive(self) -> None:
        if self._coming is not None and self._coming[0] <= self.now():
            password, self._coming = self._coming[1], None
            self._become(password)

    def _become(self, password: Secret) -> None:
        self._former.append(self._live)
        self._live, self.changed_at = password, self.now()

    def _wrong(self) -> None:
        self.wrong_logins += 1
        self._wrong_at.append(self.now())

    def _locked_until(self) -> float:
        if self.lockout is None or len(self._wrong_at) < self.lockout.tries:
            return 0.0
        return self._wrong_at[-self.lockout.tries] + self.lockout.window_seconds

    def _check_lock(self) -> None:
        if self._locked_until() > self.now():
            raise AccountLocked("the account is locked", not_before=self._locked_until())


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
        busy = (InProgress("a reset of this account is running"),) if vendor.busy else ()
        return Observation(
            variant="default", obstacles=busy + vendor.obstacles, readback=vendor.live if vendor.readback else None
        )

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
        policies={"default": replace(vendor.policy, min_age_seconds=vendor.min_age_seconds)},
        factory=factory,
        lockout=vendor.lockout,
        history=vendor.history or None,
        propagation_seconds=propagation_seconds,
        poll_seconds=5,
        source="this module",
        checked="2026-11-22",
    )
