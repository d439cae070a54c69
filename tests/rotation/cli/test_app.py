"""What holds for every command: exit codes, errors without tracebacks, help, plain pipes."""

from __future__ import annotations

import io
import os
import subprocess
import sys
from typing import Any

import pytest

from rotation.cli.app import run
from rotation_testkit.sandbox.sandbox import World

COMMANDS = (
    "demo",
    "drivers",
    "policy",
    "generate",
    "check",
    "simulate",
    "simulate-faults",
    "invoke",
    "rotate",
    "verify",
    "doctor",
)


def python(*arguments: str) -> subprocess.CompletedProcess[str]:
    """Run this interpreter and return what it wrote."""
    return subprocess.run([sys.executable, *arguments], capture_output=True, text=True, timeout=60, check=False)


def test_nothing_asked_for_shows_the_commands(lockstep: Any) -> None:
    """Without arguments the help names every command, and the exit code says wrong usage."""
    ran = lockstep()
    assert ran.code == 2
    assert all(command in ran.out for command in COMMANDS)


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_explains_itself_and_takes_json(lockstep: Any, command: str) -> None:
    """``--help`` exits 0 and names ``--json``."""
    ran = lockstep(command, "--help")
    assert ran.code == 0
    assert "--json" in ran.out


@pytest.mark.parametrize("arguments", [("bogus",), ("generate",), ("generate", "huawei_meeting", "-n", "0")])
def test_wrong_usage_exits_2_with_a_hint(lockstep: Any, arguments: tuple[str, ...]) -> None:
    """An unknown command, a missing argument and a number out of range are usage errors."""
    ran = lockstep(*arguments)
    assert ran.code == 2
    assert ran.err.startswith("error: usage_error: ")
    assert "--help" in ran.err
    assert ran.out == ""


def test_json_errors_are_one_object_with_the_errors_own_fields(lockstep: Any) -> None:
    """With ``--json`` an error is ``RotationError.describe()`` on standard output."""
    ran = lockstep("drivers", "no_such_driver", "--json")
    (error,) = ran.objects
    assert ran.code == 2
    assert error["code"] == "unknown_driver"
    assert error.keys() >= {"code", "message", "hint", "retryable"}
    assert ran.err == ""


def test_a_foreign_exception_shows_its_type_only(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The text of an exception that is not ours may hold a value, so it is withheld."""

    class Broken(io.StringIO):
        @property
        def buffer(self) -> None:
            raise LookupError("canary-4711")

    monkeypatch.setattr("sys.stdin", Broken())
    code = run(["check", "huawei_meeting"])
    written = "".join(capsys.readouterr())
    assert code == 1
    assert "internal_error: LookupError inside Lockstep" in written
    assert "canary-4711" not in written
    assert "Traceback" not in written


@pytest.mark.parametrize("missing", ["typer", "rich"])
def test_without_the_extra_the_message_names_it(missing: str) -> None:
    """Where typer or rich is not installed, one sentence says what to install."""
    block = f"import sys; sys.modules[{missing!r}] = None; from rotation.cli import main; main()"
    ran = python("-c", block)
    assert ran.returncode == 1
    assert f"needs {missing}" in ran.stderr
    assert "lockstep-rotation[cli]" in ran.stderr
    assert "Traceback" not in ran.stderr


def test_a_pipe_gets_all_of_it_as_plain_text() -> None:
    """A table has no control codes, whatever the terminal's name is; what the encoding does not take is escaped."""
    command = [sys.executable, "-m", "rotation.cli", "policy", "huawei_meeting"]
    settings = {**os.environ, "PYTHONIOENCODING": "ascii"}
    ran = subprocess.run(command, env=settings, capture_output=True, text=True, timeout=60, check=False)
    assert ran.returncode == 0
    assert "max_repeat" in ran.stdout
    assert "contrase\\xf1a" in ran.stdout
    assert "\x1b" not in ran.stdout + ran.stderr


def test_a_reader_that_leaves_early_is_no_crash() -> None:
    """``lockstep generate ... | head -1`` ends without a traceback."""
    command = f"{sys.executable} -m rotation.cli generate huawei_meeting -n 20000 | head -1"
    ran = subprocess.run(["sh", "-c", command], capture_output=True, text=True, timeout=60, check=False)
    assert len(ran.stdout.splitlines()) == 1
    assert ran.stderr == ""


def test_a_driver_that_a_secret_names_is_no_argument(
    lockstep: Any, embedded: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where deployment and secret name a driver that nobody has, the commands fail: they were called as they should."""
    monkeypatch.setenv("LOCKSTEP_DRIVERS", "no_such_driver")
    stray = '{"driver": "no_such_driver", "username": "alice", "password": "none"}'
    embedded.secrets_manager.create("stray", stray)
    for command in (("rotate",), ("rotate", "--dry-run"), ("verify",)):
        ran = lockstep(*command, "stray", "--json")
        assert "no_such_driver" in ran.out, command
        assert ran.code == 1, command
