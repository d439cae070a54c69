"""The WinRM probe against a real HTTPS server with real NTLM."""

from __future__ import annotations

import dataclasses
import logging
import socket
import ssl
import sys
import threading
import time
from typing import Any

import pytest

from rotation.core.errors import CannotVerify, ConfigError, MissingExtra, NotEnoughTime
from rotation.core.secret import Secret
from rotation.core.values import LoginTarget, Verdict
from rotation.drivers.network.winrm import WinRmProbe
from rotation_testkit.canary.spellings import leaks
from rotation_testkit.doubles.hosts.winrm import WinRmHost

RIGHT, WRONG = Secret("Canary-right/1+a:b"), Secret("Canary-wrong/2+b")


def target(host: WinRmHost, *, pin: str | None = "") -> LoginTarget:
    """Where the host is; its own certificate by default."""
    return LoginTarget("winrm", "127.0.0.1", host.port, "Administrator", host.fingerprint if pin == "" else pin)


def probe(*, left: float = 30.0, most: float = 20.0) -> WinRmProbe:
    """A probe with time."""
    return WinRmProbe(time_left=lambda: left, most_seconds=most)


def refused(where: LoginTarget, *, most: float = 20.0, password: Secret = RIGHT) -> CannotVerify:
    """Return why the probe could not tell."""
    with pytest.raises(CannotVerify) as caught:
        probe(most=most).login(where, password)
    return caught.value


@pytest.mark.parametrize("offers", [("Negotiate", "Basic"), ("Negotiate",), ("Basic",), ('Basic realm="WSMAN"',)])
def test_the_right_password_is_accepted_and_a_wrong_one_rejected(winrm: WinRmHost, offers: tuple[str, ...]) -> None:
    """NTLM is used where it is offered, else Basic; a wrong password is presented once."""
    winrm.behaviour.offers = offers
    assert probe().login(target(winrm), RIGHT) is Verdict.ACCEPTED
    winrm.schemes.clear()
    assert probe().login(target(winrm), WRONG) is Verdict.REJECTED
    wanted = ["", "", "Negotiate", "Negotiate"] if "Negotiate" in offers else ["", "Basic"]
    assert winrm.schemes == wanted


def test_another_certificate_keeps_the_password_back(winrm: WinRmHost) -> None:
    """A host with another certificate receives nothing at all."""
    assert refused(target(winrm, pin="sha256:" + "0" * 64)).vendor_code == "certificate_changed"
    assert winrm.schemes == []


def test_an_untrusted_certificate_keeps_the_password_back(winrm: WinRmHost) -> None:
    """Without a pin the usual authorities decide."""
    assert refused(target(winrm, pin=None)).vendor_code == "certificate_not_trusted"
    assert winrm.schemes == []


def test_an_authority_of_ones_own_is_trusted_when_named(winrm: WinRmHost, monkeypatch: pytest.MonkeyPatch) -> None:
    """A company's own authority counts when REQUESTS_CA_BUNDLE names it."""
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(winrm.certificate))
    assert probe().login(target(winrm, pin=None), RIGHT) is Verdict.ACCEPTED


def test_a_fingerprint_may_have_colons_and_capitals(winrm: WinRmHost) -> None:
    """A fingerprint is read in the form in which tools print it."""
    digits = winrm.fingerprint.removeprefix("sha256:").upper()
    pin = "sha256:" + ":".join(digits[at : at + 2] for at in range(0, 64, 2))
    assert probe().login(target(winrm, pin=pin), RIGHT) is Verdict.ACCEPTED


@pytest.mark.parametrize("pin", ["ssh-ed25519 AAAA", "sha256:00", "sha1:" + "0" * 40])
def test_a_pin_of_another_kind_is_named(winrm: WinRmHost, pin: str) -> None:
    """A typing error never means "no pin"."""
    assert refused(target(winrm, pin=pin)).vendor_code == "certificate_pin"
    assert winrm.schemes == []


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
def test_what_says_nothing_about_the_password_is_no_verdict(
    winrm: WinRmHost, changes: dict[str, Any], code: str
) -> None:
    """Each failure has a stable code, although the password is right."""
    winrm.behaviour = dataclasses.replace(winrm.behaviour, **changes)
    assert refused(target(winrm)).vendor_code == code


@pytest.mark.parametrize("changes", [{"mute": True}, {"anonymous": 404}])
def test_a_wrong_password_that_nobody_looked_at_is_no_verdict(winrm: WinRmHost, changes: dict[str, Any]) -> None:
    """A host that does not check the password gives no verdict on a wrong one either."""
    winrm.behaviour = dataclasses.replace(winrm.behaviour, **changes)
    assert refused(target(winrm), password=WRONG).vendor_code == "winrm_protocol"


