"""Peers that speak bytes, hosts that take logins, and a resolver that hangs."""

import socket
import socketserver
import threading
from contextlib import ExitStack, suppress

import pytest

from rotation.core.secret import Secret
from rotation.drivers.network.http_door import HttpDoor
from rotation.drivers.network.http_messages import HttpRequest
from rotation_testkit.doubles.hosts.certificate import Certificate
from rotation_testkit.doubles.hosts.winrm import WinRmHost


class Peer(socketserver.ThreadingTCPServer):
    """A listening socket; a handler serves each connection in a thread of its own."""

    def __init__(self, handler, tls, *, reads):
        super().__init__(("127.0.0.1", 0), handler)
        self.received, self.stop, self.port = [], threading.Event(), self.server_address[1]
        self._tls, self._reads = tls, reads
        threading.Thread(target=self.serve_forever, args=(0.02,), daemon=True).start()

    def close(self):
        """Stop and wait."""
        self.stop.set()
        self.shutdown()
        self.server_close()

    def finish_request(self, request, _):
        """Serve one connection."""
        request.settimeout(5)
        with (
            suppress(OSError),
            self._tls.wrap_socket(request, server_side=True) if self._tls else request as connection,
        ):
            if self._reads:
                self.received.append(_request(connection))
            self.RequestHandlerClass(connection)


def _request(connection):
    """Read one request, headers and the body that they announce."""
    data = b""
    while b"\r\n\r\n" not in data and (chunk := connection.recv(65536)):
        data += chunk
    head, _, body = data.partition(b"\r\n\r\n")
    length = next((int(line[15:]) for line in head.split(b"\r\n") if line.lower().startswith(b"content-length:")), 0)
    while len(body) < length and (chunk := connection.recv(65536)):
        body += chunk
    return head + b"\r\n\r\n" + body


@pytest.fixture
def peer():
    """The function that starts a peer, which ends with the test; it reads a request first if ``reads``."""
    with ExitStack() as stack:

        def start(handler, tls=None, *, reads=True):
            act = handler if callable(handler) else lambda connection: connection.sendall(handler)
            started = Peer(act, tls, reads=reads)
            stack.callback(started.close)
            return started

        yield start


@pytest.fixture
def certificate(tmp_path):
    """A server's TLS context for 127.0.0.1, and the file of its authority."""
    made, public = Certificate("127.0.0.1"), tmp_path / "public.pem"
    public.write_bytes(made.pem)
    return made.context(tmp_path), str(public)


@pytest.fixture
def silent():
    """The port of a host whose queue is full, so that it drops every connection attempt."""
    with ExitStack() as stack:
        listener = stack.enter_context(socket.socket())
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        for _ in range(4):
            waiting = stack.enter_context(socket.socket())
            waiting.settimeout(0)
            waiting.connect_ex(listener.getsockname())
        yield listener.getsockname()[1]


@pytest.fixture
def closed():
    """A port on which nothing listens."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        return taken.getsockname()[1]


@pytest.fixture
def resolver(monkeypatch):
    """A resolver that does not answer during the test; the event says whether it has answered."""
    go, answered = threading.Event(), threading.Event()

    def hang(*_, **__):
        go.wait(60)
        answered.set()
        return []

    monkeypatch.setattr(socket, "getaddrinfo", hang)
    yield answered
    go.set()
    for thread in threading.enumerate():
        if thread.name == "lockstep-look-up":
            thread.join(60)


@pytest.fixture
def door():
    """The function that makes a door with enough time."""

    def make(*hosts, left=60.0, call_seconds=5.0, ca_file=None):
        limits = {"time_left": lambda: left, "call_seconds": call_seconds}
        return HttpDoor(frozenset(hosts), **limits, request_id_header="X-Request-ID", ca_file=ca_file)

    return make


@pytest.fixture
def send(door):
    """The function that sends a request with a canary in header and body to a port."""
    canary = "Canary-in-request/1+a"

    def to(port, *, changes=False, scheme="http", **options):
        headers = {"X-Key": canary, "Content-Type": "text/plain"}
        url = f"{scheme}://127.0.0.1:{port}/path?page=1"
        request = HttpRequest(method="PUT", url=url, headers=headers, body=canary.encode(), changes=changes)
        return door(f"127.0.0.1:{port}", **options).send(request)

    return to


@pytest.fixture
def winrm():
    """A Windows host with one account."""
    with WinRmHost(lambda: {"Administrator": Secret("Canary-right/1+a:b")}) as host:
        yield host
