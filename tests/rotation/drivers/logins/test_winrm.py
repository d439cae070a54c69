"""The WinRM probe against a real HTTPS server with real NTLM."""

import dataclasses
import logging
import ssl
import sys
import time
from typing import Any

import pytest

from rotation.core.errors import CannotVerify, ConfigError, MissingExtra, NotEnoughTime
from rotation.core.secret import Secret
from rotation.core.values import LoginTarget, Verdict
from rotation.drivers.logins.winrm import WinRmProbe
from rotation.drivers.network.login_probe import LoginTerms
from rotation_testkit.canary.spellings import leaks
from rotation_testkit.doubles.hosts.winrm import WinRmHost

RIGHT, WRONG = Secret("Canary-right/1+a:b"), Secret("Canary-wrong/2+b")


def target(host, *, pin=""):
    """Where the host is; its own certificate by default."""
    return LoginTarget("winrm", "127.0.0.1", host.port, "Administrator", host.fingerprint if pin == "" else pin)


def probe(*, left=30.0, most=20.0, basic=False):
    """A probe with time."""
    return WinRmProbe(time_left=lambda: left, terms=LoginTerms(seconds=most, winrm_basic=basic))


def refused(where, *, most=20.0, password=RIGHT):
    """Return why the probe could not tell."""
    with pytest.raises(CannotVerify) as caught:
        probe(most=most).login(where, password)
    return caught.value


@pytest.mark.parametrize("offers", [("Negotiate", "Basic"), ("Negotiate",), ("Basic",), ('Basic realm="WSMAN"',)])
def test_the_right_password_is_accepted_and_a_wrong_one_rejected(winrm, offers):
    """NTLM is used where it is offered, else Basic if it is allowed; a wrong password is presented once."""
    winrm.behaviour.offers = offers
    assert probe(basic=True).login(target(winrm), RIGHT) is Verdict.ACCEPTED
    winrm.schemes.clear()
    assert probe(basic=True).login(target(winrm), WRONG) is Verdict.REJECTED
    wanted = ["", "", "Negotiate", "Negotiate"] if "Negotiate" in offers else ["", "Basic"]
    assert winrm.schemes == wanted


def test_basic_is_not_used_unless_the_deployment_allows_it(winrm):
    """A host that offers Basic alone gets no password, at a greeting and at a login, and the setting is named."""
    winrm.behaviour.offers = ("Basic",)
    for ask in (lambda: probe().login(target(winrm), RIGHT), lambda: probe().greet(target(winrm))):
        with pytest.raises(CannotVerify) as caught:
            ask()
        assert (caught.value.vendor_code, caught.value.unsent) == ("password_method_not_offered", True)
        assert "LOCKSTEP_WINRM_BASIC" in caught.value.hint
    assert set(winrm.schemes) == {""}


def test_an_authority_of_ones_own_is_trusted_when_named(winrm, monkeypatch):
    """A company's own authority counts when REQUESTS_CA_BUNDLE names it."""
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(winrm.certificate))
    assert probe().login(target(winrm, pin=None), RIGHT) is Verdict.ACCEPTED


def test_a_fingerprint_may_have_colons_and_capitals(winrm):
    """A fingerprint is read in the form in which tools print it."""
    digits = winrm.fingerprint.removeprefix("sha256:").upper()
    pin = "sha256:" + ":".join(digits[at : at + 2] for at in range(0, 64, 2))
    assert probe().login(target(winrm, pin=pin), RIGHT) is Verdict.ACCEPTED


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"offers": ()}, "password_method_not_offered"),
        ({"mute": True}, "winrm_protocol"),
        ({"anonymous": 200}, "winrm_protocol"),
        ({"status": 403}, "winrm_refused"),
        ({"status": 500, "body": b"<s:Fault/>"}, "winrm_refused"),
        ({"status": 503}, "winrm_refused"),
        ({"status": 302, "headers": (("Location", "https://elsewhere.example/"),)}, "winrm_protocol"),
        ({"body": b"<html>Welcome</html>"}, "winrm_protocol"),
        ({"body": b""}, "winrm_protocol"),
    ],
)
def test_what_says_nothing_about_the_password_is_no_verdict(winrm, changes, code):
    """Each failure has a stable code, although the password is right."""
    winrm.behaviour = dataclasses.replace(winrm.behaviour, **changes)
    assert refused(target(winrm)).vendor_code == code


