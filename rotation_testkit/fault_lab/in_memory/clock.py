"""The one virtual clock of the kit. Requests that were delayed arrive while it moves."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from rotation.core.clock import Clock

START = 1_700_000_000.0
FUNCTION_SECONDS = 60.0
"""Time-out of one invocation of the simulated function."""
Late = tuple[float, str, tuple[str, ...]]
"""A delayed request: epoch of arrival, its receiver (``store`` or ``vendor``), and the request as texts."""


@dataclass(frozen=True, slots=True)
class Skewed:
    """A clock that differs from the one that everybody else reads.

    Attributes:
        clock: everybody else's.
        ahead: seconds by which this one is ahead.
    """

    clock: Clock
    ahead: float

    def now(self) -> float:
        """Return epoch seconds."""
        return self.clock.now() + self.ahead

    def sleep(self, seconds: float) -> None:
        """Wait for that many seconds."""
        self.clock.sleep(seconds)


@dataclass(slots=True)
class VirtualClock:
    """A clock that moves only when it is moved, or during a sleep.

    Attributes:
        time: epoch seconds.
        late: the delayed requests, in the order in which they were sent.
        deliver: takes one delayed request: its receiver and its texts.
    """

    time: float = START
    late: tuple[Late, ...] = ()
    deliver: Callable[[str, tuple[str, ...]], None] = field(default=lambda _receiver, _request: None)

    def now(self) -> float:
        """Return epoch seconds."""
        return self.time

    def sleep(self, seconds: float) -> None:
        """Move on by so many seconds; a negative number sets the clock back."""
        if seconds < 0:
            self.time += seconds
        else:
            self.move_to(self.time + seconds)

    def move_to(self, moment: float) -> None:
        """Move on to an epoch; a past one changes nothing."""
        while due := [each for each in self.late if each[0] <= moment]:
            first = min(due, key=lambda each: each[0])
            position = self.late.index(first)
            self.late = self.late[:position] + self.late[position + 1 :]
            self.time = max(self.time, first[0])
            self.deliver(first[1], first[2])
        self.time = max(self.time, moment)
