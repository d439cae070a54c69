"""A vendor in memory whose behaviour follows a ``DriverSpec``: for tests of the engine over every class of vendor.

It keeps one account with password history, minimum age, lock-out, propagation delay and asynchronous tasks, and counts
what was done to it. Faults are injected by wrapping it (see ``fuse``), not by switches in here.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from rotation.core.errors import (
    AccountLocked,
    CannotVerify,
    DriverError,
    InProgress,
    OldPasswordRejected,
    PasswordRejected,
    PasswordReused,
    PreconditionFailed,
    TooSoon,
)
from rotation.core.secret import Secret
from rotation.core.values import Authority, Lockout, Power, TargetRules, Task, TaskState, Verdict
from rotation.policy import Context, PasswordPolicy


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
        power: whether the machine is on, where there is one; it must be off for a change.
        applies_at_start: whether a change is taken in any power state, and takes effect when the machine starts.
        rules: what the target itself says about passwords.
        by_state: whether a change that takes time shows in ``observe`` and has no task.
        switch_seconds: how long switching takes.
        stops: how often it was switched off; ``starts`` likewise.
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
    power: Power | None = None
    applies_at_start: bool = False
    by_state: bool = False
    rules: TargetRules | None = None
    switch_seconds: float = 20.0
    stops: int = 0
    starts: int = 0
    obstacles: tuple[DriverError, ...] = ()
    resets: int = 0
    wrong_logins: int = 0
    changed_at: float = 0.0
    task_fails: bool = False
    _failed: set[str] = field(default_factory=set)
    _former: list[Secret] = field(default_factory=list)
    _wrong_at: list[float] = field(default_factory=list)
    _coming: tuple[float, Secret] | None = None
    _switching: tuple[float, Power] | None = None
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
        if self.busy or self._switching is not None:
            raise InProgress("the vendor is at work on this account")
        if self.power is Power.RUNNING and not self.applies_at_start:
            raise PreconditionFailed("the machine is running")
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
        task = Task(f"task-{self.resets}")
        if self.task_fails:
            self._failed.add(task.id)
        else:
            self._coming = (math.inf if self.applies_at_start else self.now() + self.delay_seconds, new)
        self._arrive()
        return task if self.asynchronous else None

    def log_in(self, password: Secret) -> Verdict:
        """Try a login by the vendor's rules."""
        self._arrive()
        if self._switching is not None or self.power is Power.STOPPED:
            raise CannotVerify("the machine is off")
        self._check_lock()
        if password == self.live:
            self._wrong_at.clear()
            return Verdict.ACCEPTED
        self._wrong()
        return Verdict.REJECTED

    def task_state(self, task: Task) -> TaskState:
        """Return the state of a task."""
        self._arrive()
        if self.task_fails or task.id in self._failed or task.id != f"task-{self.resets}":
            return TaskState.FAILED
        return TaskState.DONE if self._coming is None else TaskState.RUNNING

    @property
    def state(self) -> TaskState:
        """How far the latest change is."""
        self._arrive()
        if f"task-{self.resets}" in self._failed:
            return TaskState.FAILED
        return TaskState.DONE if self._coming is None else TaskState.RUNNING

    def switch(self, wanted: Power) -> None:
        """Begin to switch the machine."""
        self._arrive()
        if self._switching is not None or self.power is wanted:
            raise PreconditionFailed("the machine is switching, or in that state already")
        self.stops += wanted is Power.STOPPED
        self.starts += wanted is Power.RUNNING
        self._switching = (self.now() + self.switch_seconds, wanted)

    def set_by_hand(self, password: Secret) -> None:
        """Change the password outside Lockstep, as an operator would on the console."""
        self._become(password)

    @property
    def busy(self) -> bool:
        """Whether a task is running or the machine is being switched."""
        self._arrive()
        return ((self.asynchronous or self.by_state) and self._coming is not None) or self._switching is not None

    @property
    def locked(self) -> bool:
        """Whether the account is locked now."""
        return self._locked_until() > self.now()

    @property
    def coming(self) -> Secret | None:
        """The password that an accepted change will set, if it is not applied yet."""
        self._arrive()
        return None if self._coming is None else self._coming[1]

    @property
    def taken(self) -> list[Secret]:
        """Every value that a change brought so far, also if it is no longer live or not applied yet."""
        underway = self.coming
        return [*self._former, self._live, *([] if underway is None else [underway])]

    @property
    def recent_wrong_logins(self) -> int:
        """Wrong logins within the lock-out's window, or within five minutes where none is known."""
        window = 300 if self.lockout is None else self.lockout.window_seconds
        return sum(at > self.now() - window for at in self._wrong_at)

    def save(self) -> tuple[Any, ...]:
        """Return everything that changes, as a value that can be compared; it holds passwords as text."""
        coming = self._coming and (self._coming[0], self._coming[1].reveal())
        return (
            (self.power, self.resets, self.wrong_logins, self.stops, self.starts, self.changed_at, self._switching),
            tuple(each.reveal() for each in self._former),
            tuple(self._wrong_at),
            coming,
            self._live.reveal(),
        )

    def load(self, saved: tuple[Any, ...]) -> None:
        """Go back to what ``save`` returned."""
        plain, former, wrong_at, coming, live = saved
        (self.power, self.resets, self.wrong_logins, self.stops, self.starts, self.changed_at, self._switching) = plain
        self._former = [Secret(each) for each in former]
        self._wrong_at = list(wrong_at)
        self._coming = coming and (coming[0], Secret(coming[1]))
        self._live = Secret(live)

    def _arrive(self) -> None:
        if self._switching is not None and self._switching[0] <= self.now():
            self.power, self._switching = self._switching[1], None
            if self._coming is not None and self.applies_at_start and self.power is Power.RUNNING:
                self._coming = (self.now(), self._coming[1])
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
