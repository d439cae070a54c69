"""The PostgreSQL probe against a real server, without TLS on this machine and behind a TLS front."""

import builtins
import logging
import threading

import pytest

from rotation.core.errors import ConfigError, MissingExtra
from rotation.core.secret import Secret
from rotation.core.values import Verdict
from rotation.drivers.logins.postgresql import PostgreSqlProbe
from rotation.drivers.network.login_probe import DEFAULT_TERMS, LoginTerms
from rotation_testkit.canary.spellings import leaks
from rotation_testkit.databases.postgresql import standby
from rotation_testkit.databases.tls_front import TlsFront

RIGHT, WRONG = "Canary-right/1+a:b\u00e4", "Canary-wrong/2+b"


@pytest.fixture
def login(attempts):
    """Logins at PostgreSQL servers."""
    return attempts("postgresql")


@pytest.fixture
def front(postgres, tmp_path):
    """A TLS front before the server."""
    with TlsFront(postgres.port, asks_first=True) as started:
        (tmp_path / "ca.pem").write_bytes(started.certificate.pem)
        yield started


def test_the_right_password_opens_a_session_and_a_wrong_one_is_rejected(login, postgres):
    """A session is open when its query is answered; a wrong password is the server's own word, 28P01."""
    assert login.log_in(login.target(postgres.port)) is Verdict.ACCEPTED
    assert login.log_in(login.target(postgres.port), WRONG) is Verdict.REJECTED


def test_an_account_that_does_not_exist_or_is_over_looks_like_a_wrong_password(login, postgres):
    """The server tells only its log the difference, so that nobody learns which accounts there are."""
    assert login.log_in(login.target(postgres.port, "nobody")) is Verdict.REJECTED
    assert login.log_in(login.target(postgres.port, "expired")) is Verdict.REJECTED


@pytest.mark.parametrize(
    ("username", "database", "code"),
    [
        ("stranger", None, "host_not_allowed"),
        ("elsewhere", None, "host_not_allowed"),
        ("nologin", None, "account_not_allowed"),
        ("limited", None, "too_many_connections"),
        ("robot", "nowhere", "database_missing"),
        ("robot", "private", "database_denied"),
        ("robot", "closed", "database_closed"),
    ],
)
def test_what_is_not_about_the_password_is_no_rejection(login, postgres, username, database, code):
    """Host rules, rights, limits and databases have codes of their own, and count as no wrong login."""
    error = login.refused(login.target(postgres.port, username, database=database))
    assert (error.vendor_code, error.definite) == (code, True)


def test_a_server_in_recovery_decides_nothing(login, postgres, tmp_path):
    """A standby that takes no connections says so before it looks at a password."""
    with standby(postgres, tmp_path) as second:
        error = login.refused(login.target(second.port))
    assert (error.vendor_code, error.unsent) == ("server_starting", False)


def test_an_account_that_needs_no_password_proves_nothing(login, postgres):
    """With the method `trust` any password would do, so the login is broken off before it is shown."""
    error = login.refused(login.target(postgres.port, "trusty"), WRONG)
    assert (error.vendor_code, error.unsent) == ("password_not_asked", True)


def test_a_password_in_the_clear_goes_over_tls_alone(login, postgres, front):
    """The method `password` sends the password itself, which an encrypted connection may carry."""
    error = login.refused(login.target(postgres.port, "clear"))
    assert (error.vendor_code, error.unsent) == ("password_method_not_offered", True)
    pinned = login.target(front.port, "clear", pin=front.certificate.fingerprint)
    assert login.log_in(pinned) is Verdict.ACCEPTED


def test_a_pinned_certificate_proves_the_server(login, front):
    """The fingerprint takes the place of signature and name; another certificate gets no password."""
    assert login.log_in(login.target(front.port, pin=front.certificate.fingerprint)) is Verdict.ACCEPTED
    error = login.refused(login.target(front.port, pin="sha256:" + "0" * 64))
    assert (error.vendor_code, error.unsent) == ("certificate_changed", True)


def test_an_authority_proves_the_server(login, front, tmp_path):
    """Without a pin, the certificate must be signed by the deployment's authority and be valid for the host."""
    terms = LoginTerms(ca_file=str(tmp_path / "ca.pem"))
    assert login.log_in(login.target(front.port), terms=terms) is Verdict.ACCEPTED
    assert login.log_in(login.target(front.port), WRONG, terms=terms) is Verdict.REJECTED
    elsewhere = login.refused(login.target(front.port, host="localhost"), terms=terms)
    assert (elsewhere.vendor_code, elsewhere.unsent) == ("certificate_not_trusted", True)


def test_a_server_without_tls_gets_no_password(login, postgres):
    """Where TLS is demanded, neither a real server's no nor a front's leads on; the next step is named."""
    pin = "sha256:" + "0" * 64
    error = login.refused(login.target(postgres.port, pin=pin))
    assert (error.vendor_code, error.unsent) == ("tls_not_offered", True)
    with TlsFront(postgres.port, asks_first=True, offers=False) as refusing:
        assert login.refused(login.target(refusing.port, pin=pin)).vendor_code == "tls_not_offered"
        assert refusing.clear == 0


def test_one_attempt_is_one_connection(login, postgres):
    """A rejected password is shown once: the server logs one failed login."""
    log = postgres.home / "log"
    before = log.read_text().count('failed for user "robot"')
    assert login.log_in(login.target(postgres.port), WRONG) is Verdict.REJECTED
    assert log.read_text().count('failed for user "robot"') == before + 1


