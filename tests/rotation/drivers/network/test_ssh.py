"""The SSH probe against a real SSH server."""

from __future__ import annotations

import dataclasses
import logging
import socket
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import paramiko
import pytest

from rotation.core.errors import CannotVerify, ConfigError, MissingExtra, NotEnoughTime
from rotation.core.secret import Secret
from rotation.core.values import LoginTarget, Verdict
from rotation.drivers.network.ssh import SshProbe
from rotation_testkit.canary.spellings import leaks
from rotation_testkit.doubles.hosts.ssh import SshBehaviour, SshHost

RIGHT, WRONG = Secret("Canary-right/1+a"), Secret("Canary-wrong/2+b")


@pytest.fixture
def host() -> Iterator[SshHost]:
    """A host that takes one password."""
    with SshHost(lambda user, password: (user, password) == ("root", RIGHT.reveal())) as started:
        yield started


def target(host: SshHost, *, key: str | None = "", user: str = "root") -> LoginTarget:
    """Where the host is; its own key by default."""
    return LoginTarget("ssh", host.host, host.port, user, host.host_key if key == "" else key)


def probe(*, left: float = 30.0, most: float = 10.0) -> SshProbe:
    """A probe with time."""
    return SshProbe(time_left=lambda: left, most_seconds=most)


def refused(host: SshHost, target_: LoginTarget, *, most: float = 10.0) -> CannotVerify:
    """Return why the probe could not tell."""
    with pytest.raises(CannotVerify) as caught:
        probe(most=most).login(target_, RIGHT)
    assert host.accepted.total() + host.rejected.total() <= 1
    return caught.value


def test_the_right_password_is_accepted_and_a_wrong_one_rejected(host: SshHost) -> None:
    """Each verdict costs one try."""
    assert probe().login(target(host), RIGHT) is Verdict.ACCEPTED
    assert probe().login(target(host), WRONG) is Verdict.REJECTED
    assert (host.accepted.total(), host.rejected.total()) == (1, 1)


def test_without_a_host_key_nothing_is_sent(host: SshHost) -> None:
    """The new password is not shown to an unknown host."""
    error = refused(host, target(host, key=None))
    assert error.vendor_code == "host_key_missing"
    assert "host_key" in error.hint
    assert host.accepted.total() == 0


def test_a_changed_host_key_keeps_the_password_back(host: SshHost) -> None:
    """The probe cannot distinguish a reinstalled host from an attacker."""
    stale = host.host_key
    host.change_host_key()
    assert refused(host, target(host, key=stale)).vendor_code == "host_key_changed"
    assert host.accepted.total() + host.rejected.total() == 0


