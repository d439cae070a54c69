"""The drift check of the fleet's state machine, as the rotation function serves it."""

from __future__ import annotations

import json

import pytest

from rotation import handler
from rotation_testkit.processes.function_context import FunctionContext
from rotation_testkit.sandbox.sandbox import HUAWEI, open_sandbox


@pytest.mark.usefixtures("fresh_log")
def test_a_check_says_how_it_ended_and_changes_nothing(capfd: pytest.CaptureFixture[str]) -> None:
    """A password that works, one that does not, and an event that is wrong are results: nothing is raised."""
    with open_sandbox(holding=(HUAWEI,)) as world:
        store, name = world.secrets_manager, world.accounts[HUAWEI]
        outside = handler.World(connect=store.client, environment=world.environment(), clock=world.clock)

        def ask(**event: object) -> dict[str, object]:
            return handler.handle(event, FunctionContext.lasting(60), outside)

        before = store.labels(name)
        assert ask(Verify=name) == {"ended": "verified", "evidence": "LOGIN"}
        assert store.labels(name) == before
        text = json.loads(str(store.call("GetSecretValue", SecretId=name)["SecretString"]))
        value = json.dumps({**text, "password": "Another-Passw0rd-4711"})
        store.call("PutSecretValue", SecretId=name, SecretString=value)
        drifted = ask(Verify=name)
        assert (drifted["ended"], drifted["error"]["code"]) == ("drifted", "login_rejected")  # type: ignore[index]
        for wrong in ({"Verify": ""}, {"Verify": name, "Step": "setSecret"}, {"Verify": 7}):
            refused = ask(**wrong)
            assert (refused["ended"], refused["error"]["code"]) == ("needs_human", "event_error")  # type: ignore[index]
        assert world.changes(HUAWEI) == 0
    lines = [json.loads(line) for line in capfd.readouterr().out.splitlines()]
    said = [(line["step"], line.get("outcome")) for line in lines if "message" in line]
    assert said == [("verify", "verified"), ("verify", "drifted"), *[("verify", "needs_human")] * 3]
    assert [line["StepFailed"] for line in lines if "StepFailed" in line] == [[0.0], *[[1.0]] * 4]
