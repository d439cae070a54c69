"""The clocks of the doubles' tests, and the base URL of a simulated vendor."""

import pytest

from rotation_testkit.fault_lab.in_memory.scenario import VirtualClock
from rotation_testkit.sandbox.sandbox import ShiftedClock


@pytest.fixture
def clock():
    """A clock that moves only when a test moves it."""
    return VirtualClock()


@pytest.fixture
def wall_clock():
    """The machine's clock, by which a vendor's SDK signs; a test may move it ahead."""
    return ShiftedClock()


@pytest.fixture
def url(sim):
    """The base URL of the served simulator."""
    with sim.serve() as base:
        yield base
