"""``lockstep rotate`` where its output cannot be written: the work goes on to its end, with its own exit code."""

import os
import subprocess
import sys

import pytest

from rotation_testkit.sandbox.sandbox import VOLCENGINE, open_sandbox

NOWHERE = {
    "a reader that takes one line": ("--json", "| head -1"),
    "a reader that looks for one word": ("--json", "| grep -q staged"),
    "a full disk": ("--json", ">/dev/full"),
    "a full disk behind both": ("", ">/dev/full 2>/dev/full"),
    "a closed standard output": ("--json", ">&-"),
    "everything closed": ("", "<&- >&- 2>&-"),
}


@pytest.fixture(scope="module")
def world():
    """A sandbox with one account, which every test rotates."""
    with open_sandbox(retry_delays=(), holding=(VOLCENGINE,)) as started:
        yield started


def in_a_shell(world, line, **variables):
    """Run a line of bash in which `lockstep` is the command line, and return how the command itself ended."""
    shell = f'lockstep() {{ "{sys.executable}" -m rotation.cli "$@"; }}; set -o pipefail; {line}'
    environment = os.environ | world.environment() | variables
    return subprocess.run(
        ["bash", "-c", shell], env=environment, capture_output=True, text=True, timeout=60, check=False
    )


@pytest.mark.parametrize("way", NOWHERE)
def test_a_rotation_is_ended_whatever_becomes_of_its_output(world, way):
    """The new password is current and live, the exit code is the rotation's, and there is no traceback."""
    option, redirected = NOWHERE[way]
    before, changes = world.stored(VOLCENGINE), world.changes(VOLCENGINE)
    ran = in_a_shell(world, f"lockstep rotate lockstep/{VOLCENGINE} {option} {redirected}")
    assert (ran.returncode, "Traceback" in ran.stderr) == (0, False), ran.stderr
    assert world.stored(VOLCENGINE) == world.live(VOLCENGINE) != before
    assert world.changes(VOLCENGINE) == changes + 1


@pytest.mark.parametrize("encoding", ["ascii:strict", "utf-16"])
def test_an_encoding_that_lacks_a_character_ends_nothing(world, encoding):
    """A name that the encoding cannot show is escaped."""
    ran = in_a_shell(world, f"lockstep rotate lockstep/{VOLCENGINE} >/dev/null 2>&1", PYTHONIOENCODING=encoding)
    assert ran.returncode == 0
    assert world.stored(VOLCENGINE) == world.live(VOLCENGINE)


@pytest.mark.parametrize("redirected", [">/dev/full 2>/dev/full", ">&- 2>&-", "2>&1 | true"])
def test_an_error_that_cannot_be_shown_keeps_its_exit_code(world, redirected):
    """Neither the unwritten sentence nor the flush at Python's exit (120) hides that the command failed."""
    assert in_a_shell(world, f"lockstep rotate no-such-secret {redirected}").returncode == 4