def test_the_environment_of_libpq_does_not_matter(login, postgres, monkeypatch, tmp_path):
    """Variables of other programs change neither the server, nor the user, nor the security of the login."""
    (tmp_path / "services").write_text("[theirs]\nhostaddr=127.0.0.9\nuser=theirs\n")
    for name, value in {
        "PGHOST": "elsewhere.example",
        "PGHOSTADDR": "127.0.0.9",
        "PGSERVICE": "theirs",
        "PGSERVICEFILE": str(tmp_path / "services"),
        "PGSSLMODE": "require",
        "PGOPTIONS": "-c search_path=none",
        "PGREQUIREAUTH": "none",
        "PGCHANNELBINDING": "require",
        "PGSSLROOTCERT": "/nowhere",
    }.items():
        monkeypatch.setenv(name, value)
    assert login.log_in(login.target(postgres.port)) is Verdict.ACCEPTED


def test_greeting_shows_no_user_and_no_password(front, login):
    """The server is reached and proved, and another certificate is noticed."""
    probe = PostgreSqlProbe(lambda: 30.0, DEFAULT_TERMS)
    probe.greet(login.target(front.port, pin=front.certificate.fingerprint))
    with pytest.raises(Exception, match="another certificate"):
        probe.greet(login.target(front.port, pin="sha256:" + "0" * 64))


def test_a_silent_server_is_given_up_in_time(login, peer):
    """A server that takes the connection and says nothing has one end, and the error says that nothing was shown."""
    quiet = peer(lambda connection: all(iter(lambda: connection.recv(65536), b"")), reads=False)
    error = login.refused(login.target(quiet.port), terms=LoginTerms(seconds=0.5))
    assert (error.vendor_code, error.unsent) == ("no_answer", True)
    assert not [each for each in threading.enumerate() if each.name == "lockstep-relay"]


def test_a_server_that_falls_silent_after_the_password_may_have_counted_it(login, peer):
    """The login is charged to the budget, since the answer may have been lost."""

    def ask_and_stop(connection):
        connection.recv(65536)
        connection.sendall(b"R" + (12).to_bytes(4) + (5).to_bytes(4) + b"salt")  # a demand for MD5
        connection.recv(65536)

    error = login.refused(login.target(peer(ask_and_stop, reads=False).port))
    assert (error.vendor_code, error.unsent, error.definite) == ("protocol", False, False)


def test_a_server_whose_answer_has_no_end_is_left(login, flood):
    """The client would keep all of its rows in memory until the login's time is over."""
    asks, lets_in = b"R" + (12).to_bytes(4) + (5).to_bytes(4) + b"salt", b"R" + (8).to_bytes(4) + bytes(4)
    row = b"D" + (10 + 65_000).to_bytes(4) + (1).to_bytes(2) + (65_000).to_bytes(4) + bytes(65_000)
    rows = b"T" + (26).to_bytes(4) + (1).to_bytes(2) + b"a\0" + bytes(18)

    def begins(connection):
        for words in (asks, lets_in + b"Z" + (5).to_bytes(4) + b"I"):
            connection.recv(65536)
            connection.sendall(words)
        connection.recv(65536)

    server, sent = flood(begins, rows + row * 16)
    error = login.refused(login.target(server.port))
    assert (error.vendor_code, error.unsent) == ("protocol", False)
    assert sent() < 16


def test_a_port_where_nothing_listens_is_told_apart(login, closed):
    """The way to the server is named as the next thing to look at."""
    assert login.refused(login.target(closed)).vendor_code == "port_closed"


def test_a_missing_package_is_named_before_anything_is_sent(monkeypatch, login, postgres):
    """Without psycopg no login can ever be tried: ``unready`` says so, and ``login`` raises the same."""
    real = builtins.__import__

    def without(name, *args, **kwargs):
        if name == "psycopg":
            raise ImportError(name)
        return real(name, *args, **kwargs)

    monkeypatch.setattr(builtins, "__import__", without)
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None if name == "psycopg" else real)
    target = login.target(postgres.port)
    assert isinstance(PostgreSqlProbe(lambda: 30.0, DEFAULT_TERMS).unready(target), MissingExtra)
    with pytest.raises(MissingExtra, match="psycopg"):
        login.log_in(target)


def test_settings_that_can_never_prove_a_server_are_refused_beforehand(login):
    """A malformed pin and an authority's file that cannot be read are faults of the settings."""
    assert PostgreSqlProbe(lambda: 30.0, DEFAULT_TERMS).unready(login.target(1)) is None
    malformed = login.target(1, pin="sha256:00")
    assert isinstance(PostgreSqlProbe(lambda: 30.0, DEFAULT_TERMS).unready(malformed), ConfigError)
    unreadable = LoginTerms(ca_file="/nowhere/ca.pem")
    assert isinstance(PostgreSqlProbe(lambda: 30.0, unreadable).unready(login.target(1)), ConfigError)


def test_no_value_leaks(login, postgres, caplog):
    """Neither errors nor logs hold the password, whatever the server answers."""
    caplog.set_level(logging.DEBUG)
    shown = [repr(login.refused(login.target(postgres.port, each)).describe()) for each in ("stranger", "limited")]
    login.log_in(login.target(postgres.port), WRONG)
    assert not [text for text in (*shown, caplog.text) if leaks(text, [Secret(RIGHT), Secret(WRONG)])]
