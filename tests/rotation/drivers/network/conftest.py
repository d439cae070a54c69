"""Peers that speak bytes, hosts that take logins, and a resolver that hangs."""

import datetime as dt
import ipaddress
import socket
import ssl
import threading
from collections.abc import Callable
from contextlib import ExitStack, suppress

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from rotation.core.secret import Secret
from rotation.drivers.network.http_door import HttpDoor
from rotation.drivers.network.http_messages import HttpRequest
from rotation_testkit.doubles.hosts.winrm import WinRmHost

Handler = Callable[[socket.socket], None]


class Peer:
    """A listening socket; a handler serves each connection in a thread of its own."""

    def __init__(self, handler, tls):
        self.received = []
        self.stop = threading.Event()
        self._handler = handler
        self._tls = tls
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._listener.settimeout(0.05)
        self.port = self._listener.getsockname()[1]
        self._threads = [threading.Thread(target=self._accept, daemon=True)]
        self._threads[0].start()

    def close(self):
        """Stop and wait."""
        self.stop.set()
        for thread in self._threads:
            thread.join(5)
        self._listener.close()

    def _accept(self):
        while not self.stop.is_set():
            with suppress(TimeoutError):
                taken, _ = self._listener.accept()
                thread = threading.Thread(target=self._serve, args=(taken,), daemon=True)
                self._threads.append(thread)
                thread.start()

    def _serve(self, taken):
        with ExitStack() as stack, suppress(OSError):
            stack.enter_context(taken)
            taken.settimeout(5)
            connection = taken
            if self._tls:
                connection = stack.enter_context(self._tls.wrap_socket(taken, server_side=True))
            self.received.append(_request(connection))
            self._handler(connection)


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


Serving = Callable[..., "Peer"]


@pytest.fixture
def peer():
    """The function that starts a peer, which ends with the test."""
    with ExitStack() as stack:

        def start(handler, tls=None):
            act = handler if callable(handler) else lambda connection: connection.sendall(handler)
            started = Peer(act, tls)
            stack.callback(started.close)
            return started

        yield start


@pytest.fixture
def certificate(tmp_path):
    """A server's TLS context for 127.0.0.1, and the file of its authority."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "127.0.0.1")])
    start = dt.datetime.now(dt.UTC) - dt.timedelta(days=1)
    certificate = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(start)
        .not_valid_after(start + dt.timedelta(days=7))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    pem = certificate.public_bytes(serialization.Encoding.PEM)
    secret = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    both, public = tmp_path / "both.pem", tmp_path / "public.pem"
    both.write_bytes(pem + secret)
    public.write_bytes(pem)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(both)
    return context, str(public)


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
    """A port on which nobody listens."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        return taken.getsockname()[1]


@pytest.fixture
def resolver(monkeypatch):
    """A resolver that answers nobody during the test; the event says whether it has answered."""
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


_CANARY = Secret("Canary-in-request/1+a")


def make_door(*hosts, left=60.0, call_seconds=5.0, ca_file=None, header="X-Request-ID"):
    """Return a door that has enough time."""
    return HttpDoor(
        frozenset(hosts), time_left=lambda: left, call_seconds=call_seconds, request_id_header=header, ca_file=ca_file
    )


def send_to(port, *, changes=False, scheme="http", **options):
    """Send a request with a canary in header and body."""
    request = HttpRequest(
        method="PUT",
        url=f"{scheme}://127.0.0.1:{port}/path?page=1",
        headers={"X-Key": _CANARY.reveal(), "Content-Type": "text/plain"},
        body=_CANARY.reveal().encode(),
        changes=changes,
    )
    return make_door(f"127.0.0.1:{port}", **options).send(request)


@pytest.fixture
def door():
    """The function that makes a door with enough time."""
    return make_door


@pytest.fixture
def send():
    """The function that sends a request with a canary in header and body to a port."""
    return send_to


@pytest.fixture
def winrm():
    """A Windows host with one account."""
    with WinRmHost(lambda: {"Administrator": Secret("Canary-right/1+a:b")}) as host:
        yield host
