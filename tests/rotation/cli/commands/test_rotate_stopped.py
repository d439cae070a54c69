"""``lockstep rotate`` that is asked to stop begins nothing new, ends what has begun, and says how to continue."""

import json
import os
import re
import signal
import subprocess
import sys
import threading
from contextlib import contextmanager

import pytest

from rotation_testkit.doubles.vendor_api.faults import FaultKind
from rotation_testkit.sandbox.sandbox import VOLCENGINE, open_sandbox

NOWHERE = subprocess.DEVNULL
RESET, SECRET = "ResetPassword", f"lockstep/{VOLCENGINE}"
WITH_GRACE = "from rotation.core.process import stop; stop.GRACE_SECONDS = {}; from rotation.cli import main; main()"


@pytest.fixture
def world():
    """A sandbox with one account."""
    with open_sandbox(retry_delays=(), holding=(VOLCENGINE,)) as started:
        yield started


@contextmanager
def process(world, *arguments, grace=25.0):
    """Start ``lockstep`` in a process of its own, and end it."""
    command = [sys.executable, "-c", WITH_GRACE.format(grace), *arguments]
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    with subprocess.Popen(command, env=os.environ | world.environment(), **pipes) as started:
        try:
            yield started
        finally:
            started.kill()


@contextmanager
def hanging_reset(world, *, applied=True):
    """Let the next reset hang until the block ends; yield what waits until it has arrived."""
    reached, go_on = threading.Event(), threading.Event()
    world.volcengine.faults.add(RESET, FaultKind.HANG, applied=applied, event=go_on, reached=reached, seconds=60)
    try:
        yield reached, go_on
    finally:
        go_on.set()


def ended(started):
    """Wait for a process, and return its exit code, the JSON objects and the text on standard error."""
    out, err = started.communicate(timeout=60)
    return started.returncode, [json.loads(line) for line in out.splitlines()], err


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGHUP])
def test_a_reset_that_has_begun_is_ended(world, number):
    """A signal while the vendor resets: the rotation continues to its end, and the exit code is that of the work."""
    with hanging_reset(world) as (reached, go_on), process(world, "rotate", SECRET, "--json") as started:
        assert reached.wait(60)
        started.send_signal(number)
        assert started.stderr.readline() == "\n"
        assert "a second signal (Ctrl-C) stops at once" in started.stderr.readline()
        go_on.set()
        code, lines, _ = ended(started)
    assert (code, lines[-1]["outcome"]) == (0, "promoted")
    assert world.stored(VOLCENGINE) == world.live(VOLCENGINE)


def test_nothing_new_begins(world):
    """A signal before the reset: none is sent, and the error names the token and the command that continues it."""
    with process(world, "rotate", SECRET, "--json") as started:
        world.secrets_manager.faults.after("PutSecretValue", lambda _: started.send_signal(signal.SIGTERM))
        code, lines, _ = ended(started)
    token, error = lines[0]["token"], lines[-1]
    assert (code, error["code"], lines[-2]["outcome"]) == (130, "interrupted", "interrupted")
    assert f"rotation {token} stopped: no reset was sent" in error["message"]
    assert f"`lockstep rotate {SECRET}`" in error["hint"]
    assert world.changes(VOLCENGINE) == 0
    with process(world, "rotate", SECRET, "--json") as again:
        code, lines, _ = ended(again)
    assert (code, {each["token"] for each in lines}) == (0, {token})


@pytest.mark.parametrize("second", [True, False], ids=["second signal", "end of the grace time"])
def test_what_does_not_end_is_left_with_its_lease_given_back(world, *, second):
    """The process leaves in the middle of the reset; the next run goes on at once and finds the new password live."""
    with hanging_reset(world) as (reached, go_on), process(world, "rotate", SECRET, grace=0.5) as started:
        assert reached.wait(60)
        started.send_signal(signal.SIGTERM)
        if second:
            started.stderr.readline()
            started.send_signal(signal.SIGINT)
        out, err = started.communicate(timeout=20)
        assert (started.returncode, out) == (130, "")
        go_on.set()
    token = re.search("beginning a rotation, token (.*)", err)[1] if not second else None
    assert "a reset was or may have been sent" in err
    assert f"hint: `lockstep rotate {SECRET}` continues it." in err
    assert "Traceback" not in err
    with process(world, "rotate", SECRET, "--json") as again:
        code, lines, _ = ended(again)
    assert (code, lines[0]["resumed"]) == (0, True)
    assert token in (None, lines[0]["token"])
    assert world.stored(VOLCENGINE) == world.live(VOLCENGINE)


def test_a_run_that_must_stop_right_after_the_commit_says_that_the_command_was_not_run(world):
    """Two signals before the labels are settled: the command of --on-commit does not run, which is said."""
    arguments = ("rotate", SECRET, "--on-commit", "true")
    with process(world, *arguments) as started:
        committed = []

        def note(call):
            committed.extend(move for move in call.moves if move.label == "AWSCURRENT")

        def stop_at_once(_):
            if committed:
                committed.clear()
                started.send_signal(signal.SIGTERM)
                started.send_signal(signal.SIGINT)

        world.secrets_manager.faults.after("UpdateSecretVersionStage", note)
        world.secrets_manager.faults.before("DescribeSecret", stop_at_once)
        code, _, err = ended(started)
    assert code == 130, err
    assert f"--on-commit was not run for {SECRET}" in err
    assert world.stored(VOLCENGINE) == world.live(VOLCENGINE)


def test_a_command_killed_right_after_the_commit_leaves_it_to_be_announced(world, tmp_path):
    """The secret's first rotation, which leaves no labels to settle: `committed` comes with the next check."""
    place = tmp_path / "events.jsonl"
    environment = os.environ | world.environment() | {"LOCKSTEP_EVENTS_LINES": str(place)}
    arguments = [sys.executable, "-m", "rotation.cli"]
    with subprocess.Popen([*arguments, "rotate", SECRET], env=environment, stdout=NOWHERE, stderr=NOWHERE) as rotating:

        def kill(call):
            if any(move.label == "AWSCURRENT" for move in call.moves):
                rotating.kill()

        world.secrets_manager.faults.after("UpdateSecretVersionStage", kill)
        assert rotating.wait(60) == -signal.SIGKILL
    world.secrets_manager.faults.clear()
    died = events_in(place)
    assert "committed" not in dict(died)
    subprocess.run([*arguments, "verify", SECRET], env=environment, stdout=NOWHERE, check=False, timeout=60)
    assert events_in(place)[len(died) :] == [("committed", died[0][1])]


def events_in(place):
    """Return kind and token of each event in a file."""
    return [(each["kind"], each["token"]) for each in map(json.loads, place.read_text().splitlines())]


def test_a_look_ends_at_once(world):
    """Where nothing has begun that must be ended, the first signal stops the command."""
    with process(world, "verify", SECRET, "--json") as started:
        world.secrets_manager.faults.before("DescribeSecret", lambda _: started.send_signal(signal.SIGTERM))
        code, (error,), _ = ended(started)
    assert (code, error["code"]) == (130, "interrupted")
