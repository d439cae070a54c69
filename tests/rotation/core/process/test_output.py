"""Streams whose writes cannot fail."""

import io
import json
import os
import select
import subprocess
import sys
import time
from pathlib import Path

import pytest

from rotation.core.process import output, stop
from rotation.core.process.output import write_line


def ended(code, redirected=""):
    """Run Python code in a process that has sheltered its output, and return how it ended."""
    program = f"from rotation.core.process.output import shelter_output; shelter_output(); {code}"
    line = f"exec \"{sys.executable}\" -c '{program}' {redirected}"
    return subprocess.run(["bash", "-c", line], capture_output=True, text=True, timeout=60, check=False)


@pytest.mark.parametrize("redirected", [">/dev/full", ">&-", "2>/dev/full", "2>&-", "> >(true)"])
@pytest.mark.parametrize(
    "code",
    [
        "import sys; print(7); print(8, file=sys.stderr); sys.exit(3)",
        "import logging, sys; logging.basicConfig(); logging.error(1); logging.shutdown(); sys.exit(3)",
        'import sys; [sys.stdout.buffer.write(b"x" * 9999) for _ in range(99)]; sys.stdout.flush(); sys.exit(3)',
    ],
)
def test_the_exit_code_is_the_works(redirected, code):
    """Prints, loggers and raw bytes: none of them raises, nor does the flush at the exit make it 120."""
    ran = ended(code, redirected)
    assert (ran.returncode, "Traceback" in ran.stderr, "Exception" in ran.stderr) == (3, False, False)


def test_what_can_be_written_is_written():
    """Nothing is lost where the streams are good, and a lone surrogate is shown with a backslash."""
    ran = ended('import sys; print("a" * 100000); print("\\ud800", file=sys.stderr)')
    assert (len(ran.stdout), ran.stderr) == (100_001, "\\ud800\n")


def test_a_closed_descriptor_is_given_to_nobody_else():
    """A file or socket that opens later never gets the number of standard output, in which a child would write."""
    ran = ended("import os, sys; sys.stderr.write(str(os.open(os.devnull, os.O_RDONLY)))", "<&- >&-")
    assert int(ran.stderr) > 2


@pytest.fixture
def stalled():
    """Return a stream into a pipe that is full and that nobody empties, and the pipe's end."""
    reading, writing = os.pipe()
    os.set_blocking(writing, False)
    with open(writing, "wb", buffering=0, closefd=False) as filler:
        while filler.write(b"x" * 65536):
            pass
    os.set_blocking(writing, True)
    with io.TextIOWrapper(io.BufferedWriter(io.FileIO(writing, "w"))) as plain:
        yield output._sheltered(plain), reading
    os.close(reading)


def test_a_reader_that_stalls_stops_no_work_for_long(stalled, monkeypatch):
    """While work is to be ended, a line waits once and is dropped; the next one does not wait at all."""
    stream, reading = stalled
    monkeypatch.setattr(output, "_PATIENCE_SECONDS", 0.2)
    with stop.work():
        started = time.monotonic()
        for _ in range(50):
            stream.write("line\n")
            stream.flush()
        assert 0.2 <= time.monotonic() - started < 5
        os.set_blocking(reading, False)
        while select.select([reading], [], [], 0)[0]:
            os.read(reading, 65536)
        stream.write("again\n")
        stream.flush()
    assert os.read(reading, 100) == b"again\n"


def test_a_line_goes_to_the_first_stream_that_takes_it(tmp_path):
    """A log line that one stream refuses goes to the next, and is dropped where none takes it."""
    closed, good = (tmp_path / "closed").open("w"), io.StringIO()
    closed.close()
    write_line({"a": 1}, closed, good)
    assert json.loads(good.getvalue()) == {"a": 1}
    write_line({"a": 1}, closed)
    full = Path("/dev/full").open("w")  # noqa: SIM115 - its close is what fails
    write_line({"b": 2}, full, good)
    with pytest.raises(OSError, match="No space"):
        full.close()
    assert json.loads(good.getvalue().splitlines()[1]) == {"b": 2}
