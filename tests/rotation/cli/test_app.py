"""What holds for every command: exit codes, errors without tracebacks, help, plain pipes, commands by entry points."""

import io
import os
import platform
import re
import subprocess
import sys
from importlib.metadata import EntryPoint, version

import pytest
import typer

from rotation.cli import app
from rotation.cli.app import run
from rotation.cli.exit_codes import EXIT_CODES

COMMANDS = (
    *("demo", "drivers", "policy", "generate", "check", "simulate", "simulate-faults"),
    *("invoke", "rotate", "verify", "doctor"),
)


def hello():
    """Say hello."""
    sys.stdout.write("hello\n")


group = typer.Typer()
group.command("first")(hello)
group.command("second")(hello)


@pytest.fixture
def with_entry_points(monkeypatch):
    """Bring a command, a group and two commands that cannot be loaded."""
    brought = {"a-command": f"{__name__}:hello", "a-group": f"{__name__}:group"}
    broken = {"a-gone": "no_such_package_of_ours:command", "z-gone": "rotation.cli.app:no_such_name"}
    points = [EntryPoint(name, value, app.COMMANDS) for name, value in (brought | broken).items()]
    monkeypatch.setattr(app, "entry_points", lambda **_: points)


@pytest.mark.usefixtures("with_entry_points")
@pytest.mark.parametrize("arguments", [("a-command",), ("a-group", "first"), ("a-group", "second")])
def test_an_entry_point_brings_a_command_or_a_group(lockstep, arguments):
    """Commands and groups are listed in the help under the names of their entry points, and run."""
    assert arguments[0] in lockstep("--help").out
    ran = lockstep(*arguments)
    assert (ran.code, ran.out) == (0, "hello\n")


@pytest.mark.usefixtures("with_entry_points")
@pytest.mark.parametrize(("name", "why"), [("a-gone", "ModuleNotFoundError"), ("z-gone", "AttributeError")])
def test_an_entry_point_that_cannot_be_loaded_says_so_when_it_is_called(lockstep, name, why):
    """The command is listed and stops no other; called, it fails with the error's type and a hint."""
    assert name in lockstep("--help").out
    assert lockstep("drivers").code == lockstep("a-command").code == 0
    ran = lockstep(name)
    assert ran.code == 4
    assert f"config_error: the command {name} cannot be loaded ({why})" in ran.err
    assert "hint: Reinstall the package that brings it" in ran.err
    assert "Traceback" not in ran.err


def test_the_own_distribution_brings_its_commands():
    """The kit's commands and the groups are entry points of this distribution, and all load."""
    points = {point.name: point.load() for point in app.entry_points(group=app.COMMANDS)}
    assert {"demo", "invoke", "simulate", "simulate-faults", "vault"} <= points.keys()
    assert [name for name, command in points.items() if isinstance(command, typer.Typer)] == ["driver", "vault"]


def process(*command, **variables):
    """Run a command and return what it wrote."""
    environment = {**os.environ, **variables}
    return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60, check=False)


def test_nothing_asked_for_shows_the_commands(lockstep):
    """Without arguments the help names every command, and the exit code says wrong usage."""
    ran = lockstep()
    assert ran.code == 2
    assert all(command in ran.out for command in (*COMMANDS, "vault"))


@pytest.mark.parametrize("asked", ["--version", "-V", "version"])
def test_the_version_is_for_tickets(lockstep, asked):
    """It names the release and the interpreter."""
    ran = lockstep(asked)
    assert (ran.code, ran.err) == (0, "")
    assert ran.out == f"lockstep {version('lockstep-rotation')}, Python {platform.python_version()}\n"


@pytest.mark.parametrize("asked", [("-h",), ("help",), ("rotate", "-h"), ("help", "rotate"), ("vault", "plugin", "-h")])
def test_help_is_there_under_the_names_that_people_try(lockstep, asked):
    """The short option works below every command, too."""
    ran = lockstep(*asked)
    assert (ran.code, ran.err) == (0, "")
    assert "Usage: lockstep" in ran.out


@pytest.mark.parametrize("code", EXIT_CODES)
def test_the_help_names_each_exit_code(lockstep, code):
    """With the first words of its meaning."""
    meaning = re.split("[:;,]", EXIT_CODES[code][0])[0]
    assert f"{code} {meaning}" in " ".join(lockstep("-h").out.split())


