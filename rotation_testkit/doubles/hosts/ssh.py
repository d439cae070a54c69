"""An SSH server on loopback that accepts logins by password, and can misbehave as real hosts do."""

from __future__ import annotations

import io
import logging
import socket
import threading
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from types import TracebackType
from typing import Self

import paramiko
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from paramiko.auth_handler import AuthHandler
from paramiko.common import AUTH_FAILED, AUTH_SUCCESSFUL
from paramiko.server import InteractiveQuery

_LOG = "rotation_testkit.doubles.hosts.ssh"
_PASSWD_CHANGEREQ = 60  # RFC 4252 section 8
_GOODBYE = 5  # seconds for a connection's own thread to end
_EXPIRED = 99  # our own result, next to paramiko's AUTH_*: right password, must be changed

logging.getLogger(_LOG).addHandler(logging.NullHandler())


@dataclass(slots=True)
class SshBehaviour:
    """How the host behaves. May be changed while it runs; each new connection follows it.

    Attributes:
        methods: what is offered: ``password``, ``keyboard-interactive``, ``publickey`` (which never succeeds).
        expired: users whose right password must be changed first (PASSWD_CHANGEREQ).
        banner_delay: seconds of silence before the server's version line.
        hang_up: ``connect`` closes at once, ``auth`` after the key exchange when authentication starts.
        ciphers: the only ciphers that are offered; ``None`` offers paramiko's.
        digests: the only MACs that are offered, likewise.
        max_tries: wrong passwords on one connection before it is closed; OpenSSH's default is 6.
    """

    methods: tuple[str, ...] = ("password",)
    expired: set[str] = field(default_factory=set)
    banner_delay: float = 0
    hang_up: str | None = None
    ciphers: tuple[str, ...] | None = None
    digests: tuple[str, ...] | None = None
    max_tries: int = 6


class SshHost:
    """The server; a context manager that listens from entry to exit.

    Args:
        check_password: returns whether a user's password is right.
        behaviour: see ``SshBehaviour``.
        up: returns whether the machine runs; when not, connections close at once, before any login.
    """

    host = "127.0.0.1"

    def __init__(
        self,
        check_password: Callable[[str, str], bool],
        *,
        behaviour: SshBehaviour | None = None,
        up: Callable[[], bool] = lambda: True,
    ) -> None:
        self.check_password = check_password
        self.behaviour = behaviour or SshBehaviour()
        self.up = up
        self.port = 0
        self.connections = 0
        self.accepted: Counter[str] = Counter()
        self.rejected: Counter[str] = Counter()
        self.lock = threading.Lock()
        self._key = _new_key()
        self._closing = threading.Event()
        self._threads: list[threading.Thread] = []
        self._listener: socket.socket | None = None

    @property
    def host_key(self) -> str:
        """The public host key as in a known_hosts file, without the host: ``ssh-ed25519 AAAA...``."""
        return f"{self._key.get_name()} {self._key.get_base64()}"

    def change_host_key(self) -> None:
        """Change the host key, as a reinstallation or a machine in the middle would."""
        self._key = _new_key()

    def __enter__(self) -> Self:
        listener = socket.create_server((self.host, 0))
        listener.settimeout(0.05)
        self._closing.clear()
        self._listener, self.port = listener, listener.getsockname()[1]
        self._spawn(lambda: self._accept(listener))
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._closing.set()
        if self._listener:
            with suppress(OSError):  # wakes accept() at once on Linux; elsewhere it wakes by its time-out
                self._listener.shutdown(socket.SHUT_RDWR)
        for thread in self._threads:
            thread.join(10)
        self._threads.clear()
        if self._listener:
            self._listener.close()

    def _spawn(self, target: Callable[[], None]) -> None:
        thread = threading.Thread(target=target, daemon=True)
        self._threads.append(thread)
        thread.start()

    def _accept(self, listener: socket.socket) -> None:
        while not self._closing.is_set():
            with suppress(OSError):
                connection, _ = listener.accept()
                self.connections += 1
                self._spawn(lambda taken=connection: self._converse(taken))  # type: ignore[misc]  # bound now, on purpose

    def _converse(self, connection: socket.socket) -> None:
        with connection:
            if self.behaviour.hang_up == "connect" or not self.up():
                return
            if self._closing.wait(self.behaviour.banner_delay):
                return
            with suppress(OSError, EOFError, paramiko.SSHException):
                self._talk(paramiko.Transport(connection))

    def _talk(self, transport: paramiko.Transport) -> None:
        transport.set_log_channel(_LOG)
        transport.add_server_key(self._key)
        options, behaviour = transport.get_security_options(), self.behaviour
        options.ciphers = behaviour.ciphers or options.ciphers
        options.digests = behaviour.digests or options.digests
        transport.auth_handler = _Authentication(transport, self.behaviour)
        try:
            transport.start_server(event=threading.Event(), server=_Login(self, self.behaviour))
            while transport.is_alive() and not self._closing.wait(0.02):
                pass
        finally:
            transport.close()
            transport.join(_GOODBYE)  # close() returns at once where the client was first to leave


