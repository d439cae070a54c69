"""A rate limit for each vendor account: its rotations begin a fixed interval apart, in whichever thread they run.

``delay`` hands out the next free starting time of an account. With 30 rotations a minute the interval is 2 s. Three
calls for one account at second 0 return 0, 2 and 4, and a call for another account returns 0. When the vendor throttles
at second 4, ``hold(account, 30)`` moves the next starting time to second 34.
"""

from __future__ import annotations

import threading

from rotation.core.clock import Clock


class Pace:
    """Starting times of rotations.

    Args:
        per_minute: how many rotations of one vendor account may begin in a minute.
        clock: the job's clock.
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
        """Delay every rotation of a vendor account that has not begun by at least ``seconds``."""
        with self._lock:
            self._next[account] = max(self._next.get(account, 0.0), self._clock.now() + seconds)