def test_the_shell_completes_commands():
    """The script that --show-completion prints asks ``lockstep`` itself, which answers with the names that fit."""
    asked = {"_LOCKSTEP_COMPLETE": "complete_bash", "COMP_WORDS": "lockstep ver", "COMP_CWORD": "1"}
    from_bash = '"$0" -m rotation.cli --show-completion; exit $?'  # the shell that a command is begun from counts
    script = process("bash", "-c", from_bash, sys.executable)
    ran = process(sys.executable, "-m", "rotation.cli", **asked)
    assert (script.returncode, "_LOCKSTEP_COMPLETE" in script.stdout) == (0, True), script
    assert ran.stdout.split() == ["verify"]


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_explains_itself_and_takes_json(lockstep, command):
    """``--help`` exits 0 and names ``--json``."""
    ran = lockstep(command, "--help")
    assert ran.code == 0
    assert "--json" in ran.out


@pytest.mark.parametrize(
    "arguments", [("bogus",), ("generate",), ("doctor",), ("generate", "huawei_meeting", "-n", "0")]
)
def test_wrong_usage_exits_2_with_a_hint(lockstep, arguments):
    """An unknown command, a missing argument and a number out of range are usage errors."""
    ran = lockstep(*arguments)
    assert (ran.code, ran.out) == (2, "")
    assert ran.err.startswith("error: usage_error: ")
    assert "--help" in ran.err


def test_json_errors_are_one_object_with_the_errors_own_fields(lockstep):
    """With ``--json`` an error is ``RotationError.describe()`` on standard output."""
    ran = lockstep("drivers", "no_such_driver", "--json")
    (error,) = ran.objects
    assert (ran.code, ran.err, error["code"]) == (2, "", "unknown_driver")
    assert error.keys() >= {"code", "message", "hint", "retryable"}


def test_a_foreign_exception_shows_its_type_only(capsys, monkeypatch):
    """The text of an exception that is not ours may hold a value, so it is withheld."""

    class Broken(io.StringIO):
        @property
        def buffer(self):
            raise LookupError("canary-4711")

    monkeypatch.setattr("sys.stdin", Broken())
    code = run(["check", "huawei_meeting"])
    written = "".join(capsys.readouterr())
    assert code == 1
    assert "internal_error: LookupError inside Lockstep" in written
    assert "canary-4711" not in written
    assert "Traceback" not in written


@pytest.mark.parametrize("missing", ["typer", "rich"])
def test_without_the_extra_the_message_names_it(missing):
    """Where typer or rich is not installed, one sentence says what to install."""
    block = f"import sys; sys.modules[{missing!r}] = None; from rotation.cli import main; main()"
    ran = process(sys.executable, "-c", block)
    assert ran.returncode == 4
    assert f"needs {missing}" in ran.stderr
    assert "`make dist`" in ran.stderr
    assert "Traceback" not in ran.stderr


def test_a_pipe_gets_all_of_it_as_plain_text():
    """A table has no control codes, whatever the terminal's name is; what the encoding does not take is escaped."""
    ran = process(sys.executable, "-m", "rotation.cli", "policy", "huawei_meeting", PYTHONIOENCODING="ascii")
    assert ran.returncode == 0
    assert "max_repeat" in ran.stdout
    assert "contrase\\xf1a" in ran.stdout
    assert "\x1b" not in ran.stdout + ran.stderr


def test_a_reader_that_leaves_early_is_no_crash():
    """``lockstep generate ... | head -1`` ends without a traceback."""
    ran = process("sh", "-c", f"{sys.executable} -m rotation.cli generate huawei_meeting -n 20000 | head -1")
    assert len(ran.stdout.splitlines()) == 1
    assert ran.stderr == ""


def test_a_driver_that_a_secret_names_is_no_argument(lockstep, embedded, monkeypatch):
    """An unknown driver that deployment and secret name is a failure, not wrong usage."""
    monkeypatch.setenv("LOCKSTEP_DRIVERS", "no_such_driver")
    stray = '{"driver": "no_such_driver", "username": "alice", "password": "none"}'
    embedded.secrets_manager.create("stray", stray)
    for command in (("rotate",), ("rotate", "--dry-run"), ("verify",)):
        ran = lockstep(*command, "stray", "--json")
        assert "no_such_driver" in ran.out, command
        assert ran.code == 4, command
