"""CVM through the handler: servers that are stopped with leave, resets that only a state shows, and faults."""

import pytest

from rotation.core.secret import Secret
from rotation_testkit.doubles.hosts.ssh import SshHost
from rotation_testkit.doubles.hosts.winrm import WinRmHost
from rotation_testkit.doubles.secretsmanager import RotationState
from rotation_testkit.doubles.vendor_api.faults import FaultKind
from rotation_testkit.doubles.vendors.tencent_cvm.simulator import Delays, TencentCvm

OLD = Secret("Old-pass-1234")
SERVER = "ins-1"
RESET, START, STOP = "ResetInstancesPassword", "StartInstances", "StopInstances"
TROUBLES = {
    "lost": (FaultKind.DROP_BEFORE, {}),
    "answer-lost": (FaultKind.DROP_AFTER, {}),
    "failed": (FaultKind.VENDOR_CODE, {"code": "InternalServerError"}),
    "failed-afterwards": (FaultKind.VENDOR_CODE_AFTER, {"code": "InternalServerError"}),
    "busy": (FaultKind.VENDOR_CODE, {"code": "MutexOperation.TaskRunning"}),
    "throttled": (FaultKind.THROTTLE, {}),
}


@pytest.fixture
def cloud(clock):
    """CVM with a running server, where each operation takes seconds."""
    made = TencentCvm(clock=clock.now, delays=Delays(stop=7, start=9, reset=20))
    made.add_server(SERVER, password=OLD)
    return made


@pytest.fixture
def serve(install, cloud):
    """The function that starts the server's rotation function, given the login in its secret."""

    def make(power_off="allow", retries=2, **login):
        place = {"driver": "tencent_cvm", "instance_id": SERVER, "region": "ap-guangzhou", "password": OLD.reveal()}
        key = cloud.credentials
        admin = {"secret_id": key.secret_id, "secret_key": key.secret_key.reveal(), "power_off": power_off}
        return install(cloud, {**place, **login}, admin, lambda: cloud.guest_password(SERVER), retries=retries)

    return make


@pytest.fixture
def ssh(cloud):
    """The host that takes the server's logins while it runs."""
    with SshHost(cloud.guest_login(SERVER), up=lambda: cloud.running(SERVER)) as host:
        cloud.servers[SERVER].private_ip = host.host
        yield host


@pytest.fixture
def server(serve, ssh):
    """The rotation function of a Linux server that may be stopped."""
    return serve(username="root", host_key=ssh.host_key, ssh_port=ssh.port)


def test_a_server_is_stopped_reset_and_started(server, cloud, ssh):
    """The reset is over before the start is sent, and then one login proves the password."""
    assert server.rotate().state is RotationState.SUCCEEDED, server.codes()
    assert server.settled()
    changes = [each for each in cloud.requests if each.operation != "DescribeInstances"]
    assert [each.operation for each in changes] == [STOP, RESET, START]
    assert {each.outcome for each in changes} == {"ok"}
    target = cloud.target(SERVER)
    assert (target.state, ssh.accepted.total(), ssh.rejected.total()) == ("RUNNING", 1, 0)
    assert (server.reports[-1]["evidence"], server.codes()) == ("LOGIN", [])


def test_without_leave_a_running_server_is_left_alone(serve, cloud, ssh):
    """Nothing is staged, stopped or sent; once an operator has stopped it, leave is not needed."""
    server = serve("refuse", username="root", host_key=ssh.host_key, ssh_port=ssh.port)
    assert server.rotate_once().state is RotationState.FAILED
    assert set(server.codes()) == {"precondition_failed"}
    assert "power_off" in server.errors[0].hint
    target = cloud.target(SERVER)
    assert (target.state, target.stops, target.attempts) == ("RUNNING", 0, 0)
    assert server.store.value("lockstep/account", stage="AWSPENDING") is None
    target.state = "STOPPED"
    server.put({**server.document(), "power": "running"})
    assert server.next_rotation() is RotationState.SUCCEEDED
    assert (server.settled(), cloud.target(SERVER).stops) == (True, 0)


@pytest.mark.parametrize(
    ("operation", "trouble"), [*((RESET, each) for each in TROUBLES), (STOP, "failed"), (START, "answer-lost")]
)
def test_the_server_runs_again_whatever_happens(server, cloud, operation, trouble):
    """After one fault in any of the three calls, the current password is live and the server runs."""
    kind, details = TROUBLES[trouble]
    cloud.faults.add(operation, kind, **details)
    assert server.rotate().state is RotationState.SUCCEEDED, server.codes()
    assert server.settled()
    assert cloud.target(SERVER).state == "RUNNING"
    assert cloud.resets(SERVER) <= 2


def test_a_reset_that_fails_by_its_state_is_sent_again(server, cloud):
    """The vendor says yes and shows FAILED later; the same candidate goes through at a later attempt."""
    target = cloud.target(SERVER)
    target.reset_fails = True
    assert server.rotate_once().state is RotationState.FAILED
    staged = server.document("AWSPENDING")["password"]
    assert (server.password, cloud.resets(SERVER)) == (OLD, 0)
    target.reset_fails = False
    assert server.next_rotation() is RotationState.SUCCEEDED
    assert server.settled()
    assert (server.password, target.state) == (Secret(staged), "RUNNING")


def test_a_success_that_was_none_is_caught_by_the_login(server, cloud):
    """The old password stays current, and the server runs."""
    cloud.target(SERVER).guest_ignores_reset = True
    assert server.rotate_once().state is RotationState.FAILED
    assert server.codes()[0] == "login_rejected"
    assert server.password == OLD == cloud.guest_password(SERVER)
    assert cloud.target(SERVER).state == "RUNNING"


def test_a_guest_that_does_not_shut_down_is_not_forced(server, cloud):
    """The server goes on running with its old password, and no reset is sent."""
    cloud.target(SERVER).stop_fails = True
    assert server.rotate_once().state is RotationState.FAILED
    target = cloud.target(SERVER)
    assert (target.state, target.attempts, server.password) == ("RUNNING", 0, OLD)


def test_a_windows_server_rotates(serve, cloud):
    """It is proved by one login over WinRM."""
    target = cloud.add_server(SERVER, password=OLD, os_name="Windows Server 2022")
    with WinRmHost(cloud.guest_users(SERVER), up=lambda: cloud.running(SERVER)) as host:
        target.private_ip = host.host
        windows = serve(username="Administrator", winrm_port=host.port, certificate=host.fingerprint)
        assert windows.rotate().state is RotationState.SUCCEEDED, windows.codes()
        assert windows.settled()
        assert (target.stops, target.starts, host.accepted.total(), host.rejected.total()) == (1, 1, 1, 0)
