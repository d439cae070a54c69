"""The MySQL probe against a real MariaDB with TLS, and against peers that speak MySQL's words."""

import socket
import time
from contextlib import ExitStack, closing
from queue import Queue

import pymysql
import pytest

from rotation.core.errors import AccountLocked, MissingExtra
from rotation.core.values import Verdict
from rotation.drivers.logins.mysql import MySqlProbe
from rotation.drivers.network.login_probe import DEFAULT_TERMS, LoginTerms

HOST, RIGHT, WRONG = "127.0.0.1", "Canary-right/1+a:b\u00e4", "Canary-wrong/2+b"
PIN_OF_ANOTHER = "sha256:" + "0" * 64


@pytest.fixture
def login(attempts):
    """Logins at MySQL servers."""
    return attempts("mysql")


@pytest.fixture
def at(login, maria, shown):
    """The function that returns a target at the server, with its certificate pinned."""
    certificate, _ = shown

    def target(username="robot", **changes):
        return login.target(maria.port, username, **{"pin": certificate.fingerprint, **changes})

    return target


@pytest.mark.mariadb
def test_the_right_password_opens_a_session_and_a_wrong_one_is_rejected(login, at):
    """A session is open when its query is answered; a wrong password is the server's own word, 1045."""
    assert login.log_in(at()) is Verdict.ACCEPTED
    assert login.log_in(at(), WRONG) is Verdict.REJECTED


@pytest.mark.mariadb
def test_an_account_for_another_host_looks_like_a_wrong_password(login, at):
    """The server has one word for both while any account may log in from this host."""
    assert login.log_in(at("elsewhere")) is Verdict.REJECTED


@pytest.mark.mariadb
@pytest.mark.parametrize(
    ("username", "database", "code"),
    [
        ("locked", None, "account_disabled"),
        ("expired", None, "password_expired"),
        ("robot", "private", "database_denied"),
        ("robot", "allowed", "database_missing"),
        ("socket", None, "password_method_not_offered"),
    ],
)
def test_what_is_not_about_the_password_is_no_rejection(login, at, username, database, code):
    """Locks, expiry, databases and other ways to log in have codes of their own, and count as no wrong login."""
    error = login.refused(at(username, database=database))
    assert (error.vendor_code, error.definite) == (code, True)


@pytest.mark.mariadb
def test_limits_decide_nothing(login, at, maria):
    """The account's limits and the server's are not taken for a wrong password."""
    assert login.log_in(at("once")) is Verdict.ACCEPTED
    assert login.refused(at("once")).vendor_code == "too_many_connections"
    with closing(
        pymysql.connect(host=HOST, port=maria.port, user="limited", password=RIGHT.encode(), ssl_disabled=True)
    ):
        assert login.refused(at("limited")).vendor_code == "too_many_connections"
    with ExitStack() as stack:
        for _ in range(10):
            stack.enter_context(closing(maria.connect()))
        error = login.refused(at())
    assert (error.vendor_code, error.definite) == ("too_many_connections", True)


@pytest.mark.mariadb
def test_an_account_that_is_blocked_after_wrong_logins_is_no_rejection(login, at, maria):
    """The server stops judging passwords after some wrong ones, and says so in other words."""
    for _ in range(3):
        assert login.log_in(at("forgetful"), WRONG) is Verdict.REJECTED
    with pytest.raises(AccountLocked, match="wrong logins have locked the account") as caught:
        login.log_in(at("forgetful"))
    assert "FLUSH PRIVILEGES" in caught.value.hint
    maria.run("FLUSH PRIVILEGES")
    assert login.log_in(at("forgetful")) is Verdict.ACCEPTED


@pytest.mark.mariadb
def test_a_host_that_no_account_may_use_is_told_apart(login, maria, peer):
    """The server refuses it before it hears a user."""

    def from_another_address(connection):
        with socket.create_connection((HOST, maria.port), source_address=("127.0.0.2", 0)) as server:
            connection.sendall(server.recv(65536))

    error = login.refused(login.target(peer(from_another_address, reads=False).port))
    assert (error.vendor_code, error.unsent) == ("host_not_allowed", True)


