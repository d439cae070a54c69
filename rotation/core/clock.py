"""The real clock."""

from __future__ import annotations

import time
from typing import Protocol


class SystemClock:
    """``ports.Clock`` by the operating system."""

    def now(self) -> float:
        """Return epoch seconds."""
        return time.time()

    def sleep(self, seconds: float) -> None:
        """Wait."""
        time.sleep(seconds)  # the one place that waits


class Clock(Protocol):
    """Time as a port, so that tests and simulations own it."""

    def now(self) -> float:
        """Return epoch seconds."""
        ...

    def sleep(self, seconds: float) -> None:
        """Wait."""
        ...
