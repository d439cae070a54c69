"""The clock as an interface, so that tests and simulations can bring their own, and the system's clock."""

from __future__ import annotations

import time
from datetime import UTC, datetime
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


_LAST = datetime(9999, 12, 31, 23, 59, 59, tzinfo=UTC).timestamp()


def date_of(epoch: float) -> datetime:
    """Return epoch seconds as a date in UTC; at most the end of the year 9999, since a label may name any number."""
    return datetime.fromtimestamp(min(max(epoch, 0.0), _LAST), UTC)
