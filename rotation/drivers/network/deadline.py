"""One deadline for a whole HTTP exchange: looking the host up, connecting, TLS, the request and its answer.

urllib3's own time-out applies to each address and to each read separately, and not to the look-up (2.8, read 2026-11).
``Watch`` holds the deadline. It makes the connection classes that urllib3 uses, and a timer shuts their socket when the
time is over. Example: a peer sends one byte each second. Each read is in time for urllib3, but after ``seconds`` the
timer shuts the socket, the read ends, and ``over`` is true.
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

from rotation.drivers.network.connect import connect


class Watch:
    """The deadline of one exchange. It holds even while the peer keeps sending a byte at a time.

    Attributes:
        sending: whether a connection was ready for the request; until then nothing was sent.
    """

    def __init__(self, seconds: float) -> None:
        self.sending = False
        self._end = time.monotonic() + seconds
        self._timer: threading.Timer | None = None
        self._sockets: list[socket.socket] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.rest()
        for each in self._sockets:
            each.close()

    @property
    def left(self) -> float:
        """Seconds until the end."""
        return self._end - time.monotonic()

    @property
    def over(self) -> bool:
        """Whether the end has come."""
        return self.left <= 0

    def attend(self, connected: socket.socket) -> None:
        """Shut this socket when the time is over. A duplicate is kept, since TLS takes over the socket's descriptor."""
        self._sockets.append(connected.dup())
        if self._timer is None:
            self._start()

    def restart(self, seconds: float) -> None:
        """Begin another exchange with its own end, for a session that keeps its connections."""
        self.rest()
        self._end = time.monotonic() + seconds
        if self._sockets:
            self._start()

    def rest(self) -> None:
        """Stop watching until the next exchange."""
        timer, self._timer = self._timer, None
        if timer is not None:
            timer.cancel()
            timer.join()

    def _start(self) -> None:
        self._timer = threading.Timer(max(self.left, 0), self._shut)
        self._timer.daemon = True
        self._timer.start()

    def _shut(self) -> None:
        for each in list(self._sockets):
            with suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)

    def ready(self, connection: HTTPConnection) -> None:
        """Note that the request is about to be sent.

        Raises:
            ConnectTimeoutError: the time is over.
        """
        if self.over:
            connection.close()
            raise ConnectTimeoutError(connection, "connected too late to send anything")
        self.sending = True

    def kinds(self) -> dict[str, Callable[..., HTTPConnection]]:
        """Return the factories of watched connections, by URL scheme."""
        return {
            "http": functools.partial(_WatchedHttp, watch=self),
            "https": functools.partial(_WatchedHttps, watch=self),
        }


class _WatchedHttp(HTTPConnection):
    def __init__(self, *args: Any, watch: Watch, **kwargs: Any) -> None:  # noqa: ANN401 - urllib3's own arguments
        super().__init__(*args, **kwargs)
        self._watch = watch

    def _new_conn(self) -> socket.socket:
        try:
            sock = connect(self._dns_host, self.port, lambda: self._watch.left, self.socket_options or ())
        except TimeoutError as error:
            raise ConnectTimeoutError(self, "the host did not answer in time") from error
        except OSError as error:
            raise NewConnectionError(self, "no address of the host answered") from error
        self._watch.attend(sock)
        return sock

    def connect(self) -> None:
        super().connect()
        self._watch.ready(self)


class _WatchedHttps(_WatchedHttp, HTTPSConnection):
    """The same over TLS: in the order of base classes, ``HTTPSConnection`` comes after ``_WatchedHttp``."""
