"""A proxy on loopback that keeps all that it hears and answers every request with 502."""

from __future__ import annotations

import socket
import threading
from contextlib import suppress
from typing import Self

VARIABLES = ("HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy")
"""The variables by which libraries find a proxy."""


class EavesdroppingProxy:
    """The proxy; a context manager that listens from entry to exit.

    Attributes:
        heard: what each connection said first; a connection that said nothing counts, too.
        url: the value of the proxy variables.
    """

    def __init__(self) -> None:
        self.heard: list[bytes] = []
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._listener.settimeout(0.05)
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}"

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()
        self._listener.close()

    def _serve(self) -> None:
        while not self._stop.is_set():
            with suppress(OSError):
                connection, _ = self._listener.accept()
                with connection:
                    connection.settimeout(1)
                    self.heard.append(b"")
                    self.heard[-1] = connection.recv(65536)
                    connection.sendall(b"HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
