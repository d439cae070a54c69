"""The PostgreSQL double gives the probe the same verdicts as a real server, with TLS and without."""

import socket
from contextlib import suppress

import psycopg
import pytest

from rotation.core.errors import CannotVerify
from rotation.core.secret import Secret
from rotation.core.values import LoginTarget, Verdict
from rotation.drivers.registry import login_probe
from rotation_testkit.doubles.hosts.postgresql import PostgreSqlHost

RIGHT = Secret("Right pass:1+ä")


@pytest.fixture(scope="module")
def real(postgresql_server):
    """The port of a real server with the same account."""
    postgresql_server.run(f"CREATE ROLE reader LOGIN PASSWORD '{RIGHT.reveal()}'")
    return postgresql_server.port


@pytest.fixture
def host():
    """The double, with one account."""
    with PostgreSqlHost(lambda: {"reader": RIGHT}) as made:
        yield made


def log_in(port, user, password, pin=None):
    """Return the probe's verdict."""
    target = LoginTarget("postgresql", "127.0.0.1", port, user, pin)
    return login_probe("postgresql", time_left=lambda: 30.0).login(target, Secret(password))


@pytest.mark.parametrize("pinned", [False, True])
@pytest.mark.parametrize(
    ("user", "password"),
    [("reader", RIGHT.reveal()), ("reader", "wrong"), ("reader", RIGHT.reveal() + " "), ("nobody", RIGHT.reveal())],
)
def test_the_real_server_says_the_same(host, real, user, password, pinned):
    """The right password opens a session; a wrong one and an unknown account are rejected in the same words."""
    verdict = log_in(host.port, user, password, host.fingerprint if pinned else None)
    assert verdict is log_in(real, user, password)
    assert (host.accepted.total(), host.rejected.total()) == ((1, 0) if verdict is Verdict.ACCEPTED else (0, 1))


def test_another_certificate_is_no_verdict(host):
    """A host that shows another certificate than the pinned one hears no password."""
    with pytest.raises(CannotVerify):
        log_in(host.port, "reader", RIGHT.reveal(), "sha256:" + "0" * 64)
    assert not host.accepted + host.rejected


def test_a_client_that_is_not_ours(host):
    """The usual client library asks for TLS, trusts the certificate, and gets its row."""
    place = f"host=127.0.0.1 port={host.port} user=reader dbname=any sslmode=require"
    with psycopg.connect(place, password=RIGHT.reveal(), connect_timeout=10) as connection:
        assert connection.execute("SELECT 1").fetchone() == (1,)


@pytest.mark.parametrize("sent", [b"", b"GET / HTTP/1.1\r\n\r\n", b"\0\0\0\x09\0\3\0\0user"])
def test_what_is_no_client_is_shown_out(host, sent):
    """A connection that speaks otherwise ends, and the next one is served."""
    peer = socket.create_connection(("127.0.0.1", host.port), timeout=10)
    with peer, suppress(OSError):  # the server may have hung up already
        peer.sendall(sent)
        peer.shutdown(socket.SHUT_WR)
        assert peer.recv(100)[:1] in {b"", b"R"}
    assert log_in(host.port, "reader", RIGHT.reveal()) is Verdict.ACCEPTED
