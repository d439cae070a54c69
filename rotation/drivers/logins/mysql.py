"""The MySQL login probe, for MySQL and MariaDB: logs in once and asks ``SELECT 1``. Needs the extra ``mysql``.

Error 1045 is the server's word for a wrong password. It says the same of an account that does not exist, and of one
that may not log in from this host while another host may; only a host that no account may use has its own (1130).
"""

from __future__ import annotations

import importlib.util
import struct
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from rotation.core.errors import AccountLocked, ConfigError, MissingExtra
from rotation.core.secret import Secret
from rotation.core.values import LoginTarget, Verdict
from rotation.drivers.network.login_probe import LoginKind, LoginTerms
from rotation.drivers.network.login_settings import certificate_pin
from rotation.drivers.network.server_socket import Login, cannot, connected, unready

if TYPE_CHECKING:
    from pymysql.connections import Connection

WRONG_PASSWORD = 1045
_IN_THE_CLEAR = (b"mysql_clear_password", b"dialog")
"""The client's plug-ins that send the password as it is."""
_CLIENTS_OWN = range(2000, 3000)
"""Error numbers that the client makes up where the connection failed."""
_CODES: Mapping[int, tuple[str, str, str]] = {
    1040: ("too_many_connections", "the server takes no more connections", "Wait, or raise max_connections."),
    1044: ("database_denied", "the account may not open the database", "Name a database that it may open."),
    1049: ("database_missing", "there is no such database", "Correct the database in the secret."),
    1129: ("host_blocked", "the server blocks this host after many errors", "Run FLUSH HOSTS at the server."),
    1130: ("host_not_allowed", "no account may log in from this host", "Let the account in from this address."),
    1203: ("too_many_connections", "the account takes no more connections", "Wait, or raise its limit."),
    1226: ("too_many_connections", "the account has used up a limit", "Wait, or raise its limit."),
    1251: ("password_method_not_offered", "the account's plug-in is not one for passwords", ""),
    1524: ("password_method_not_offered", "the account's plug-in is not loaded at the server", ""),
    1698: ("password_method_not_offered", "the account logs in without a password", "Give it a password plug-in."),
    1820: ("password_expired", "the password is right, but must be changed first", "Lift the expiry."),
    1862: ("password_expired", "the password must be changed first", "Lift the account's password expiry."),
    1053: ("server_starting", "the server is shutting down", ""),
    3118: ("account_disabled", "somebody has locked the account", "Unlock it: ALTER USER ... ACCOUNT UNLOCK."),
    3159: ("tls_required", "the server demands TLS", "Take the host off LOCKSTEP_LOGIN_PLAIN_HOSTS, or pin it."),
    4151: ("account_disabled", "somebody has locked the account", "Unlock it: ALTER USER ... ACCOUNT UNLOCK."),
}
"""By the server's error number: our code, what it means, the next step. MySQL 8.4 and MariaDB 10.11, read 2026-11."""
_LOCKED: Mapping[int, str] = {
    3955: "Find out who tries passwords (the server's error log). It ends by itself, or by ACCOUNT UNLOCK.",
    4150: "Find out who tries passwords (the server's error log). FLUSH PRIVILEGES at the server unlocks it.",
}
"""By the error number of a lock after wrong logins: the next step. 3955 is MySQL's; 4150, MariaDB's, never ends."""


class MySqlProbe:
    """Implements ``LoginProbe`` and ``Greets``."""

    def __init__(self, time_left: Callable[[], float], terms: LoginTerms) -> None:
        self._time_left, self._terms = time_left, terms

    def unready(self, target: LoginTarget) -> ConfigError | None:
        """See ``LoginProbe``."""
        if importlib.util.find_spec("pymysql") is None:
            return _missing()
        return unready(target, self._terms)

    def login(self, target: LoginTarget, password: Secret) -> Verdict:
        """Try the password once.

        Returns:
            ``REJECTED`` only for error 1045.

        Raises:
            AccountLocked: the server says that wrong logins have locked the account.
            CannotVerify: could not tell; ``vendor_code`` is one of ``server_socket``'s or of this module's table,
                ``tls_not_offered``, or ``mysql_refused``.
            MissingExtra: PyMySQL is not installed.
            NotEnoughTime: nothing was tried.
        """
        with connected(target, self._terms, self._time_left) as login:
            return _judge(_client(target, login, password), login)

    def greet(self, target: LoginTarget) -> None:
        """Connect, and begin TLS as the protocol does, without a user or a password; see ``Greets``."""
        with connected(target, self._terms, self._time_left) as login:
            client = _client(target, login, None)
            with suppress(_Met):
                client.connect(sock=login.socket)


