"""UHost through the handler: servers that are stopped for a reset, faults on the way, and what is left alone."""

import pytest

from rotation.core.secret import Secret
from rotation_testkit.doubles.hosts.winrm import WinRmHost
from rotation_testkit.doubles.secretsmanager import RotationState
from rotation_testkit.doubles.vendor_api.faults import FaultKind

OLD = Secret("Old-pass-1234")
RESET, START, STOP = "ResetUHostInstancePassword", "StartUHostInstance", "StopUHostInstance"
TROUBLES = {
    "lost": (FaultKind.DROP_BEFORE, {}),
    "answer-lost": (FaultKind.DROP_AFTER, {}),
    "failed": (FaultKind.VENDOR_CODE, {"code": "8898"}),
    "failed-afterwards": (FaultKind.VENDOR_CODE_AFTER, {"code": "8860"}),
    "changing": (FaultKind.VENDOR_CODE, {"code": "8905"}),
}


def test_a_server_is_stopped_reset_and_started(server, cloud, ssh):
    """The calls come in this order, and then one login proves the password."""
    assert server.rotate().state is RotationState.SUCCEEDED
    assert server.settled()
    changes = [each.operation for each in cloud.requests if not each.operation.startswith("Describe")]
    assert changes == [STOP, RESET, START]
    assert (cloud.instance("uhost-1").state, ssh.accepted.total(), ssh.rejected.total()) == ("Running", 1, 0)
    assert server.reports[-1]["evidence"] == "LOGIN"


@pytest.mark.parametrize(
    ("operation", "trouble"), [*((RESET, each) for each in TROUBLES), (STOP, "changing"), (START, "answer-lost")]
)
def test_the_server_runs_again_whatever_happens(server, cloud, operation, trouble):
    """After one fault in any of the three calls, the current password is live and the server runs."""
    kind, details = TROUBLES[trouble]
    cloud.faults.add(operation, kind, **details)
    assert server.rotate().state is RotationState.SUCCEEDED, server.codes()
    assert server.settled()
    assert cloud.instance("uhost-1").state == "Running"
    assert cloud.resets("uhost-1") <= 2


def test_a_zero_that_was_none_is_caught_by_the_login(server, cloud):
    """Where the image's default account was changed, the vendor says yes and the old password stays current."""
    cloud.instance("uhost-1").guest_ignores_reset = True
    assert server.rotate_once().state is RotationState.FAILED
    assert server.codes()[0] == "login_rejected"
    assert server.password == OLD == cloud.guest_password("uhost-1")


@pytest.mark.parametrize("fact", [{"charge_type": "Preemptive"}, {"key_pair": "kp-1"}, {"encrypted": True}])
def test_what_may_not_come_back_is_left_alone(server, cloud, fact):
    """Nothing is staged, stopped or sent to a server of which the vendor does not say that it starts unharmed."""
    for name, value in fact.items():
        setattr(cloud.instance("uhost-1"), name, value)
    assert server.rotate_once().state is RotationState.FAILED
    assert set(server.codes()) == {"precondition_failed"}
    instance = cloud.instance("uhost-1")
    assert (instance.stops, instance.attempts) == (0, 0)
    assert server.store.value("lockstep/account", stage="AWSPENDING") is None


def test_a_start_that_fails_is_tried_again(server, cloud):
    """With code 8844 the password is set, and the server starts at a later attempt."""
    cloud.service.capacity = False
    assert server.rotate_once().state is RotationState.FAILED
    assert {error.vendor_code for error in server.errors} == {"8844"}
    cloud.service.capacity = True
    assert server.next_rotation() is RotationState.SUCCEEDED
    assert server.settled()
    assert (cloud.instance("uhost-1").state, cloud.resets("uhost-1")) == ("Running", 1)


def test_a_windows_server_rotates(serve, cloud):
    """It is proved by one login over WinRM."""
    instance = cloud.add_server("uhost-1", password=OLD, os_type="Windows")
    with WinRmHost(cloud.guest_users("uhost-1"), up=lambda: instance.up) as host:
        windows = serve(username="administrator", winrm_port=host.port, certificate=host.fingerprint)
        assert windows.rotate().state is RotationState.SUCCEEDED, windows.codes()
        assert windows.settled()
        assert (instance.stops, instance.starts, host.accepted.total(), host.rejected.total()) == (1, 1, 1, 0)
