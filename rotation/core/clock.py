"""The real clock."""

from __future__ import annotations

import time


class SystemClock:
    """``ports.Clock`` by the operating system."""

    def now(self) -> float:
        """Return epoch seconds."""
        return time.time()

    def sleep(self, seconds: float) -> None:
        """Wait."""
        time.sleep(seconds)  # the one place that waits
