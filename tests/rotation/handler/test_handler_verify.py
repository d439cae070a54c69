"""The drift check of the fleet's state machine, as the rotation function serves it."""

from __future__ import annotations

import json
from typing import Any

from rotation_testkit.sandbox.sandbox import HUAWEI


def test_a_check_says_how_it_ended_and_changes_nothing(rig: Any) -> None:
    """A password that works, one that does not, and an event that is wrong are results: nothing is raised."""
    store, name = rig.world.secrets_manager, rig.world.accounts[HUAWEI]
    before = store.labels(name)
    assert rig.call({"Verify": name}) == {"ended": "verified", "evidence": "LOGIN"}
    assert store.labels(name) == before
    rig.put(name, rig.document(HUAWEI) | {"password": "Another-Passw0rd-4711"})
    drifted = rig.call({"Verify": name})
    assert (drifted["ended"], drifted["error"]["code"]) == ("drifted", "login_rejected")
    for wrong in ({"Verify": ""}, {"Verify": name, "Step": "setSecret"}, {"Verify": 7}):
        refused = rig.call(wrong)
        assert (refused["ended"], refused["error"]["code"]) == ("needs_human", "event_error")
    assert rig.world.changes(HUAWEI) == 0
    lines = [json.loads(line) for line in rig.written().splitlines() if '"message"' in line]
    said = [(line["step"], line.get("outcome")) for line in lines]
    assert said == [("verify", "verified"), ("verify", "drifted"), *[("verify", "needs_human")] * 3]
