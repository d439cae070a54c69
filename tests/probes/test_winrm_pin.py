"""A pinned certificate takes the place of the authorities: they are not even read, which takes longer than a login."""

from __future__ import annotations

import ssl

import pytest

from rotation.core.errors import CannotVerify
from rotation.core.secret import Secret
from rotation.core.values import LoginTarget, Verdict
from rotation.drivers.network.winrm import WinRmProbe
from rotation_testkit.doubles.hosts.winrm import WinRmHost


def test_a_pin_needs_no_authorities(winrm: WinRmHost, monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither for the certificate that it names nor for another one."""
    read: list[ssl.SSLContext] = []
    monkeypatch.setattr(ssl.SSLContext, "load_default_certs", lambda context, *_: read.append(context))
    probe = WinRmProbe(time_left=lambda: 30.0)

    def log_in(pin: str) -> Verdict:
        target = LoginTarget("winrm", "127.0.0.1", winrm.port, "Administrator", pin)
        return probe.login(target, Secret("Canary-right/1+a:b"))

    assert log_in(winrm.fingerprint) is Verdict.ACCEPTED
    with pytest.raises(CannotVerify) as caught:
        log_in("sha256:" + "0" * 64)
    assert caught.value.vendor_code == "certificate_changed"
    assert read == []
