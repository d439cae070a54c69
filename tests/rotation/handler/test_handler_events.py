"""The function announces what happened over the wire, at no cost in calls of Secrets Manager, and never fails by it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import jsonschema

from rotation_testkit.doubles.secretsmanager import RotationState
from rotation_testkit.sandbox.sandbox import HUAWEI, UCLOUD

SCHEMA = json.loads((Path(__file__).parents[3] / "docs/events.schema.json").read_text())


def events_of(place: Path) -> list[dict[str, Any]]:
    """Return the events of a file, each of which follows the schema."""
    events = [json.loads(line) for line in place.read_text().splitlines()]
    for each in events:
        jsonschema.validate(each, SCHEMA, cls=jsonschema.Draft202012Validator)
    return events


def test_a_rotation_is_announced_under_the_arn_with_its_token(rig: Any, tmp_path: Path) -> None:
    """Each event once, and as many calls of the service as without events."""
    rig.rotate(UCLOUD)
    rig.settle()
    rig.world.clock.sleep(86_400)
    before = len(rig.world.secrets_manager.calls)
    rig.rotate(UCLOUD)
    silent = len(rig.world.secrets_manager.calls) - before
    rig.settle()
    rig.world.clock.sleep(86_400)
    place = tmp_path / "events.jsonl"
    rig.environment["LOCKSTEP_EVENTS_LINES"] = str(place)
    before = len(rig.world.secrets_manager.calls)
    assert rig.rotate(UCLOUD).state is RotationState.SUCCEEDED
    assert len(rig.world.secrets_manager.calls) - before == silent
    events = events_of(place)
    assert [each["kind"] for each in events] == ["staged", "sent", "proved", "committed"]
    arn = rig.world.secrets_manager.call("DescribeSecret", SecretId=rig.world.accounts[UCLOUD])["ARN"]
    assert {(each["secret"], each["driver"]) for each in events} == {(arn, UCLOUD)}
    assert {each["token"] for each in events} == {rig.events[-1]["ClientRequestToken"]}
    assert len({each["id"] for each in events}) == 4


def test_a_target_that_is_down_fails_no_step_and_the_log_line_names_it(rig: Any) -> None:
    """The rotation succeeds; the commit is owed, and the next rotation announces it."""
    rig.environment |= {
        "LOCKSTEP_EVENTS_WEBHOOK": "https://127.0.0.1:1/hook",
        "LOCKSTEP_EVENTS_WEBHOOK_KEY_FILE": "/nonexistent",
    }
    assert rig.rotate(HUAWEI).state is RotationState.SUCCEEDED
    assert rig.errors == []
    assert rig.reports[-1]["unheard"] == {"webhook": "FileNotFoundError"}
    labels = rig.world.secrets_manager.labels(rig.world.accounts[HUAWEI]).values()
    assert any(label.startswith("lockstep:owed:committed@") for held in labels for label in held)


def test_a_failed_step_is_announced_with_the_errors_code(rig: Any, tmp_path: Path) -> None:
    """The reason is what the log line has as the code."""
    place = tmp_path / "events.jsonl"
    rig.environment["LOCKSTEP_EVENTS_LINES"] = str(place)
    name = rig.world.accounts[UCLOUD]
    rig.world.secrets_manager.faults.fail("GetSecretValue", "ResourceNotFoundException", times=999, secret=name)
    rig.rotate(UCLOUD)
    assert {(each["kind"], each["reason"]) for each in events_of(place)} == {("failed", rig.errors[-1].code)}
