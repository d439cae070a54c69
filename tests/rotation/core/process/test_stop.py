"""Signals that ask a process to stop: noted inside of work, obeyed outside, and handled as PID 1, too."""

import os
import re
import signal
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path

import pytest

from rotation.core.errors import Interrupted
from rotation.core.process import stop
from rotation_testkit.fault_lab.in_memory.scenario import VirtualClock

PROGRAM = """
import sys, time
from rotation.core.process import stop
with stop.heeding():
    try:
        with {where}:
            print("ready", flush=True)
            while not stop.requested():
                time.sleep(0.01)
            print("asked", stop.seconds_left() > 20, flush=True)
            time.sleep({after})
    except stop.Halted:
        stop.leave(130)
    stop.leave(7)
"""


@contextmanager
def program(*, where="stop.work()", after=0.0, prefix=()):
    """Start a process that works until it is asked to stop, and then takes some seconds more."""
    command = [*prefix, sys.executable, "-c", PROGRAM.format(where=where, after=after)]
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    with subprocess.Popen(command, **pipes) as started:
        try:
            assert started.stdout.readline() == "ready\n"
            yield started
        finally:
            started.kill()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_inside_of_work_the_first_signal_is_noted_and_the_second_one_obeyed(number):
    """Whatever the signals are; the process says at once what it does."""
    with program() as started:
        started.send_signal(number)
        out, err = started.communicate(timeout=60)
        assert (started.returncode, out) == (7, "asked True\n")
        assert "Ending what has begun, for at most 25 s" in err
    with program(after=600) as started:
        started.send_signal(number)
        assert started.stdout.readline() == "asked True\n"
        started.send_signal(signal.SIGTERM)
        assert started.wait(60) == 130


def test_outside_of_work_the_first_signal_is_obeyed():
    """There is nothing to be ended in order."""
    with program(where="__import__('contextlib').nullcontext()") as started:
        started.send_signal(signal.SIGTERM)
        assert started.communicate(timeout=60) == ("", "")
        assert started.returncode == 130


def test_as_pid_1_a_process_has_handlers():
    """The system drops a signal for PID 1 unless the process catches it, so all three are caught."""
    with program() as started:
        caught = int(re.search("SigCgt:\t(.*)", Path(f"/proc/{started.pid}/status").read_text())[1], 16)
        started.send_signal(signal.SIGINT)
        started.communicate(timeout=60)
    assert all(caught >> (number - 1) & 1 for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP))


def test_what_the_parent_ignores_stays_ignored():
    """After `nohup`, a terminal that goes away asks for nothing."""
    with program(prefix=("sh", "-c", 'trap "" HUP; exec "$@"', "sh")) as started:
        started.send_signal(signal.SIGHUP)
        started.send_signal(signal.SIGTERM)
        out, err = started.communicate(timeout=60)
    assert (started.returncode, out, err.count("Ending")) == (7, "asked True\n", 1)


@pytest.fixture
def asked():
    """A process that was asked to stop while it works."""
    with stop.heeding(), stop.work():
        os.kill(os.getpid(), signal.SIGINT)
        yield
    stop._process.asked_at = None


@pytest.mark.usefixtures("asked")
def test_nothing_new_begins():
    """A reset is refused, and no pause is waited for."""
    clock = VirtualClock()
    before = clock.now()
    stop.pause(clock, 60)
    assert clock.now() == before
    with pytest.raises(Interrupted, match="before the reset began"):
        stop.refuse_new("the reset")


@pytest.mark.usefixtures("asked")
def test_the_grace_time_bounds_what_goes_on(monkeypatch):
    """After its end no call may take any time."""
    assert 0 < stop.seconds_left() <= stop.GRACE_SECONDS
    monkeypatch.setattr(stop, "GRACE_SECONDS", 0.0)
    assert stop.seconds_left() <= 0


def test_without_a_request_nothing_is_bounded():
    """A pause is waited for to its end, and a new reset may begin."""
    clock = VirtualClock()
    before = clock.now()
    stop.pause(clock, 7.6)
    stop.refuse_new("the reset")
    assert (round(clock.now() - before, 3), stop.seconds_left()) == (7.6, float("inf"))


def test_a_process_that_says_its_last_words_hears_no_more_signals():
    """A third Ctrl-C while the error is shown ends in no traceback."""
    with stop.heeding():
        stop.deafen()
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            os.kill(os.getpid(), number)
        assert not stop.requested()
    assert signal.getsignal(signal.SIGINT) is not signal.SIG_IGN
