"""The SSH host, driven by paramiko's client."""

import base64
import socket
import threading
import time

import paramiko
import pytest

from rotation.core.secret import Secret
from rotation_testkit.doubles.hosts.ssh import SshBehaviour, SshHost
from rotation_testkit.doubles.vendors.ucloud_compshare.simulator import UCloudCompShare

RIGHT = "Right-pass-1"


@pytest.fixture
def host():
    """A machine with one user."""
    with SshHost(lambda user, password: (user, password) == ("root", RIGHT)) as server:
        yield server


def connect(host, password=RIGHT, *, user="root", pinned="", patience=10):
    """Log in by password only, with the host key pinned, and leave."""
    kind, data = (pinned or host.host_key).split()
    options = {"allow_agent": False, "look_for_keys": False, "timeout": 5, "auth_timeout": 5}
    with paramiko.SSHClient() as client:
        key = paramiko.Ed25519Key(data=base64.b64decode(data))
        client.get_host_keys().add(f"[{host.host}]:{host.port}", kind, key)
        client.connect(host.host, host.port, user, password, banner_timeout=patience, **options)


def transport_to(host):
    """Return a client that has exchanged keys but not logged in."""
    transport = paramiko.Transport((host.host, host.port))
    transport.start_client(timeout=5)
    return transport


def test_right_and_wrong_password(host):
    """The check decides; logins are counted per user."""
    connect(host)
    for user, password in (("root", "wrong"), ("ubuntu", RIGHT)):
        with pytest.raises(paramiko.AuthenticationException):
            connect(host, password, user=user)
    assert host.accepted == {"root": 1}
    assert host.rejected == {"root": 1, "ubuntu": 1}


def test_host_key_line(host):
    """The line is what the client sees as the server's key."""
    transport = transport_to(host)
    key = transport.get_remote_server_key()
    transport.close()
    assert host.host_key == f"ssh-ed25519 {key.get_base64()}"


def test_changed_host_key(host):
    """A client that pinned the earlier key stops before it sends a password."""
    earlier = host.host_key
    host.change_host_key()
    with pytest.raises(paramiko.BadHostKeyException):
        connect(host, pinned=earlier)
    connect(host)
    assert host.accepted == {"root": 1}


def test_password_not_offered(host):
    """A host that offers publickey only does not look even at the right password."""
    host.behaviour.methods = ("publickey",)
    with pytest.raises(paramiko.BadAuthenticationType) as caught:
        connect(host)
    assert caught.value.allowed_types == ["publickey"]
    assert not host.accepted
    assert not host.rejected


def test_keyboard_interactive_only(host):
    """The password is asked for in a prompt; the plain method is refused without a look."""
    host.behaviour.methods = ("keyboard-interactive",)
    transport = transport_to(host)
    with pytest.raises(paramiko.AuthenticationException):
        transport.auth_password("root", RIGHT, fallback=False)
    transport.auth_interactive("root", lambda _title, _text, prompts: [RIGHT for _ in prompts])
    assert transport.is_authenticated()
    transport.close()
    assert host.accepted == {"root": 1}
    assert not host.rejected


def test_expired_password(host):
    """The right password that must be changed is no login, and differs from a wrong one on the wire."""
    host.behaviour.asks_for_change = {"root"}
    with pytest.raises(paramiko.SSHException, match="Illegal info request"):
        connect(host)
    with pytest.raises(paramiko.AuthenticationException):
        connect(host, "wrong")
    assert not host.accepted


def test_slow_banner(host):
    """A host that says nothing for too long is no answer about the password."""
    host.behaviour.banner_delay = 30
    with pytest.raises(paramiko.SSHException, match="banner"):
        connect(host, patience=0.3)
    host.behaviour.banner_delay = 0.2
    connect(host)
    assert host.accepted == {"root": 1}


@pytest.mark.parametrize("moment", ["connect", "auth"])
def test_hang_up(host, moment):
    """A connection that closes before the login counts no login."""
    host.behaviour.hang_up = moment
    with pytest.raises((paramiko.SSHException, EOFError, OSError)) as caught:
        connect(host)
    assert not isinstance(caught.value, paramiko.BadAuthenticationType)
    assert not host.accepted
    assert not host.rejected


def test_machine_that_is_down():
    """A stopped machine gives no login, and gives one again after its start."""
    running = threading.Event()
    with SshHost(lambda _user, _password: True, up=running.is_set) as host:
        with pytest.raises((paramiko.SSHException, EOFError, OSError)):
            connect(host)
        running.set()
        connect(host)
        assert host.accepted == {"root": 1}


def test_tries_per_connection():
    """After so many wrong tries the connection is closed, whatever comes next."""
    behaviour = SshBehaviour(max_tries=2)
    with SshHost(lambda _user, password: password == RIGHT, behaviour=behaviour) as host:
        transport = transport_to(host)
        with pytest.raises(paramiko.BadAuthenticationType):
            transport.auth_none("root")
        for _ in range(2):
            with pytest.raises(paramiko.AuthenticationException):
                transport.auth_password("root", "wrong")
        with pytest.raises((paramiko.SSHException, EOFError, OSError)):
            transport.auth_password("root", RIGHT)
        transport.close()
        assert host.rejected == {"root": 2}
        assert not host.accepted


def test_one_tries_limit_per_connection(host):
    """Each connection counts its wrong tries from zero."""
    host.behaviour.max_tries = 1
    for _ in range(2):
        with pytest.raises((paramiko.SSHException, EOFError)):
            connect(host, "wrong")
    connect(host)


def test_logins_side_by_side(host):
    """A silent client does not keep others out."""
    with socket.create_connection((host.host, host.port)):
        connect(host)
    assert host.accepted == {"root": 1}


def test_leaving_closes_everything():
    """After the block the port is closed, no thread of the host lives, and open clients were cut."""
    earlier = set(threading.enumerate())
    with SshHost(lambda _user, _password: True) as host:
        transport = transport_to(host)
        host.behaviour.banner_delay = 60
        silent = socket.create_connection((host.host, host.port))
    deadline = time.monotonic() + 30
    while transport.is_active() and time.monotonic() < deadline:
        transport.join(0.05)
    assert not transport.is_active()
    transport.close()
    transport.join(30)
    silent.close()
    assert set(threading.enumerate()) <= earlier
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection((host.host, host.port), timeout=10)


def test_guest_of_the_simulated_cloud():
    """Cloud and host together: the guest takes what was reset, while it runs."""
    sim = UCloudCompShare()
    instance = sim.add_instance("uhost-box", password=Secret(RIGHT))
    with SshHost(sim.guest_login("uhost-box"), up=lambda: sim.running("uhost-box")) as host:
        connect(host)
        instance.guest = Secret("Other-pass-2")
        with pytest.raises(paramiko.AuthenticationException):
            connect(host)
        connect(host, "Other-pass-2")
        instance.state = "Stopped"
        with pytest.raises((paramiko.SSHException, EOFError, OSError)):
            connect(host, "Other-pass-2")
    assert (host.accepted["root"], host.rejected["root"]) == (2, 1)