class _Login(paramiko.ServerInterface):
    """Checks the passwords of one connection."""

    def __init__(self, host: SshHost, behaviour: SshBehaviour) -> None:
        self._host = host
        self._behaviour = behaviour
        self._user = ""

    def get_allowed_auths(self, username: str) -> str:
        del username
        return ",".join(self._behaviour.methods)

    def check_auth_password(self, username: str, password: str) -> int:
        if "password" not in self._behaviour.methods:
            return AUTH_FAILED
        return self._judge(username, password)

    def check_auth_interactive(self, username: str, submethods: str) -> int | InteractiveQuery:
        del submethods
        if "keyboard-interactive" not in self._behaviour.methods:
            return AUTH_FAILED
        self._user = username
        return InteractiveQuery("", "", ("Password: ", False))

    def check_auth_interactive_response(self, responses: list[str]) -> int | InteractiveQuery:
        return self._judge(self._user, responses[0] if responses else "")

    def _judge(self, user: str, password: str) -> int:
        right = self._host.check_password(user, password)
        expired = right and user in self._behaviour.expired
        with self._host.lock:
            counter = self._host.accepted if right and not expired else self._host.rejected
            counter[user] += 1
        if expired:
            return _EXPIRED
        return AUTH_SUCCESSFUL if right else AUTH_FAILED


class _Authentication(AuthHandler):
    """paramiko's server cannot ask for a new password nor limit tries (5.1, November 2026): this adds both."""

    def __init__(self, transport: paramiko.Transport, behaviour: SshBehaviour) -> None:
        super().__init__(transport)
        self._behaviour = behaviour
        self._wrong = 0

    def _parse_service_request(self, m: paramiko.Message) -> None:
        if self._behaviour.hang_up == "auth":
            self.transport.close()
            return
        super()._parse_service_request(m)  # type: ignore[misc]  # paramiko's stubs leave its handlers out

    def _send_auth_result(self, username: str, method: str, result: int) -> None:
        if result == _EXPIRED:
            message = paramiko.Message()
            message.add_byte(bytes((_PASSWD_CHANGEREQ,)))
            message.add_string("Your password has expired.")
            message.add_string("")
            self.transport._send_message(message)  # type: ignore[attr-defined]  # noqa: SLF001 - the only way to send
            return
        self._wrong += result == AUTH_FAILED and method != "none"  # as OpenSSH counts
        if self._wrong >= self._behaviour.max_tries:
            self._disconnect_no_more_auth()  # type: ignore[attr-defined]  # as above
            return
        super()._send_auth_result(username, method, result)  # type: ignore[misc]  # as above


def _new_key() -> paramiko.PKey:
    private = Ed25519PrivateKey.generate().private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.OpenSSH, serialization.NoEncryption()
    )
    return paramiko.Ed25519Key(file_obj=io.StringIO(private.decode()))
