"""The SSH probe against a real SSH server."""

import dataclasses
import logging
import socket
import sys

import paramiko
import pytest

from rotation.core.errors import AccountLocked, CannotVerify, ConfigError, MissingExtra, NotEnoughTime
from rotation.core.secret import Secret
from rotation.core.values import LoginTarget, Verdict
from rotation.drivers.logins.ssh import SshProbe
from rotation.drivers.network.login_probe import LoginTerms
from rotation_testkit.canary.spellings import leaks
from rotation_testkit.doubles.hosts.ssh import SshBehaviour, SshHost

RIGHT, WRONG = Secret("Canary-right/1+a"), Secret("Canary-wrong/2+b")


@pytest.fixture
def host():
    """A host that takes one password."""
    with SshHost(lambda user, password: (user, password) == ("root", RIGHT.reveal())) as started:
        yield started


def target(host, *, key=""):
    """Where the host is; its own key by default."""
    return LoginTarget("ssh", host.host, host.port, "root", host.host_key if key == "" else key)


def probe(*, left=30.0, most=10.0):
    """A probe with time."""
    return SshProbe(time_left=lambda: left, terms=LoginTerms(seconds=most))


def refused(host, where):
    """Return why the probe could not tell; at most one password was judged."""
    with pytest.raises(CannotVerify) as caught:
        probe().login(where, RIGHT)
    assert host.accepted.total() + host.rejected.total() <= 1
    return caught.value


def test_the_right_password_is_accepted_and_a_wrong_one_rejected(host):
    """Each verdict costs one try."""
    assert probe().login(target(host), RIGHT) is Verdict.ACCEPTED
    assert probe().login(target(host), WRONG) is Verdict.REJECTED
    assert (host.accepted.total(), host.rejected.total()) == (1, 1)


def test_neither_agent_nor_key_file_is_asked(host, tmp_path_factory, monkeypatch):
    """A key would log in with any password; the host allows one try, so no key was tried before."""
    host.behaviour = SshBehaviour(methods=("publickey", "password"), max_tries=1)
    home = tmp_path_factory.mktemp("h")
    (home / ".ssh").mkdir()
    paramiko.ECDSAKey.generate().write_private_key_file(str(home / ".ssh" / "id_ecdsa"))
    with socket.socket(socket.AF_UNIX) as agent:
        agent.bind(str(home / "agent"))
        agent.listen()
        agent.settimeout(0)
        monkeypatch.setenv("HOME", str(home))
        monkeypatch.setenv("SSH_AUTH_SOCK", str(home / "agent"))
        assert probe().login(target(host), RIGHT) is Verdict.ACCEPTED
        with pytest.raises(BlockingIOError):
            agent.accept()


class TwoKeys(SshHost):
    """A host with a second key, of a kind that clients like less."""

    second = paramiko.ECDSAKey.generate()

    def _talk(self, transport):
        transport.add_server_key(self.second)
        super()._talk(transport)


def test_of_several_keys_the_pinned_kind_is_asked_for():
    """A host with more keys than the secret names does not count as changed."""
    with TwoKeys(lambda *_: True) as host:
        for key in (host.host_key, f"{host.second.get_name()} {host.second.get_base64()}"):
            assert probe().login(target(host, key=key), RIGHT) is Verdict.ACCEPTED


def test_a_key_of_a_kind_the_host_does_not_show_counts_as_changed(host):
    """The pinned kind is the only one that is negotiated."""
    other = "ecdsa-sha2-nistp256 AAAAE2VjZHNhLXNoYTItbmlzdHAyNTY="
    assert refused(host, target(host, key=other)).vendor_code == "host_key_changed"


@pytest.mark.parametrize(
    ("behaviour", "code"),
    [
        (SshBehaviour(methods=("publickey",)), "password_method_not_offered"),
        (SshBehaviour(methods=("keyboard-interactive",)), "password_method_not_offered"),
        (SshBehaviour(asks_for_change={"root"}), "password_expired"),
        (SshBehaviour(hang_up="auth"), "ssh_protocol"),
    ],
    ids=["keys-only", "keyboard-only", "expired", "closes-in-auth"],
)
def test_what_says_nothing_about_the_password_is_no_rejection(host, behaviour, code):
    """Each reason has its own stable code."""
    host.behaviour = behaviour
    assert refused(host, target(host)).vendor_code == code


@pytest.mark.parametrize("greeting", [b"HTTP/1.1 400 Bad Request\r\n\r\n", b"SSH-1.0-old\r\n", b""])
def test_what_does_not_speak_ssh_is_no_rejection(peer, greeting):
    """A web server, an old protocol and a silent peer have the same code."""
    port = peer(greeting, reads=False).port
    with pytest.raises(CannotVerify) as caught:
        probe().login(LoginTarget("ssh", "127.0.0.1", port, "root", "ssh-ed25519 AAAA"), RIGHT)
    assert caught.value.vendor_code == "ssh_protocol"


