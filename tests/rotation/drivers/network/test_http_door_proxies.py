"""The HTTP door and the login probes never go to loopback through a proxy."""

from __future__ import annotations

import ssl
from typing import Any

import pytest

from rotation.core.errors import ConfigError, VendorUnavailable
from rotation.core.secret import Secret
from rotation.core.values import LoginTarget, Verdict
from rotation.drivers.logins.ssh import SshProbe
from rotation.drivers.logins.winrm import WinRmProbe
from rotation.drivers.network.http_messages import HttpRequest
from rotation_testkit.doubles.hosts.ssh import SshHost
from rotation_testkit.doubles.hosts.winrm import WinRmHost
from rotation_testkit.doubles.proxy import EavesdroppingProxy

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}"
RIGHT = Secret("Canary-right/1+a:b")


@pytest.mark.parametrize("host", ["127.0.0.1", "127.0.0.2", "localhost"])
def test_a_request_to_loopback_tells_the_proxy_nothing(
    door: Any, peer: Any, certificate: tuple[ssl.SSLContext, str], proxy: EavesdroppingProxy, host: str
) -> None:
    """All of 127.0.0.0/8 counts; where TLS refuses the name, the proxy is not tried either."""
    context, authority = certificate
    port = peer(OK, context).port
    request = HttpRequest(method="GET", url=f"https://{host}:{port}/")
    if host == "127.0.0.1":
        assert door(f"{host}:{port}", ca_file=authority).send(request).status == 200
    else:
        with pytest.raises(ConfigError):
            door(f"{host}:{port}", ca_file=authority).send(request)
    assert proxy.heard == []


def test_another_host_goes_through_the_proxy_unless_it_is_excepted(
    door: Any, proxy: EavesdroppingProxy, monkeypatch: pytest.MonkeyPatch
) -> None:
    """``HTTPS_PROXY`` and ``NO_PROXY`` keep their meaning for other hosts."""
    request = HttpRequest(method="GET", url="https://192.0.2.1/")
    with pytest.raises(VendorUnavailable):
        door("192.0.2.1").send(request)
    assert [each.split()[:2] for each in proxy.heard] == [[b"CONNECT", b"192.0.2.1:443"]]
    proxy.heard.clear()
    monkeypatch.setenv("NO_PROXY", "192.0.2.0/24")
    with pytest.raises(VendorUnavailable):
        door("192.0.2.1", call_seconds=0.3).send(request)
    assert proxy.heard == []


def test_logins_tell_the_proxy_nothing(winrm: WinRmHost, proxy: EavesdroppingProxy) -> None:
    """WinRM and SSH go directly to every host."""
    at = LoginTarget("winrm", "127.0.0.1", winrm.port, "Administrator", winrm.fingerprint)
    assert WinRmProbe(time_left=lambda: 30.0).login(at, RIGHT) is Verdict.ACCEPTED
    with SshHost(lambda _, password: password == RIGHT.reveal()) as host:
        at = LoginTarget("ssh", "127.0.0.1", host.port, "root", host.host_key)
        assert SshProbe(time_left=lambda: 30.0).login(at, RIGHT) is Verdict.ACCEPTED
    assert proxy.heard == []
