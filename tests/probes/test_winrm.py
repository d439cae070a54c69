"""The WinRM probe against a real HTTPS server with real NTLM."""

from __future__ import annotations

import logging
import socket
import sys
from typing import Any

import pytest

from rotation.errors import CannotVerify, MissingExtra, NotEnoughTime
from rotation.model import LoginTarget, Verdict
from rotation.probes import winrm as probes
from rotation.probes.winrm import WinRmProbe
from rotation.registry import login_probe
from rotation.secret import Secret
from rotation.testing.driver_harness import leaks

RIGHT, WRONG = Secret("Canary-right/1+a"), Secret("Canary-wrong/2+b")


def target(host: Any, *, pin: str | None = "") -> LoginTarget:
    """Where the host is; its own certificate by default."""
    return LoginTarget("winrm", "127.0.0.1", host.port, "Administrator", host.pin if pin == "" else pin)


def probe(*, left: float = 30.0, most: float = 20.0) -> WinRmProbe:
    """A probe with time."""
    return WinRmProbe(time_left=lambda: left, most_seconds=most)


def refused(where: LoginTarget, *, most: float = 20.0, password: Secret = RIGHT) -> CannotVerify:
    """Return why the probe could not tell."""
    with pytest.raises(CannotVerify) as caught:
        probe(most=most).login(where, password)
    return caught.value


@pytest.mark.parametrize("offers", [("Negotiate", "Basic"), ("Negotiate",), ("Basic",), ('Basic realm="WSMAN"',)])
def test_the_right_password_is_accepted_and_a_wrong_one_rejected(winrm: Any, offers: tuple[str, ...]) -> None:
    """By NTLM where it is offered, else by Basic; a wrong one is presented once."""
    winrm.offers = offers
    assert probe().login(target(winrm), RIGHT) is Verdict.ACCEPTED
    winrm.seen.clear()
    assert probe().login(target(winrm), WRONG) is Verdict.REJECTED
    wanted = ["", "", "Negotiate", "Negotiate"] if "Negotiate" in offers else ["", "Basic"]
    assert winrm.seen == wanted


def test_it_is_found_by_its_kind() -> None:
    """As a driver's record names it."""
    assert isinstance(login_probe("winrm", time_left=lambda: 30.0), WinRmProbe)


def test_another_certificate_keeps_the_password_back(winrm: Any) -> None:
    """Reinstalled or in the middle: the host hears nothing at all."""
    assert refused(target(winrm, pin="sha256:" + "0" * 64)).vendor_code == "certificate_changed"
    assert winrm.seen == []


def test_an_untrusted_certificate_keeps_the_password_back(winrm: Any) -> None:
    """Without a pin the usual authorities decide."""
    assert refused(target(winrm, pin=None)).vendor_code == "certificate_not_trusted"
    assert winrm.seen == []


def test_an_authority_of_ones_own_is_trusted_when_named(winrm: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """For hosts whose certificates a company signs."""
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(winrm.certificate))
    assert probe().login(target(winrm, pin=None), RIGHT) is Verdict.ACCEPTED


def test_a_fingerprint_may_have_colons_and_capitals(winrm: Any) -> None:
    """As the tools print it."""
    digits = winrm.pin.removeprefix("sha256:").upper()
    pin = "sha256:" + ":".join(digits[at : at + 2] for at in range(0, 64, 2))
    assert probe().login(target(winrm, pin=pin), RIGHT) is Verdict.ACCEPTED


