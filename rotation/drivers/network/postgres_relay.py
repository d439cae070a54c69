"""A relay between libpq and a connection that is proved already, which reads the server's error codes on the way.

libpq makes its own connections, cannot pin a certificate, and hides the code of a refused login: only a sentence is
left, in the server's language. So it is given a Unix socket in a folder of its own, and this relay passes the bytes on
to the proved connection. Example: the server sends ``E … C28P01 … Rauth_failed``; the relay passes it on, and
``refusal`` is ``("28P01", "auth_failed")``.
"""

from __future__ import annotations

import select
import socket
import ssl
import struct
import tempfile
import threading
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Self

from rotation.drivers.network.server_socket import Login

PORT = 5432
_TLS_PLEASE = struct.pack("!ii", 8, 80877103)
_AUTHENTICATION, _ERROR = b"R", b"E"
_LONGEST = 64 * 1024
"""The longest message that is read; longer ones are passed on only."""


def begin_tls(login: Login) -> bool:
    """Ask the server for TLS as its protocol does, and begin it; return ``False`` where the server offers none."""
    if login.context is None:
        return True
    login.socket.settimeout(login.seconds)
    login.socket.sendall(_TLS_PLEASE)
    answer = login.socket.recv(1)
    if answer == b"N":
        return False
    if answer != b"S":
        raise ConnectionError("this is no PostgreSQL server")
    login.encrypt()
    return True


class Relay:
    """Passes bytes both ways from entry to exit.

    Attributes:
        folder: where libpq finds the socket, as its ``host``.
        asked: number of the method by which the server asked for a password; ``None`` where it did not.
        let_in: whether the server let the account in.
        refusal: SQLSTATE and routine of the server's first error.
    """

    def __init__(self, login: Login) -> None:
        self._login = login
        self._server = login.socket
        self._unread = b""
        self._temporary = tempfile.TemporaryDirectory(prefix="lockstep-")  # only this user may enter it
        self._listener = socket.socket(socket.AF_UNIX)
        self._thread = threading.Thread(target=self._serve, daemon=True, name="lockstep-relay")
        self.folder = self._temporary.name
        self.asked: int | None = None
        self.let_in = False
        self.refusal: tuple[str, str] | None = None

    def __enter__(self) -> Self:
        self._listener.bind(str(Path(self.folder, f".s.PGSQL.{PORT}")))
        self._listener.listen(1)
        self._listener.settimeout(self._login.seconds)
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        with suppress(OSError):
            self._server.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._thread.join()
        self._temporary.cleanup()

    def _serve(self) -> None:
        with suppress(OSError, ValueError):
            client, _ = self._listener.accept()
            with client:
                self._server.settimeout(0)
                while self._pass(client):
                    pass

    def _pass(self, client: socket.socket) -> bool:
        """Pass on what has arrived; return whether both ends are still there."""
        waiting, _, _ = select.select([client, self._server], [], [], self._login.seconds)
        if not waiting:
            return False
        if client in waiting:
            sent = client.recv(65536)
            self._send(sent)
            return bool(sent)
        try:
            got = self._server.recv(65536)
            while isinstance(self._server, ssl.SSLSocket) and self._server.pending():
                got += self._server.recv(65536)
        except (ssl.SSLWantReadError, BlockingIOError):  # a part of a record, or one for TLS itself
            return True
        if self._login.floods(len(got)):
            return False
        self._read(got)
        client.sendall(got)
        return bool(got)

    def _send(self, data: bytes) -> None:
        self._server.settimeout(self._login.seconds)
        self._server.sendall(data)
        self._server.settimeout(0)

    def _read(self, data: bytes) -> None:
        """Read the messages that are whole: a letter, a length, a body."""
        self._unread += data
        while len(self._unread) > 4:  # noqa: PLR2004 - the letter and the length
            kind, length = self._unread[:1], 1 + int.from_bytes(self._unread[1:5])
            if length > _LONGEST:
                self._unread = b""
                return
            if len(self._unread) < length:
                return
            self._note(kind, self._unread[5:length])
            self._unread = self._unread[length:]

    def _note(self, kind: bytes, body: bytes) -> None:
        if kind == _AUTHENTICATION:
            method = int.from_bytes(body[:4])
            self.let_in |= method == 0
            if method != 0 and self.asked is None:
                self.asked, self._login.shown = method, True
        if kind == _ERROR and self.refusal is None:
            fields = {part[:1]: part[1:].decode("ascii", "replace") for part in body.split(b"\0") if part}
            self.refusal = fields.get(b"C", ""), fields.get(b"R", "")
