"""The machine and the process that an invocation runs in: its clock may be set, and it may be asked to stop.

Three clocks count, as they do outside of the matrix:

* the store's and the vendor's, which is the world's ``VirtualClock`` and always right;
* the machine's, which a fault sets forward or back by minutes. An invocation reads it through the shipped
  ``SystemClock`` and ``StoreClock``: it begins with the machine's time, counts on by itself, and believes the dates of
  the store's answers;
* what tells the time that is left. Lambda's runtime computes it by the machine's clock as it is now, so that it may
  promise minutes that are not there. The process is killed at the true end.

Example. At effect 5 the clock is set back by 20 minutes. 40 s are left, and the function believes that 1240 s are. The
next invocation begins with a clock that is 20 minutes behind, until it hears the date of its first answer.

A process that is asked to stop knows it by ``rotation.core.process.stop``, here in virtual time. It is that of a job,
which runs the four steps one after another, so what was asked in one step still holds in the next.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from rotation.core.clock import StoreClock, SystemClock
from rotation.core.process import stop
from rotation_testkit.fault_lab.in_memory.clock import VirtualClock

JUMP_SECONDS = 1200.0
"""By which a fault sets the machine's clock."""


@dataclass(slots=True)
class Machine:
    """A machine and the process on it.

    Attributes:
        clock: the world's.
        ahead: seconds by which the machine's clock is ahead of it.
        asked_at: epoch at which the process was asked to stop, if it was.
    """

    clock: VirtualClock
    ahead: float = 0.0
    asked_at: float | None = None
    _ahead_at_start: float = 0.0

    def save(self) -> tuple[float, float | None]:
        """Return everything that decides how later invocations go."""
        return self.ahead, self.asked_at

    def load(self, saved: tuple[float, float | None]) -> None:
        """Go back to a saved state."""
        self.ahead, self.asked_at = saved

    @contextmanager
    def running(self) -> Iterator[None]:
        """Run an invocation in here; afterwards no process is asked to stop."""
        self._ahead_at_start = self.ahead
        _tell(self.asked_at)
        try:
            yield
        finally:
            _tell(None)

    @contextmanager
    def elsewhere(self) -> Iterator[None]:
        """Run an invocation on another machine, whose clock is right, in a process that nobody asks to stop."""
        mine, start = self.save(), self._ahead_at_start
        self.load((0.0, None))
        with self.running():
            yield
        self.load(mine)
        self._ahead_at_start = start
        _tell(self.asked_at)

    def ask(self) -> None:
        """Ask the process to stop."""
        if self.asked_at is None:
            self.asked_at = self.clock.now()
        _tell(self.asked_at)

    def own_clock(self) -> StoreClock:
        """Return the clock of an invocation that begins now."""
        return StoreClock(_MachineClock(self))

    def time_left(self, deadline: float) -> float:
        """Return what the runtime says of the time that is left, or the rest of the grace time."""
        left = deadline - self.clock.now() - (self.ahead - self._ahead_at_start)
        return min(left, self._grace_ends - self.clock.now())

    def sleep(self, seconds: float) -> None:
        """Wait.

        Raises:
            Halted: the grace time ends meanwhile.
        """
        until = self.clock.now() + seconds
        if until > self._grace_ends:
            self.clock.move_to(self._grace_ends)
            raise stop.Halted
        self.clock.move_to(until)

    @property
    def _grace_ends(self) -> float:
        return float("inf") if self.asked_at is None else self.asked_at + stop.GRACE_SECONDS


class _MachineClock(SystemClock):
    """The machine's clock; it waits in virtual time."""

    def __init__(self, machine: Machine) -> None:
        super().__init__(wall=lambda: machine.clock.now() + machine.ahead, passed=machine.clock.now)
        self.sleep = machine.sleep  # type: ignore[method-assign]  # the machine's way to wait


def _tell(asked_at: float | None) -> None:
    """Let the process know whether it is asked to stop; when that was, counts only in virtual time."""
    stop._process.asked_at = None if asked_at is None else time.monotonic()  # noqa: SLF001 - no real signal is sent
