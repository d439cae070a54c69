"""Rate limits per vendor account: rotations of one account begin so many seconds apart, whoever runs them here."""

from __future__ import annotations

import threading

from rotation.core.clock import Clock


class Pace:
    """Hands out starting times.

    Args:
        per_minute: rotations of one vendor account that may begin in a minute.
        clock: everybody's.
    """

    def __init__(self, per_minute: float, *, clock: Clock) -> None:
        self._interval, self._clock = 60.0 / per_minute, clock
        self._next: dict[str, float] = {}
        self._lock = threading.Lock()

    def delay(self, account: str) -> float:
        """Take the next starting time of a vendor account and return the seconds until then."""
        with self._lock:
            now = self._clock.now()
            start = max(now, self._next.get(account, now))
            self._next[account] = start + self._interval
            return start - now

    def hold(self, account: str, seconds: float) -> None:
        """Let no rotation of a vendor account begin for so long: it throttles us."""
        with self._lock:
            self._next[account] = max(self._next.get(account, 0.0), self._clock.now() + seconds)
