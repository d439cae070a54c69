"""Rotations of one vendor account begin a fixed interval apart."""

from __future__ import annotations

from rotation_testkit.fault_lab.in_memory.scenario import VirtualClock
from vault_plugin.job.pace import Pace


def test_rotations_of_one_vendor_account_begin_apart():
    """Rotations of one account begin two seconds apart; a throttled account waits, and other accounts do not."""
    clock = VirtualClock()
    pace = Pace(30.0, clock=clock)
    assert [pace.delay("a") for _ in range(3)] == [0.0, 2.0, 4.0]
    assert pace.delay("b") == 0.0
    clock.sleep(100)
    assert pace.delay("a") == 0.0
    pace.hold("a", 30.0)
    assert pace.delay("a") == 30.0
    pace.hold("a", 1.0)
    assert pace.delay("a") == 32.0