def test_a_wrong_password_is_rejected_only_by_a_host_that_checked_it(winrm):
    """A host that fails after the check has rejected it; one that does not check gives no verdict."""
    plain = winrm.behaviour
    for changes in ({"status": 500}, {"body": b""}):
        winrm.behaviour = dataclasses.replace(plain, **changes)
        assert probe().login(target(winrm), WRONG) is Verdict.REJECTED
    for changes in ({"mute": True}, {"anonymous": 404}):
        winrm.behaviour = dataclasses.replace(plain, **changes)
        assert refused(target(winrm), password=WRONG).vendor_code == "winrm_protocol"


def test_a_silent_host_is_given_up_in_time(winrm):
    """The probe's own time limit ends the login."""
    winrm.behaviour.delay = 30
    assert refused(target(winrm), most=5).vendor_code == "no_answer"


def test_what_speaks_no_tls_is_no_rejection(peer):
    """A peer without TLS gets no password."""
    heard = []

    def answer(connection):
        heard.append(connection.recv(4096))
        connection.sendall(b"HTTP/1.1 401 Unauthorized\r\nContent-Length: 0\r\n\r\n")

    where = LoginTarget("winrm", "127.0.0.1", peer(answer, reads=False).port, "Administrator")
    assert refused(where).vendor_code == "winrm_protocol"
    assert b"POST" not in heard[0]


def test_a_machine_that_is_down_is_no_rejection():
    """The port accepts connections and drops them."""
    with WinRmHost(lambda: {"Administrator": RIGHT}, up=lambda: False) as host:
        assert refused(target(host)).vendor_code == "winrm_protocol"


@pytest.mark.parametrize("pin", ["", "sha256:" + "0a" * 32])
def test_what_a_login_needs_is_known_before(monkeypatch, pin):
    """A login needs the package; a pin is optional, since an authority may have signed the certificate.

    The hint for a malformed pin says how to write it.
    """
    where = LoginTarget("winrm", "127.0.0.1", 5986, "Administrator", pin or None)
    assert probe().unready(where) is None
    malformed = probe().unready(dataclasses.replace(where, host_key="ssh-rsa AAAA"))
    assert type(malformed) is ConfigError
    assert "sha256:" in malformed.hint
    monkeypatch.setitem(sys.modules, "pypsrp", None)
    problem = probe().unready(where)
    assert type(problem) is MissingExtra
    assert "WINRM=1" in problem.hint


def test_no_proxy_is_used(winrm, monkeypatch):
    """The environment cannot send the login elsewhere."""
    monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:9")
    assert probe().login(target(winrm), RIGHT) is Verdict.ACCEPTED


def test_a_missing_pypsrp_is_named(winrm, monkeypatch):
    """The hint says what to install."""
    monkeypatch.setitem(sys.modules, "pypsrp.wsman", None)
    with pytest.raises(MissingExtra) as caught:
        probe().login(target(winrm), RIGHT)
    assert "WINRM=1" in caught.value.hint


@pytest.mark.parametrize("offer", ["Negotiate", "Basic"])
def test_no_password_leaks(winrm, caplog, offer):
    """No library's log at DEBUG and no error holds a password, not even one that Basic cannot encode."""
    for name in ("", "pypsrp", "urllib3"):  # the function silences them, and other tests run it
        caplog.set_level(logging.DEBUG, logger=name)
    winrm.behaviour.offers = (offer,)
    foreign = Secret("Canary-\u5bc6\u7801-3")
    shown = ""
    for password, status in ((RIGHT, 200), (WRONG, 200), (RIGHT, 500), (foreign, 200)):
        winrm.behaviour.status = status
        try:
            probe(basic=True).login(target(winrm), password)
        except CannotVerify as error:
            shown += repr(error) + str(error.describe()) + repr(error.__context__) + repr(error.__cause__)
    assert "pypsrp" in caplog.text
    assert "winrm_refused" in shown
    assert not leaks(caplog.text + shown, [RIGHT, WRONG, foreign])