def test_neither_agent_nor_key_file_is_asked(
    host: SshHost, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
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

    def _talk(self, transport: paramiko.Transport) -> None:
        transport.add_server_key(self.second)
        super()._talk(transport)


def test_of_several_keys_the_pinned_kind_is_asked_for() -> None:
    """A host with more keys than the secret names does not count as changed."""
    with TwoKeys(lambda *_: True) as host:
        for key in (host.host_key, f"{host.second.get_name()} {host.second.get_base64()}"):
            assert probe().login(target(host, key=key), RIGHT) is Verdict.ACCEPTED


def test_a_key_of_a_kind_the_host_does_not_show_counts_as_changed(host: SshHost) -> None:
    """The pinned kind is the only one that is negotiated."""
    other = "ecdsa-sha2-nistp256 AAAAE2VjZHNhLXNoYTItbmlzdHAyNTY="
    assert refused(host, target(host, key=other)).vendor_code == "host_key_changed"


def test_a_key_of_an_unknown_kind_is_named(host: SshHost) -> None:
    """A typing error in the secret does not count as a changed key."""
    assert refused(host, target(host, key="ssh-nonsense AAAA")).vendor_code == "ssh_protocol"


@pytest.mark.parametrize(
    ("behaviour", "code"),
    [
        (SshBehaviour(methods=("publickey",)), "password_method_not_offered"),
        (SshBehaviour(methods=("keyboard-interactive",)), "password_method_not_offered"),
        (SshBehaviour(expired={"root"}), "password_expired"),
        (SshBehaviour(hang_up="connect"), "ssh_protocol"),
        (SshBehaviour(hang_up="auth"), "ssh_protocol"),
    ],
    ids=["keys-only", "keyboard-only", "expired", "closes", "closes-in-auth"],
)
def test_what_says_nothing_about_the_password_is_no_rejection(
    host: SshHost, behaviour: SshBehaviour, code: str
) -> None:
    """Each reason has its own stable code."""
    host.behaviour = behaviour
    assert refused(host, target(host)).vendor_code == code


def test_a_host_that_disconnects_instead_of_refusing_is_no_rejection(host: SshHost) -> None:
    """OpenSSH disconnects after too many tries, whether the password was right or not."""
    host.behaviour = SshBehaviour(max_tries=1)
    with pytest.raises(CannotVerify) as caught:
        probe().login(target(host), WRONG)
    assert caught.value.vendor_code == "ssh_protocol"


@contextmanager
def stranger(greeting: bytes) -> Iterator[int]:
    """A server that says one thing and closes."""
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def answer() -> None:
            connection, _ = listener.accept()
            with connection:
                connection.sendall(greeting)

        thread = threading.Thread(target=answer, daemon=True)
        thread.start()
        yield listener.getsockname()[1]
        thread.join(5)


@pytest.mark.parametrize("greeting", [b"HTTP/1.1 400 Bad Request\r\n\r\n", b"SSH-1.0-old\r\n", b""])
def test_what_does_not_speak_ssh_is_no_rejection(greeting: bytes) -> None:
    """A web server, an old protocol and a silent peer have the same code."""
    with stranger(greeting) as port, pytest.raises(CannotVerify) as caught:
        probe().login(LoginTarget("ssh", "127.0.0.1", port, "root", "ssh-ed25519 AAAA"), RIGHT)
    assert caught.value.vendor_code == "ssh_protocol"


def test_without_enough_time_nothing_is_tried(host: SshHost) -> None:
    """A login that could be cut off is not started."""
    with pytest.raises(NotEnoughTime):
        probe(left=2.0).login(target(host), RIGHT)
    assert host.accepted.total() == 0


def test_a_missing_paramiko_is_named(host: SshHost, monkeypatch: pytest.MonkeyPatch) -> None:
    """The hint says what to install."""
    monkeypatch.setitem(sys.modules, "paramiko", None)
    with pytest.raises(MissingExtra) as caught:
        probe().login(target(host), RIGHT)
    assert ".[ssh]" in caught.value.hint


def test_what_a_login_needs_is_known_before(monkeypatch: pytest.MonkeyPatch) -> None:
    """The missing key or package is known without a connection; the hint has both ways to get the key."""
    unpinned = LoginTarget("ssh", "host.example", 22, "root")
    assert probe().unready(dataclasses.replace(unpinned, host_key="ssh-ed25519 AAAA")) is None
    problem = probe().unready(unpinned)
    assert type(problem) is ConfigError
    assert "lacks `host_key`" in problem.message
    assert "LOCKSTEP_SSH_TRUST_ON_FIRST_USE" in problem.hint
    monkeypatch.setitem(sys.modules, "paramiko", None)
    assert type(probe().unready(unpinned)) is MissingExtra


def test_a_key_is_learnt_without_a_login(host: SshHost) -> None:
    """Only keys are exchanged: no name and no password reach the host."""
    host.behaviour = SshBehaviour(methods=("publickey",))
    assert probe().host_key(host.host, host.port) == host.host_key
    assert (host.accepted.total(), host.rejected.total(), host.connections) == (0, 0, 1)


def test_no_password_leaks(host: SshHost, caplog: pytest.LogCaptureFixture) -> None:
    """Neither an error nor paramiko's log at DEBUG holds a password."""
    caplog.set_level(logging.DEBUG)
    caplog.set_level(logging.DEBUG, logger="paramiko")
    caplog.set_level(logging.DEBUG, logger="paramiko.transport")
    shown = []
    for behaviour in (SshBehaviour(), SshBehaviour(expired={"root"}), SshBehaviour(methods=("publickey",))):
        host.behaviour = behaviour
        for password in (RIGHT, WRONG):
            try:
                probe().login(target(host), password)
            except CannotVerify as error:
                shown += [repr(error), str(error.describe()), repr(error.__context__)]
    assert "paramiko.transport" in caplog.text
    assert not leaks(caplog.text + "".join(shown), [RIGHT, WRONG])


def test_a_host_is_met_without_a_login(host: SshHost) -> None:
    """Only keys are exchanged and compared: no name and no password reach the host."""
    probe().greet(target(host))
    assert (host.accepted.total(), host.rejected.total(), host.connections) == (0, 0, 1)


def unmet(where: LoginTarget, *, most: float = 10.0) -> CannotVerify:
    """Return why the host could not be met; a login says the same, and that the password was not shown."""
    with pytest.raises(CannotVerify) as met:
        probe(most=most).greet(where)
    with pytest.raises(CannotVerify) as tried:
        probe(most=most).login(where, RIGHT)
    assert (met.value.vendor_code, met.value.hint) == (tried.value.vendor_code, tried.value.hint)
    assert met.value.unsent
    assert tried.value.unsent
    assert met.value.hint
    return met.value


def test_what_keeps_a_host_from_being_met_keeps_the_password_back(host: SshHost, closed: int) -> None:
    """Each reason has its own code in a greeting and in a login, and neither shows the password."""
    assert unmet(target(host, key=None)).vendor_code == "host_key_missing"
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


def test_no_host_is_met_without_time(host: SshHost) -> None:
    """Without time no connection is made."""
    with pytest.raises(NotEnoughTime):
        probe(left=2.0).greet(target(host))
    assert host.connections == 0


def test_a_password_whose_answer_is_lost_may_have_been_counted(host: SshHost) -> None:
    """OpenSSH hangs up after too many tries and has counted this one; an answered login is not lost."""
    host.behaviour = SshBehaviour(max_tries=1)
    with pytest.raises(CannotVerify) as caught:
        probe().login(target(host), WRONG)
    assert (caught.value.unsent, caught.value.definite) == (False, False)
    host.behaviour = SshBehaviour(methods=("publickey",))
    with pytest.raises(CannotVerify) as told:
        probe().login(target(host), RIGHT)
    assert (told.value.unsent, told.value.definite) == (False, True)


def test_looking_a_host_up_has_no_time_of_its_own(resolver: threading.Event) -> None:
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
def test_a_host_with_weak_algorithms_alone_gets_no_password(
    host: SshHost, offer: dict[str, tuple[str, ...]], key: str | None
) -> None:
    """CBC, 3DES, SHA-1 and MD5 are not offered, so there is no connection and no login."""
    host.behaviour = dataclasses.replace(host.behaviour, **offer)
    ask = probe().host_key if key is None else lambda *_: probe().login(target(host), RIGHT)
    with pytest.raises(CannotVerify) as caught:
        ask(host.host, host.port)
    assert (caught.value.vendor_code, caught.value.unsent) == ("ssh_protocol", True)
    assert (host.accepted.total(), host.rejected.total()) == (0, 0)
