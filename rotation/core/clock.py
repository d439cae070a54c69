"""The clock as an interface, so that tests and simulations can bring their own, and the system's clock."""

from __future__ import annotations

import time
from typing import Protocol


class Clock(Protocol):
    """What tells the time and waits."""

    def now(self) -> float:
        """Return the time as epoch seconds."""
        ...

    def sleep(self, seconds: float) -> None:
        """Wait for that many seconds."""
        ...


class SystemClock:
    """The operating system's clock."""

    def now(self) -> float:
        """Return the time as epoch seconds."""
        return time.time()

    def sleep(self, seconds: float) -> None:
        """Wait for that many seconds. Nothing else in Lockstep waits."""
        time.sleep(seconds)
