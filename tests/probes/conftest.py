"""A WinRM service on loopback: just enough of WS-Management, behind real Basic and real NTLM, in real TLS."""

from __future__ import annotations

import base64
import datetime as dt
import hashlib
import ipaddress
import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
import spnego
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from spnego.exceptions import SpnegoError

IDENTIFIED = b"<s:Envelope><s:Body><wsmid:IdentifyResponse/></s:Body></s:Envelope>"


class Connection(BaseHTTPRequestHandler):
    """One connection; NTLM proves a connection and not a request, so the context lives here."""

    protocol_version = "HTTP/1.1"
    host: WinRmHost
    context: Any = None

    def log_message(self, *_: object) -> None:
        """Keep standard error clean."""

    def do_POST(self) -> None:
        """Answer one request."""
        host = self.host
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        scheme, _, token = self.headers.get("Authorization", "").partition(" ")
        host.seen.append(scheme)
        host.bodies.append(body)
        host.closing.wait(host.delay)
        status, challenge = host.status, ""
        if scheme == "Basic":
            status = host.status if host.basic(token) else 401
        elif scheme == "Negotiate":
            status, challenge = self.negotiate(token)
        elif not (self.context and self.context.complete):
            status = host.anonymous or 401
        self.answer(status, challenge)

    def negotiate(self, token: str) -> tuple[int, str]:
        """Take one step of NTLM."""
        if self.host.mute:
            return 401, ""
        if self.context is None:
            self.context = spnego.server(protocol="ntlm")
        try:
            out = self.context.step(base64.b64decode(token))
        except SpnegoError:
            self.context = None
            return 401, ""
        return (self.host.status, "") if self.context.complete else (401, base64.b64encode(out).decode())

    def answer(self, status: int, challenge: str) -> None:
        """Send the answer."""
        offered = [f"Negotiate {challenge}"] if challenge else self.host.offers
        body = b"" if status == 401 else self.host.body
        self.send_response(status)
        for name, value in [("WWW-Authenticate", each) for each in offered] if status == 401 else self.host.headers:
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


@dataclass
class WinRmHost:
    """The service: which methods it offers, and what goes wrong."""

    users: dict[str, str]
    offers: tuple[str, ...] = ("Negotiate", "Basic")
    status: int = 200
    body: bytes = IDENTIFIED
    headers: tuple[tuple[str, str], ...] = ()
    anonymous: int | None = None
    mute: bool = False
    delay: float = 0
    port: int = 0
    pin: str = ""
    certificate: Path = Path()
    seen: list[str] = field(default_factory=list)
    bodies: list[bytes] = field(default_factory=list)
    closing: threading.Event = field(default_factory=threading.Event)

    def basic(self, token: str) -> bool:
        """Tell whether name and password are right."""
        name, _, password = base64.b64decode(token).decode().partition(":")
        return self.users.get(name) == password


class Server(ThreadingHTTPServer):
    """Does TLS on each connection's own thread, and says nothing about clients that hang up."""

    daemon_threads = True
    context: ssl.SSLContext | None = None

    def finish_request(self, request: socket.socket, client_address: Any) -> None:
        """Begin TLS, then talk."""
        with suppress(OSError):
            if self.context is None:
                super().finish_request(request, client_address)
                return
            with self.context.wrap_socket(request, server_side=True) as wrapped:
                super().finish_request(wrapped, client_address)


def certify(folder: Path) -> tuple[Path, Path, str]:
    """Make a self-signed certificate for 127.0.0.1; returns it, its key and its pin."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "127.0.0.1")])
    now = dt.datetime.now(dt.UTC)
    address = x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))])
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(days=1))
        .not_valid_after(now + dt.timedelta(days=1))
        .add_extension(address, critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    certificate, private = folder / "host.pem", folder / "host.key"
    certificate.write_bytes(made.public_bytes(serialization.Encoding.PEM))
    private.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    return certificate, private, hashlib.sha256(made.public_bytes(serialization.Encoding.DER)).hexdigest()


@contextmanager
def serving(host: WinRmHost, context: ssl.SSLContext | None) -> Iterator[WinRmHost]:
    """Serve until the block ends."""
    server = Server(("127.0.0.1", 0), type("Bound", (Connection,), {"host": host}))
    server.context, host.port = context, server.server_address[1]
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield host
    finally:
        host.closing.set()
        server.shutdown()
        thread.join(5)
        server.server_close()


@pytest.fixture
def winrm_users(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """The accounts of the host; NTLM's own acceptor reads them from a file."""
    users = {"Administrator": "Canary-right/1+a"}
    listed = tmp_path / "users"
    listed.write_text("".join(f":{name}:{password}\n" for name, password in users.items()))
    monkeypatch.setenv("NTLM_USER_FILE", str(listed))
    return users


@pytest.fixture
def winrm(tmp_path: Path, winrm_users: dict[str, str]) -> Iterator[WinRmHost]:
    """The host with TLS."""
    certificate, private, pin = certify(tmp_path)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, private)
    with serving(WinRmHost(winrm_users, pin=f"sha256:{pin}", certificate=certificate), context) as host:
        yield host


@pytest.fixture
def plain_winrm(winrm_users: dict[str, str]) -> Iterator[WinRmHost]:
    """The host without TLS."""
    with serving(WinRmHost(winrm_users), None) as host:
        yield host
