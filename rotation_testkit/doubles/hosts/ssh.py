"""An SSH server on loopback that accepts logins by password, and can misbehave as real hosts do.

``tests/testkit/doubles/hosts/test_ssh_and_openssh.py`` compares it with a real OpenSSH, behaviour by behaviour.
"""

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
from paramiko.common import (
    AUTH_FAILED,
    AUTH_PARTIALLY_SUCCESSFUL,
    AUTH_SUCCESSFUL,
    OPEN_FAILED_ADMINISTRATIVELY_PROHIBITED,
    OPEN_SUCCEEDED,
)
from paramiko.server import InteractiveQuery

_LOG = "rotation_testkit.doubles.hosts.ssh"
_BANNER, _PASSWD_CHANGEREQ = 53, 60  # RFC 4252 sections 5.4 and 8
_GOODBYE = 5  # seconds for a connection's own thread to end
_CHANGE_FIRST, _HANG_UP = 99, 98  # our own results, next to paramiko's AUTH_*
_CHANNEL_SUCCESS = 99  # RFC 4254 section 5.4
_VERSION = "SSH-2.0-OpenSSH_9.2p1"
_SFTP_VERSION = b"\x00\x00\x00\x05\x02\x00\x00\x00\x03"
_MUST_CHANGE = "You are required to change your password immediately (administrator enforced).\n"
_NO_CHANGE = b"WARNING: Your password has expired.\nPassword change required but no TTY available.\n"
_NOLOGIN = b"This account is currently not available.\n"
_LOCKED = "The account is locked due to 3 failed logins.\n(15 minutes left to unlock)\n"

logging.getLogger(_LOG).addHandler(logging.NullHandler())


@dataclass(slots=True)
class SshBehaviour:
    """How the host behaves. May be changed while it runs; each new connection follows it.

    Attributes:
        methods: what is offered: ``password``, ``keyboard-interactive``, ``publickey`` (which never succeeds).
        second_factor: whether the right password is only the first of two proofs.
        must_change: users whose right password must be changed first. As with OpenSSH and PAM, the login succeeds and
            every session ends at once.
        asks_for_change: users whose right password is answered with PASSWD_CHANGEREQ, which OpenSSH never sends.
        denied: users whose right password PAM's account rules do not let in; the host hangs up.
        expired_accounts: the same, and the host says before that the account has expired.
        locked: users that wrong logins have locked: every password is wrong, and keyboard-interactive says why.
        nologin: users whose shell is nologin.
        sessions: whether a session may be opened at all.
        banner_delay: seconds of silence before the server's version line.
        answer_delay: seconds before the answer to a password.
        hang_up: ``connect`` closes at once, ``auth`` after the key exchange when authentication starts.
        ciphers: the only ciphers that are offered; ``None`` offers paramiko's.
        digests: the only MACs that are offered, likewise.
        max_tries: wrong passwords on one connection before it is closed; OpenSSH's default is 6.
    """

    methods: tuple[str, ...] = ("password",)
    second_factor: bool = False
    must_change: set[str] = field(default_factory=set)
    asks_for_change: set[str] = field(default_factory=set)
    denied: set[str] = field(default_factory=set)
    expired_accounts: set[str] = field(default_factory=set)
    locked: set[str] = field(default_factory=set)
    nologin: set[str] = field(default_factory=set)
    sessions: bool = True
    banner_delay: float = 0
    answer_delay: float = 0
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
        self.version = _VERSION
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

    def wait(self, seconds: float) -> None:
        """Wait, but not longer than the host listens."""
        self._closing.wait(seconds)

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
                self._talk(_Wire(connection))

    def _talk(self, transport: paramiko.Transport) -> None:
        transport.set_log_channel(_LOG)
        transport.local_version = self.version
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
        return InteractiveQuery("", _LOCKED if username in self._behaviour.locked else "", ("Password: ", False))

    def check_auth_interactive_response(self, responses: list[str]) -> int | InteractiveQuery:
        return self._judge(self._user, responses[0] if responses else "")

    def _judge(self, user: str, password: str) -> int:
        behaviour = self._behaviour
        self._host.wait(behaviour.answer_delay)
        right = self._host.check_password(user, password) and user not in behaviour.locked
        outcome = self._outcome(user) if right else AUTH_FAILED
        accepted = outcome in (AUTH_SUCCESSFUL, AUTH_PARTIALLY_SUCCESSFUL)
        with self._host.lock:
            counter = self._host.accepted if accepted else self._host.rejected
            counter[user] += 1
        if accepted:
            self._user = user
        return outcome

    def _outcome(self, user: str) -> int:
        """Return the answer to a right password."""
        behaviour = self._behaviour
        if user in behaviour.asks_for_change:
            return _CHANGE_FIRST
        if user in behaviour.denied | behaviour.expired_accounts:
            return _HANG_UP
        return AUTH_PARTIALLY_SUCCESSFUL if behaviour.second_factor else AUTH_SUCCESSFUL

    def check_channel_request(self, kind: str, chanid: int) -> int:
        del chanid
        opens = kind == "session" and self._behaviour.sessions
        return OPEN_SUCCEEDED if opens else OPEN_FAILED_ADMINISTRATIVELY_PROHIBITED

    def check_channel_exec_request(self, channel: paramiko.Channel, command: bytes) -> bool:
        status, said, errors = self._session()
        known = command == b"exit 0"  # the only command that this host has
        self._end(channel, status if status or known else 127, said, errors)
        return True

    def check_channel_subsystem_request(self, channel: paramiko.Channel, name: str) -> bool:
        if name != "sftp":
            return False
        status, said, errors = self._session()
        self._end(channel, status, said if status else _SFTP_VERSION, errors)
        return True

    def _session(self) -> tuple[int, bytes, bytes]:
        """Return how a session of this user ends: its status, output and errors."""
        if self._user in self._behaviour.must_change:
            return 1, b"", _NO_CHANGE
        if self._user in self._behaviour.nologin:
            return 1, _NOLOGIN, b""
        return 0, b"", b""

    def _end(self, channel: paramiko.Channel, status: int, said: bytes, errors: bytes) -> None:
        def end() -> None:
            with suppress(OSError):
                channel.sendall(said)
                channel.sendall_stderr(errors)
                channel.send_exit_status(status)
            channel.close()

        wire = channel.get_transport()
        assert isinstance(wire, _Wire)
        wire.after_success = end


