"""A WinRM service on loopback: real TLS, NTLM and Basic, and of WS-Management only Identify.

It can misbehave as real hosts do. It needs pyspnego, which comes with pypsrp.
"""

from __future__ import annotations

import base64
import os
import socket
import ssl
import tempfile
import threading
from collections import Counter
from collections.abc import Callable, Mapping
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import spnego
from spnego._ntlm_raw.crypto import ntowfv1  # the library's only maker of NT hashes

from rotation.core.secret import Secret
from rotation_testkit.doubles.hosts.certificate import Certificate

IDENTIFIED = (
    b'<s:Envelope xmlns:s="http://www.w3.org/2003/05/soap-envelope"><s:Header/><s:Body><wsmid:IdentifyResponse '
    b'xmlns:wsmid="http://schemas.dmtf.org/wbem/wsman/identity/1/wsmanidentity.xsd"/></s:Body></s:Envelope>'
)
_REFUSED = 401
# pyspnego 0.12 takes an acceptor's accounts from the file that an environment variable names, and from nowhere else.
_USER_FILE = "NTLM_USER_FILE"
_PATIENCE = 30  # seconds to wait for a silent client
_one_at_a_time = threading.Lock()


@dataclass(slots=True)
class WinRmBehaviour:
    """How the service behaves. May be changed while it runs.

    Attributes:
        offers: the schemes in ``WWW-Authenticate``.
        status: the answer to a request whose login was right.
        body: its body.
        headers: its further headers.
        anonymous: the answer to a request without a login; ``None`` asks for one.
        mute: whether NTLM ends before the password is checked.
        delay: seconds before each answer.
        drip: seconds between the bytes of an answer's body that has no end.
        flood: whether an answer's body has no end.
    """

    offers: tuple[str, ...] = ("Negotiate", 'Basic realm="WSMAN"')
    status: int = 200
    body: bytes = IDENTIFIED
    headers: tuple[tuple[str, str], ...] = ()
    anonymous: int | None = None
    mute: bool = False
    delay: float = 0
    drip: float = 0
    flood: bool = False


class WinRmHost:
    """The service; a context manager that listens from entry to exit.

    Args:
        users: returns each account's current password; the case of names is ignored.
        behaviour: see ``WinRmBehaviour``.
        up: returns whether the machine runs; when not, connections close at once.
    """

    host = "127.0.0.1"

    def __init__(
        self,
        users: Callable[[], Mapping[str, Secret]],
        *,
        behaviour: WinRmBehaviour | None = None,
        up: Callable[[], bool] = lambda: True,
    ) -> None:
        self.users = users
        self.behaviour = behaviour or WinRmBehaviour()
        self.up = up
        self.port = 0
        self.accepted: Counter[str] = Counter()
        self.rejected: Counter[str] = Counter()
        self.schemes: list[str] = []
        self.flooded = 0
        self.closing = threading.Event()
        self.lock = threading.Lock()
        self._files = ExitStack()
        self._folder = Path()
        self._certificate = Certificate(self.host)
        self._server: _Server | None = None
        self._thread: threading.Thread | None = None

    @property
    def fingerprint(self) -> str:
        """The certificate's fingerprint in the form of the secret's ``certificate``: ``sha256:`` and 64 digits."""
        return self._certificate.fingerprint

    @property
    def certificate(self) -> Path:
        """A PEM file for a client that trusts the certificate as an authority; it exists while the host runs."""
        path = self._folder / "certificate.pem"
        path.write_bytes(self._certificate.pem)
        return path

    def change_certificate(self) -> None:
        """Change the certificate, as a reinstallation or a machine in the middle would."""
        self._certificate = Certificate(self.host)
        if self._server is not None:
            self._server.tls = self._certificate.context(self._folder)

    def __enter__(self) -> Self:
        self.closing.clear()
        self._folder = Path(self._files.enter_context(tempfile.TemporaryDirectory()))
        self._server = server = _Server((self.host, 0), type("_Bound", (_Connection,), {"winrm": self}))
        server.up, server.tls = self.up, self._certificate.context(self._folder)
        self.port = server.server_address[1]
        self._thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.closing.set()
        if self._server is not None and self._thread is not None:
            self._server.shutdown()
            self._thread.join()
            self._server.hang_up()
            self._server.server_close()  # waits for the connections' threads
        self._files.close()

    def basic(self, token: str) -> bool:
        """Check a Basic header."""
        try:
            name, _, password = base64.b64decode(token, validate=True).decode().partition(":")
        except ValueError:
            return False
        users = {each.lower(): value for each, value in self.users().items()}
        return self.judged(name, right=users.get(name.lower()) == Secret(password))

    def judged(self, name: str, *, right: bool) -> bool:
        """Count a login."""
        with self.lock:
            (self.accepted if right else self.rejected)[name] += 1
        return right

    def step(self, context: Any, token: bytes) -> Any:  # noqa: ANN401 - pyspnego's context
        """Take one step of NTLM with the current accounts; the first step makes the context.

        Returns:
            The context and what to send back.

        Raises:
            Exception: refused; the library raises many kinds.
        """
        lines = (f"{name}:0:{'0' * 32}:{ntowfv1(each.reveal()).hex()}:[U]:\n" for name, each in self.users().items())
        accounts = self._folder / "accounts"
        with _one_at_a_time:
            accounts.write_text("".join(lines))
            before, os.environ[_USER_FILE] = os.environ.get(_USER_FILE), str(accounts)
            try:
                kind = "ntlm" if token.startswith(b"NTLMSSP\0") else "negotiate"  # Windows takes it wrapped or not
                context = context or spnego.server(protocol=kind)
                return context, context.step(token)
            finally:
                os.environ.pop(_USER_FILE)
                os.environ.update({_USER_FILE: before} if before else {})


