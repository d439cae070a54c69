"""Writes events as lines of JSON, to a standard stream or to a file."""

from __future__ import annotations

import errno
import os
import sys
from dataclasses import dataclass

from rotation.deployment.announcing.settings import STREAMS


@dataclass(frozen=True, slots=True, kw_only=True)
class Lines:
    """One stream or file; ``place`` is ``stdout``, ``stderr`` or a path."""

    place: str
    name: str = "lines"

    def send(self, event_id: str, body: bytes) -> None:
        """Write one event. A line is one write at the end of the file, so that several processes may share it.

        Raises:
            OSError: it cannot be written.
        """
        del event_id
        if self.place in STREAMS:
            stream = getattr(sys, self.place)
            stream.write(body.decode() + "\n")
            stream.flush()
            return
        file = os.open(self.place, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC | os.O_NONBLOCK, 0o640)
        try:
            line = body + b"\n"
            if os.write(file, line) < len(line):
                raise OSError(errno.ENOSPC, "the disk took only a part of the line")
        finally:
            os.close(file)
