"""What the doors of database servers share: a port on loopback, a certificate, the accounts and the count of logins.

A door stands where a real server would take seconds to start: a simulated vendor's reset decides which password it
takes. Tests compare its verdicts with those of a real server.
"""

from __future__ import annotations

import socket
from collections import Counter
from collections.abc import Callable, Mapping

from rotation.core.secret import Secret
from rotation_testkit.doubles.tcp_server import TcpServer


class DatabaseDoor(TcpServer):
    """The server; see ``TcpServer``.

    Args:
        users: returns each account's current password.

    Attributes:
        fingerprint: of its certificate, as an account's ``certificate`` pins it.
        accepted: logins by account; ``rejected`` has the wrong ones.
    """

    def __init__(self, users: Callable[[], Mapping[str, Secret]]) -> None:
        super().__init__()
        self.users = users
        self.accepted: Counter[str] = Counter()
        self.rejected: Counter[str] = Counter()
        self.fingerprint = self.certificate.fingerprint

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
