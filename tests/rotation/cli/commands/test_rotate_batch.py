"""``lockstep rotate`` of a batch: each device's outcome and evidence stand in the lines of ``--json``."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from rotation.cli.commands.rotate import _fields
from rotation.cli.local_rotation import LocalRotation
from rotation_testkit.sandbox.sandbox import BATCH, World, world

NAMES = ["cpm-demo-batch-1", "cpm-demo-batch-2", "cpm-demo-batch-3"]


@pytest.fixture
def devices() -> Iterator[World]:
    """Yield a sandbox with a batch of three devices."""
    with world(holding=(BATCH,), retry_delays=()) as started:
        started.tencent.v3.per_action.most = None  # the clock hardly moves
        yield started


def lines(started: World) -> list[dict[str, Any]]:
    """Rotate in this process, in the sandbox's time, and return the lines of ``--json``."""
    name = started.accounts[BATCH]
    rotation = LocalRotation(
        started.secrets_manager.client(direct=True), name, started.environment(), clock=started.clock
    )
    return [json.loads(json.dumps(_fields(report, name, rotation))) for report in rotation.steps()]


def test_each_device_is_told(devices: World) -> None:
    """Each line has outcome and evidence; a device that fails is named with its error, and succeeds by itself later."""
    devices.tencent.device(NAMES[1]).agent_alive = False
    created, sent = lines(devices)
    assert [(each["name"], each["outcome"]) for each in created["members"]] == [(name, "staged") for name in NAMES]
    assert sent["outcome"] == "precondition_failed"
    assert [(each["name"], each["outcome"], each.get("evidence")) for each in sent["members"]] == [
        (NAMES[0], "sent", "LOGIN"),
        (NAMES[1], "precondition_failed", None),
        (NAMES[2], "sent", "LOGIN"),
    ]
    assert sent["members"][1]["error"]["vendor_code"] == "FailedOperation.TscAgentOffline"
    assert sent["members"][1]["error"]["hint"]
    devices.tencent.device(NAMES[1]).agent_alive = True
    devices.clock.sleep(600)
    *_, finished = lines(devices)
    assert (finished["outcome"], finished["evidence"], finished["resumed"]) == ("promoted", "LOGIN", True)
    assert [(each["name"], each["evidence"]) for each in finished["members"]] == [(name, "LOGIN") for name in NAMES]
    assert devices.stored(BATCH) == devices.live(BATCH)
    assert [devices.tencent.resets(name) for name in NAMES] == [1, 1, 1]
