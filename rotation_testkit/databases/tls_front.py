"""TLS before a server that has none: it proves itself by a certificate, and passes the bytes on, as stunnel does."""

from __future__ import annotations

import selectors
import socket
import ssl
import struct

from rotation_testkit.doubles.tcp_server import TcpServer

_TLS_PLEASE = struct.pack("!ii", 8, 80877103)


class TlsFront(TcpServer):
    """The front; see ``TcpServer``.

    Args:
        behind: the server's port on loopback.
        asks_first: whether a client must ask for TLS as PostgreSQL's protocol does, in the clear.
        offers: whether the answer to that is yes.

    Attributes:
        clear: how many connections went on without TLS.
    """

    def __init__(self, behind: int, *, asks_first: bool = False, offers: bool = True) -> None:
        super().__init__()
        self.clear = 0
        self._behind, self._asks_first, self._offers = behind, asks_first, offers

    def serve_client(self, client: socket.socket) -> None:
        """Pass one connection on."""
        if self._asks_first:
            if client.recv(8, socket.MSG_WAITALL) != _TLS_PLEASE:
                self.clear += 1
                return
            client.sendall(b"S" if self._offers else b"N")
            if not self._offers:
                return
        with (
            self.context.wrap_socket(client, server_side=True) as inside,
            socket.create_connection((self.host, self._behind), timeout=10) as server,
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
