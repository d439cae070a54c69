"""``lockstep rotate``: the four steps in this process, over the wire, without the service."""

import json
import shlex
import sys

import pytest

from rotation.cli.commands.rotate import _fields
from rotation.cli.local_rotation import LocalRotation
from rotation.core.values import Step
from rotation.state.stages import CURRENT, PENDING
from rotation_testkit.doubles.vendor_api.faults import FaultKind
from rotation_testkit.sandbox.sandbox import BATCH, HUAWEI, UCLOUD, open_sandbox

CHANGE = "PUT /v1/usg/acs/password"
HUAWEI_ID = "lockstep/huawei_meeting"


def close_window(world, monkeypatch):
    """Set a maintenance window that is not open now; return the hour at which it opens."""
    hour = (int(world.clock.now() // 3600) + 2) % 24
    monkeypatch.setenv("LOCKSTEP_WINDOW", f"{hour:02}:00-{hour:02}:30 UTC")
    return hour


def test_four_steps_end_with_the_proved_password_current(lockstep, embedded):
    """A secret without function or schedule is rotated; every step is shown, and no password is."""
    before = embedded.stored(HUAWEI)
    ran = lockstep("rotate", HUAWEI_ID, "--json")
    assert ran.code == 0
    assert [each["step"] for each in ran.objects] == [step.value for step in Step]
    assert [each["outcome"] for each in ran.objects] == ["staged", "sent", "found_proved", "promoted"]
    assert ran.objects[-1]["evidence"] == "LOGIN"
    assert embedded.stored(HUAWEI) == embedded.live(HUAWEI) != before
    assert embedded.stored(HUAWEI, "AWSPREVIOUS") == before
    assert (embedded.changes(HUAWEI), embedded.wrong_logins(HUAWEI)) == (1, 0)
    labels = embedded.secrets_manager.labels(HUAWEI_ID).values()
    assert {CURRENT, PENDING} <= next(each for each in labels if CURRENT in each)
    for password in (before, embedded.live(HUAWEI)):
        assert password.reveal() not in ran.out + ran.err


def test_progress_goes_beside_the_table(lockstep, embedded):
    """On a screen the progress is on standard error and the table of steps on standard output."""
    ran = lockstep("rotate", HUAWEI_ID)
    assert "beginning a rotation" in ran.err
    assert [line.split()[:2] for line in ran.out.splitlines() if line.strip()][1:] == [
        ["createSecret", "staged"],
        ["setSecret", "sent"],
        ["testSecret", "found_proved"],
        ["finishSecret", "promoted"],
    ]
    assert embedded.changes(HUAWEI) == 1


def test_an_unfinished_rotation_is_resumed_under_its_token(lockstep, embedded):
    """After a lost reply the next run finds the candidate live and sends nothing more."""
    embedded.huawei.faults.add(CHANGE, FaultKind.DROP_AFTER)
    lost = lockstep("rotate", HUAWEI_ID, "--json")
    *steps, error = lost.objects
    assert [each["outcome"] for each in steps] == ["staged", "outcome_unknown"]
    assert (lost.code, error["code"]) == (1, "outcome_unknown")
    again = lockstep("rotate", HUAWEI_ID, "--json")
    assert again.code == 0
    assert {(each["token"], each["resumed"]) for each in again.objects} == {(steps[0]["token"], True)}
    assert [each["outcome"] for each in again.objects] == ["already_done", "found_live", "found_proved", "promoted"]
    assert embedded.stored(HUAWEI) == embedded.live(HUAWEI)
    assert (embedded.changes(HUAWEI), embedded.wrong_logins(HUAWEI)) == (1, 0)


def test_a_password_that_is_too_young_exits_3(lockstep, embedded):
    """The vendor's minimum age stops a second rotation before anything is sent, and a dry run; both say until when."""
    assert lockstep("rotate", HUAWEI_ID).code == 0
    ran = lockstep("rotate", HUAWEI_ID)
    assert ran.code == 3
    assert "error: parked: too soon\n" in ran.err
    assert "not before: " in ran.err
    ran = lockstep("rotate", HUAWEI_ID, "--dry-run", "--json")
    *checks, verdict = ran.objects
    (waits,) = (each for each in checks if each["status"] == "waits")
    assert (ran.code, waits["name"]) == (3, "too_soon")
    assert waits["not_before"] > embedded.clock.now()
    assert (verdict["verdict"], verdict["exit_code"], verdict["not_before"]) == ("waits", 3, waits["not_before"])
    assert embedded.changes(HUAWEI) == 1


@pytest.mark.parametrize(
    ("setting", "code"),
    [
        ("LOCKSTEP_DRIVERS=", "settings_error"),
        (f"LOCKSTEP_DRIVERS={UCLOUD}", "driver_not_allowed"),
        ("LOCKSTEP_HOSTS=", "host_not_allowed"),
        ("AWS_SECRET_ACCESS_KEY=wrong", "store_denied"),
    ],
)
def test_wrong_settings_change_nothing(lockstep, embedded, monkeypatch, *, setting, code):
    """Each fault is shown with code and hint and exit code 4, and the vendor is not called."""
    monkeypatch.setenv(*setting.split("=", 1))
    ran = lockstep("rotate", HUAWEI_ID, "--json")
    assert (ran.code, ran.objects[-1]["code"]) == (4, code)
    assert ran.objects[-1]["hint"]
    assert embedded.huawei.requests == []


@pytest.mark.usefixtures("embedded")
@pytest.mark.parametrize("command", ["rotate", "doctor"])
def test_an_unknown_secret_is_a_failure(lockstep, command):
    """A name that the store does not know exits 4, with a hint."""
    ran = lockstep(command, "nobody/knows")
    assert ran.code == 4
    assert "error: secret_not_found: " in ran.err
    assert "hint: Check the secret's name or ARN" in ran.err


def test_without_a_region_the_hint_names_the_variable(lockstep, embedded, monkeypatch):
    """No botocore exception reaches the screen."""
    for name in ("AWS_REGION", "AWS_DEFAULT_REGION"):
        monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_CONFIG_FILE", "/dev/null")
    ran = lockstep("rotate", HUAWEI_ID)
    assert (ran.code, embedded.changes(HUAWEI)) == (4, 0)
    assert "NoRegionError" in ran.err
    assert "AWS_REGION" in ran.err


def test_a_dry_run_changes_nothing_and_finds_nothing(lockstep, embedded):
    """Every precondition is ready, or unknown where only a change would show it, and nothing moves."""
    before = embedded.secrets_manager.labels(HUAWEI_ID)
    ran = lockstep("rotate", HUAWEI_ID, "--dry-run", "--json")
    found = {each["name"]: each["status"] for each in ran.objects[:-1]}
    assert (ran.code, found["store_write"], found["current_password"]) == (0, "unknown", "ready")
    assert set(found.values()) == {"ready", "unknown"}
    assert {"store_read", "lease", "labels", "settings", "budget", "time", "target", "policy"} <= set(found)
    assert embedded.secrets_manager.labels(HUAWEI_ID) == before
    assert embedded.changes(HUAWEI) == embedded.wrong_logins(HUAWEI) == 0


def test_a_dry_run_of_an_api_key_driver_tries_the_key(lockstep, embedded):
    """The dry run shows that the key may look; whether it may reset is unknown."""
    ran = lockstep("rotate", embedded.accounts[UCLOUD], "--dry-run", "--json")
    (key,) = (each for each in ran.objects[:-1] if each["name"] == "admin_credential")
    assert (ran.code, key["status"], embedded.changes(UCLOUD)) == (0, "unknown", 0)
    assert "valid" in key["detail"]


def test_a_dry_run_names_all_that_would_stop_it(lockstep, embedded, monkeypatch):
    """A closed window, another run, too many labels and a dead password are named at once."""
    store = embedded.secrets_manager
    (version,) = store.labels(HUAWEI_ID)
    until = int(embedded.clock.now()) + 600
    intent = f"lockstep:intent:1:{until}:ab:{version[-8:]}@{version[-8:]}"
    labels = [intent, *(f"mine-{number}" for number in range(14))]
    for label in labels:
        store.call("UpdateSecretVersionStage", SecretId=HUAWEI_ID, VersionStage=label, MoveToVersionId=version)
    embedded.huawei.faults.add("POST /v1/usg/acs/auth/account", FaultKind.VENDOR_CODE, code="USG.206010000")
    close_window(embedded, monkeypatch)
    ran = lockstep("rotate", HUAWEI_ID, "--dry-run", "--json")
    stopped = {each["name"]: each["status"] for each in ran.objects[:-1] if each["status"] in ("stops", "waits")}
    assert ran.code == 4
    assert stopped == {"lease": "waits", "labels": "stops", "outside_window": "waits", "current_password": "stops"}
    shown = lockstep("rotate", HUAWEI_ID, "--dry-run")
    assert "outside window; not before" in shown.out
    assert "hint: " in shown.out
    assert "verdict: a rotation would stop: labels" in shown.out
    assert ran.objects[-1] == {
        "event": "verdict",
        "secret_id": HUAWEI_ID,
        "verdict": "stops",
        "not_before": None,
        "exit_code": 4,
    }
    assert embedded.changes(HUAWEI) == 0


@pytest.mark.parametrize(
    ("setting", "name"),
    [
        (f"LOCKSTEP_{UCLOUD.upper()}_ADMIN_SECRET=nobody/knows", "settings"),
        (f"LOCKSTEP_DRIVERS={HUAWEI}", "settings"),
        ("LOCKSTEP_MIN_EVIDENCE=LOGIN", None),
    ],
)
def test_a_dry_run_reads_the_deployment(lockstep, embedded, monkeypatch, *, setting, name):
    """A credential that cannot be read and a driver that is not allowed stop it."""
    monkeypatch.setenv(*setting.split("=", 1))
    ran = lockstep("rotate", embedded.accounts[UCLOUD], "--dry-run", "--json")
    assert ran.code == (4 if name else 0)
    assert [each["name"] for each in ran.objects[:-1] if each["status"] == "stops"] == ([name] if name else [])


def test_outside_the_window_the_rotation_is_parked_before_the_vendor_hears_of_it(lockstep, embedded, monkeypatch):
    """The error says when the window opens; an empty variable is no window."""
    closed = close_window(embedded, monkeypatch)
    ran = lockstep("rotate", HUAWEI_ID, "--json")
    assert (ran.code, ran.objects[-1]["reason"]) == (3, "outside_window")
    assert ran.objects[-1]["not_before"] % 86_400 == closed * 3600
    assert embedded.huawei.requests == []
    monkeypatch.setenv("LOCKSTEP_WINDOW", "")
    assert lockstep("rotate", HUAWEI_ID).code == 0


@pytest.fixture
def devices():
    """Yield a sandbox with a batch of three devices."""
    with open_sandbox(holding=(BATCH,), retry_delays=()) as started:
        started.tencent.v3.per_action.most = None  # the clock hardly moves
        yield started


def lines(started):
    """Rotate in this process, in the sandbox's time, and return the lines of ``--json``."""
    name, client = started.accounts[BATCH], started.secrets_manager.client(direct=True)
    rotation = LocalRotation(client, name, started.environment(), clock=started.clock)
    return [json.loads(json.dumps(_fields(report, name, rotation))) for report in rotation.steps()]


def test_each_device_of_a_batch_has_an_outcome(devices):
    """Each line has outcome and evidence; a device that fails is named with its error, and succeeds by itself later."""
    names = [f"cpm-demo-batch-{number}" for number in (1, 2, 3)]
    devices.tencent.device(names[1]).agent_alive = False
    created, sent = lines(devices)
    assert [(each["name"], each["outcome"]) for each in created["members"]] == [(name, "staged") for name in names]
    assert sent["outcome"] == "precondition_failed"
    assert [(each["name"], each["outcome"], each.get("evidence")) for each in sent["members"]] == [
        (names[0], "current", "LOGIN"),
        (names[1], "precondition_failed", None),
        (names[2], "current", "LOGIN"),
    ]
    assert sent["members"][1]["error"]["vendor_code"] == "FailedOperation.TscAgentOffline"
    assert sent["members"][1]["error"]["hint"]
    devices.tencent.device(names[1]).agent_alive = True
    devices.clock.sleep(600)
    *_, finished = lines(devices)
    assert (finished["outcome"], finished["evidence"], finished["resumed"]) == ("promoted", "LOGIN", True)
    assert [(each["name"], each["evidence"]) for each in finished["members"]] == [(name, "LOGIN") for name in names]
    assert devices.stored(BATCH) == devices.live(BATCH)
    assert [devices.tencent.resets(name) for name in names] == [1, 1, 1]


def test_the_command_of_on_commit_runs_for_devices_that_are_current_while_another_one_is_left_out(
    lockstep, devices, monkeypatch, tmp_path
):
    """The device that is off keeps its password, the others' consumers learn of it, and the error says why."""
    for variable, value in devices.environment().items():
        monkeypatch.setenv(variable, value)
    devices.tencent.device("cpm-demo-batch-1").power = 3  # off
    before = devices.live(BATCH)
    code = "import os, sys; open(sys.argv[1], 'a').write(os.environ['ROTATED_SECRETS'])"
    command = shlex.join([sys.executable, "-c", code, str(tmp_path / "ran")])
    ran = lockstep("rotate", devices.accounts[BATCH], "--on-commit", command)
    assert ran.code != 0
    assert "1 of 3 accounts failed: cpm-demo-batch-1: " in ran.err
    assert "the new passwords of 2 others are proved and current" in ran.err
    assert (tmp_path / "ran").read_text() == devices.accounts[BATCH]
    assert devices.stored(BATCH) == devices.live(BATCH) != before
    assert [devices.tencent.resets(f"cpm-demo-batch-{number}") for number in (1, 2, 3)] == [0, 1, 1]


def with_batch(started, key, size, **own: str):
    """Put a list of so many devices, with other passwords, under a key of a new value; return the secret's name."""
    name = started.accounts[BATCH]
    document = json.loads(started.secrets_manager.value(name).reveal())
    first = document.pop("devices")[0] | {"password": "Wr0ng-Passw0rd!"}
    document[key] = [first | {"instance_id": f"cpm-demo-batch-{number + 1}"} | own for number in range(size)]
    started.secrets_manager.client(direct=True).put_secret_value(SecretId=name, SecretString=json.dumps(document))
    return name


@pytest.mark.parametrize("command", [("rotate", "--dry-run"), ("rotate",), ("verify",), ("doctor",)], ids="".join)
def test_a_batch_that_no_rotation_can_take_costs_no_login(lockstep, devices, monkeypatch, command: tuple[str, ...]):
    """With 30 accounts in one secret, nobody is asked about any of them, whatever the command."""
    for variable, value in devices.environment().items():
        monkeypatch.setenv(variable, value)
    name = with_batch(devices, "devices", 30)
    ran = lockstep(command[0], name, *command[1:])
    assert ran.code == 4
    assert "batch of 30" in ran.out + ran.err
    assert devices.wrong_logins(BATCH) == 0
    assert devices.tencent.requests == []


@pytest.mark.parametrize("spoil", [{"instance_id": ""}, {"password": ""}, {"instance_id": "a\x1b[2Jb"}])
def test_a_key_of_a_secret_cannot_command_the_terminal(lockstep, devices, monkeypatch, spoil: dict[str, str]):
    """The name of a batch's list and a device's id are shown with their control characters spelled out."""
    for variable, value in devices.environment().items():
        monkeypatch.setenv(variable, value)
    name = with_batch(devices, "dev\x1b]0;owned\x07\x9b2Jices", 2, **spoil)
    shown = ""
    for command in (("rotate", name), ("rotate", name, "--dry-run"), ("verify", name), ("doctor", name)):
        ran = lockstep(*command)
        shown += ran.out + ran.err
    assert not set(shown) & set("\x1b\x07\x9b")
    assert "\\x1b" in shown


def test_events_are_announced_with_the_secrets_arn(lockstep, embedded, monkeypatch, tmp_path):
    """Whatever name the command was given, events carry the ARN, so that their ids are those of the function's."""
    place = tmp_path / "events.jsonl"
    monkeypatch.setenv("LOCKSTEP_EVENTS_LINES", str(place))
    assert lockstep("rotate", HUAWEI_ID).code == 0
    events = [json.loads(line) for line in place.read_text().splitlines()]
    assert [each["kind"] for each in events] == ["staged", "sent", "proved", "committed"]
    assert {each["secret"] for each in events} == {
        embedded.secrets_manager.call("DescribeSecret", SecretId=HUAWEI_ID)["ARN"]
    }


@pytest.mark.usefixtures("embedded")
def test_a_target_that_is_down_is_named_and_changes_no_exit_code(lockstep, monkeypatch):
    """The rotation is done; standard error says which target has not heard of it."""
    monkeypatch.setenv("LOCKSTEP_EVENTS_LINES", "/nonexistent/events")
    ran = lockstep("rotate", HUAWEI_ID)
    assert ran.code == 0
    assert "events.lines has not taken an event (FileNotFoundError)" in ran.err
