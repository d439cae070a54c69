"""TLS before a server that has none: it proves itself by a certificate, and passes the bytes on, as stunnel does."""

from __future__ import annotations

import selectors
import socket
import socketserver
import ssl
import struct
import threading
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Self

from rotation_testkit.databases.server import HOST
from rotation_testkit.doubles.hosts.certificate import Certificate

_TLS_PLEASE = struct.pack("!ii", 8, 80877103)


class TlsFront(socketserver.ThreadingTCPServer):
    """A context manager that takes connections from entry to exit.

    Args:
        behind: the server's port on loopback.
        folder: for the certificate's file.
        asks_first: whether a client must ask for TLS as PostgreSQL's protocol does, in the clear.
        offers: whether the answer to that is yes.

    Attributes:
        port: where it listens on loopback.
        certificate: what it shows.
        clear: how many connections went on without TLS.
    """

    daemon_threads = True
    block_on_close = False

    def __init__(self, behind: int, folder: Path, *, asks_first: bool = False, offers: bool = True) -> None:
        super().__init__((HOST, 0), socketserver.BaseRequestHandler)
        self.certificate = Certificate(HOST)
        self.port: int = self.server_address[1]
        self.clear = 0
        self._behind, self._asks_first, self._offers = behind, asks_first, offers
        self._context = self.certificate.context(folder)
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
        request.settimeout(10)
        with suppress(OSError), request:
            if self._asks_first:
                if request.recv(8, socket.MSG_WAITALL) != _TLS_PLEASE:
                    self.clear += 1
                    return
                request.sendall(b"S" if self._offers else b"N")
                if not self._offers:
                    return
            with (
                self._context.wrap_socket(request, server_side=True) as inside,
                socket.create_connection((HOST, self._behind), timeout=10) as server,
            ):
                _pass_both_ways(inside, server)


def _pass_both_ways(inside: ssl.SSLSocket, server: socket.socket) -> None:
    with selectors.DefaultSelector() as waiting:
        waiting.register(inside, selectors.EVENT_READ)
        waiting.register(server, selectors.EVENT_READ)
        inside.settimeout(10)
        while True:
            ready = [key.fileobj for key, _ in waiting.select(10)]
            if not ready:
                return
            for source in ready:
                data = inside.recv(65536) if source is inside else server.recv(65536)
                while source is inside and inside.pending():
                    data += inside.recv(65536)
                if not data:
                    return
                (server if source is inside else inside).sendall(data)
