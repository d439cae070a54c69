"""A PostgreSQL server's door on loopback: TLS where the client asks for it, a login by password, and ``SELECT 1``.

See ``database``.
"""

from __future__ import annotations

import hashlib
import os
import socket
import struct

from rotation.core.secret import Secret
from rotation_testkit.doubles.hosts.database import DatabaseDoor, exactly

_TLS_PLEASE = struct.pack("!ii", 8, 80877103)
_ROW = (b"T", struct.pack("!h", 1) + b"?column?\0" + struct.pack("!ihihih", 0, 0, 23, 4, -1, 0))
_READY = (b"Z", b"I")


class PostgreSqlHost(DatabaseDoor):
    """The server; see ``DatabaseDoor``."""

    def serve_client(self, client: socket.socket) -> None:
        """See ``DatabaseDoor``."""
        first = exactly(client, 8)
        if first != _TLS_PLEASE:
            self._session(client, first)
            return
        client.sendall(b"S")
        with self.context.wrap_socket(client, server_side=True) as inside:
            self._session(inside, exactly(inside, 8))

    def _session(self, client: socket.socket, head: bytes) -> None:
        """Let a client in whose first message begins with ``head``, its length and the protocol's version."""
        words = exactly(client, int.from_bytes(head[:4]) - len(head)).decode().split("\0")
        user = dict(zip(words[::2], words[1::2], strict=False)).get("user", "")
        salt = os.urandom(4)
        client.sendall(_message(b"R", struct.pack("!i", 5) + salt))
        kind, body = _read(client)
        if not self.judge(user, lambda password: kind == b"p" and body == _hashed(password, user, salt)):
            fields = ("SFATAL", "C28P01", f'Mpassword authentication failed for user "{user}"', "Rauth_failed", "")
            client.sendall(_message(b"E", "\0".join(fields).encode() + b"\0"))
            return
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
    head = exactly(client, 5)
    return head[:1], exactly(client, int.from_bytes(head[1:]) - 4)


def _message(kind: bytes, body: bytes) -> bytes:
    return kind + struct.pack("!i", len(body) + 4) + body