def test_a_missing_paramiko_is_named(host, monkeypatch):
    """The hint says what to install."""
    monkeypatch.setitem(sys.modules, "paramiko", None)
    with pytest.raises(MissingExtra) as caught:
        probe().login(target(host), RIGHT)
    assert "SSH=1" in caught.value.hint


def test_what_a_login_needs_is_known_before(monkeypatch):
    """The missing key or package is known without a connection; the hint has both ways to get the key."""
    unpinned = LoginTarget("ssh", "host.example", 22, "root")
    assert probe().unready(dataclasses.replace(unpinned, host_key="ssh-ed25519 AAAA")) is None
    problem = probe().unready(unpinned)
    assert type(problem) is ConfigError
    assert "lacks `host_key`" in problem.message
    assert "LOCKSTEP_SSH_TRUST_ON_FIRST_USE" in problem.hint
    monkeypatch.setitem(sys.modules, "paramiko", None)
    assert type(probe().unready(unpinned)) is MissingExtra


def test_no_password_leaks(host, caplog):
    """Neither an error nor paramiko's log at DEBUG holds a password."""
    for name in ("", "paramiko", "paramiko.transport"):
        caplog.set_level(logging.DEBUG, logger=name)
    shown = []
    for behaviour in (SshBehaviour(), SshBehaviour(asks_for_change={"root"}), SshBehaviour(methods=("publickey",))):
        host.behaviour = behaviour
        for password in (RIGHT, WRONG):
            try:
                probe().login(target(host), password)
            except CannotVerify as error:
                shown += [repr(error), str(error.describe()), repr(error.__context__)]
    assert "paramiko.transport" in caplog.text
    assert not leaks(caplog.text + "".join(shown), [RIGHT, WRONG])


def unmet(where, *, most=10.0):
    """Return why the host could not be met; a login says the same, and that the password was not shown."""
    with pytest.raises(CannotVerify) as met:
        probe(most=most).greet(where)
    with pytest.raises(CannotVerify) as tried:
        probe(most=most).login(where, RIGHT)
    assert (met.value.vendor_code, met.value.hint) == (tried.value.vendor_code, tried.value.hint)
    assert (met.value.unsent, tried.value.unsent) == (True, True)
    assert met.value.hint
    return met.value


def test_what_keeps_a_host_from_being_met_keeps_the_password_back(host, closed):
    """Each reason has its own code in a greeting and in a login, and neither shows the password."""
    missing = unmet(target(host, key=None))
    assert missing.vendor_code == "host_key_missing"
    assert "host_key" in missing.hint
    assert unmet(target(host, key="ssh-nonsense AAAA")).vendor_code == "ssh_protocol"
    host.behaviour = SshBehaviour(hang_up="connect")
    assert unmet(target(host)).vendor_code == "ssh_protocol"
    host.behaviour = SshBehaviour(banner_delay=30)
    assert unmet(target(host), most=0.5).vendor_code == "no_answer"
    stale = host.host_key
    host.change_host_key()
    host.behaviour = SshBehaviour()
    assert unmet(target(host, key=stale)).vendor_code == "host_key_changed"
    assert unmet(LoginTarget("ssh", "127.0.0.1", closed, "root", stale)).vendor_code == "port_closed"
    assert (host.accepted.total(), host.rejected.total()) == (0, 0)


def test_without_enough_time_no_connection_is_made(host):
    """A login or a greeting that could be cut off is not started."""
    with pytest.raises(NotEnoughTime):
        probe(left=2.0).login(target(host), RIGHT)
    with pytest.raises(NotEnoughTime):
        probe(left=2.0).greet(target(host))
    assert host.connections == 0


def test_a_key_is_learnt_and_a_host_is_met_without_a_login(host):
    """Learning the key takes a key exchange alone; meeting the host also asks which methods it offers."""
    assert probe().host_key(host.host, host.port) == host.host_key
    probe().greet(target(host))
    assert (host.accepted.total(), host.rejected.total(), host.connections) == (0, 0, 2)


def test_a_host_without_the_password_method_is_not_met(host):
    """The host is asked without a password, so a reset that no login could prove is not sent."""
    host.behaviour = SshBehaviour(methods=("publickey", "keyboard-interactive"))
    with pytest.raises(CannotVerify) as caught:
        probe().greet(target(host))
    assert (caught.value.vendor_code, caught.value.unsent) == ("password_method_not_offered", True)
    assert host.rejected.total() == 0


