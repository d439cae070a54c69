"""A PostgreSQL server's door on loopback: TLS where the client asks for it, a login by password, and ``SELECT 1``.

It stands where a real server would take seconds to start: a simulated vendor's reset decides which password it takes.
Tests compare its verdicts with those of a real server.
"""

from __future__ import annotations

import hashlib
import os
import socket
import socketserver
import struct
import tempfile
import threading
from collections import Counter
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Self

from rotation.core.secret import Secret
from rotation_testkit.doubles.hosts.certificate import Certificate

_TLS_PLEASE = struct.pack("!ii", 8, 80877103)
_PATIENCE = 10
_ROW = (b"T", struct.pack("!h", 1) + b"?column?\0" + struct.pack("!ihihih", 0, 0, 23, 4, -1, 0))
_READY = (b"Z", b"I")


class PostgreSqlHost(socketserver.ThreadingTCPServer):
    """The server; a context manager that takes connections from entry to exit.

    Args:
        users: returns each account's current password.

    Attributes:
        port: where it listens.
        fingerprint: of its certificate, as an account's ``certificate`` pins it.
        accepted: logins by account; ``rejected`` has the wrong ones.
    """

    daemon_threads = True
    block_on_close = False
    host = "127.0.0.1"

    def __init__(self, users: Callable[[], Mapping[str, Secret]]) -> None:
        super().__init__((self.host, 0), socketserver.BaseRequestHandler)
        self.users = users
        self.port: int = self.server_address[1]
        self.accepted: Counter[str] = Counter()
        self.rejected: Counter[str] = Counter()
        certificate = Certificate(self.host)
        self.fingerprint = certificate.fingerprint
        with tempfile.TemporaryDirectory() as folder:
            self._context = certificate.context(Path(folder))
        self._thread = threading.Thread(target=self.serve_forever, args=(0.02,), daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.shutdown()
        self._thread.join()
        self.server_close()

    def finish_request(self, request: socket.socket, client_address: object) -> None:  # type: ignore[override]  # a socket
        """Serve one connection."""
        del client_address
        request.settimeout(_PATIENCE)
        with suppress(OSError, ValueError), request:
            first = _exactly(request, 8)
            if first != _TLS_PLEASE:
                self._session(request, first)
                return
            request.sendall(b"S")
            with self._context.wrap_socket(request, server_side=True) as inside:
                self._session(inside, _exactly(inside, 8))

    def _session(self, client: socket.socket, head: bytes) -> None:
        """Let a client in whose first message begins with ``head``, its length and the protocol's version."""
        words = _exactly(client, int.from_bytes(head[:4]) - len(head)).decode().split("\0")
        user = dict(zip(words[::2], words[1::2], strict=False)).get("user", "")
        salt = os.urandom(4)
        client.sendall(_message(b"R", struct.pack("!i", 5) + salt))
        kind, body = _read(client)
        password = self.users().get(user)
        if kind != b"p" or password is None or body != _hashed(password, user, salt):
            self.rejected[user] += 1
            fields = ("SFATAL", "C28P01", f'Mpassword authentication failed for user "{user}"', "Rauth_failed", "")
            client.sendall(_message(b"E", "\0".join(fields).encode() + b"\0"))
            return
        self.accepted[user] += 1
        status = [(b"S", b"server_version\00018.0\0"), (b"S", b"client_encoding\0UTF8\0")]
        begun = [(b"R", bytes(4)), *status, (b"K", bytes(8)), _READY]
        client.sendall(b"".join(_message(*each) for each in begun))
        while _read(client)[0] == b"Q":
            row = struct.pack("!hi", 1, 1) + b"1"
            answer = [_ROW, (b"D", row), (b"C", b"SELECT 1\0"), _READY]
            client.sendall(b"".join(_message(*each) for each in answer))


def _hashed(password: Secret, user: str, salt: bytes) -> bytes:
    """Return what a client answers: this method needs no TLS, and is the shortest of those that every client knows."""
    inner = hashlib.md5((password.reveal() + user).encode(), usedforsecurity=False).hexdigest()
    return b"md5" + hashlib.md5(inner.encode() + salt, usedforsecurity=False).hexdigest().encode() + b"\0"


def _read(client: socket.socket) -> tuple[bytes, bytes]:
    """Read one message: a letter, a length, a body."""
    head = _exactly(client, 5)
    return head[:1], _exactly(client, int.from_bytes(head[1:]) - 4)


def _exactly(client: socket.socket, size: int) -> bytes:
    if not 0 <= size < 65536:  # noqa: PLR2004 - no message of a login is longer
        raise ValueError("no message of this protocol")
    data = b""
    while len(data) < size:
        part = client.recv(size - len(data))
        if not part:
            raise ConnectionError("the client has gone")
        data += part
    return data


def _message(kind: bytes, body: bytes) -> bytes:
    return kind + struct.pack("!i", len(body) + 4) + body