class _Wire(paramiko.Transport):
    """paramiko's server tells a client that its command runs after it was asked to run it; this runs it after that."""

    after_success: Callable[[], None] | None = None

    def _send_user_message(self, data: paramiko.Message) -> None:
        super()._send_user_message(data)  # type: ignore[misc]  # paramiko's stubs leave it out
        if data.asbytes()[0] == _CHANNEL_SUCCESS and self.after_success is not None:
            end, self.after_success = self.after_success, None
            end()


class _Authentication(AuthHandler):
    """paramiko's server can neither ask for a new password, nor say something and hang up, nor limit tries (5.1)."""

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
        if result == _CHANGE_FIRST:
            self._send(_PASSWD_CHANGEREQ, "Your password has expired.")
            return
        if result == _HANG_UP:
            if username in self._behaviour.expired_accounts:
                self._send(_BANNER, "Your account has expired; please contact your system administrator.\n\n")
            self.transport.close()
            return
        if result == AUTH_SUCCESSFUL and username in self._behaviour.must_change:
            self._send(_BANNER, _MUST_CHANGE)
        self._wrong += result == AUTH_FAILED and method != "none"  # as OpenSSH counts
        if self._wrong >= self._behaviour.max_tries:
            self._disconnect_no_more_auth()  # type: ignore[attr-defined]  # as above
            return
        super()._send_auth_result(username, method, result)  # type: ignore[misc]  # as above

    def _send(self, kind: int, text: str) -> None:
        message = paramiko.Message()
        message.add_byte(bytes((kind,)))
        message.add_string(text)
        message.add_string("")
        self.transport._send_message(message)  # type: ignore[attr-defined]  # noqa: SLF001 - the only way to send


def _new_key() -> paramiko.PKey:
    private = Ed25519PrivateKey.generate().private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.OpenSSH, serialization.NoEncryption()
    )
    return paramiko.Ed25519Key(file_obj=io.StringIO(private.decode()))
