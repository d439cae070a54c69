"""The watch reads labels and dates alone; it counts and announces what no step would say."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from rotation.core.errors import StoreDenied
from rotation_testkit.sandbox.sandbox import HUAWEI, UCLOUD

WATCH = {"lockstep": "watch", "prefix": "lockstep/"}
DAY = 86_400.0


def watched(rig: Any) -> dict[str, object]:
    """Watch, and return the fields of the log line."""
    before = len(rig.world.secrets_manager.calls)
    report = rig.call(WATCH)
    assert {each.operation for each in rig.world.secrets_manager.calls[before:]} <= {
        "ListSecrets",
        "UpdateSecretVersionStage",
    }
    return dict(report)


def label_pending(rig: Any, words: str) -> None:
    """Put a label with these words and the time of now on a pending version."""
    store, name, pending = rig.world.secrets_manager, rig.world.accounts[UCLOUD], "b" * 32
    put = {"ClientRequestToken": pending, "SecretString": "{}", "VersionStages": ["AWSPENDING"]}
    store.call("PutSecretValue", SecretId=name, **put)
    label = f"lockstep:{words}:{int(rig.world.clock.now())}@{pending[-8:]}"
    store.call("UpdateSecretVersionStage", SecretId=name, VersionStage=label, MoveToVersionId=pending)


def test_a_secret_that_is_late_is_counted_and_announced(rig: Any, tmp_path: Path) -> None:
    """By its next rotation date; the second watch repeats the event under the same id."""
    place = tmp_path / "events.jsonl"
    rig.environment["LOCKSTEP_EVENTS_LINES"] = str(place)
    rig.rotate(HUAWEI)
    rig.settle()
    place.unlink()
    assert watched(rig)["overdue"] == 0
    rig.world.clock.sleep(5 * DAY)
    assert [watched(rig)["overdue"], watched(rig)["overdue"]] == [1, 1]
    events = [json.loads(line) for line in place.read_text().splitlines()]
    assert {(each["kind"], "huawei_meeting" in each["secret"]) for each in events} == {("overdue", True)}
    assert len({each["id"] for each in events}) == 1


def test_a_reset_that_nobody_follows_up_is_seen_by_its_label(rig: Any) -> None:
    """The service gave up after its retries, so that no step runs; the seconds since the reset grow."""
    label_pending(rig, "intent")
    rig.world.clock.sleep(1800)
    first = watched(rig)["unproved_seconds"]
    rig.world.clock.sleep(600)
    assert 1795 <= int(str(first)) <= 1805
    assert int(str(watched(rig)["unproved_seconds"])) - int(str(first)) in range(595, 606)


def test_a_parking_for_a_human_is_counted_until_it_is_gone(rig: Any) -> None:
    """One that continues by itself is not."""
    for reason, count in (("back_off", 0), ("external_change", 1)):
        label_pending(rig, f"parked:{reason}")
        assert watched(rig)["needs_human"] == count


def test_a_commit_that_nobody_took_is_announced_by_the_watch(rig: Any, tmp_path: Path) -> None:
    """Within a quarter of an hour after the target works again, once, and its label is gone."""
    place = tmp_path / "later" / "events.jsonl"
    rig.environment["LOCKSTEP_EVENTS_LINES"] = str(place)
    rig.rotate(HUAWEI)
    rig.settle()
    assert watched(rig)["unheard"] == {"lines": "FileNotFoundError"}
    place.parent.mkdir()
    for _ in range(2):
        watched(rig)
    (event,) = [json.loads(line) for line in place.read_text().splitlines()]
    assert (event["kind"], event["evidence"]) == ("committed", "LOGIN")
    labels = rig.world.secrets_manager.labels(rig.world.accounts[HUAWEI]).values()
    assert not any("owed" in label for held in labels for label in held)


def test_a_watch_that_may_not_list_fails_as_a_step_does(rig: Any) -> None:
    """One log line with the error's code, and an error of the function."""
    rig.world.secrets_manager.faults.fail("ListSecrets", "AccessDeniedException", times=1)
    with pytest.raises(StoreDenied):
        rig.call(WATCH)
    (line,) = [json.loads(text) for text in rig.written().splitlines() if '"message":"watch failed"' in text]
    assert line["error"]["code"] == "store_denied"
