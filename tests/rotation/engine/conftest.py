"""Scenarios for the engine's tests."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from rotation.core.secret import Secret
from rotation_testkit.fault_lab.in_memory.scenario import Scenario
from rotation_testkit.fault_lab.in_memory.scenarios import make_scenario


@pytest.fixture
def world() -> Callable[..., Scenario]:
    """Make a scenario of one vendor class; keyword arguments go to the vendor."""
    return make_scenario


@pytest.fixture
def hold() -> Callable[..., None]:
    """Keep any text under labels of a scenario's secret, as people do."""

    def keep(scenario: Scenario, text: str, *stages: str) -> None:
        held = "held-0000000000000000000000000000000"
        scenario.secret.put(held, None, *stages)
        version = scenario.secret._versions[held]
        version.text, version.created = Secret(text), scenario.clock.now()

    return keep
