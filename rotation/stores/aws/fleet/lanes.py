"""Turns of many secrets: each vendor has a lane, and only so many of a lane are out at a time.

A vendor counts requests and wrong logins for all its products together, and one that is slow must not hold up the
others. The first word of a driver's code is the vendor: ``tencent_bm`` and ``tencent_cvm`` share a lane.
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Iterable

from rotation.stores.aws.fleet.fleet_secret import FleetSecret


class Lanes:
    """The secrets that wait, in the order in which they came.

    Args:
        secrets: all of them; those without a binding share a lane.
        most: how many of a lane may be out at a time.
    """

    def __init__(self, secrets: Iterable[FleetSecret], *, most: int) -> None:
        self._most = most
        self._waiting: dict[str, deque[FleetSecret]] = {}
        self._out: Counter[str] = Counter()
        for each in secrets:
            self._waiting.setdefault(_vendor(each), deque()).append(each)

    def __len__(self) -> int:
        return sum(map(len, self._waiting.values()))

    def take(self) -> FleetSecret | None:
        """Return the next secret of the lane with the fewest out, or ``None`` while each lane is full or empty."""
        open_lanes = [name for name, queue in self._waiting.items() if queue and self._out[name] < self._most]
        if not open_lanes:
            return None
        name = min(open_lanes, key=lambda lane: self._out[lane])
        self._out[name] += 1
        return self._waiting[name].popleft()

    def give_back(self, secret: FleetSecret) -> None:
        """Say that a secret has ended."""
        self._out[_vendor(secret)] -= 1


def _vendor(secret: FleetSecret) -> str:
    return (secret.driver or "").partition("_")[0]
