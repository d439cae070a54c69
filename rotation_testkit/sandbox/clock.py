"""The sandbox's clock."""

from __future__ import annotations

import time


class ShiftedClock:
    """Real time plus an offset: ``sleep`` moves the offset and does not wait."""

    def __init__(self, offset: float = 0.0) -> None:
        self.offset = offset

    def now(self) -> float:
        """Return epoch seconds."""
        return time.time() + self.offset

    def sleep(self, seconds: float) -> None:
        """Move the clock ahead."""
        self.offset += seconds
