"""A vendor's rate limit over a sliding window of its clock."""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Callable


class Limiter:
    """At most ``most`` units per key in any ``seconds``; None is no limit. Both may be changed while it is used."""

    def __init__(self, clock: Callable[[], float], most: int | None, seconds: float) -> None:
        self.clock = clock
        self.most = most
        self.seconds = seconds
        self._taken: dict[str, deque[float]] = defaultdict(deque)

    def take(self, key: str, cost: int = 1) -> bool:
        """Count ``cost`` units against a key and return True, or return False when that is more than the limit."""
        now, taken = self.clock(), self._taken[key]
        while taken and taken[0] <= now - self.seconds:
            taken.popleft()
        if self.most is not None and len(taken) + cost > self.most:
            return False
        taken.extend([now] * cost)
        return True
