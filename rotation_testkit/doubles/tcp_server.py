"""A TCP server on a port of loopback, with a certificate of its own, from the entry of a block to its exit."""

from __future__ import annotations

import socket
import socketserver
import ssl
import tempfile
import threading
from abc import abstractmethod
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import ClassVar, Self

from rotation_testkit.doubles.hosts.certificate import Certificate

_PATIENCE = 10


class TcpServer(socketserver.ThreadingTCPServer):
    """A context manager that takes connections from entry to exit, each in a thread of its own.

    Attributes:
        host: loopback.
        port: where it listens.
        certificate: what it may show, and ``context`` its TLS settings.
    """

    daemon_threads = True
    block_on_close = False
    host: ClassVar[str] = "127.0.0.1"

    def __init__(self) -> None:
        super().__init__((self.host, 0), socketserver.BaseRequestHandler)
        self.port: int = self.server_address[1]
        self.certificate = Certificate(self.host)
        with tempfile.TemporaryDirectory() as folder:
            self.context: ssl.SSLContext = self.certificate.context(Path(folder))
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
        """Serve one connection; what is no client of this server is shown out."""
        del client_address
        request.settimeout(_PATIENCE)
        with suppress(OSError, ValueError), request:
            self.serve_client(request)

    @abstractmethod
    def serve_client(self, client: socket.socket) -> None:
        """Speak with one client."""