def test_a_host_that_hangs_up_on_the_only_try_has_refused_the_password(host):
    """A host that ends the connection after a wrong password, and answers a new one, gives one answer."""
    host.behaviour = SshBehaviour(max_tries=1)
    assert probe().login(target(host), WRONG) is Verdict.REJECTED
    assert probe().login(target(host), RIGHT) is Verdict.ACCEPTED
    assert (host.accepted.total(), host.rejected.total()) == (1, 1)


def test_a_password_whose_answer_is_lost_may_have_been_counted(host):
    """A host that cannot be reached again after it hung up has given no answer; an answered login is not lost."""
    host.behaviour = SshBehaviour(max_tries=1)
    host.up = lambda: host.connections < 2
    with pytest.raises(CannotVerify) as caught:
        probe().login(target(host), WRONG)
    assert (caught.value.vendor_code, caught.value.unsent, caught.value.definite) == ("ssh_protocol", False, False)
    host.up, host.behaviour = lambda: True, SshBehaviour(methods=("publickey",))
    answered = refused(host, target(host))
    assert (answered.unsent, answered.definite) == (False, True)


def test_a_login_may_take_as_long_as_the_deployment_says(host):
    """A host that answers later than the limit gives no answer; with a longer limit its answer counts."""
    host.behaviour = SshBehaviour(answer_delay=1.0)
    with pytest.raises(CannotVerify) as caught:
        probe(most=0.6).login(target(host), RIGHT)
    assert (caught.value.vendor_code, caught.value.definite) == ("no_answer", False)
    assert probe(most=15.0).login(target(host), RIGHT) is Verdict.ACCEPTED


@pytest.mark.parametrize("behaviour", [SshBehaviour(must_change={"root"}), SshBehaviour(sessions=False)])
def test_a_login_that_opens_nothing_is_no_wrong_login(host, behaviour):
    """The host took the password, so it counted no wrong login, and the error says so."""
    host.behaviour = behaviour
    opened = refused(host, target(host))
    assert (opened.unsent, opened.definite) == (False, True)
    assert (host.accepted.total(), host.rejected.total()) == (1, 0)


def test_a_lock_is_named_where_the_host_says_so(host):
    """An OpenSSH with keyboard-interactive is asked why it refused the password, and no prompt is answered."""
    host.behaviour = SshBehaviour(methods=("password", "keyboard-interactive"), locked={"root"})
    with pytest.raises(AccountLocked):
        probe().login(target(host), RIGHT)
    assert host.rejected.total() == 1
    host.behaviour = SshBehaviour(methods=("password", "keyboard-interactive"))
    assert probe().login(target(host), WRONG) is Verdict.REJECTED
    assert host.rejected.total() == 2


def test_a_host_that_may_count_a_question_is_not_asked_about_a_lock(host):
    """An OpenSSH of distributions with pam_tally2 counts a login when it begins, so the refusal stands alone."""
    host.behaviour = SshBehaviour(methods=("password", "keyboard-interactive"), locked={"root"})
    host.version = "SSH-2.0-OpenSSH_7.4"
    assert probe().login(target(host), RIGHT) is Verdict.REJECTED


def test_looking_a_host_up_has_no_time_of_its_own(resolver):
    """A resolver that hangs does not hold the probe, and nothing was sent."""
    error = unmet(LoginTarget("ssh", "host.example", 22, "root", "ssh-ed25519 AAAA"), most=0.3)
    assert (error.vendor_code, resolver.is_set()) == ("no_answer", False)


@pytest.mark.parametrize(
    "offer",
    [
        {"ciphers": ("aes128-cbc", "aes256-cbc", "3des-cbc")},
        {"ciphers": ("aes128-ctr",), "digests": ("hmac-sha1", "hmac-md5", "hmac-sha1-96", "hmac-md5-96")},
    ],
    ids=["ciphers", "digests"],
)
@pytest.mark.parametrize("key", ["", None], ids=["pinned", "first use"])
def test_a_host_with_weak_algorithms_alone_gets_no_password(host, offer, key: str | None):
    """CBC, 3DES, SHA-1 and MD5 are not offered, so there is no connection and no login."""
    host.behaviour = dataclasses.replace(host.behaviour, **offer)
    ask = probe().host_key if key is None else lambda *_: probe().login(target(host), RIGHT)
    with pytest.raises(CannotVerify) as caught:
        ask(host.host, host.port)
    assert (caught.value.vendor_code, caught.value.unsent) == ("ssh_protocol", True)
    assert (host.accepted.total(), host.rejected.total()) == (0, 0)
