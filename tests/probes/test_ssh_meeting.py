"""What the SSH probe does before it shows a password, and what it says when it never came to that."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator

import pytest

from rotation.core.errors import CannotVerify, NotEnoughTime
from rotation.core.secret import Secret
from rotation.core.values import LoginTarget
from rotation.drivers.network.ssh import SshProbe
from rotation_testkit.doubles.hosts.ssh import SshBehaviour, SshHost

RIGHT, WRONG = Secret("Canary-right/1+a"), Secret("Canary-wrong/2+b")


@pytest.fixture
def host() -> Iterator[SshHost]:
    """A host that takes one password."""
    with SshHost(lambda user, password: (user, password) == ("root", RIGHT.reveal())) as started:
        yield started


def target(host: SshHost, *, key: str | None = "") -> LoginTarget:
    """Where the host is; its own key by default."""
    return LoginTarget("ssh", host.host, host.port, "root", host.host_key if key == "" else key)


def probe(*, left: float = 30.0, most: float = 10.0) -> SshProbe:
    """A probe with time."""
    return SshProbe(time_left=lambda: left, most_seconds=most)


def test_a_host_is_met_without_a_login(host: SshHost) -> None:
    """The key exchange alone, and the pinned key; no name and no password reach it."""
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


def test_what_keeps_a_host_from_being_met_keeps_the_password_back(host: SshHost) -> None:
    """Each reason has its code, as in a login, which then costs nothing."""
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
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    assert unmet(LoginTarget("ssh", "127.0.0.1", port, "root", stale)).vendor_code == "port_closed"
    assert (host.accepted.total(), host.rejected.total()) == (0, 0)


def test_no_host_is_met_without_time(host: SshHost) -> None:
    """It is not even called."""
    with pytest.raises(NotEnoughTime):
        probe(left=2.0).greet(target(host))
    assert host.connections == 0


def test_a_password_whose_answer_is_lost_may_have_been_counted(host: SshHost) -> None:
    """OpenSSH drops whoever tried too often, and has counted the try; what it answers is no such loss."""
    host.behaviour = SshBehaviour(max_tries=1)
    with pytest.raises(CannotVerify) as caught:
        probe().login(target(host), WRONG)
    assert (caught.value.unsent, caught.value.definite) == (False, False)
    host.behaviour = SshBehaviour(methods=("publickey",))
    with pytest.raises(CannotVerify) as told:
        probe().login(target(host), RIGHT)
    assert (told.value.unsent, told.value.definite) == (False, True)


def test_looking_a_host_up_has_no_time_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    """A resolver that hangs is left behind, and nothing was sent."""
    go, answered = threading.Event(), threading.Event()

    def hang(*_: object, **__: object) -> list[object]:
        go.wait(60)
        answered.set()
        return []

    monkeypatch.setattr(socket, "getaddrinfo", hang)
    error = unmet(LoginTarget("ssh", "host.example", 22, "root", "ssh-ed25519 AAAA"), most=0.3)
    waited_for = answered.is_set()
    go.set()
    for thread in threading.enumerate():
        if thread.name == "lockstep-look-up":
            thread.join(60)
    assert (error.vendor_code, waited_for) == ("no_answer", False)
