"""The PostgreSQL login probe: logs in once and asks ``SELECT 1``. Needs the extra ``postgresql`` (psycopg 3).

SQLSTATE 28P01 is the server's word for a wrong password. It says the same of an account that does not exist and of one
whose ``VALID UNTIL`` is over; only the server's log tells them apart.
"""

from __future__ import annotations

import importlib.util
import math
from collections.abc import Callable, Mapping

from rotation.core.errors import ConfigError, MissingExtra
from rotation.core.secret import Secret
from rotation.core.values import LoginTarget, Verdict
from rotation.drivers.network.login_probe import LoginKind, LoginTerms
from rotation.drivers.network.login_settings import certificate_pin
from rotation.drivers.network.postgres_relay import PORT, Relay, begin_tls
from rotation.drivers.network.server_socket import Login, cannot, connected, unready

WRONG_PASSWORD = "28P01"  # noqa: S105 - an SQLSTATE
_CLEAR = 3
_METHODS: Mapping[int, str] = {_CLEAR: "password", 5: "md5", 10: "scram-sha-256"}
"""How a server asks for a password, by its number in the protocol. The first is for an encrypted connection only."""
DEFAULT_DATABASE = "postgres"
_HOST_RULES = "ClientAuthentication"
"""The server's routine that reads pg_hba.conf."""
_CODES: Mapping[str, tuple[str, str, str]] = {
    "28000": ("account_not_allowed", "the account may not log in", "Give it the right: ALTER ROLE ... LOGIN."),
    "3D000": ("database_missing", "there is no such database", "Correct the database in the secret."),
    "42501": ("database_denied", "the account may not open the database", "Grant it CONNECT, or name another one."),
    "53300": (
        "too_many_connections",
        "the server or the account takes no more connections",
        "Wait, or raise the limit.",
    ),
    "55000": ("database_closed", "the database takes no connections", ""),
    "57P03": ("server_starting", "the server is starting, stopping or in recovery", "Wait until it takes connections."),
}
"""By SQLSTATE: our code, what it means, the next step. PostgreSQL 18, read 2026-11."""


class PostgreSqlProbe:
    """Implements ``LoginProbe`` and ``Greets``."""

    def __init__(self, time_left: Callable[[], float], terms: LoginTerms) -> None:
        self._time_left, self._terms = time_left, terms

    def unready(self, target: LoginTarget) -> ConfigError | None:
        """See ``LoginProbe``."""
        if importlib.util.find_spec("psycopg") is None:
            return _missing()
        return unready(target, self._terms)

    def login(self, target: LoginTarget, password: Secret) -> Verdict:
        """Try the password once.

        Returns:
            ``REJECTED`` only for SQLSTATE 28P01.

        Raises:
            CannotVerify: could not tell; ``vendor_code`` is one of ``server_socket``'s or of this module's table,
                ``tls_not_offered``, ``host_not_allowed``, ``password_not_asked``, or ``postgresql_refused``.
            MissingExtra: psycopg is not installed.
            NotEnoughTime: nothing was tried.
        """
        _require_client()
        with connected(target, self._terms, self._time_left) as login:
            _require_tls(login)
            with Relay(login) as relay:
                return _judge(target, password, login, relay)

    def greet(self, target: LoginTarget) -> None:
        """Connect, and begin TLS as the protocol does, without a user or a password; see ``Greets``."""
        with connected(target, self._terms, self._time_left) as login:
            _require_tls(login)


def _missing() -> MissingExtra:
    hint = "Install what `make dist` builds; the function: `make build POSTGRESQL=1`."
    return MissingExtra("a PostgreSQL login needs psycopg", hint=hint)


def _require_client() -> None:
    try:
        import psycopg  # noqa: F401 - whether it can be imported is the question
    except ImportError:
        raise _missing() from None


def _require_tls(login: Login) -> None:
    if not begin_tls(login):
        raise cannot("tls_not_offered", "the server does not offer TLS", unsent=True)


def _judge(target: LoginTarget, password: Secret, login: Login, relay: Relay) -> Verdict:
    import psycopg

    methods = {number: name for number, name in _METHODS.items() if number != _CLEAR or login.context is not None}
    try:
        with psycopg.connect(
            host=relay.folder,
            port=PORT,
            user=target.username,
            password=password.reveal(),
            dbname=target.database or DEFAULT_DATABASE,
            require_auth=",".join(methods.values()),  # without a demand for a password, a login proves nothing
            connect_timeout=math.ceil(login.seconds) + 1,  # the relay's own end comes first
            application_name="lockstep",
            autocommit=True,
            hostaddr="",  # else PGHOSTADDR, or the service of PGSERVICE, leads past the connection that is proved
            options="",
            passfile="",
            sslmode="disable",
            gssencmode="disable",
            channel_binding="disable",
        ) as connection:
            connection.execute("SELECT 1", prepare=False)
    except psycopg.Error:
        if relay.refusal is None:
            _explain_the_client(relay, methods)
            raise
        return _refused(*relay.refusal)
    return Verdict.ACCEPTED


def _explain_the_client(relay: Relay, methods: Mapping[int, str]) -> None:
    """Raise why the client itself broke the login off, before it showed the password."""
    hint = "Demand scram-sha-256 of this account in pg_hba.conf."
    if relay.let_in and relay.asked is None:
        message = "the server lets the account in without a password, so a login proves nothing"
        raise cannot("password_not_asked", message, hint=hint, unsent=True)
    if relay.asked is not None and relay.asked not in methods:
        message = "the server asks by a method that shows no password, or shows it to everybody on the way"
        raise cannot("password_method_not_offered", message, hint=hint, unsent=True)


def _refused(state: str, routine: str) -> Verdict:
    """Return the verdict of a refused login.

    Raises:
        CannotVerify: the server said why, and it is not the password.
    """
    if state == WRONG_PASSWORD:
        return Verdict.REJECTED
    if state == "28000" and routine == _HOST_RULES:
        hint = "Let the account in from this address in pg_hba.conf, with scram-sha-256."
        raise cannot("host_not_allowed", "the server's host rules do not let the account in from here", hint=hint)
    code, message, hint = _CODES.get(state, ("postgresql_refused", f"the server refused with SQLSTATE {state}", ""))
    raise cannot(code, message, hint=hint or None)


LOGIN = LoginKind(port=PORT, pin=certificate_pin, probe=PostgreSqlProbe, databases=True, tested_on="PostgreSQL")
