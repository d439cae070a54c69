"""The doors of database servers give the probe the same verdicts as the real servers, with TLS and without."""

import socket
import ssl
from contextlib import closing, suppress

import psycopg
import pymysql
import pytest

from rotation.core.errors import CannotVerify
from rotation.core.secret import Secret
from rotation.core.values import LoginTarget, Verdict
from rotation.drivers.registry import login_probe
from rotation_testkit.doubles.hosts.mysql import MySqlHost
from rotation_testkit.doubles.hosts.postgresql import PostgreSqlHost

HOST, PLAIN = "127.0.0.1", "Right pass:1+ä"
RIGHT = Secret(PLAIN)
DOORS = {"mysql": MySqlHost, "postgresql": PostgreSqlHost}
CASES = [
    ("reader", PLAIN, Verdict.ACCEPTED),
    ("reader", "wrong", Verdict.REJECTED),
    ("reader", PLAIN + " ", Verdict.REJECTED),
    ("nobody", PLAIN, Verdict.REJECTED),
]


class Door:
    """A door of some kind, with one account."""

    def __init__(self, kind, host):
        self.kind, self.host = kind, host

    def log_in(self, password=PLAIN, *, user="reader", pin=None, port=0):
        """Return the probe's verdict."""
        target = LoginTarget(self.kind, HOST, port or self.host.port, user, pin)
        return login_probe(self.kind, time_left=lambda: 30.0).login(target, Secret(password))


@pytest.fixture
def door(request):
    """The door of the kind that the test names."""
    with DOORS[request.param](lambda: {"reader": RIGHT}) as host:
        yield Door(request.param, host)


@pytest.fixture(scope="module")
def real_mysql(mariadb_server):
    """The port of a real server with the same account."""
    server, _ = mariadb_server
    server.run(f"CREATE USER reader@'{HOST}' IDENTIFIED BY '{PLAIN}'")
    return server.port


@pytest.fixture(scope="module")
def real_postgresql(postgresql_server):
    """The port of a real server with the same account."""
    postgresql_server.run(f"CREATE ROLE reader LOGIN PASSWORD '{PLAIN}'")
    return postgresql_server.port


EACH = pytest.mark.parametrize("door", DOORS, indirect=True)
LOGINS = pytest.mark.parametrize(("user", "password", "verdict"), CASES)


@EACH
@LOGINS
@pytest.mark.parametrize("pinned", [False, True])
def test_a_login_is_judged_and_counted(door, user, password, verdict, pinned):
    """The right password opens a session; a wrong one and an unknown account are rejected."""
    assert door.log_in(password, user=user, pin=door.host.fingerprint if pinned else None) is verdict
    counts = (door.host.accepted.total(), door.host.rejected.total())
    assert counts == ((1, 0) if verdict is Verdict.ACCEPTED else (0, 1))


@pytest.mark.mariadb
@LOGINS
def test_mariadb_says_the_same(real_mysql, user, password, verdict):
    """What the door of MySQL says of these passwords is what the real server says."""
    assert Door("mysql", None).log_in(password, user=user, port=real_mysql) is verdict


@LOGINS
def test_postgresql_says_the_same(real_postgresql, user, password, verdict):
    """What the door of PostgreSQL says of these passwords is what the real server says."""
    assert Door("postgresql", None).log_in(password, user=user, port=real_postgresql) is verdict


@EACH
def test_another_certificate_is_no_verdict(door):
    """A host that shows another certificate than the pinned one hears no password."""
    with pytest.raises(CannotVerify):
        door.log_in(pin="sha256:" + "0" * 64)
    assert not door.host.accepted + door.host.rejected


@pytest.mark.parametrize("door", ["mysql"], indirect=True)
def test_pymysql_is_let_in(door):
    """A client that is not ours asks for TLS, trusts the certificate, and gets its row."""
    trusting = ssl.create_default_context()
    trusting.check_hostname, trusting.verify_mode = False, ssl.CERT_NONE
    place = {"host": HOST, "port": door.host.port, "user": "reader", "connect_timeout": 10, "ssl": trusting}
    with closing(pymysql.connect(password=PLAIN.encode(), **place)) as connection:
        connection.ping(reconnect=False)
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
            assert cursor.fetchone() == (1,)


@pytest.mark.parametrize("door", ["postgresql"], indirect=True)
def test_psycopg_is_let_in(door):
    """A client that is not ours asks for TLS, trusts the certificate, and gets its row."""
    place = f"host={HOST} port={door.host.port} user=reader dbname=any sslmode=require"
    with psycopg.connect(place, password=PLAIN, connect_timeout=10) as connection:
        assert connection.execute("SELECT 1").fetchone() == (1,)


@pytest.mark.parametrize(
    ("door", "sent"),
    [
        *(("mysql", each) for each in (b"", b"GET / HTTP/1.1\r\n\r\n", bytes(8), b"\x01\0\0\x01\0")),
        *(("postgresql", each) for each in (b"", b"GET / HTTP/1.1\r\n\r\n", b"\0\0\0\x09\0\3\0\0user")),
    ],
    indirect=["door"],
)
def test_what_is_no_client_is_shown_out(door, sent):
    """A connection that speaks otherwise ends, and the next one is served."""
    peer = socket.create_connection((HOST, door.host.port), timeout=10)
    with peer, suppress(OSError):  # the server may have hung up already
        peer.sendall(sent)
        peer.shutdown(socket.SHUT_WR)
        while peer.recv(4096):
            pass
    assert door.log_in() is Verdict.ACCEPTED
