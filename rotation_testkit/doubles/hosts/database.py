"""What the doors of database servers share: a port on loopback, a certificate, the accounts and the count of logins.

A door stands where a real server would take seconds to start: a simulated vendor's reset decides which password it
takes. Tests compare its verdicts with those of a real server.
"""

from __future__ import annotations

import socket
import socketserver
import tempfile
import threading
from abc import abstractmethod
from collections import Counter
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Self

from rotation.core.secret import Secret
from rotation_testkit.doubles.hosts.certificate import Certificate

_PATIENCE = 10


class DatabaseDoor(socketserver.ThreadingTCPServer):
    """The server; a context manager that takes connections from entry to exit.

    Args:
        users: returns each account's current password.

    Attributes:
        port: where it listens.
        fingerprint: of its certificate, as an account's ``certificate`` pins it.
        context: its TLS settings.
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
            self.context = certificate.context(Path(folder))
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
        """Serve one connection; what is no client of this protocol is shown out."""
        del client_address
        request.settimeout(_PATIENCE)
        with suppress(OSError, ValueError), request:
            self.serve_client(request)

    @abstractmethod
    def serve_client(self, client: socket.socket) -> None:
        """Speak the protocol with one client."""

    def judge(self, user: str, opens: Callable[[Secret], bool]) -> bool:
        """Return whether a user is let in, and count the login; ``opens`` says whether it showed this password."""
        password = self.users().get(user)
        right = password is not None and opens(password)
        (self.accepted if right else self.rejected)[user] += 1
        return right


def exactly(client: socket.socket, size: int) -> bytes:
    """Read so many bytes.

    Raises:
        ValueError: no message of a login is that long.
        ConnectionError: the client has gone.
    """
    if not 0 <= size < 65536:  # noqa: PLR2004 - no message of a login is longer
        raise ValueError("no message of this protocol")
    data = b""
    while len(data) < size:
        part = client.recv(size - len(data))
        if not part:
            raise ConnectionError("the client has gone")
        data += part
    return data
