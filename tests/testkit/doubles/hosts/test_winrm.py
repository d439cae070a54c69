"""The WinRM double over the wire: what it asks for, what it checks, and that it leaves nothing behind."""

import base64
import threading

import pytest
import requests  # noqa: TID251 - a client that is not ours
from pypsrp.exceptions import AuthenticationError
from pypsrp.wsman import WSMan

from rotation.core.secret import Secret
from rotation_testkit.doubles.hosts.winrm import WinRmHost

RIGHT = "Right:pass-1"
IDENTIFY = b"<s:Envelope><s:Body><wsmid:Identify/></s:Body></s:Envelope>"


@pytest.fixture
def host():
    """A host with one account."""
    with WinRmHost(lambda: {"Administrator": Secret(RIGHT)}) as made:
        yield made


def ask(host, authorization="", *, path="/wsman", body=IDENTIFY):
    """Send one request."""
    headers = {"Authorization": authorization} if authorization else {}
    url = f"https://{host.host}:{host.port}{path}"
    return requests.post(url, data=body, headers=headers, verify=str(host.certificate), timeout=10)


def basic(user, password):
    """Return a Basic header."""
    return "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()


def test_it_asks_for_a_login(host):
    """The service asks for NTLM or Basic; there is no anonymous Identify."""
    reply = ask(host)
    assert (reply.status_code, reply.content) == (401, b"")
    assert reply.headers["WWW-Authenticate"] == 'Negotiate, Basic realm="WSMAN"'


@pytest.mark.parametrize(
    ("header", "status"),
    [
        (basic("administrator", RIGHT), 200),
        (basic("Administrator", "Right"), 401),
        (basic("Guest", RIGHT), 401),
        ("Basic !", 401),
        ("Negotiate !", 401),
        ("Negotiate " + base64.b64encode(b"NTLMSSP").decode(), 401),
        ("Bearer x", 401),
    ],
)
def test_a_login_is_checked(host, header, status):
    """Names match without case, a password may hold a colon, and what cannot be read is refused."""
    assert ask(host, header).status_code == status


@pytest.mark.parametrize(("path", "body"), [("/", IDENTIFY), ("/wsman", b"<s:Envelope/>"), ("/wsman", b"")])
def test_it_knows_one_question(host, path, body):
    """The service answers Identify at ``/wsman`` and nothing else."""
    assert ask(host, basic("Administrator", RIGHT), path=path, body=body).status_code == 400


@pytest.mark.parametrize("auth", ["ntlm", "negotiate", "basic"])
@pytest.mark.parametrize("password", [RIGHT, "wrong"])
def test_pypsrp_logs_in(host, auth, password):
    """The library pypsrp logs in by each scheme that the service offers, and each login is counted."""
    where = {"port": host.port, "username": "Administrator", "password": password}
    with WSMan(host.host, **where, auth=auth, cert_validation=str(host.certificate), no_proxy=True) as client:
        if password == RIGHT:
            assert b"IdentifyResponse" in client.transport.send(IDENTIFY)
        else:
            with pytest.raises(AuthenticationError):
                client.transport.send(IDENTIFY)
    assert (host.accepted.total(), host.rejected.total()) == ((1, 0) if password == RIGHT else (0, 1))


def test_nothing_stays_behind():
    """No thread and no file is left, not even with a connection left open, and the host may be entered again."""
    before = set(threading.enumerate())
    host = WinRmHost(lambda: {"Administrator": Secret(RIGHT)})
    for _ in range(2):
        with host, requests.Session() as session:
            certificate, url = host.certificate, f"https://{host.host}:{host.port}/wsman"
            assert session.post(url, verify=str(certificate), timeout=10).status_code == 401
            assert certificate.exists()
        assert not certificate.exists()
    assert not set(threading.enumerate()) - before
