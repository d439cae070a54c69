"""Facts about the clock."""

import time

from rotation.core.clock import SystemClock


def test_the_systems_clock_tells_epoch_seconds_and_waits(monkeypatch):
    """``now`` is the system's time, and ``sleep`` waits for as long as it is asked to."""
    waits: list[float] = []
    monkeypatch.setattr(time, "sleep", waits.append)
    clock, before = SystemClock(), time.time()
    assert before <= clock.now() <= time.time()
    clock.sleep(2.5)
    assert waits == [2.5]
