"""``--on-commit`` runs a command once for the commits of a run, without a shell, and its failure changes nothing."""

from __future__ import annotations

import gc
import os
import shlex
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from rotation.cli.exit_codes import CommandUsageError
from rotation.cli.on_commit import SECONDS, OnCommit
from rotation.core.process import stop
from rotation_testkit.fault_lab.in_memory.clock import VirtualClock
from rotation_testkit.sandbox.sandbox import HUAWEI

HUAWEI_ID = "lockstep/huawei_meeting"


def writes(place: Path) -> str:
    """Return a command that appends the ids, and a line, to a file."""
    code = "import os, sys; open(sys.argv[1], 'a').write(os.environ['ROTATED_SECRETS'] + '\\n--\\n')"
    return shlex.join([sys.executable, "-c", code, str(place)])


def test_the_commits_of_a_run_are_handed_over_once(tmp_path: Path) -> None:
    """Ten secrets of one service restart it once; a run without a commit runs nothing."""
    consumers = OnCommit.of(writes(tmp_path / "ran"))
    consumers.run()
    assert not (tmp_path / "ran").exists()
    for number in range(10):
        consumers.committed(f"shop/{number}")
    consumers.run()
    consumers.run()
    assert (tmp_path / "ran").read_text() == "\n".join(f"shop/{number}" for number in range(10)) + "\n--\n"


def test_a_long_run_hands_commits_over_after_a_minute(tmp_path: Path) -> None:
    """So no consumer keeps a dead password until the last of five hundred secrets is rotated."""
    clock = VirtualClock()
    consumers = OnCommit(OnCommit.of(writes(tmp_path / "ran")).argv, clock)
    consumers.committed("a")
    assert not (tmp_path / "ran").exists()
    clock.sleep(SECONDS)
    consumers.committed("b")
    assert (tmp_path / "ran").read_text() == "a\nb\n--\n"


def test_no_shell_reads_the_command(tmp_path: Path) -> None:
    """What a shell would take for a second command is an argument."""
    place = tmp_path / "ran"
    consumers = OnCommit.of(f"{writes(place)} ; touch {tmp_path / 'shell'} $(touch {tmp_path / 'shell'})")
    consumers.committed("a; touch b")
    consumers.run()
    assert place.read_text() == "a; touch b\n--\n"
    assert [each.name for each in tmp_path.iterdir()] == ["ran"]


@pytest.mark.parametrize(
    ("code", "said"), [("raise SystemExit(7)", "ended with 7"), ("import signal; signal.pause()", "was stopped after")]
)
def test_a_command_that_fails_or_never_ends_is_reported_and_raises_nothing(
    capsys: pytest.CaptureFixture[str], code: str, said: str
) -> None:
    """One that outlasts its time is killed with all that it has started in its session."""
    consumers = OnCommit(OnCommit.of(shlex.join([sys.executable, "-c", code])).argv, seconds=0.5)
    if "SystemExit" in code:
        consumers.seconds = 30.0
    consumers.committed("a")
    consumers.run()
    assert said in capsys.readouterr().err


def test_a_program_that_vanishes_meanwhile_raises_nothing(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    """The rotation is done all the same."""
    program = tmp_path / "reload"
    program.write_text("#!/bin/sh\n")
    program.chmod(0o755)
    consumers = OnCommit.of(str(program))
    program.unlink()
    consumers.committed("a")
    consumers.run()
    assert "could not be run" in capsys.readouterr().err


def test_long_names_of_others_keep_no_consumer_from_its_restart(tmp_path: Path) -> None:
    """More ids than a variable holds are handed over in parts."""
    consumers, ids = OnCommit.of(writes(tmp_path / "ran")), [f"{number:0512}" for number in range(300)]
    for each in ids:
        consumers.committed(each)
    consumers.run()
    handed = [line for line in (tmp_path / "ran").read_text().splitlines() if line != "--"]
    assert handed == ids


def test_a_name_that_no_variable_can_hold_raises_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    """The rotation is done all the same."""
    consumers = OnCommit.of("true")
    consumers.committed("a\0b")
    consumers.run()
    assert "could not be run" in capsys.readouterr().err


@pytest.mark.parametrize("command", ["no-such-program-anywhere", "echo 'a", "/etc"])
def test_a_command_that_cannot_run_is_refused_before_anything_is_rotated(
    lockstep: Any, embedded: Any, command: str
) -> None:
    """It is wrong usage, and no candidate was made."""
    with pytest.raises(CommandUsageError):
        OnCommit.of(command)
    assert lockstep("rotate", HUAWEI_ID, "--on-commit", command).code == 2
    assert embedded.changes(HUAWEI) == 0


def test_the_command_runs_after_the_commit_and_only_then(
    lockstep: Any, embedded: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """It sees the secret's id, and standard output stays the rotation's own; a failed rotation runs nothing."""
    place = tmp_path / "ran"
    hour = (int(embedded.clock.now() // 3600) + 2) % 24
    monkeypatch.setenv("LOCKSTEP_WINDOW", f"{hour:02}:00-{hour:02}:30 UTC")
    assert lockstep("rotate", HUAWEI_ID, "--on-commit", writes(place)).code == 3
    assert not place.exists()
    monkeypatch.delenv("LOCKSTEP_WINDOW")
    ran = lockstep("rotate", HUAWEI_ID, "--json", "--on-commit", writes(place))
    assert ran.code == 0
    assert ran.objects[-1]["outcome"] == "promoted"
    assert place.read_text() == f"{HUAWEI_ID}\n--\n"
    assert "ROTATED_SECRETS" not in os.environ


def test_a_run_that_must_stop_names_what_the_command_was_not_run_for(capsys: pytest.CaptureFixture[str]) -> None:
    """Their consumers hold dead passwords until somebody tells them."""
    consumers = OnCommit.of("true")

    def work() -> None:
        with consumers.heeded():
            consumers.committed("shop/a\x1b")
            raise stop.Halted

    with pytest.raises(stop.Halted):
        work()
    assert "--on-commit was not run for shop/a\\x1b; what uses them needs it" in capsys.readouterr().err


@pytest.mark.filterwarnings("ignore:.*Popen.__del__:pytest.PytestUnraisableExceptionWarning")  # it is left alone
@pytest.mark.parametrize("signals", [1, 2])
def test_the_first_signal_lets_the_command_end_and_the_second_leaves_it_alone(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, signals: int
) -> None:
    """It has a session of its own, so that it ends whatever becomes of Lockstep."""
    place = tmp_path / "ran"
    code = (
        "import os, signal, sys, time; lockstep = os.getppid(); os.kill(lockstep, signal.SIGTERM); time.sleep(0.1);"
        "sys.argv[1] == '2' and os.kill(lockstep, signal.SIGTERM); time.sleep(0.1); open(sys.argv[2], 'w').write('!')"
    )
    consumers = OnCommit.of(shlex.join([sys.executable, "-c", code, str(signals), str(place)]))
    consumers.committed("a")
    halted = False
    with stop.heeding():
        try:
            consumers.run()
        except stop.Halted:
            halted = True
    gc.collect()  # the child that is left alone is not waited for, which Python remarks on
    assert halted is (signals == 2)
    stop._process.asked_at, stop._process.halted = None, False
    deadline = time.monotonic() + 20
    while not place.exists() and time.monotonic() < deadline:
        time.sleep(0.02)
    assert place.exists()
    assert ("--on-commit has not ended, and continues by itself" in capsys.readouterr().err) is (signals == 2)
