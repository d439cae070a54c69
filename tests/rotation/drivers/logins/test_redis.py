"""The Redis probe against a real Valkey, without TLS on this machine and behind a TLS front."""

import queue
import socket
import time
from contextlib import ExitStack

import pytest

from rotation.core.errors import MissingExtra
from rotation.core.values import Verdict
from rotation.drivers.logins.redis import RedisProbe
from rotation.drivers.network.login_probe import DEFAULT_TERMS, LoginTerms
from rotation_testkit.databases.tls_front import TlsFront
from rotation_testkit.databases.valkey import valkey

WRONG = "Canary-wrong/2+b"


@pytest.fixture
def login(attempts):
    """Logins at Redis servers."""
    return attempts("redis")


@pytest.fixture
def front(valkey_port):
    """A TLS front before the server."""
    with TlsFront(valkey_port) as started:
        yield started


@pytest.mark.parametrize("username", ["", "default", "robot"])
def test_the_right_password_opens_a_session_and_a_wrong_one_is_rejected(login, valkey_port, username):
    """The password alone, the user `default` and users of one's own are asked for in the same way."""
    assert login.log_in(login.target(valkey_port, username)) is Verdict.ACCEPTED
    assert login.log_in(login.target(valkey_port, username), WRONG) is Verdict.REJECTED


def test_a_user_that_is_off_looks_like_a_wrong_password(login, valkey_port):
    """The server has one word for both, WRONGPASS, and says the same of a user that does not exist."""
    assert login.log_in(login.target(valkey_port, "off")) is Verdict.REJECTED
    assert login.log_in(login.target(valkey_port, "nobody")) is Verdict.REJECTED


def test_a_user_that_may_do_nothing_opens_no_session(login, valkey_port):
    """The password was right, but the query that must be answered is not allowed."""
    assert login.refused(login.target(valkey_port, "mute")).vendor_code == "account_not_allowed"


def test_a_server_without_a_password_proves_nothing(login, tmp_path):
    """Where the user `default` needs no password, any would do."""
    with valkey(tmp_path) as port:
        for username in ("", "default"):
            error = login.refused(login.target(port, username))
            assert (error.vendor_code, error.definite) == ("password_not_asked", True)


def test_too_many_clients_decide_nothing(login, tmp_path):
    """The server says so before it looks at a password."""
    with valkey(tmp_path, "--maxclients", "2", "--requirepass", "x") as port, ExitStack() as stack:
        for _ in range(2):
            client = stack.enter_context(socket.create_connection(("127.0.0.1", port)))
            client.sendall(b"PING\r\n")
            assert client.recv(64).startswith(b"-NOAUTH")  # the server has counted it
        assert login.refused(login.target(port, "")).vendor_code == "too_many_connections"


@pytest.mark.parametrize(
    ("answer", "code"),
    [
        (b"-DENIED Redis is running in protected mode because protected mode is enabled\r\n", "host_not_allowed"),
        (b"-LOADING Redis is loading the dataset in memory\r\n", "server_starting"),
        (b"-ERR Client sent AUTH, but no password is set\r\n", "password_not_asked"),
        (b"-ODD words that hold Canary-right/1+a:b\r\n", "redis_refused"),
    ],
)
def test_other_answers_are_told_apart_and_not_repeated(login, peer, answer, code):
    """Words of servers that this machine lacks: protected mode, loading, of before version 6, and unknown ones."""
    error = login.refused(login.target(peer(lambda connection: connection.sendall(answer), reads=False).port))
    assert error.vendor_code == code
    assert "Canary" not in repr(error.describe())


def test_a_server_of_before_version_6_calls_a_wrong_password_invalid(login, peer):
    """Its words are another server's WRONGPASS."""
    old = peer(lambda connection: connection.sendall(b"-ERR invalid password\r\n"), reads=False)
    assert login.log_in(login.target(old.port, "")) is Verdict.REJECTED


def test_tls_proves_the_server(login, front):
    """A pinned certificate is accepted, another one gets no password."""
    assert login.log_in(login.target(front.port, pin=front.certificate.fingerprint)) is Verdict.ACCEPTED
    error = login.refused(login.target(front.port, pin="sha256:" + "0" * 64))
    assert (error.vendor_code, error.unsent) == ("certificate_changed", True)


def test_a_server_without_tls_gets_no_password(login, peer):
    """Where TLS is demanded, a plain server hears a greeting that it cannot read, and no password."""
    heard = []

    def listen(connection):
        heard.append(connection.recv(65536))
        connection.sendall(b"-ERR what?\r\n")

    error = login.refused(login.target(peer(listen, reads=False).port, pin="sha256:" + "0" * 64))
    assert (error.vendor_code, error.unsent) == ("protocol", True)
    assert heard
    assert b"AUTH" not in heard[0]


@pytest.mark.parametrize(
    ("begins", "piece"), [(b"$1000000000000\r\n", b"x"), (b"+", b"x"), (b"*1000000000\r\n", b":1\r\n")]
)
def test_a_server_whose_answer_has_no_end_is_left(login, flood, begins, piece):
    """The client would keep all of it in memory until the login's time is over."""

    def begin(connection):
        connection.recv(65536)
        connection.sendall(begins)

    server, sent = flood(begin, piece * 2**18)
    error = login.refused(login.target(server.port))
    assert (error.vendor_code, error.unsent) == ("protocol", False)
    assert sent() < 16


def test_one_attempt_sends_the_password_once(login, peer):
    """A lost answer is not asked for again; it may have been a wrong login."""
    heard = []

    def hang_up(connection):
        heard.append(connection.recv(65536))

    error = login.refused(login.target(peer(hang_up, reads=False).port))
    assert (error.vendor_code, error.definite) == ("protocol", False)
    assert len(heard) == 1
    assert heard[0].count(b"AUTH") == 1


def test_a_silent_server_is_given_up_in_time(login, peer):
    """The login has one end."""
    begun = time.monotonic()
    quiet = peer(lambda connection: [connection.recv(65536), connection.recv(65536)], reads=False)
    assert login.refused(login.target(quiet.port), terms=LoginTerms(seconds=0.5)).vendor_code == "no_answer"
    assert time.monotonic() - begun < 5


def test_greeting_sends_nothing(login, peer):
    """The server is reached, and hears no word."""
    heard = queue.Queue()
    quiet = peer(lambda connection: heard.put(connection.recv(65536)), reads=False)
    RedisProbe(lambda: 30.0, DEFAULT_TERMS).greet(login.target(quiet.port))
    assert heard.get(timeout=10) == b""


def test_a_missing_package_is_named_before_anything_is_sent(login, monkeypatch):
    """Without redis-py no login can ever be tried."""
    monkeypatch.setattr("importlib.util.find_spec", lambda _: None)
    assert isinstance(RedisProbe(lambda: 30.0, DEFAULT_TERMS).unready(login.target(1)), MissingExtra)
