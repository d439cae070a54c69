"""Whole rotations of Blackstone devices through the handler: after every trouble the current password is live."""

from contextlib import ExitStack
from types import SimpleNamespace

import pytest

from rotation.core.secret import Secret
from rotation_testkit.doubles.hosts.ssh import SshHost
from rotation_testkit.doubles.hosts.winrm import WinRmHost
from rotation_testkit.doubles.secretsmanager import RotationState
from rotation_testkit.doubles.vendor_api.faults import FaultKind
from rotation_testkit.doubles.vendors.tencent_bm.simulator import LINUX, WINDOWS, Delays, TencentBm

OLD = Secret("Old-pass-1234")


def costs(at):
    """Return how many reset requests arrived, and how many wrong logins the host saw."""
    return at.simulator.attempts("cpm-1"), at.host.rejected.total()


@pytest.fixture
def rent(install, clock):
    """The function that adds a device, which takes logins over SSH or, on Windows, WinRM, and its rotation function."""
    with ExitStack() as stack:

        def make(api, os=LINUX, *, spacing=600.0, retries=5, reset=0):
            simulator = TencentBm(clock=clock.now, delays=Delays(reset=reset))
            device = simulator.add_device("cpm-1", password=OLD, os=os)
            if os.windows:
                host = stack.enter_context(WinRmHost(lambda: {device.user: simulator.guest_password("cpm-1")}))
                login = {"winrm_port": host.port, "certificate": host.fingerprint}
            else:
                host = stack.enter_context(SshHost(simulator.guest_login("cpm-1")))
                login = {"ssh_port": host.port, "host_key": host.host_key}
            device.lan_ip = host.host
            place = {"username": device.user, "instance_id": "cpm-1", "region": "ap-beijing"}
            document = {"driver": "tencent_bm", "password": OLD.reveal(), **place, **login}
            key, live = simulator.credentials, lambda: simulator.guest_password("cpm-1")
            admin = {"secret_id": key.secret_id, "secret_key": key.secret_key.reveal(), "api": api}
            function = install(simulator, document, admin, live, retries=retries, spacing=spacing)
            function.seconds = 60.0
            action = "ResetDevicePasswd" if api == "v2" else "ResetDevicePassword"
            return SimpleNamespace(function=function, simulator=simulator, device=device, host=host, reset=action)

        yield make


@pytest.mark.parametrize(
    ("api", "os"),
    [("v2", LINUX), ("v3", LINUX), ("v2", WINDOWS), ("v3", WINDOWS)],
    ids=["v2-linux", "v3-linux", "v2-windows", "v3-windows"],
)
def test_a_device_rotates(rent, api, os):
    """While the task takes 12 s: one reset, one look before each step, no wrong login, and a login as proof."""
    at = rent(api, os, reset=12)
    assert at.function.rotate().state is RotationState.SUCCEEDED
    assert at.function.codes() == []
    assert sum(call.operation.startswith("DescribeOs") for call in at.simulator.requests) == 3
    assert at.function.settled()
    assert at.function.reports[-1]["evidence"] == "LOGIN"
    assert (costs(at), at.host.accepted.total()) == ((1, 0), 1)
    assert at.function.document("AWSPREVIOUS")["password"] == OLD.reveal()


@pytest.mark.parametrize(("api", "spacing"), [("v3", 60.0), ("v2", 600.0)])
def test_a_long_task_is_picked_up_by_a_later_run(rent, api, spacing):
    """The first run ends before the task does; a later one asks for the same task and sends nothing."""
    at = rent(api, spacing=spacing, reset=150)
    assert at.function.rotate().state is RotationState.SUCCEEDED
    assert set(at.function.codes()) == {"in_progress"}
    assert at.function.settled()
    assert costs(at) == (1, 0)


@pytest.mark.parametrize("api", ["v2", "v3"])
@pytest.mark.parametrize(("reset", "spacing", "codes"), [(12, 600.0, set()), (150, 60.0, {"in_progress"})])
def test_a_lost_reply_is_found_out_about(rent, api, reset, spacing, codes):
    """The reset went through: no second one, no wrong login. A run that comes too early sees the reset running."""
    at = rent(api, spacing=spacing, reset=reset)
    at.simulator.faults.add(at.reset, FaultKind.DROP_AFTER)
    assert at.function.rotate().state is RotationState.SUCCEEDED
    assert set(at.function.codes()) == {"outcome_unknown"} | codes
    assert at.function.codes().count("outcome_unknown") == 1
    assert at.function.settled()
    assert costs(at) == (1, 0)


def test_a_lost_request_is_sent_again(rent):
    """One login shows first that the candidate is not live."""
    at = rent("v3", reset=12)
    at.simulator.faults.add(at.reset, FaultKind.DROP_BEFORE)
    assert at.function.rotate().state is RotationState.SUCCEEDED
    assert at.function.codes() == ["outcome_unknown"]
    assert at.function.settled()
    assert (at.simulator.resets("cpm-1"), at.host.rejected.total()) == (1, 1)


@pytest.mark.parametrize(("api", "switch"), [("v2", "reset_fails"), ("v3", "reset_fails_after")])
def test_a_failed_task_is_repeated_with_the_same_candidate(rent, api, switch):
    """A run sends it twice at most, and the next once, even if the failed task did change the password."""
    at = rent(api, reset=12, retries=0)
    setattr(at.device, switch, True)
    assert at.function.rotate().state is RotationState.FAILED
    assert at.function.codes() == ["in_progress"]
    candidate = at.function.document("AWSPENDING")["password"]
    assert at.simulator.attempts("cpm-1") == 2
    setattr(at.device, switch, False)
    assert at.function.next_rotation() is RotationState.SUCCEEDED
    assert at.function.settled()
    assert at.function.document()["password"] == candidate


@pytest.mark.parametrize(("api", "power", "code"), [("v2", 7, "in_progress"), ("v3", 3, "precondition_failed")])
def test_a_device_that_is_not_up_is_left_alone(rent, api, power, code):
    """Nothing is staged or sent until the device is up."""
    at = rent(api, retries=0)
    at.device.power = power
    assert at.function.rotate().state is RotationState.FAILED
    assert (at.function.codes(), at.simulator.attempts("cpm-1")) == ([code], 0)
    at.device.power = 1
    assert at.function.next_rotation() is RotationState.SUCCEEDED
    assert at.function.codes() == [code]
    assert at.function.settled()
