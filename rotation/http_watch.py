"""Connections with one end for everything: looking the host up, connecting, TLS, the request and its answer.

urllib3's own time-out holds for each address and each read, and for no look-up at all (2.8, read 2026-11).
"""

from __future__ import annotations

import functools
import socket
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Any, Self

from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.exceptions import ConnectTimeoutError, NewConnectionError
from urllib3.util.connection import allowed_gai_family

Address = tuple[socket.AddressFamily, socket.SocketKind, int, str, Any]


class Watch:
    """Ends one exchange when its time is over, even while the peer keeps sending a byte at a time.

    Attributes:
        sending: whether a connection was ready for the request; until then nothing of it has left.
    """

    def __init__(self, seconds: float) -> None:
        self.sending = False
        self._end = time.monotonic() + seconds
        self._timer: threading.Timer | None = None
        self._socket: socket.socket | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer.join()
        if self._socket is not None:
            self._socket.close()

    @property
    def left(self) -> float:
        """Seconds until the end."""
        return self._end - time.monotonic()

    @property
    def over(self) -> bool:
        """Whether the end has come."""
        return self.left <= 0

    def attend(self, connected: socket.socket) -> None:
        """Shut a socket at the end, whatever is made of it: TLS takes its descriptor over."""
        self._socket = connected.dup()
        self._timer = threading.Timer(self.left, _shut, (self._socket,))
        self._timer.daemon = True
        self._timer.start()

    def ready(self, connection: HTTPConnection) -> None:
        """Let the request be sent, unless it is too late."""
        if self.over:
            connection.close()
            raise ConnectTimeoutError(connection, "connected too late to send anything")
        self.sending = True

    def kinds(self) -> dict[str, Callable[..., HTTPConnection]]:
        """Return what makes watched connections, by scheme."""
        return {
            "http": functools.partial(_WatchedHttp, watch=self),
            "https": functools.partial(_WatchedHttps, watch=self),
        }


def _shut(sock: socket.socket) -> None:
    with suppress(OSError):
        sock.shutdown(socket.SHUT_RDWR)


class _WatchedHttp(HTTPConnection):
    def __init__(self, *args: Any, watch: Watch, **kwargs: Any) -> None:  # noqa: ANN401 - urllib3's own arguments
        super().__init__(*args, **kwargs)
        self._watch = watch

    def _new_conn(self) -> socket.socket:
        return _connected(self, self._dns_host, self._watch)

    def connect(self) -> None:
        super().connect()
        self._watch.ready(self)


class _WatchedHttps(HTTPSConnection):
    def __init__(self, *args: Any, watch: Watch, **kwargs: Any) -> None:  # noqa: ANN401 - urllib3's own arguments
        super().__init__(*args, **kwargs)
        self._watch = watch

    def _new_conn(self) -> socket.socket:
        return _connected(self, self._dns_host, self._watch)

    def connect(self) -> None:
        super().connect()
        self._watch.ready(self)


def _connected(connection: HTTPConnection, host: str, watch: Watch) -> socket.socket:
    """Connect to the first address that answers, each having its share of the time that is left."""
    found = _looked_up(connection, host, watch)
    for number, (family, kind, protocol, _, address) in enumerate(found):
        sock = socket.socket(family, kind, protocol)
        try:
            for option in connection.socket_options or ():
                sock.setsockopt(*option)
            sock.settimeout(max(watch.left / (len(found) - number), 0.001))
            sock.connect(address)
            sock.settimeout(max(watch.left, 0.001))
            watch.attend(sock)
        except OSError:
            sock.close()
            continue
        return sock
    raise NewConnectionError(connection, "no address of the host answered")


def _looked_up(connection: HTTPConnection, host: str, watch: Watch) -> list[Address]:
    """Ask for the host's addresses. A resolver that hangs is left behind: nothing can interrupt it."""
    found: list[Address] = []

    def ask() -> None:
        with suppress(OSError, UnicodeError):
            found.extend(
                socket.getaddrinfo(host.strip("[]"), connection.port, allowed_gai_family(), socket.SOCK_STREAM)
            )

    asking = threading.Thread(target=ask, daemon=True, name="lockstep-look-up")
    asking.start()
    asking.join(max(watch.left, 0))
    if asking.is_alive():
        raise ConnectTimeoutError(connection, "the host was not looked up in time")
    if not found:
        raise NewConnectionError(connection, "the host's name has no address")
    return found