@pytest.mark.mariadb
def test_a_certificate_proves_the_server(login, at, shown):
    """A pin or the deployment's authority proves it; without either proof no password is shown."""
    terms = LoginTerms(ca_file=str(shown[1] / "ca.pem"))
    assert login.log_in(at(pin=None), terms=terms) is Verdict.ACCEPTED
    changed = login.refused(at(pin=PIN_OF_ANOTHER))
    assert (changed.vendor_code, changed.unsent) == ("certificate_changed", True)
    other_name = login.refused(at(pin=None, host="localhost"), terms=terms)
    assert (other_name.vendor_code, other_name.unsent) == ("certificate_not_trusted", True)


@pytest.mark.mariadb
def test_greeting_shows_no_user_and_no_password(at, maria):
    """The server is reached and proved, and counts no denied access."""
    before = _counted(maria)
    MySqlProbe(lambda: 30.0, DEFAULT_TERMS).greet(at())
    with pytest.raises(Exception, match="another certificate"):
        MySqlProbe(lambda: 30.0, DEFAULT_TERMS).greet(at(pin=PIN_OF_ANOTHER))
    assert _counted(maria) == before


@pytest.mark.mariadb
def test_one_attempt_is_one_wrong_login(login, at, maria):
    """The server counts one denied access for one rejected password."""
    before = _counted(maria)
    assert login.log_in(at("elsewhere"), WRONG) is Verdict.REJECTED
    assert _counted(maria) == before + 1


def _counted(maria):
    with closing(maria.connect()) as connection, connection.cursor() as cursor:
        cursor.execute("SHOW GLOBAL STATUS LIKE 'Access_denied_errors'")
        return int(cursor.fetchone()[1])


GREETING = (
    b"\x0a8.4.0\0"
    + (7).to_bytes(4, "little")
    + b"saltsalt\0"
    + b"\x00\x82\x21\x02\x00\x00\x08\x00\x15"
    + bytes(10)
    + b"saltsaltsalt\0mysql_native_password\0"
)
"""Protocol 10 of a MySQL 8.4 without TLS."""
WITH_PLUG_INS = GREETING.replace(b"\x00\x08\x00\x15", b"\x08\x00\x15\x00")
"""The same, with the flag of plug-ins for logins."""


def _packet(number, body):
    return len(body).to_bytes(3, "little") + bytes([number]) + body


def _refusing(number):
    def act(connection):
        connection.sendall(_packet(0, GREETING))
        connection.recv(65536)
        connection.sendall(_packet(2, b"\xff" + number.to_bytes(2, "little") + b"#HY000some words"))

    return act


@pytest.mark.parametrize(
    ("number", "code"),
    [
        (1862, "password_expired"),
        (3118, "account_disabled"),
        (3159, "tls_required"),
        (1129, "host_blocked"),
        (1251, "password_method_not_offered"),
        (4999, "mysql_refused"),
    ],
)
def test_the_words_of_mysql_itself_are_told_apart(login, peer, number, code):
    """MySQL has numbers that MariaDB lacks, and an unknown one is named by its number alone."""
    error = login.refused(login.target(peer(_refusing(number), reads=False).port))
    assert (error.vendor_code, error.definite) == (code, True)
    assert "some words" not in error.message


def test_mysqls_lock_after_wrong_logins_is_called_a_lock(login, peer):
    """A rotation then waits for the lock-out window, and no wrong login is charged."""
    with pytest.raises(AccountLocked, match="wrong logins have locked the account"):
        login.log_in(login.target(peer(_refusing(3955), reads=False).port))


def test_mysql_calls_a_wrong_password_by_the_same_number(login, peer):
    """1045 is a rejection whatever the words, which may be in any language."""
    assert login.log_in(login.target(peer(_refusing(1045), reads=False).port)) is Verdict.REJECTED


def test_a_server_without_tls_gets_no_password(login, peer):
    """Where TLS is demanded, a greeting that does not offer it ends the login."""
    error = login.refused(login.target(peer(_refusing(1045), reads=False).port, pin=PIN_OF_ANOTHER))
    assert (error.vendor_code, error.unsent) == ("tls_not_offered", True)