class _Connection(BaseHTTPRequestHandler):
    """One connection; NTLM proves a connection and not a request, so the context lives here."""

    protocol_version = "HTTP/1.1"
    winrm: WinRmHost
    context: Any = None

    def log_message(self, *_: object) -> None:
        """Keep standard error clean."""

    def do_POST(self) -> None:
        winrm, behaviour = self.winrm, self.winrm.behaviour
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        scheme, _, token = self.headers.get("Authorization", "").partition(" ")
        winrm.schemes.append(scheme)
        winrm.closing.wait(behaviour.delay)
        status, challenge = _REFUSED, ""
        if scheme == "Basic":
            status = behaviour.status if winrm.basic(token) else _REFUSED
        elif scheme == "Negotiate":
            status, challenge = self._negotiate(token)
        elif self.context is not None and self.context.complete:
            status = behaviour.status
        elif behaviour.anonymous:
            status = behaviour.anonymous
        if status == 200 and (self.path != "/wsman" or b"wsmid:Identify" not in body):  # noqa: PLR2004 - OK
            status = 400
        self._answer(status, challenge)

    def _negotiate(self, token: str) -> tuple[int, str]:
        if self.winrm.behaviour.mute:
            return _REFUSED, ""
        last = self.context is not None
        try:
            self.context, out = self.winrm.step(self.context, base64.b64decode(token))
        except Exception:  # noqa: BLE001 - the library raises anything for garbage or a wrong password
            self.context = None
            if last:
                self.winrm.judged("", right=False)
            return _REFUSED, ""
        if not self.context.complete:
            return _REFUSED, base64.b64encode(out).decode()
        self.winrm.judged(str(self.context.client_principal), right=True)
        return self.winrm.behaviour.status, ""

    def _answer(self, status: int, challenge: str) -> None:
        behaviour = self.winrm.behaviour
        offers = [f"Negotiate {challenge}"] if challenge else behaviour.offers
        asked = [("WWW-Authenticate", each) for each in offers]
        body = b"" if status == _REFUSED else behaviour.body
        self.send_response(status)
        for name, value in asked if status == _REFUSED else behaviour.headers:
            self.send_header(name, value)
        self.send_header("Content-Type", "application/soap+xml;charset=UTF-8")
        if behaviour.drip or behaviour.flood:
            self._answer_without_end(behaviour)
            return
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def _answer_without_end(self, behaviour: WinRmBehaviour) -> None:
        self.close_connection = True
        self.end_headers()
        with suppress(OSError):
            while not self.winrm.closing.wait(behaviour.drip):
                self.wfile.write(b"a" * (1 if behaviour.drip else 1 << 20))
                self.winrm.flooded += 1


class _Server(ThreadingHTTPServer):
    """Does TLS on each connection's own thread, and ignores clients that hang up."""

    daemon_threads = False
    tls: ssl.SSLContext
    up: Callable[[], bool]

    def __init__(self, *args: Any) -> None:  # noqa: ANN401 - the library's own
        self._open: set[socket.socket] = set()
        super().__init__(*args)

    def finish_request(self, request: Any, client_address: Any) -> None:  # noqa: ANN401 - as above
        if not self.up():
            return
        request.settimeout(_PATIENCE)
        with suppress(OSError), self.tls.wrap_socket(request, server_side=True) as wrapped:
            self._open.add(wrapped)
            try:
                super().finish_request(wrapped, client_address)
            finally:
                self._open.discard(wrapped)

    def hang_up(self) -> None:
        """End every connection that a client left open."""
        for each in list(self._open):
            with suppress(OSError):
                socket.socket.shutdown(each, socket.SHUT_RDWR)
