"""Serve a WSGI application on loopback, on a thread, until the block ends."""

from __future__ import annotations

import selectors
import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from werkzeug.serving import BaseWSGIServer, WSGIRequestHandler, make_server

if TYPE_CHECKING:
    from wsgiref.types import WSGIApplication


class _Quiet(WSGIRequestHandler):
    """Writes no request lines to standard error; simulators keep their own access log."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True  # as servers do: an answer over TLS would wait 10 ms for an acknowledgement

    def log(self, type: str, message: str, *args: object) -> None:  # noqa: A002 - werkzeug's parameter name
        """Drop the line."""

    def send_header(self, keyword: str, value: str) -> None:
        """Send a header; an application's own date takes the place of the server's."""
        if keyword == "Date":
            sent: list[bytes] = getattr(self, "_headers_buffer", [])
            sent[:] = [each for each in sent if not each.startswith(b"Date:")]
        super().send_header(keyword, value)


@contextmanager
def serve(app: WSGIApplication, *, port: int = 0, tls: ssl.SSLContext | None = None) -> Iterator[str]:
    """Serve ``app`` and yield its base URL, ``http://127.0.0.1:PORT``, or ``https://`` with a server's TLS settings."""
    server = make_server("127.0.0.1", port, app, threaded=True, request_handler=_Quiet, ssl_context=tls)
    stopped, stop = socket.socketpair()
    thread = threading.Thread(target=_take_requests, args=(server, stopped), daemon=True)
    thread.start()
    try:
        yield f"{'https' if tls else 'http'}://127.0.0.1:{server.port}"
    finally:
        stop.close()
        thread.join(timeout=5)
        server.server_close()
        stopped.close()


def _take_requests(server: BaseWSGIServer, stopped: socket.socket) -> None:
    """Give each connection a thread until the socket closes; ``shutdown()`` would wait for its next poll."""
    with selectors.DefaultSelector() as selector:
        selector.register(server, selectors.EVENT_READ)
        selector.register(stopped, selectors.EVENT_READ)
        while all(key.fileobj is not stopped for key, _ in selector.select()):
            server.handle_request()
