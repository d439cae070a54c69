"""Servers that speak bytes: what a peer can do to a connection is more than a web framework can express."""

from __future__ import annotations

import datetime as dt
import ipaddress
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from rotation.core.secret import Secret
from rotation.drivers.network.http_door import HttpDoor
from rotation.drivers.network.http_messages import HttpReply, HttpRequest

Handler = Callable[[socket.socket], None]


class Peer:
    """A listening socket whose connections a handler deals with, one thread each."""

    def __init__(self, handler: Handler, tls: ssl.SSLContext | None) -> None:
        self.received: list[bytes] = []
        self.stop = threading.Event()
        self._handler = handler
        self._tls = tls
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._listener.settimeout(0.05)
        self.port = self._listener.getsockname()[1]
        self._threads = [threading.Thread(target=self._accept, daemon=True)]
        self._threads[0].start()

    def close(self) -> None:
        """Stop and wait."""
        self.stop.set()
        for thread in self._threads:
            thread.join(5)
        self._listener.close()

    def _accept(self) -> None:
        while not self.stop.is_set():
            with suppress(TimeoutError):
                taken, _ = self._listener.accept()
                thread = threading.Thread(target=self._serve, args=(taken,), daemon=True)
                self._threads.append(thread)
                thread.start()

    def _serve(self, taken: socket.socket) -> None:
        with ExitStack() as stack, suppress(OSError):
            stack.enter_context(taken)
            taken.settimeout(5)
            connection = taken
            if self._tls:
                connection = stack.enter_context(self._tls.wrap_socket(taken, server_side=True))
            self.received.append(_request(connection))
            self._handler(connection)


def _request(connection: socket.socket) -> bytes:
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
def peer() -> Iterator[Serving]:
    """Start peers that end with the test."""
    with ExitStack() as stack:

        def start(handler: Handler | bytes, tls: ssl.SSLContext | None = None) -> Peer:
            act: Handler = handler if callable(handler) else lambda connection: connection.sendall(handler)
            started = Peer(act, tls)
            stack.callback(started.close)
            return started

        yield start


@contextmanager
def _certificate(folder: Path) -> Iterator[tuple[ssl.SSLContext, str]]:
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
    both, public = folder / "both.pem", folder / "public.pem"
    both.write_bytes(pem + secret)
    public.write_bytes(pem)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(both)
    yield context, str(public)


@pytest.fixture
def certificate(tmp_path: Path) -> Iterator[tuple[ssl.SSLContext, str]]:
    """A server's TLS context for 127.0.0.1 and the file that vouches for it."""
    with _certificate(tmp_path) as made:
        yield made


_CANARY = Secret("Canary-in-request/1+a")


def a_door(
    *hosts: str, left: float = 60.0, call_seconds: float = 5.0, ca_file: str | None = None, header: str = "X-Request-ID"
) -> HttpDoor:
    """A door with time."""
    return HttpDoor(
        frozenset(hosts),
        time_left=lambda: left,
        call_seconds=call_seconds,
        request_id_header=header,
        ca_file=ca_file,
    )


def send_to(port: int, *, changes: bool = False, scheme: str = "http", **options: Any) -> HttpReply:
    """Send a request with a canary in header and body."""
    request = HttpRequest(
        method="PUT",
        url=f"{scheme}://127.0.0.1:{port}/path?page=1",
        headers={"X-Key": _CANARY.reveal(), "Content-Type": "text/plain"},
        body=_CANARY.reveal().encode(),
        changes=changes,
    )
    return a_door(f"127.0.0.1:{port}", **options).send(request)


@pytest.fixture
def door() -> Callable[..., HttpDoor]:
    """A function that makes a door with time."""
    return a_door


@pytest.fixture
def send() -> Callable[..., HttpReply]:
    """A function that sends a request with a canary in header and body to a port."""
    return send_to
