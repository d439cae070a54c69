"""What a clean rotation costs in calls and writes, exactly, and that committing early keeps every promise."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

import pytest

from rotation import handler
from rotation.core.values import Step
from rotation.engine.session import Session
from rotation_testkit.doubles.secretsmanager import SecretsManager
from rotation_testkit.fault_lab.in_memory.scenarios import KINDS, make_scenario
from rotation_testkit.fault_lab.in_memory.vendor_classes import MATRIX_CLASSES
from rotation_testkit.fault_lab.matrix.plan import OURS, Line
from rotation_testkit.fault_lab.matrix.runs.explore import End, Explorer
from rotation_testkit.fault_lab.matrix.worlds.setups import make
from rotation_testkit.fault_lab.random_fleets.runner import simulate
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
    take_turns,
)
from rotation_testkit.sandbox.served_function import FixedContext

FIRST = [(5, 1), (8, 4), (1, 0), (5, 1)]
LATER = [(3, 1), (7, 3), (1, 0), (6, 2)]
MEETING = [(4, 1), (8, 4), (1, 0), (5, 1)]
COSTS = {
    UCLOUD: (FIRST, LATER),
    LINUX_VM: (FIRST, LATER),
    TENCENT: (FIRST, LATER),
    VOLCENGINE: (FIRST, LATER),
    HUAWEI: (MEETING, LATER),
}
"""Calls, and the writes among them, of each step; the first rotation reads the seals' key and the admin credential."""


@dataclass
class Counted:
    """The handler over a world, with what each step of the latest rotation cost."""

    world: Sandbox
    settings: dict[str, str] = field(default_factory=dict)
    steps: list[tuple[int, int]] = field(default_factory=list)

    def __post_init__(self) -> None:
        client = self.service.client()
        environment = {**self.world.environment(), **self.settings}
        self.outside = handler.World(connect=lambda: client, environment=environment, clock=self.world.clock)

    @property
    def service(self) -> SecretsManager:
        """The double."""
        return self.world.secrets_manager

    def __call__(self, event: dict[str, object]) -> None:
        """Run one step, and count."""
        before = len(self.service.calls)
        handler.handle(event, FixedContext(), self.outside)
        made = self.service.calls[before:]
        self.steps.append((len(made), sum(call.writes for call in made)))

    def rotate(self, account: str) -> list[tuple[int, int]]:
        """Rotate once, a month later, and return what each step cost."""
        self.world.clock.sleep(30 * 86_400.0)
        self.steps.clear()
        self.service.register_function(FUNCTION_ARN, self)
        assert self.service.rotate(f"lockstep/{account}", function=FUNCTION_ARN).failures == []
        return list(self.steps)


@pytest.fixture
def counted(request: pytest.FixtureRequest) -> Iterator[Counted]:
    """Return the handler over a world that holds one account."""
    with open_sandbox(holding=(request.param,), clock=ShiftedClock(), retry_delays=()) as started:
        yield Counted(started)


@pytest.mark.parametrize(("counted", "account"), [(each, each) for each in COSTS], indirect=["counted"])
def test_a_clean_rotation_makes_17_calls_and_6_writes_when_warm(counted: Counted, account: str) -> None:
    """Container, virtual machine, asynchronous task, directory user and an account that changes its own password."""
    first, later = counted.rotate(account), counted.rotate(account)
    assert (first, later) == COSTS[account]
    assert counted.rotate(account) == later
    assert sum(calls for calls, _ in first) <= 19
    assert sum(calls for calls, _ in later) == 17
    for steps in (first, later):
        assert sum(writes for _, writes in steps) == 6


@pytest.mark.parametrize("counted", [VOLCENGINE], indirect=True)
def test_two_accounts_that_take_turns_cost_the_same(counted: Counted) -> None:
    """Whose turn it is stands in the value that is read anyway."""
    take_turns(counted.world)
    assert [counted.rotate(VOLCENGINE) for _ in range(3)] == [FIRST, LATER, LATER]


@pytest.mark.parametrize("counted", [BATCH], indirect=True)
def test_a_batch_of_three_needs_five_writes_and_one_for_each_account(counted: Counted) -> None:
    """One intent for all of them, and a proof for each."""
    for _ in range(3):
        assert sum(writes for _, writes in counted.rotate(BATCH)) == 5 + 3


@pytest.mark.parametrize("kind", KINDS)
def test_committed_early_the_new_value_is_current_after_set_secret(kind: str) -> None:
    """The other steps confirm; what setSecret could not prove in its time is committed by finishSecret."""
    scenario = make_scenario(kind)
    scenario.early = True
    token = scenario.created()
    in_time = scenario.step(Step.SET, token).outcome == "promoted"
    assert in_time == (kind != "admin-task")  # whose task takes longer than setSecret has
    if not in_time:
        scenario.step(Step.TEST, token)
        scenario.step(Step.FINISH, token)
    assert scenario.password() == scenario.vendor.live
    assert scenario.secret.describe().current_id == token
    assert [scenario.step(step, token).outcome for step in (Step.TEST, Step.FINISH)] == ["already_done"] * 2
    assert (scenario.vendor.resets, scenario.vendor.wrong_logins) == (1, 0)


@pytest.mark.parametrize("spacing", [10, pytest.param(600, marks=pytest.mark.long)])
@pytest.mark.parametrize("driver", MATRIX_CLASSES)
def test_committed_early_every_single_fault_heals(driver: str, spacing: int) -> None:
    """No promise is broken, as without it."""
    tally = Explorer(make(Line(OURS, driver, "memory", spacing), early=True), deep=True).runs(1)
    assert not tally.broken
    assert set(tally.ends) == {End.HEALED}


def test_committed_early_random_fleets_keep_every_promise(monkeypatch: pytest.MonkeyPatch) -> None:
    """The random schedules find nothing, with every run of every secret committing early."""
    defaults = Session.__init__.__kwdefaults__
    assert defaults is not None
    monkeypatch.setitem(defaults, "early", True)  # noqa: FBT003 - a mapping has no keywords
    assert simulate(1, 150).finding is None
