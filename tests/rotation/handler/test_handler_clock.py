"""The function's clock is minutes off, another way in each step: every run counts by the clock of Secrets Manager."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest

from rotation import handler
from rotation.core.errors import InProgress, RotationError
from rotation.state.versions import Version
from rotation_testkit.doubles.secretsmanager import RotationState
from rotation_testkit.fault_lab.in_memory.clock import Skewed
from rotation_testkit.sandbox.sandbox import (
    BATCH,
    FUNCTION_ARN,
    HUAWEI,
    LINUX_VM,
    TENCENT,
    UCLOUD,
    VOLCENGINE,
    Sandbox,
    ShiftedClock,
    open_sandbox,
)
from rotation_testkit.sandbox.served_function import FixedContext

ACCOUNTS = (UCLOUD, LINUX_VM, TENCENT, BATCH, VOLCENGINE, HUAWEI)
STEPS = ("createSecret", "setSecret", "testSecret", "finishSecret")
OFF = (600.0, -600.0)


@dataclass
class Function:
    """The handler with a clock of its own in each invocation."""

    world: Sandbox
    clock: Any = None
    errors: list[RotationError] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.client = self.world.secrets_manager.client(direct=True)
        self.world.secrets_manager.register_function(FUNCTION_ARN, self)

    def __call__(self, event: dict[str, Any]) -> None:
        """Run one step."""
        clock = self.clock(event["Step"])
        outside = handler.World(connect=lambda: self.client, environment=self.world.environment(), clock=clock)
        try:
            handler.handle(event, FixedContext(), outside)
        except RotationError as error:
            self.errors.append(error)
            raise

    def rotate(self, account: str) -> Any:
        """Rotate as the service does."""
        return self.world.secrets_manager.rotate(self.world.accounts[account], function=FUNCTION_ARN)

    def versions(self, account: str) -> list[Version]:
        """Return the labelled versions."""
        labels = self.world.secrets_manager.labels(self.world.accounts[account])
        return [Version.from_labels(key, held) for key, held in labels.items()]


@pytest.fixture(params=ACCOUNTS)
def account(request: pytest.FixtureRequest) -> str:
    """One account of each class, and a batch."""
    return str(request.param)


@pytest.fixture
def function(account: str) -> Iterator[Function]:
    """The function of a sandbox with that account, a month after it was made."""
    with open_sandbox(holding=(account,), clock=ShiftedClock(), retry_delays=(45.0, 60.0, 1000.0, 1000.0)) as world:
        world.clock.sleep(30 * 86_400.0)
        yield Function(world)


@pytest.mark.parametrize("ahead", OFF)
def test_a_wrong_clock_in_any_step_changes_nothing(function: Function, account: str, ahead: float) -> None:
    """Each step's clock is off the other way than the one's before; labels have the store's time, and none waits."""
    for rotation in range(2):
        signs = {step: ahead * (-1.0) ** (number + rotation) for number, step in enumerate(STEPS)}
        function.clock = lambda step, signs=signs: Skewed(function.world.clock, signs[step])
        began = function.world.clock.now()
        assert function.rotate(account).failures == []
        assert function.world.stored(account) == function.world.live(account)
        current = next(each for each in function.versions(account) if "AWSCURRENT" in each.stages)
        assert began - 5 <= float(current.intent or 0) <= function.world.clock.now() + 5
        function.world.clock.sleep(3600)


class Dead(BaseException):
    """The process died."""


@pytest.mark.parametrize("ahead", OFF)
def test_a_dead_runs_lease_lasts_neither_longer_nor_shorter(function: Function, account: str, ahead: float) -> None:
    """Its clock was wrong, and the next runs' are wrong the other way: one waits, and the one after it goes on."""
    taken, died = [], []

    def die(params: dict[str, Any], **_: object) -> None:
        if taken and not died:
            died.append(True)
            raise Dead
        if b"lockstep:lease" in params["body"] and b"MoveToVersionId" in params["body"]:
            taken.append(True)

    function.client.meta.events.register("before-call.secrets-manager", die)
    function.clock = lambda _: Skewed(function.world.clock, -ahead if died else ahead)
    rotation = function.rotate(account)
    first, second, *later = [type(error) for _, error in rotation.failures]
    assert (first, second) == (Dead, InProgress)
    assert InProgress not in later
    assert rotation.state is RotationState.SUCCEEDED
    assert function.world.stored(account) == function.world.live(account)
