"""A MySQL server's door on loopback: TLS where the client asks for it, a login by password, and ``SELECT 1``.

The password's method is ``mysql_native_password``, which every client knows. See ``database``.
"""

from __future__ import annotations

import hashlib
import os
import socket
import struct

from rotation.core.secret import Secret
from rotation_testkit.doubles.hosts.database import DatabaseDoor, exactly

_WITH_DATABASE, _TLS, _ATTRIBUTES, _LENGTHS = 0x8, 0x800, 0x100000, 0x200000
_OFFERS = 0x1 | _WITH_DATABASE | 0x200 | _TLS | 0x2000 | 0x8000 | 0x80000 | _ATTRIBUTES | _LENGTHS
_METHOD = b"mysql_native_password\0"
_QUIT, _QUERY, _PING = 1, 3, 14
_OK = bytes((0, 0, 0, 2, 0, 0, 0))
_END = bytes((254, 0, 0, 2, 0))
_COLUMN = b"\x03def\0\0\0\x011\0\x0c" + struct.pack("<HIBHBH", 63, 1, 8, 1, 0, 0)


class MySqlHost(DatabaseDoor):
    """The server; see ``DatabaseDoor``."""

    def serve_client(self, client: socket.socket) -> None:
        """See ``DatabaseDoor``."""
        salt = bytes(1 + byte % 127 for byte in os.urandom(20))
        _send(client, 0, _greeting(salt))
        number, answer = _read(client)
        if len(answer) == 32 and int.from_bytes(answer[:4], "little") & _TLS:  # noqa: PLR2004 - a request for TLS
            with self.context.wrap_socket(client, server_side=True) as inside:
                self._session(inside, salt, *_read(inside))
            return
        self._session(client, salt, number, answer)

    def _session(self, client: socket.socket, salt: bytes, number: int, answer: bytes) -> None:
        """Let a client in that answered the greeting."""
        name, _, rest = answer[32:].partition(b"\0")
        user = name.decode()
        shown = rest[1 : 1 + rest[0]] if rest else b""
        if not self.judge(user, lambda password: shown == _scrambled(password, salt)):
            used = "YES" if shown else "NO"
            _send(
                client, number + 1, _error(1045, "28000", f"Access denied for user '{user}' (using password: {used})")
            )
            return
        _send(client, number + 1, _OK)
        while (body := _read(client)[1])[0] != _QUIT:
            if body[0] == _QUERY and body[1:].strip().upper() == b"SELECT 1":
                for place, each in enumerate((b"\x01", _COLUMN, _END, b"\x011", _END), 1):
                    _send(client, place, each)
            else:
                known = body[0] in {_QUERY, _PING}
                _send(client, 1, _OK if known else _error(1047, "08S01", "Unknown command"))


def _greeting(salt: bytes) -> bytes:
    low, high = struct.pack("<I", _OFFERS)[:2], struct.pack("<I", _OFFERS)[2:]
    first = b"\x0a8.0.0-double\0" + bytes(4) + salt[:8] + b"\0" + low + b"\x2d\x02\0" + high
    return first + bytes((len(salt) + 1,)) + bytes(10) + salt[8:] + b"\0" + _METHOD


def _scrambled(password: Secret, salt: bytes) -> bytes:
    """Return what a client answers that knows the password."""
    once = hashlib.sha1(password.reveal().encode(), usedforsecurity=False).digest()
    twice = hashlib.sha1(once, usedforsecurity=False).digest()
    mask = hashlib.sha1(salt + twice, usedforsecurity=False).digest()
    return bytes(one ^ other for one, other in zip(once, mask, strict=True))


def _error(number: int, state: str, text: str) -> bytes:
    return b"\xff" + struct.pack("<H", number) + f"#{state}{text}".encode()


def _read(client: socket.socket) -> tuple[int, bytes]:
    """Read one message: a length, a number, a body."""
    head = exactly(client, 4)
    body = exactly(client, int.from_bytes(head[:3], "little"))
    if not body:
        raise ValueError("no message of this protocol")
    return head[3], body


def _send(client: socket.socket, number: int, body: bytes) -> None:
    client.sendall(len(body).to_bytes(3, "little") + bytes((number,)) + body)
