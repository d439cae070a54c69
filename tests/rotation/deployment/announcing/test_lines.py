"""Events are lines of JSON on a standard stream or at the end of a file."""

from __future__ import annotations

import os
import resource
from pathlib import Path

import pytest

from rotation.deployment.announcing.lines import Lines


@pytest.mark.parametrize("stream", ["stdout", "stderr"])
def test_a_stream_gets_one_line_for_each_event(capsys: pytest.CaptureFixture[str], stream: str) -> None:
    """The line is out when the call returns."""
    Lines(place=stream).send("a", b'{"kind": "sent"}')
    assert getattr(capsys.readouterr(), stream[3:]) == '{"kind": "sent"}\n'


def test_a_file_is_made_and_appended_to(tmp_path: Path) -> None:
    """Others of the machine cannot read it, and nobody can write it but its owner."""
    place = tmp_path / "events.jsonl"
    for kind in (b"1", b"2"):
        Lines(place=str(place)).send("a", kind)
    assert place.read_text() == "1\n2\n"
    assert place.stat().st_mode & 0o137 == 0


def test_a_pipe_without_a_reader_does_not_stop_the_run(tmp_path: Path) -> None:
    """Opening it fails at once, in place of waiting for a reader."""
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(OSError, match="pipe"):
        Lines(place=str(tmp_path / "pipe")).send("a", b"1")


def test_a_line_that_is_written_in_part_is_not_taken(tmp_path: Path) -> None:
    """A disk that is nearly full takes some bytes and reports no error: a commit would count as heard."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (4, before[1]))
    try:
        with pytest.raises(OSError, match="part"):
            Lines(place=str(tmp_path / "events.jsonl")).send("a", b"123456")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
