"""``lockstep invoke EVENT``: the sample events in a world that fits them."""

import json
import os
import sys
import sysconfig
import time
from pathlib import Path

import pytest

from rotation import handler
from rotation_testkit.commands.event_runner import emulated

ROOT = Path(__file__).parents[3]
EVENTS = ROOT / "events"
OUTCOMES = {"createSecret": "staged", "setSecret": "sent", "testSecret": "found_proved", "finishSecret": "promoted"}


@pytest.mark.parametrize(
    ("driver", "step"),
    [
        ("huawei_meeting", "createSecret"),
        ("huawei_meeting", "setSecret"),
        ("ucloud_compshare", "testSecret"),
        ("huawei_meeting", "finishSecret"),
        ("tencent_bm_batch", "createSecret"),
    ],
)
def test_each_step_finds_its_world_ready(lockstep, driver, step):
    """The earlier steps have run, the event's own token is used, and the function's line is shown."""
    path = EVENTS / driver / f"{step}.json"
    ran = lockstep("invoke", str(path), "--here", "--json")
    (shown,) = ran.objects
    assert ran.code == 0, shown
    assert shown["succeeded"] is True
    assert shown["result"]["outcome"] == OUTCOMES[step]
    assert shown["result"]["token"] == json.loads(path.read_text())["ClientRequestToken"]
    assert [line["step"] for line in map(json.loads, shown["logs"]) if "step" in line] == [step, step]


@pytest.mark.parametrize(
    ("name", "outcome"), [("test_only", "current_verified"), ("cross_account", "staged"), ("snake_case", "staged")]
)
def test_the_special_events_mean_what_they_are_called(lockstep, name, outcome):
    """A test-only event verifies current; one with a RotationToken gets the world's; snake case is understood."""
    ran = lockstep("invoke", str(EVENTS / f"{name}.json"), "--here", "--json")
    (shown,) = ran.objects
    assert ran.code == 0, shown
    assert shown["result"]["outcome"] == outcome
    assert "rotation-token" not in ran.out


def test_the_operators_own_settings_stay_outside(lockstep, monkeypatch):
    """The function sees its world's variables alone, and this process gets its own back."""
    monkeypatch.setenv("AWS_PROFILE", "nobody")
    ran = lockstep("invoke", str(EVENTS / "huawei_meeting" / "setSecret.json"), "--here")
    assert ran.code == 0, ran.err
    assert os.environ["AWS_PROFILE"] == "nobody"
    assert "LOCKSTEP_DRIVERS" not in os.environ


def test_a_step_that_never_comes_is_wrong_usage(lockstep):
    """A test-only rotation has no createSecret, so that there is nothing to send."""
    ran = lockstep("invoke", str(EVENTS / "huawei_meeting" / "createSecret.json"), "--here", "--test-only")
    assert ran.code == 2
    assert "never sends this step" in ran.err


@pytest.mark.parametrize("path", sorted((EVENTS / "malformed").glob("*.json")), ids=lambda path: path.stem)
def test_a_malformed_event_reaches_the_function(lockstep, path):
    """The function's own refusal is shown by code and hint, with exit code 4."""
    ran = lockstep("invoke", str(path), "--here")
    assert ran.code == 4
    assert "the step failed: event_error: " in ran.out
    assert "hint: " in ran.out


def test_what_is_no_event_is_wrong_usage(lockstep, tmp_path):
    """A file that is missing or no JSON, and a secret of no known driver, exit 2."""
    broken, strange = tmp_path / "broken.json", tmp_path / "strange.json"
    broken.write_text("{")
    event = json.loads((EVENTS / "huawei_meeting" / "createSecret.json").read_text())
    strange.write_text(json.dumps(event | {"SecretId": "prod/db"}))
    for path in (tmp_path / "none.json", broken, strange):
        ran = lockstep("invoke", str(path), "--here")
        assert ran.code == 2
        assert "usage_error" in ran.err
    named = lockstep("invoke", str(strange), "--here", "--driver", "huawei_meeting", "--json")
    assert named.code == 0
    assert ":secret:prod/db-" in named.objects[0]["result"]["secret_id"]


def pack(folder, *, seconds_ago):
    """Make an artefact of what is installed here."""
    packed = folder / ".aws-sam" / "local" / "RotationFunction"
    packed.mkdir(parents=True)
    for installed in (*Path(sysconfig.get_path("purelib")).iterdir(), Path(handler.__file__).parent):
        packed.joinpath(installed.name).symlink_to(installed)
    stamp = packed.parent / ".interpreter"
    stamp.write_text(sys.executable)
    os.utime(stamp, (time.time() - seconds_ago, time.time() - seconds_ago))


@pytest.mark.slow
def test_the_lambda_runtime_runs_the_source_tree_where_nothing_fresh_is_packed(lockstep, monkeypatch, tmp_path):
    """With an artefact older than a source the emulator runs the tree, says so, and the vendor hears of the reset."""
    pack(tmp_path, seconds_ago=10**9)
    monkeypatch.chdir(tmp_path)
    ran = lockstep("invoke", str(EVENTS / "huawei_meeting" / "setSecret.json"), "--json")
    (shown,) = ran.objects
    assert ran.code == 0, shown
    assert shown["runtime"] == "Lambda runtime emulator"
    assert shown["code"].startswith("source tree")
    assert shown["result"]["outcome"] == "sent"
    assert shown["result"]["vendor_request_id"]


@pytest.mark.slow
def test_a_fresh_artefact_goes_before_the_source_tree(lockstep, monkeypatch, tmp_path):
    """The screen says which code ran; a failure shows the code and the hint of the log line."""
    pack(tmp_path, seconds_ago=0)
    monkeypatch.chdir(tmp_path)
    ran = lockstep("invoke", str(EVENTS / "malformed" / "no_step.json"), "--json")
    (shown,) = ran.objects
    assert ran.code == 4
    assert shown["runtime"] == "Lambda runtime emulator"
    assert shown["code"].startswith("`sam build` artefact")
    assert shown["error"]["code"] == "event_error"
    assert shown["error"]["hint"]


@pytest.mark.slow
def test_where_nothing_is_packed_the_source_tree_runs(embedded, monkeypatch, tmp_path):
    """The first event can be sent before anything is built."""
    monkeypatch.chdir(tmp_path)
    with emulated(embedded) as place:
        assert place.code.startswith("source tree")