@pytest.mark.parametrize("pin", ["ssh-ed25519 AAAA", "sha256:00", "sha1:" + "0" * 40])
def test_a_pin_of_another_kind_is_named(winrm: Any, pin: str) -> None:
    """A typing error never means "no pin"."""
    assert refused(target(winrm, pin=pin)).vendor_code == "certificate_pin"
    assert winrm.seen == []


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"offers": ("Kerberos",)}, "password_method_not_offered"),
        ({"offers": ()}, "password_method_not_offered"),
        ({"mute": True}, "winrm_protocol"),
        ({"anonymous": 200}, "winrm_protocol"),
        ({"anonymous": 404}, "winrm_protocol"),
        ({"status": 403}, "winrm_refused"),
        ({"status": 500, "body": b"<s:Fault/>"}, "winrm_refused"),
        ({"status": 503}, "winrm_refused"),
        ({"status": 302, "headers": (("Location", "https://elsewhere.example/"),)}, "winrm_protocol"),
        ({"body": b"<html>Welcome</html>"}, "winrm_protocol"),
        ({"body": b""}, "winrm_protocol"),
    ],
)
@pytest.mark.parametrize("password", [RIGHT, WRONG], ids=["right", "wrong"])
def test_what_says_nothing_about_the_password_is_no_verdict(
    winrm: Any, changes: dict[str, Any], code: str, password: Secret
) -> None:
    """Each has a stable code; a wrong password is told as such only where the host looked at it."""
    for name, value in changes.items():
        setattr(winrm, name, value)
    if password is WRONG and not changes.keys() & {"offers", "mute", "anonymous"}:
        assert probe().login(target(winrm), password) is Verdict.REJECTED
        return
    assert refused(target(winrm), password=password).vendor_code == code


def test_a_closed_port_is_no_rejection() -> None:
    """Nobody listens."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    where = LoginTarget("winrm", "127.0.0.1", port, "Administrator")
    assert refused(where).vendor_code == "port_closed"


def test_a_silent_host_is_given_up_in_time(winrm: Any) -> None:
    """The probe's own limit holds."""
    winrm.delay = 1
    assert refused(target(winrm), most=0.5).vendor_code == "no_answer"


def test_what_speaks_no_tls_is_no_rejection(plain_winrm: Any) -> None:
    """And gets no password."""
    assert refused(target(plain_winrm, pin=None)).vendor_code == "winrm_protocol"
    assert plain_winrm.seen == []


def test_without_tls_only_ntlm_is_spoken(plain_winrm: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """On the port that is for it; the request itself is sealed, and Basic is never used."""
    monkeypatch.setattr(probes, "PLAIN_PORT", plain_winrm.port)
    where = target(plain_winrm, pin=None)
    assert probe().login(where, RIGHT) is Verdict.ACCEPTED
    assert probe().login(where, WRONG) is Verdict.REJECTED
    assert not any(b"wsmid:Identify" in body for body in plain_winrm.bodies)
    plain_winrm.offers = ("Basic",)
    assert refused(where).vendor_code == "password_method_not_offered"
    assert "Basic" not in plain_winrm.seen


def test_no_proxy_is_used(winrm: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """The environment cannot send the login elsewhere."""
    monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:9")
    assert probe().login(target(winrm), RIGHT) is Verdict.ACCEPTED


def test_without_enough_time_nothing_is_tried(winrm: Any) -> None:
    """A login that might be cut off is not started."""
    with pytest.raises(NotEnoughTime):
        probe(left=2.0).login(target(winrm), RIGHT)
    assert winrm.seen == []


def test_a_missing_pypsrp_is_named(winrm: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """With what to install."""
    monkeypatch.setitem(sys.modules, "pypsrp.wsman", None)
    with pytest.raises(MissingExtra) as caught:
        probe().login(target(winrm), RIGHT)
    assert "lockstep-rotation[winrm]" in caught.value.hint


@pytest.mark.parametrize("offer", ["Negotiate", "Basic"])
def test_no_password_leaks(winrm: Any, caplog: pytest.LogCaptureFixture, offer: str) -> None:
    """Not in any library's log at DEBUG, nor in an error; one that Basic cannot spell is cut, too."""
    caplog.set_level(logging.DEBUG)
    winrm.offers = (offer,)
    foreign = Secret("Canary-\u5bc6\u7801-3")
    shown = ""
    for password, status in ((RIGHT, 200), (WRONG, 200), (RIGHT, 500), (foreign, 200)):
        winrm.status = status
        try:
            probe().login(target(winrm), password)
        except CannotVerify as error:
            shown += repr(error) + str(error.describe()) + repr(error.__context__) + repr(error.__cause__)
    assert "pypsrp" in caplog.text
    assert "winrm_refused" in shown
    assert not leaks(caplog.text + shown, [RIGHT, WRONG, foreign])
