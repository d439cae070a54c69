"""Scenarios for the engine's tests."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from rotation_testkit.fault_lab.in_memory.scenario import Scenario
from rotation_testkit.fault_lab.in_memory.scenarios import make_scenario


@pytest.fixture
def world() -> Callable[..., Scenario]:
    """Make a scenario of one vendor class; keyword arguments go to the vendor."""
    return make_scenario