def _missing() -> MissingExtra:
    hint = "Install what `make dist` builds; the function: `make build MYSQL=1`."
    return MissingExtra("a MySQL login needs PyMySQL", hint=hint)


class _Met(Exception):
    """The server was reached and proved; nothing else was asked."""


def _client(target: LoginTarget, login: Login, password: Secret | None) -> Connection[Any]:
    """Make the client, which reads no option file; nothing is sent yet. Without a password it only meets the server."""
    return _kind(login, meets=password is None)(
        host=target.host,
        port=target.port,
        user=target.username,
        password="" if password is None else password.reveal().encode(),
        database=target.database or None,
        read_timeout=login.seconds,
        write_timeout=login.seconds,
        ssl=login.context,
        ssl_disabled=login.context is None,
        autocommit=None,
        local_infile=False,
        defer_connect=True,
        program_name="lockstep",
    )


def _kind(login: Login, *, meets: bool) -> type[Connection[Any]]:
    """Return the class of a login's client."""
    try:
        from pymysql.connections import Connection
        from pymysql.constants import CLIENT
    except ImportError:
        raise _missing() from None

    class Client(Connection):  # generic in the stubs alone
        """Fails before the password where the server does not offer TLS, and sends only what the caller asks for."""

        def _request_authentication(self) -> None:
            offers: int = self.server_capabilities  # type: ignore[attr-defined]  # not in the stubs
            if login.context is not None and not offers & CLIENT.SSL:
                raise cannot("tls_not_offered", "the server does not offer TLS", unsent=True)
            if meets:
                self._meet()
            login.shown = True
            super()._request_authentication()  # type: ignore[misc]  # as above

        def _meet(self) -> None:
            if login.context is not None:
                flags = self.client_flag | CLIENT.SSL
                self.write_packet(struct.pack("<iIB23s", flags, 1, 45, b""))
                login.encrypt()
            raise _Met

        def _process_auth(self, plugin_name: bytes, *packet: Any) -> Any:  # noqa: ANN401 - the library's own
            """Send the password itself over TLS alone, whatever the server asks for."""
            _require_hidden(login, plugin_name)
            return super()._process_auth(plugin_name, *packet)  # type: ignore[misc]  # not in the stubs

        def _read_bytes(self, num_bytes: int) -> Any:  # noqa: ANN401 - as above
            login.take(num_bytes)
            return super()._read_bytes(num_bytes)  # type: ignore[misc]  # as above

        def set_character_set(self, *_: object) -> None:
            """Leave the session as it is: this client sends one query."""

    return Client


def _require_hidden(login: Login, plugin_name: bytes) -> None:
    if login.context is None and plugin_name in _IN_THE_CLEAR:
        message = "the server asks for the password itself, which would be shown to everybody on the way"
        raise cannot(
            "password_method_not_offered", message, hint="Switch TLS on at the server, and pin its certificate."
        )


def _judge(client: Connection[Any], login: Login) -> Verdict:
    from pymysql.err import MySQLError

    try:
        client.connect(sock=login.socket)
        client.query("SELECT 1")
    except MySQLError as error:
        number = error.args[0] if error.args else None
        if number == WRONG_PASSWORD:
            return Verdict.REJECTED
        if not isinstance(number, int) or number in _CLIENTS_OWN:
            raise
        if number in _LOCKED:
            message = "the server says that wrong logins have locked the account"
            raise AccountLocked(message, hint=_LOCKED[number], vendor_code=str(number)) from None
        code, message, hint = _CODES.get(number, ("mysql_refused", f"the server refused with error {number}", ""))
        raise cannot(code, message, hint=hint or None, unsent=not login.shown) from None
    except RuntimeError:  # how PyMySQL says that it needs another package for an account's plug-in
        message = "the account's plug-in does not take a password over this connection"
        raise cannot("password_method_not_offered", message) from None
    finally:
        client.close()
    return Verdict.ACCEPTED


LOGIN = LoginKind(port=3306, pin=certificate_pin, probe=MySqlProbe, databases=True, tested_on="MariaDB")
