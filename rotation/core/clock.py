"""The clock as an interface, so that tests and simulations can bring their own; the system's, and the store's."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Protocol

AGREES_SECONDS = 2.0
"""By which a machine's clock may differ from a store's and still counts: hosts that synchronise theirs are closer."""


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

    Args:
        wall: tells the machine's time, which may be set.
        passed: tells the seconds since an arbitrary moment.
    """

    def __init__(self, wall: Callable[[], float] | None = None, passed: Callable[[], float] | None = None) -> None:
        self._passed = passed or _seconds
        self._began = (wall or time.time)() - self._passed()

    def now(self) -> float:
        """Return the time as epoch seconds."""
        return self._began + self._passed()

    def sleep(self, seconds: float) -> None:
        """Wait for that many seconds. Nothing else in Lockstep waits."""
        time.sleep(seconds)


class StoreClock:
    """A machine's clock, corrected by what a secret store says in its answers, so that all runs count by one clock.

    Runs on several machines, one after another, compare moments that they write down. A machine's clock may be minutes
    off, and may be set while a run is under way; the store's is the one that all of them hear. An HTTP answer is dated
    in whole seconds, some time between the request and now. While that fits the clock by ``AGREES_SECONDS``, nothing is
    corrected. Without any answer the machine's clock counts.
    """

    def __init__(self, clock: Clock) -> None:
        self.machine, self._ahead = clock, 0.0

    def now(self) -> float:
        """Return the time as epoch seconds."""
        return self.machine.now() - self._ahead

    def sleep(self, seconds: float) -> None:
        """Wait for that many seconds."""
        self.machine.sleep(seconds)

    def heard(self, date: str | None, took: float) -> None:
        """Set this clock by the ``Date`` header of an answer that has just come, ``took`` seconds after its request.

        A text that is no date, or ``None``, changes nothing.
        """
        now = self.machine.now()
        with suppress(TypeError, ValueError, OverflowError):
            dated = parsedate_to_datetime(date or "").timestamp()
            least, most = now - took - dated - 1, now - dated  # ahead of the store by this much
            if not least - AGREES_SECONDS <= self._ahead <= most + AGREES_SECONDS:
                self._ahead = min(max(self._ahead, least), most)


def steady(clock: Clock) -> Clock:
    """Return the clock by which a run's own time is measured: the machine's, which no answer of a store sets."""
    return clock.machine if isinstance(clock, StoreClock) else clock


def _seconds() -> float:
    """Return seconds since an arbitrary moment, which nobody can set."""
    boot = getattr(time, "CLOCK_BOOTTIME", None)  # Linux: CLOCK_MONOTONIC stands still while the machine sleeps
    return time.monotonic() if boot is None else time.clock_gettime(boot)


_LAST = datetime(9999, 12, 31, 23, 59, 59, tzinfo=UTC).timestamp()


def date_of(epoch: float) -> datetime:
    """Return epoch seconds as a date in UTC; at most the end of the year 9999, since a label may name any number."""
    return datetime.fromtimestamp(min(max(epoch, 0.0), _LAST), UTC)