@pytest.mark.parametrize("changes", [{"status": 500}, {"body": b""}])
def test_a_wrong_password_is_told_by_a_host_that_would_fail(winrm: WinRmHost, changes: dict[str, Any]) -> None:
    """The host checks the password before it fails."""
    winrm.behaviour = dataclasses.replace(winrm.behaviour, **changes)
    assert probe().login(target(winrm), WRONG) is Verdict.REJECTED


def test_a_silent_host_is_given_up_in_time(winrm: WinRmHost) -> None:
    """The probe's own time limit ends the login."""
    winrm.behaviour.delay = 30
    assert refused(target(winrm), most=5).vendor_code == "no_answer"


def test_what_speaks_no_tls_is_no_rejection() -> None:
    """A peer without TLS gets no password."""
    heard: list[bytes] = []
    with socket.create_server(("127.0.0.1", 0)) as server:

        def answer() -> None:
            connection, _ = server.accept()
            with connection:
                heard.append(connection.recv(4096))
                connection.sendall(b"HTTP/1.1 401 Unauthorized\r\nContent-Length: 0\r\n\r\n")

        thread = threading.Thread(target=answer)
        thread.start()
        where = LoginTarget("winrm", "127.0.0.1", server.getsockname()[1], "Administrator")
        assert refused(where).vendor_code == "winrm_protocol"
        thread.join()
    assert b"POST" not in heard[0]


def test_a_machine_that_is_down_is_no_rejection() -> None:
    """The port accepts connections and drops them."""
    with WinRmHost(lambda: {"Administrator": RIGHT}, up=lambda: False) as host:
        assert refused(target(host)).vendor_code == "winrm_protocol"


def test_a_new_certificate_is_noticed(winrm: WinRmHost) -> None:
    """A renewed certificate is refused under the old pin and accepted under its own."""
    earlier = winrm.fingerprint
    winrm.change_certificate()
    assert refused(target(winrm, pin=earlier)).vendor_code == "certificate_changed"
    assert probe().login(target(winrm), RIGHT) is Verdict.ACCEPTED


def test_the_host_counts_logins(winrm: WinRmHost) -> None:
    """The double counts logins against the current password; the case of the name does not matter."""
    live = {"Administrator": RIGHT}
    winrm.users = lambda: live
    where = dataclasses.replace(target(winrm), username="administrator")
    assert probe().login(where, RIGHT) is Verdict.ACCEPTED
    live["Administrator"] = WRONG
    assert probe().login(where, RIGHT) is Verdict.REJECTED
    assert probe().login(where, WRONG) is Verdict.ACCEPTED
    winrm.behaviour.offers = ("Basic",)
    assert probe().login(where, RIGHT) is Verdict.REJECTED
    assert probe().login(where, WRONG) is Verdict.ACCEPTED
    assert (winrm.accepted.total(), winrm.rejected.total()) == (3, 2)


@pytest.mark.parametrize("pin", ["", "sha256:" + "0a" * 32])
def test_what_a_login_needs_is_known_before(monkeypatch: pytest.MonkeyPatch, pin: str) -> None:
    """A login needs the package; a pin is optional, since an authority may have signed the certificate."""
    where = LoginTarget("winrm", "127.0.0.1", 5986, "Administrator", pin or None)
    assert probe().unready(where) is None
    monkeypatch.setitem(sys.modules, "pypsrp", None)
    problem = probe().unready(where)
    assert type(problem) is MissingExtra
    assert "WINRM=1" in problem.hint


def test_a_malformed_pin_is_known_before() -> None:
    """The hint says how to write a pin."""
    problem = probe().unready(LoginTarget("winrm", "127.0.0.1", 5986, "Administrator", "ssh-rsa AAAA"))
    assert type(problem) is ConfigError
    assert "sha256:" in problem.hint


def test_no_proxy_is_used(winrm: WinRmHost, monkeypatch: pytest.MonkeyPatch) -> None:
    """The environment cannot send the login elsewhere."""
    monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:9")
    assert probe().login(target(winrm), RIGHT) is Verdict.ACCEPTED


def test_without_enough_time_nothing_is_tried(winrm: WinRmHost) -> None:
    """A login that could be cut off is not started."""
    with pytest.raises(NotEnoughTime):
        probe(left=2.0).login(target(winrm), RIGHT)
    assert winrm.schemes == []


def test_a_missing_pypsrp_is_named(winrm: WinRmHost, monkeypatch: pytest.MonkeyPatch) -> None:
    """The hint says what to install."""
    monkeypatch.setitem(sys.modules, "pypsrp.wsman", None)
    with pytest.raises(MissingExtra) as caught:
        probe().login(target(winrm), RIGHT)
    assert ".[winrm]" in caught.value.hint


