"""The WinRM double beside a real NTLM server: the same client, the same passwords, the same verdicts.

Windows itself cannot be had here, and no WS-Management server. What the login probe relies on before Identify can: the
offer of methods to a question without a login, and an acceptor of NTLM that is none of the client's own library.
"""

from __future__ import annotations

import ssl
from collections.abc import Iterator
from contextlib import closing
from http.client import HTTPSConnection
from pathlib import Path

import pytest

from rotation.core.secret import Secret
from rotation.core.values import LoginTarget, Verdict
from rotation.drivers.logins.winrm import WinRmProbe
from rotation_testkit.doubles.hosts.winrm import WinRmHost
from rotation_testkit.processes.ntlm_server import NtlmServer, ntlm_server

pytestmark = pytest.mark.ntlm

PACKAGES = Path(__file__).parents[4] / ".venv/ntlm"
_UNCHECKED = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
_UNCHECKED.check_hostname, _UNCHECKED.verify_mode = False, ssl.CERT_NONE
USERS = {"Administrator": "Right-pass-1", "other": "Ähnlich 密码 \\ \" '", "long": "x" * 127}


@pytest.fixture(scope="module")
def apache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[NtlmServer]:
    """The real server."""
    with ntlm_server(PACKAGES, tmp_path_factory.mktemp("ntlm"), USERS) as server:
        yield server


@pytest.fixture(scope="module")
def double() -> Iterator[WinRmHost]:
    """The double."""
    with WinRmHost(lambda: {name: Secret(password) for name, password in USERS.items()}) as host:
        yield host


def verdict(server: NtlmServer | WinRmHost, name: str, password: str) -> Verdict:
    """Log in once, as a rotation does."""
    target = LoginTarget("winrm", "127.0.0.1", server.port, name, server.fingerprint)
    return WinRmProbe(time_left=lambda: 60.0).login(target, Secret(password))


CASES = [
    *((name, password, Verdict.ACCEPTED) for name, password in USERS.items()),
    ("ADMINISTRATOR", USERS["Administrator"], Verdict.ACCEPTED),
    ("Administrator", USERS["Administrator"].lower(), Verdict.REJECTED),
    ("Administrator", f"{USERS['Administrator']} ", Verdict.REJECTED),
    ("Administrator", USERS["other"], Verdict.REJECTED),
    ("long", "x" * 128, Verdict.REJECTED),
    ("nobody", USERS["Administrator"], Verdict.REJECTED),
]


@pytest.mark.parametrize(("name", "password", "expected"), CASES)
def test_both_give_the_same_verdict(
    apache: NtlmServer, double: WinRmHost, name: str, password: str, expected: Verdict
) -> None:
    """Case counts in a password and not in a name, every character counts, and an unknown user is rejected alike."""
    assert [verdict(server, name, password) for server in (apache, double)] == [expected] * 2


def test_both_say_what_they_offer_before_a_login(apache: NtlmServer, double: WinRmHost) -> None:
    """A question without a login is answered by 401 and the methods; so the probe finds out, and shows no password."""
    for server in (apache, double):
        asking = HTTPSConnection("127.0.0.1", server.port, timeout=10, context=_UNCHECKED)
        with closing(asking):
            asking.request("POST", "/wsman", b"")
            reply = asking.getresponse()
            assert reply.status == 401
            assert "Negotiate" in str(reply.headers["WWW-Authenticate"])
        target = LoginTarget("winrm", "127.0.0.1", server.port, "Administrator", server.fingerprint)
        WinRmProbe(time_left=lambda: 60.0).greet(target)


def test_a_login_holds_for_its_connection_alone(apache: NtlmServer, double: WinRmHost) -> None:
    """So the next password is judged for itself, whatever the one before was."""
    for server in (apache, double):
        found = [verdict(server, "Administrator", each) for each in (USERS["Administrator"], "wrong")]
        assert found == [Verdict.ACCEPTED, Verdict.REJECTED]
