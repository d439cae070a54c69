"""The Redis login probe, for Redis and Valkey: ``AUTH`` once, then ``PING``. Needs the extra ``redis`` (redis-py).

Without a user name the password alone is sent, as for servers older than version 6, and the user is ``default``. A user
with another name that needs no password (``nopass``) is let in by any, without a word.
"""

from __future__ import annotations

import importlib.util
import socket
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, cast

from rotation.core.errors import CannotVerify, ConfigError, MissingExtra
from rotation.core.secret import Secret
from rotation.core.values import LoginTarget, Verdict
from rotation.drivers.network.login_probe import LoginKind, LoginTerms
from rotation.drivers.network.login_settings import certificate_pin
from rotation.drivers.network.server_socket import Login, cannot, connected, unready

if TYPE_CHECKING:
    from redis.connection import Connection

DEFAULT_USER = "default"
_WRONG_PASSWORD = ("WRONGPASS", "invalid password")
"""How servers of version 6 and of before call a wrong password; the first one says the same of a disabled user."""
_CODES: Mapping[str, tuple[str, str, str]] = {
    "max number of clients": (
        "too_many_connections",
        "the server takes no more connections",
        "Wait, or raise maxclients.",
    ),
    "DENIED": ("host_not_allowed", "the server's protected mode lets no other host in", "Set bind and protected-mode."),
    "LOADING": ("server_starting", "the server is loading its data", "Wait until it takes commands."),
    "MASTERDOWN": ("server_starting", "the server is a replica without its master", ""),
    "without any password": ("password_not_asked", "the server has no password for this user", "Set one."),
    "no password is set": ("password_not_asked", "the server has no password", "Set requirepass."),
    "NOPERM": ("account_not_allowed", "the user may not even send PING", "Allow it: ACL SETUSER ... +ping."),
}
"""By what the server's answer holds: our code, what it means, the next step. Redis 6.2 and Valkey 9, read 2026-11."""


class RedisProbe:
    """Implements ``LoginProbe`` and ``Greets``."""

    def __init__(self, time_left: Callable[[], float], terms: LoginTerms) -> None:
        self._time_left, self._terms = time_left, terms

    def unready(self, target: LoginTarget) -> ConfigError | None:
        """See ``LoginProbe``."""
        if importlib.util.find_spec("redis") is None:
            return _missing()
        return unready(target, self._terms)

    def login(self, target: LoginTarget, password: Secret) -> Verdict:
        """Try the password once.

        Returns:
            ``REJECTED`` only where the server calls the password wrong.

        Raises:
            CannotVerify: could not tell; ``vendor_code`` is one of ``server_socket``'s or of this module's table,
                or ``redis_refused``.
            MissingExtra: redis-py is not installed.
            NotEnoughTime: nothing was tried.
        """
        with connected(target, self._terms, self._time_left) as login:
            login.encrypt()
            return _judge(_client(login), target.username, password, login)

    def greet(self, target: LoginTarget) -> None:
        """Connect and begin TLS, without a user or a password; see ``Greets``."""
        with connected(target, self._terms, self._time_left) as login:
            login.encrypt()


def _missing() -> MissingExtra:
    hint = "Install what `make dist` builds; the function: `make build REDIS=1`."
    return MissingExtra("a Redis login needs redis-py", hint=hint)


class _Counted:
    """The login's socket, whose answers are counted."""

    def __init__(self, login: Login) -> None:
        self._login = login

    def recv(self, size: int) -> bytes:
        """As ``socket.recv``."""
        found = self._login.socket.recv(size)
        self._login.take(len(found))
        return found

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401 - the socket's own
        return getattr(self._login.socket, name)


def _client(login: Login) -> Connection:
    """Return a client that speaks on our connection, and says nothing by itself."""
    try:
        from redis.connection import Connection
    except ImportError:
        raise _missing() from None

    class OnOurs(Connection):
        def _connect(self) -> socket.socket:
            login.socket.settimeout(login.seconds)
            return cast("socket.socket", _Counted(login))

    def begin(client: OnOurs) -> None:
        """Read answers, and leave out the AUTH, SELECT and CLIENT SETINFO of the library's own beginning."""
        client._parser.on_connect(client)  # noqa: SLF001 - as the library's own beginning does

    return OnOurs(socket_timeout=login.seconds, protocol=2, redis_connect_func=begin)  # type: ignore[no-untyped-call]  # redis-py's own


def _judge(client: Connection, username: str, password: Secret, login: Login) -> Verdict:
    client.connect()  # type: ignore[no-untyped-call]  # redis-py's own
    try:
        login.shown = True
        # With its name, the user `default` is let in by any password where it has none; without, the server says so.
        user = () if username in ("", DEFAULT_USER) else (username,)
        said = _ask(client, "AUTH", *user, password.reveal())
        if said is not None:
            if said.startswith(_WRONG_PASSWORD):
                return Verdict.REJECTED
            raise _refusal(said)
        said = _ask(client, "PING")
        if said is not None:
            raise _refusal(said)
    finally:
        client.disconnect()  # type: ignore[no-untyped-call]  # redis-py's own
    return Verdict.ACCEPTED


def _ask(client: Connection, *words: str) -> str | None:
    """Send one command; return the server's refusal as it words it, or ``None`` where there is none."""
    from redis.exceptions import AuthenticationError, BusyLoadingError, ResponseError
    from redis.exceptions import ConnectionError as Failed

    client.send_command(*words, check_health=False)  # type: ignore[no-untyped-call]  # redis-py's own
    try:
        client.read_response(disconnect_on_error=False)
    except (AuthenticationError, BusyLoadingError, ResponseError) as error:
        return f"{error.status_code or ''} {error}".removeprefix("ERR").strip()
    except Failed as error:
        if error.status_code is None:  # the connection failed
            raise
        return str(error)
    return None


def _refusal(said: str, *, unsent: bool = False) -> CannotVerify:
    """Return the error for what the server said; a text that we do not know is not repeated."""
    for sign, (code, message, hint) in _CODES.items():
        if sign in said:
            return cannot(code, message, hint=hint or None, unsent=unsent)
    return cannot("redis_refused", "the server refused the login in words that we do not know", unsent=unsent)


LOGIN = LoginKind(port=6379, pin=certificate_pin, probe=RedisProbe, tested_on="Valkey")