@pytest.mark.parametrize("plug_in", [b"mysql_clear_password", b"dialog"])
def test_a_password_in_the_clear_goes_over_tls_alone(login, peer, plug_in):
    """Without TLS, a server that asks for the password itself gets none: it would be read by everybody on the way."""
    heard = Queue()

    def ask(connection):
        connection.sendall(_packet(0, WITH_PLUG_INS))
        heard.put(connection.recv(65536))
        connection.sendall(_packet(2, b"\xfe" + plug_in + b"\0" + b"\x04Password: "))
        heard.put(_last_words(connection))

    error = login.refused(login.target(peer(ask, reads=False).port))
    assert (error.vendor_code, error.definite) == ("password_method_not_offered", True)
    assert b"Canary" not in heard.get(timeout=10) + heard.get(timeout=10)


def _last_words(connection):
    """Return what a client sends before it hangs up."""
    try:
        return connection.recv(65536)
    except ConnectionResetError:  # it has left something unread
        return b""


OK = b"\x00\x00\x00\x02\x00\x00\x00"


@pytest.mark.parametrize("answer", [OK, b"\xfb/etc/passwd"], ids=["ok", "asks for a file"])
def test_a_hidden_password_goes_without_tls_and_no_file_is_ever_sent(login, peer, answer):
    """The server may choose a plug-in that hides the password; that it asks for a file of this machine is refused."""
    heard = Queue()

    def act(connection):
        connection.sendall(_packet(0, WITH_PLUG_INS))
        connection.recv(65536)
        connection.sendall(_packet(2, b"\xfemysql_native_password\0" + b"s" * 20 + b"\0"))
        heard.put(connection.recv(65536))
        connection.sendall(_packet(4, OK))
        connection.recv(65536)
        connection.sendall(_packet(1, answer))
        heard.put(_last_words(connection))

    target = login.target(peer(act, reads=False).port)
    if answer is OK:
        assert login.log_in(target) is Verdict.ACCEPTED
    else:
        assert not login.refused(target).unsent
    assert len(heard.get(timeout=10)) == 4 + 20  # a hash
    assert b"root" not in heard.get(timeout=10)


def test_a_server_whose_answer_has_no_end_is_left(login, flood):
    """The client would keep all of it in memory until the login's time is over."""

    def greets(connection):
        connection.sendall(_packet(0, GREETING))
        connection.recv(65536)

    server, sent = flood(greets, b"\xff\xff\xff\x02" + bytes(2**20 - 4))
    error = login.refused(login.target(server.port))
    assert (error.vendor_code, error.unsent) == ("protocol", False)
    assert sent() < 16


def test_a_server_that_hangs_up_after_the_password_may_have_counted_it(login, peer):
    """The login is charged to the budget, since the answer may have been lost; it is not made again."""
    heard = []

    def hang_up(connection):
        connection.sendall(_packet(0, GREETING))
        heard.append(connection.recv(65536))

    error = login.refused(login.target(peer(hang_up, reads=False).port))
    assert (error.vendor_code, error.unsent, error.definite) == ("protocol", False, False)
    assert len(heard) == 1


def test_a_silent_server_is_given_up_in_time(login, peer):
    """The login has one end, and the error says that nothing was shown."""
    begun = time.monotonic()
    quiet = peer(lambda connection: connection.recv(1), reads=False)
    error = login.refused(login.target(quiet.port), terms=LoginTerms(seconds=0.5))
    assert (error.vendor_code, error.unsent) == ("no_answer", True)
    assert time.monotonic() - begun < 5


def test_a_missing_package_is_named_before_anything_is_sent(login, monkeypatch):
    """Without PyMySQL no login can ever be tried."""
    monkeypatch.setattr("importlib.util.find_spec", lambda _: None)
    assert isinstance(MySqlProbe(lambda: 30.0, DEFAULT_TERMS).unready(login.target(1)), MissingExtra)
