"""The vendors' driver as one invocation has it: every verb passes the gate, and a request can linger on its way."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rotation.core.secret import Secret
from rotation.core.values import Observation, Progress, Task, Verdict
from rotation_testkit.fault_lab.in_memory.driver import MemoryAccount, MemoryDriver, MemoryLoginDriver

if TYPE_CHECKING:
    from rotation_testkit.fault_lab.random_fleets.play.gate import Gate
    from rotation_testkit.fault_lab.random_fleets.play.member import Member


class FleetDriver:
    """Has no login call."""

    def __init__(self, member: Member, gate: Gate) -> None:
        self._member, self._pass = member, gate.pass_through
        self._gate = gate

    def set_password(self, account: MemoryAccount, new: Secret, *, current: Secret | None) -> Task | None:
        """See ``ports.Driver``. Shows the watch what is sent."""
        number, member = self._number(account), self._member

        def send() -> Task | None:
            member.watches[number].sending(self._gate, new)
            if member.slow_next is not None:
                seconds, member.slow_next = member.slow_next, None
                member.vendors[number].put_off(new, current, seconds)
                return None
            return MemoryDriver(member.vendors[number]).set_password(account, new, current=current)

        task: Task | None = self._pass("set_password", send, number)
        return task

    def observe(self, account: MemoryAccount) -> Observation:
        """See ``ports.Observes``."""
        number, driver = self._plain(account)
        seen: Observation = self._pass("observe", lambda: driver.observe(account), number)
        return seen

    def stop(self, account: MemoryAccount) -> None:
        """See ``ports.Powers``."""
        number, driver = self._plain(account)
        self._pass("stop", lambda: driver.stop(account), number)

    def start(self, account: MemoryAccount) -> None:
        """See ``ports.Powers``."""
        number, driver = self._plain(account)
        self._pass("start", lambda: driver.start(account), number)

    def poll(self, account: MemoryAccount, task: Task) -> Progress:
        """See ``ports.Polls``."""
        number, driver = self._plain(account)
        progress: Progress = self._pass("poll", lambda: driver.poll(account, task), number)
        return progress

    def _number(self, account: MemoryAccount) -> int:
        return next(number for number, each in enumerate(self._member.vendors) if each.username == account.username)

    def _plain(self, account: MemoryAccount) -> tuple[int, MemoryLoginDriver]:
        number = self._number(account)
        return number, MemoryLoginDriver(self._member.vendors[number])


class FleetLoginDriver(FleetDriver):
    """The same with a login call."""

    def verify(self, account: MemoryAccount, password: Secret) -> Verdict:
        """See ``ports.Verifies``."""
        number, driver = self._plain(account)
        verdict: Verdict = self._pass("verify", lambda: driver.verify(account, password), number)
        return verdict
