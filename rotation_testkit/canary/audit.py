"""What a test writes to files and into the arguments of processes, from Python's audit events."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import suppress
from itertools import islice
from pathlib import Path
from typing import Any

import pytest

_MOST_BYTES = 1024 * 1024
_MOST_FILES = 100
"""Per folder; a test that writes more has unpacked an archive."""
_WRITES = os.O_WRONLY | os.O_RDWR


class FileAudit:
    """Records files opened for writing, folders made and removed, files removed, and processes started.

    Attributes:
        listening: whether anything is recorded.
        started: arguments of the processes, one process a line.
    """

    def __init__(self) -> None:
        self.listening = False
        self.started: list[str] = []
        self._written: set[str] = set()
        self._folders: set[str] = set()
        self._gone: list[tuple[str, str]] = []
        self._item: pytest.Item | None = None

    def start(self, item: pytest.Item) -> None:
        """Forget the test before and start with this one."""
        for each in (self.started, self._written, self._folders, self._gone):
            each.clear()
        self._item = item
        self.listening = True

    def hear(self, event: str, args: tuple[Any, ...]) -> None:
        """Record one audit event.

        The hook can never be removed, so there is a switch; an error in it would break the audited call.
        """
        if not self.listening:
            return
        if event == "open":
            path, _, flags = args
            if isinstance(path, str) and isinstance(flags, int) and flags & _WRITES and _counts(path):
                self._written.add(path)
        elif event == "subprocess.Popen":
            self.started.append(f"{args[0]} {args[1]}")
        elif event == "tempfile.mkdtemp":
            self._folders.add(os.fspath(args[0]))
        elif event == "os.remove" and args[0] in self._written:
            self._gone += _read(args[0])
        elif event == "shutil.rmtree":
            folder = os.fspath(args[0])
            if folder in self._folders:
                self._folders.discard(folder)
                self._gone += [one for path in _inside(folder) for one in _read(path)]

    def contents(self) -> list[tuple[str, str]]:
        """Return name and text of everything that was written, removed files included."""
        self.listening = False
        values = getattr(self._item, "funcargs", {})
        own = {str(values["tmp_path"])} if isinstance(values.get("tmp_path"), Path) else set()
        paths = {*self._written, *(path for folder in self._folders | own for path in _inside(folder))}
        return [*self._gone, *(one for path in sorted(paths) for one in _read(path))]


def arguments_of_children() -> list[str]:
    """Return the command lines of this process's living children and theirs; empty where there is no ``/proc``."""
    found, queue = [], [str(os.getpid())]
    while queue:
        process = f"/proc/{queue.pop()}"
        with suppress(OSError):  # ended meanwhile
            for task in os.listdir(f"{process}/task"):  # noqa: PTH208 - a tenth of a glob's time, after every test
                queue += _first(f"{process}/task/{task}/children").decode().split()
            found.append(_first(f"{process}/cmdline").replace(b"\0", b" ").decode(errors="replace"))
    return found[1:]


def _first(path: str) -> bytes:
    with open(path, "rb", buffering=0) as file:  # noqa: PTH123 - same
        return file.readall()


def _counts(path: str) -> bool:
    return not path.startswith("/dev/") and "__pycache__" not in path


def _inside(folder: str) -> Iterator[str]:
    every = (os.path.join(where, name) for where, _, names in os.walk(folder) for name in names)  # noqa: PTH118 - text
    return islice(every, _MOST_FILES)


def _read(path: str) -> list[tuple[str, str]]:
    file = Path(path)
    with suppress(OSError):
        if file.is_file() and file.stat().st_size <= _MOST_BYTES:
            return [(file.name, file.read_bytes().decode(errors="replace"))]
    return []
