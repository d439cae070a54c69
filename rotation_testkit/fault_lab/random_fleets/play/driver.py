"""The vendors' driver as one invocation has it: the monitor sees what is sent, and a request can be put off."""

from __future__ import annotations

from collections.abc import Sequence

from rotation.core.secret import Secret
from rotation.core.values import Task, Verdict
from rotation_testkit.fault_lab.in_memory.driver import MemoryAccount, MemoryLoginDriver
from rotation_testkit.fault_lab.random_fleets.play.invocation import Invocation
from rotation_testkit.fault_lab.random_fleets.play.monitor import Monitor
from rotation_testkit.fault_lab.random_fleets.play.surroundings import AccountView


class FleetDriver(MemoryLoginDriver):
    """The driver of all accounts of a member."""

    def __init__(self, member: AccountView, monitors: Sequence[Monitor], run: Invocation) -> None:
        super().__init__(*member.vendors)
        self._member, self._monitors, self._run = member, monitors, run

    def set_password(self, account: MemoryAccount, new: Secret, *, current: Secret | None) -> Task | None:
        """See ``contract.Driver``."""
        vendor, member = self._of(account), self._member
        number = next(number for number, each in enumerate(member.vendors) if each is vendor)
        self._monitors[number].sending(self._run, new)
        if member.slow_seconds is not None:
            seconds, member.slow_seconds = member.slow_seconds, None
            member.vendors[number].put_off(new, current, seconds)
            return None
        return super().set_password(account, new, current=current)

    def verify(self, account: MemoryAccount, password: Secret) -> Verdict:
        """See ``contract.Verifies``."""
        self._monitors[0].using(password)
        return super().verify(account, password)