@pytest.mark.parametrize("offer", ["Negotiate", "Basic"])
def test_no_password_leaks(winrm: WinRmHost, caplog: pytest.LogCaptureFixture, offer: str) -> None:
    """No library's log at DEBUG and no error holds a password, not even one that Basic cannot encode."""
    for name in ("", "pypsrp", "urllib3"):  # the function silences them, and other tests run it
        caplog.set_level(logging.DEBUG, logger=name)
    winrm.behaviour.offers = (offer,)
    foreign = Secret("Canary-\u5bc6\u7801-3")
    shown = ""
    for password, status in ((RIGHT, 200), (WRONG, 200), (RIGHT, 500), (foreign, 200)):
        winrm.behaviour.status = status
        try:
            probe().login(target(winrm), password)
        except CannotVerify as error:
            shown += repr(error) + str(error.describe()) + repr(error.__context__) + repr(error.__cause__)
    assert "pypsrp" in caplog.text
    assert "winrm_refused" in shown
    assert not leaks(caplog.text + shown, [RIGHT, WRONG, foreign])


def test_a_host_is_met_without_a_login(winrm: WinRmHost) -> None:
    """The greeting is one request without credentials, over TLS with the pinned certificate."""
    probe().greet(target(winrm))
    assert winrm.schemes == [""]
    assert (winrm.accepted.total(), winrm.rejected.total()) == (0, 0)


def unmet(where: LoginTarget, *, most: float = 20.0) -> str | None:
    """Return why the host could not be met; a login says the same, and that the password was not shown."""
    with pytest.raises(CannotVerify) as met:
        probe(most=most).greet(where)
    tried = refused(where, most=most)
    assert met.value.describe() == tried.describe()
    assert met.value.unsent
    assert tried.unsent
    assert met.value.hint
    assert met.value.__context__ is None
    return met.value.vendor_code


def test_what_keeps_a_host_from_being_met_keeps_the_password_back(winrm: WinRmHost, closed: int) -> None:
    """Each reason has its own code in a greeting and in a login, and neither shows the password."""
    assert unmet(target(winrm, pin="sha256:" + "0" * 64)) == "certificate_changed"
    assert unmet(target(winrm, pin=None)) == "certificate_not_trusted"
    assert unmet(target(winrm, pin="sha256:00")) == "certificate_pin"
    winrm.behaviour.offers = ("Kerberos",)
    assert unmet(target(winrm)) == "password_method_not_offered"
    winrm.behaviour.anonymous = 404
    assert unmet(target(winrm)) == "winrm_protocol"
    assert unmet(LoginTarget("winrm", "127.0.0.1", closed, "Administrator")) == "port_closed"
    assert (winrm.accepted.total(), winrm.rejected.total()) == (0, 0)


def test_no_host_is_met_without_time(winrm: WinRmHost) -> None:
    """Without time no connection is made."""
    with pytest.raises(NotEnoughTime):
        probe(left=2.0).greet(target(winrm))
    assert winrm.schemes == []


def test_a_password_whose_answer_is_lost_may_have_been_counted(winrm: WinRmHost) -> None:
    """A redirected login may have been counted; an HTTP 500 means that it was not a wrong password."""
    winrm.behaviour.status, winrm.behaviour.headers = 302, (("Location", "https://elsewhere.example/"),)
    lost = refused(target(winrm))
    assert (lost.unsent, lost.definite) == (False, False)
    winrm.behaviour.status, winrm.behaviour.headers = 500, ()
    told = refused(target(winrm))
    assert (told.unsent, told.definite) == (False, True)
    winrm.behaviour.mute = True
    assert refused(target(winrm)).unsent


def test_a_pin_needs_no_authorities(winrm: WinRmHost, monkeypatch: pytest.MonkeyPatch) -> None:
    """With a pin the system's authorities are not read, whether the certificate matches or not."""
    read: list[ssl.SSLContext] = []
    monkeypatch.setattr(ssl.SSLContext, "load_default_certs", lambda context, *_: read.append(context))
    assert probe().login(target(winrm), RIGHT) is Verdict.ACCEPTED
    assert refused(target(winrm, pin="sha256:" + "0" * 64)).vendor_code == "certificate_changed"
    assert read == []


@pytest.mark.parametrize("trap", [{"drip": 0.2}, {"flood": True}], ids=["drip", "flood"])
@pytest.mark.parametrize("offers", [("Negotiate",), ("Basic",)])
def test_a_host_whose_answers_have_no_end_is_left(winrm: WinRmHost, trap: dict[str, Any], offers: Any) -> None:
    """One deadline holds for the whole login, and one MiB for each answer."""
    winrm.behaviour = dataclasses.replace(winrm.behaviour, offers=offers, **trap)
    began = time.monotonic()
    error = refused(target(winrm), most=3)
    assert time.monotonic() - began < 8
    assert error.vendor_code == ("no_answer" if "drip" in trap else "winrm_protocol")
    assert error.unsent
    assert winrm.flooded < 30
