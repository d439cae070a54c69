"""Standard output and standard error that never stop the work: what cannot be written is dropped.

``shelter_output`` is the first call of each process. A reader that has left (``| head -1``), a full disk, a closed
descriptor (``>&-``) and a character that the encoding lacks then fail nowhere: neither in a command, nor in a library
(rich, logging, Powertools), nor when Python flushes at its exit, which would make the exit code 120.

A reader that stays but does not read (Ctrl-S in a terminal, a pager) would block. While something has begun that must
be ended, a line is dropped after ten seconds of waiting.
"""

from __future__ import annotations

import errno
import io
import os
import select
import sys
from collections.abc import Mapping
from contextlib import suppress
from json import dumps
from pathlib import Path
from typing import Any, TextIO

from rotation.core.process import stop

_PATIENCE_SECONDS = 10.0


def shelter_output() -> None:
    """Make the writes of this process unable to fail. Call it before anything is written; a second call does nothing.

    A closed descriptor 0, 1 or 2 is opened on /dev/null first: otherwise the next socket would get its number, and a
    child process would write into it.
    """
    for number in range(3):
        try:
            os.fstat(number)
        except OSError:
            null = os.open(os.devnull, os.O_RDWR)
            if null != number:
                os.dup2(null, number)
                os.close(null)
    sys.stdin = sys.stdin or Path(os.devnull).open(encoding="utf-8")  # noqa: SIM115 - it stays open
    sys.stdout = _sheltered(sys.stdout)
    sys.stderr = _sheltered(sys.stderr)


def nobody_reads() -> bool:
    """Return whether the reader of standard output has left, so that a long list need not be written to its end."""
    raw = getattr(getattr(sys.stdout, "buffer", None), "raw", None)
    return isinstance(raw, _Unfailing) and raw.reader_left


def write_line(fields: Mapping[str, object], *streams: TextIO) -> None:
    """Write a JSON line to the first of these streams that takes it; drop it if none does."""
    for stream in streams:
        with suppress(Exception):
            stream.write(dumps(fields) + "\n")
            stream.flush()
            return


def _sheltered(stream: TextIO | None) -> TextIO:
    if stream is None:  # Python found the descriptor closed; whatever has its number now is somebody else's
        stream = Path(os.devnull).open("w", encoding="utf-8")  # noqa: SIM115 - it stays open
    if not isinstance(stream, io.TextIOWrapper) or isinstance(getattr(stream.buffer, "raw", None), _Unfailing):
        return stream
    with suppress(OSError, ValueError):
        stream.flush()
    try:
        raw = _Unfailing(stream.fileno(), "w", closefd=False)
    except (OSError, ValueError):  # no descriptor: a test's stream
        return stream
    return io.TextIOWrapper(
        io.BufferedWriter(raw),
        encoding=stream.encoding,
        errors="backslashreplace",  # vendors' names have characters that some terminals cannot show
        line_buffering=stream.line_buffering,
        write_through=stream.write_through,
    )


class _Unfailing(io.FileIO):
    """A descriptor whose writes always succeed."""

    reader_left = False
    _stalled = False

    def write(self, data: Any, /) -> int:  # noqa: ANN401 - a buffer, which has no type before Python 3.12
        """Write what can be written and return the size as if all had been."""
        view = memoryview(data).cast("B")
        try:
            if self.reader_left or not self._is_ready():
                return view.nbytes
            written = super().write(view[: select.PIPE_BUF])  # as much as a pipe that is ready takes without blocking
        except OSError as failed:
            self.reader_left = failed.errno == errno.EPIPE
            return view.nbytes
        return view.nbytes if written is None else written

    def _is_ready(self) -> bool:
        """Wait until the reader takes more: for ever, or for a limited time while work is to be ended."""
        limited = stop.at_work()
        waiting = select.poll()
        waiting.register(self.fileno(), select.POLLOUT)
        patience = (0 if self._stalled else _PATIENCE_SECONDS * 1000) if limited else None
        self._stalled = not waiting.poll(patience)
        return not self._stalled
