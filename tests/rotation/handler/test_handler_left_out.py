"""A batch with a device that is off, as the service rotates it: the others keep their rhythm, and each run says why."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from rotation import handler
from rotation.core.errors import RotationError
from rotation_testkit.sandbox.sandbox import BATCH, FUNCTION_ARN, Sandbox, open_sandbox
from rotation_testkit.sandbox.served_function import FixedContext

OFF, ON = 3, 1


@pytest.fixture
def world() -> Iterator[Sandbox]:
    """A sandbox with a batch of three devices, whose service tries a failed rotation twice again."""
    with open_sandbox(holding=(BATCH,), retry_delays=(150.0, 150.0)) as started:
        started.tencent.v3.per_action.most = None  # the clock hardly moves
        yield started


def test_the_other_devices_are_rotated_by_each_schedule_until_the_device_is_back(world: Sandbox) -> None:
    """The first failure of a rotation names the device; the service's retries say that the rotation is over."""
    ends: list[tuple[str, str]] = []
    client = world.secrets_manager.client(direct=True)
    outside = handler.World(connect=lambda: client, environment=world.environment(), clock=world.clock)

    def serve(event: dict[str, object]) -> None:
        try:
            report = handler.handle(event, FixedContext(300.0), outside)
            ends.append((str(event["Step"]), str(report["outcome"])))
        except RotationError as error:
            ends.append((str(event["Step"]), f"{error.message} {error.hint}"))
            raise

    world.secrets_manager.register_function(FUNCTION_ARN, serve)
    world.tencent.device("cpm-demo-batch-2").power = OFF
    world.secrets_manager.rotate(world.accounts[BATCH], function=FUNCTION_ARN, rules={"AutomaticallyAfterDays": 1})
    for done in (1, 2):
        assert ends[0] == ("createSecret", "staged")
        assert ends[1][0] == "setSecret"
        assert "cpm-demo-batch-2: the device is off" in ends[1][1]
        assert {step for step, _ in ends[2:]} == {"createSecret"}
        assert all("an earlier log line of its token may say why" in said for _, said in ends[2:])
        assert world.stored(BATCH) == world.live(BATCH)
        assert [world.tencent.resets(f"cpm-demo-batch-{n}") for n in (1, 2, 3)] == [done, 0, done]
        ends.clear()
        if done == 2:
            world.tencent.device("cpm-demo-batch-2").power = ON
        world.clock.sleep(2 * 86_400)
        world.secrets_manager.tick()
    assert [outcome for _, outcome in ends] == ["staged", "sent", "found_proved", "promoted"]
    assert world.stored(BATCH) == world.live(BATCH)
