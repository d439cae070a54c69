"""What the database servers share: a free port, a process that is ended by its id, and an end in any case."""

from __future__ import annotations

import os
import socket
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Self

_START_SECONDS = 40.0
_STOP_SECONDS = 10.0
_LIFE_SECONDS = 900
HOST = "127.0.0.1"


def free_port() -> int:
    """Return a port on which nothing listens now."""
    with socket.socket() as free:
        free.bind((HOST, 0))
        port: int = free.getsockname()[1]
        return port


def not_as_root() -> tuple[str, ...]:
    """Return what stands before a command that refuses to run as root: a namespace in which root is another user."""
    return ("unshare", "--user", "--map-user=65534") if os.geteuid() == 0 else ()


def run(command: Sequence[str], *, text: str = "", environment: Mapping[str, str] | None = None) -> None:
    """Run a command to its end.

    Raises:
        RuntimeError: it failed; the end of its output says why.
    """
    ended = subprocess.run(  # noqa: S603 - a fixed program
        [*not_as_root(), *command],
        input=text.encode(),
        capture_output=True,
        timeout=60,
        check=False,
        env={"PATH": os.defpath, "LC_ALL": "C", **(environment or {})},
    )
    if ended.returncode != 0:
        raise RuntimeError((ended.stdout + ended.stderr).decode(errors="replace")[-1000:])


@dataclass(kw_only=True)
class Server:
    """A server process; a context manager that takes connections from entry to exit.

    Attributes:
        command: the program and its arguments.
        home: an empty folder for its log.
        port: where it listens on loopback.
        is_up: returns whether it takes connections.
        environment: variables beside ``PATH``.
    """

    command: Sequence[str]
    home: Path
    port: int
    is_up: Callable[[], bool]
    environment: Mapping[str, str] = field(default_factory=dict)
    _process: subprocess.Popen[bytes] | None = field(default=None, init=False)

    def __enter__(self) -> Self:
        with (self.home / "log").open("wb") as log:
            # `timeout` ends a server whose tests were killed.
            self._process = subprocess.Popen(  # noqa: S603 - a fixed program
                ["timeout", "-k", "5", str(_LIFE_SECONDS), *not_as_root(), *self.command],  # noqa: S607 - a system's own
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
                env={"PATH": os.defpath, "LC_ALL": "C", **self.environment},
            )
        end = time.monotonic() + _START_SECONDS
        while time.monotonic() < end and self._process.poll() is None:
            if self.is_up():
                return self
            time.sleep(0.02)
        self._stop()
        raise RuntimeError(
            f"{self.command[0]} does not start: {(self.home / 'log').read_text(errors='replace')[-800:]}"
        )

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stop()

    def _stop(self) -> None:
        process, self._process = self._process, None
        if process is None:
            return
        process.terminate()  # `timeout` passes the signal on
        try:
            process.wait(_STOP_SECONDS)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, 9)
            process.wait()


def listens(port: int) -> bool:
    """Return whether something takes connections at a port of this machine."""
    with socket.socket() as knock:
        return knock.connect_ex((HOST, port)) == 0
