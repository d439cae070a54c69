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
    """The operating system's clock as it was when this object was made, and the seconds that have passed since.

    So a clock that is set while a run is under way neither ends a wait nor prolongs it. Each run makes its own: another
    one then begins with the corrected time. Where the system can tell, seconds in which it slept have passed, too.
    """

    def __init__(self) -> None:
        self._began, self._passed = time.time(), _seconds()

    def now(self) -> float:
        """Return the time as epoch seconds."""
        return self._began + _seconds() - self._passed

    def sleep(self, seconds: float) -> None:
        """Wait for that many seconds. Nothing else in Lockstep waits."""
        time.sleep(seconds)


def _seconds() -> float:
    """Return seconds since an arbitrary moment, which nobody can set."""
    boot = getattr(time, "CLOCK_BOOTTIME", None)  # Linux: CLOCK_MONOTONIC stands still while the machine sleeps
    return time.monotonic() if boot is None else time.clock_gettime(boot)


_LAST = datetime(9999, 12, 31, 23, 59, 59, tzinfo=UTC).timestamp()


def date_of(epoch: float) -> datetime:
    """Return epoch seconds as a date in UTC; at most the end of the year 9999, since a label may name any number."""
    return datetime.fromtimestamp(min(max(epoch, 0.0), _LAST), UTC)
