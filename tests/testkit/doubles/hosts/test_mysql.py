"""The MySQL double gives the probe the same verdicts as a real server, with TLS and without."""

import socket
import ssl
from contextlib import closing, suppress

import pymysql
import pytest

from rotation.core.errors import CannotVerify
from rotation.core.secret import Secret
from rotation.core.values import LoginTarget, Verdict
from rotation.drivers.registry import login_probe
from rotation_testkit.doubles.hosts.mysql import MySqlHost

RIGHT = Secret("Right pass:1+ä")


@pytest.fixture(scope="module")
def real(mariadb_server):
    """The port of a real server with the same account."""
    server, _ = mariadb_server
    server.run(f"CREATE USER reader@'127.0.0.1' IDENTIFIED BY '{RIGHT.reveal()}'")
    return server.port


@pytest.fixture
def host():
    """The double, with one account."""
    with MySqlHost(lambda: {"reader": RIGHT}) as made:
        yield made


def log_in(port, user, password, pin=None):
    """Return the probe's verdict."""
    target = LoginTarget("mysql", "127.0.0.1", port, user, pin)
    return login_probe("mysql", time_left=lambda: 30.0).login(target, Secret(password))


CASES = [
    ("reader", RIGHT.reveal(), Verdict.ACCEPTED),
    ("reader", "wrong", Verdict.REJECTED),
    ("reader", RIGHT.reveal() + " ", Verdict.REJECTED),
    ("nobody", RIGHT.reveal(), Verdict.REJECTED),
]


@pytest.mark.parametrize("pinned", [False, True])
@pytest.mark.parametrize(("user", "password", "verdict"), CASES)
def test_a_login_is_judged_and_counted(host, user, password, verdict, pinned):
    """The right password opens a session; a wrong one and an unknown account are rejected."""
    assert log_in(host.port, user, password, host.fingerprint if pinned else None) is verdict
    assert (host.accepted.total(), host.rejected.total()) == ((1, 0) if verdict is Verdict.ACCEPTED else (0, 1))


@pytest.mark.mariadb
@pytest.mark.parametrize(("user", "password", "verdict"), CASES)
def test_the_real_server_says_the_same(real, user, password, verdict):
    """What the double says of these passwords is what MariaDB says."""
    assert log_in(real, user, password) is verdict


def test_another_certificate_is_no_verdict(host):
    """A host that shows another certificate than the pinned one hears no password."""
    with pytest.raises(CannotVerify):
        log_in(host.port, "reader", RIGHT.reveal(), "sha256:" + "0" * 64)
    assert not host.accepted + host.rejected


def test_a_client_that_is_not_ours(host):
    """The usual client library asks for TLS, trusts the certificate, and gets its row."""
    trusting = ssl.create_default_context()
    trusting.check_hostname, trusting.verify_mode = False, ssl.CERT_NONE
    place = {"host": "127.0.0.1", "port": host.port, "user": "reader", "connect_timeout": 10, "ssl": trusting}
    with closing(pymysql.connect(password=RIGHT.reveal().encode(), **place)) as connection:
        connection.ping(reconnect=False)
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
            assert cursor.fetchone() == (1,)


@pytest.mark.parametrize("sent", [b"", b"GET / HTTP/1.1\r\n\r\n", bytes(8), b"\x01\0\0\x01\0"])
def test_what_is_no_client_is_shown_out(host, sent):
    """A connection that speaks otherwise ends, and the next one is served."""
    peer = socket.create_connection(("127.0.0.1", host.port), timeout=10)
    with peer, suppress(OSError):  # the server may have hung up already
        peer.sendall(sent)
        peer.shutdown(socket.SHUT_WR)
        while peer.recv(4096):
            pass
    assert log_in(host.port, "reader", RIGHT.reveal()) is Verdict.ACCEPTED