def test_a_host_is_met_without_a_login(winrm):
    """The greeting is one request without credentials, over TLS with the pinned certificate."""
    probe().greet(target(winrm))
    assert winrm.schemes == [""]
    assert (winrm.accepted.total(), winrm.rejected.total()) == (0, 0)


def unmet(where, *, most=20.0):
    """Return why the host could not be met; a login says the same, and that the password was not shown."""
    with pytest.raises(CannotVerify) as met:
        probe(most=most).greet(where)
    tried = refused(where, most=most)
    assert met.value.describe() == tried.describe()
    assert (met.value.unsent, tried.unsent) == (True, True)
    assert met.value.hint
    assert met.value.__context__ is None
    return met.value.vendor_code


def test_what_keeps_a_host_from_being_met_keeps_the_password_back(winrm, closed):
    """Each reason has its own code in a greeting and in a login, and neither shows the password."""
    assert unmet(target(winrm, pin="sha256:" + "0" * 64)) == "certificate_changed"
    assert unmet(target(winrm, pin=None)) == "certificate_not_trusted"
    for typing_error in ("ssh-ed25519 AAAA", "sha256:00", "sha1:" + "0" * 40):
        assert unmet(target(winrm, pin=typing_error)) == "certificate_pin"
    earlier = winrm.fingerprint
    winrm.change_certificate()
    assert unmet(target(winrm, pin=earlier)) == "certificate_changed"
    assert winrm.schemes == []
    winrm.behaviour.offers = ("Kerberos",)
    assert unmet(target(winrm)) == "password_method_not_offered"
    winrm.behaviour.anonymous = 404
    assert unmet(target(winrm)) == "winrm_protocol"
    assert unmet(LoginTarget("winrm", "127.0.0.1", closed, "Administrator")) == "port_closed"
    assert (winrm.accepted.total(), winrm.rejected.total()) == (0, 0)


def test_without_enough_time_no_connection_is_made(winrm):
    """A login or a greeting that could be cut off is not started."""
    with pytest.raises(NotEnoughTime):
        probe(left=2.0).login(target(winrm), RIGHT)
    with pytest.raises(NotEnoughTime):
        probe(left=2.0).greet(target(winrm))
    assert winrm.schemes == []


def test_a_password_whose_answer_is_lost_may_have_been_counted(winrm):
    """A redirected login may have been counted; an HTTP 500 means that it was not a wrong password."""
    winrm.behaviour.status, winrm.behaviour.headers = 302, (("Location", "https://elsewhere.example/"),)
    lost = refused(target(winrm))
    assert (lost.unsent, lost.definite) == (False, False)
    winrm.behaviour.status, winrm.behaviour.headers = 500, ()
    answered = refused(target(winrm))
    assert (answered.unsent, answered.definite) == (False, True)
    winrm.behaviour.mute = True
    assert refused(target(winrm)).unsent


def test_a_pin_needs_no_authorities(winrm, monkeypatch):
    """With a pin the system's authorities are not read, whether the certificate matches or not."""
    read = []
    monkeypatch.setattr(ssl.SSLContext, "load_default_certs", lambda context, *_: read.append(context))
    assert probe().login(target(winrm), RIGHT) is Verdict.ACCEPTED
    assert refused(target(winrm, pin="sha256:" + "0" * 64)).vendor_code == "certificate_changed"
    assert read == []


@pytest.mark.parametrize("trap", [{"drip": 0.2}, {"flood": True}], ids=["drip", "flood"])
@pytest.mark.parametrize("offers", [("Negotiate",), ("Basic",)])
def test_a_host_whose_answers_have_no_end_is_left(winrm, trap, offers: Any):
    """One deadline holds for the whole login, and one MiB for each answer."""
    winrm.behaviour = dataclasses.replace(winrm.behaviour, offers=offers, **trap)
    began = time.monotonic()
    error = refused(target(winrm), most=3)
    assert time.monotonic() - began < 8
    assert error.vendor_code == ("no_answer" if "drip" in trap else "winrm_protocol")
    assert error.unsent
    assert winrm.flooded < 30
