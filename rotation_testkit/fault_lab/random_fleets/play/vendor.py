"""The memory vendor with a history: who made which password live, which values it accepted, who made wrong logins.

It works on an account's requests in the order in which they arrived, so a stuck request delays those behind it. If a
vendor let a request that is stuck for longer than its client waits overtake a later one, no client could be safe.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field

from rotation.core.errors import DriverError
from rotation.core.secret import Secret
from rotation.core.values import Power, Task
from rotation_testkit.fault_lab.in_memory.vendor import MemoryVendor


@dataclass(slots=True)
class Late:
    """A change request that is stuck on its way."""

    due: float
    new: Secret
    old: Secret | None


@dataclass(slots=True, kw_only=True)
class FleetVendor(MemoryVendor):
    """One account.

    Attributes:
        accepted: values that the vendor definitively took, in order.
        ours: the value that a request of ours made live last, and the initial one.
        outside: whether the password was changed outside Lockstep since then.
        late: requests that will be worked on later.
        foreign: values that another secret's rotation set.
        on_wrong: takes each wrong login that Lockstep causes; ``True`` when it is of a late request.
        by_user: whether the wrong logins are a human's.
    """

    accepted: list[Secret] = field(default_factory=list)
    ours: Secret | None = None
    outside: bool = False
    late: list[Late] = field(default_factory=list)
    foreign: list[Secret] = field(default_factory=list)
    on_wrong: Callable[[bool], None] = lambda _late: None
    by_user: bool = False
    _by_hand: bool = False
    _catching_up: bool = False

    def change(self, new: Secret, old: Secret | None) -> Task | None:
        """Apply one change request by the vendor's rules, after those that it took earlier."""
        if not self._catching_up:
            self._catch_up(until=None)
        task = MemoryVendor.change(self, new, old)
        if new not in self.accepted:
            self.accepted.append(new)
        return task

    def put_off(self, new: Secret, old: Secret | None, seconds: float) -> None:
        """Take a request now and work on it later."""
        self.late.append(Late(self.now() + seconds, new, old))
        self.late.sort(key=lambda each: each.due)

    def set_by_hand(self, password: Secret) -> None:
        """Change the password outside Lockstep."""
        self._arrive()
        self._by_hand = True
        self._become(password)
        self._by_hand = False

    def change_for_another(self, password: Secret) -> None:
        """Take another secret's change request, which knows what is live now.

        Raises:
            DriverError: the vendor's rules are against it.
        """
        self._catch_up(until=None)
        self._arrive()
        if self.power is Power.RUNNING and self._switching is None:
            self.set_by_hand(password)  # It stops and starts the machine itself.
            return
        self.foreign.append(password)
        MemoryVendor.change(self, password, self._live)

    def guess_wrong(self, times: int) -> None:
        """Make a wrong login as the account's human user."""
        self._arrive()
        self.by_user = True
        for _ in range(times):
            self._wrong()
        self.by_user = False

    def former(self, back: int) -> Secret | None:
        """Return an earlier password, the latest with 1."""
        return self._former[-back] if 0 < back <= len(self._former) else None

    @property
    def taken(self) -> list[Secret]:
        """Every value that the vendor definitely took from a request of ours, in order."""
        return self.accepted

    @property
    def to_come(self) -> list[Secret]:
        """Values that may become live without another request."""
        applying = [] if self._coming is None else [self._coming[1]]
        return applying + [each.new for each in self.late]

    def _arrive(self) -> None:
        if self._coming is None and self._switching is None and not self.late:
            return  # Nothing is on its way, which is the rule.
        MemoryVendor._arrive(self)  # noqa: SLF001 - its own; slots leave no super()
        if not self._catching_up:
            self._catch_up(until=self.now())
            MemoryVendor._arrive(self)  # noqa: SLF001 - as above

    def _catch_up(self, *, until: float | None) -> None:
        self._catching_up = True
        while self.late and (until is None or self.late[0].due <= until):
            request = self.late.pop(0)
            with suppress(DriverError):  # No client gets the refusal of a late request.
                self.change(request.new, request.old)
        self._catching_up = False

    def _become(self, password: Secret) -> None:
        if self._by_hand or password in self.foreign:
            self.outside = True
        else:
            self.ours, self.outside = password, False
        MemoryVendor._become(self, password)  # noqa: SLF001 - as above

    def _wrong(self) -> None:
        MemoryVendor._wrong(self)  # noqa: SLF001 - as above
        if not self.by_user:
            self.on_wrong(self._catching_up)

    @property
    def is_on(self) -> bool:
        """Whether the machine runs, where there is one."""
        self._arrive()
        return self._switching is None and self.power is not Power.STOPPED

    @property
    def can_log_in(self) -> bool:
        """Whether a login would be judged now, and by the password that is there to stay."""
        return self.is_on and not self.locked and not self.to_come

    def switch_on(self) -> None:
        """Switch the machine on by hand."""
        self._arrive()
        if self.power is not None:
            self.power, self._switching = Power.RUNNING, None
