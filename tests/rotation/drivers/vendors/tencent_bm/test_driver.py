"""What Blackstone's driver reads about a device and a task at a served vendor, through either API."""

from urllib.parse import parse_qs

import pytest

from rotation.core import errors
from rotation.core.secret import Secret
from rotation.core.values import LoginTarget, Task, TaskState
from rotation.drivers.contract import Wiring
from rotation.drivers.network.http_door import HttpDoor
from rotation.drivers.vendors.tencent_bm.driver import DRIVER, Admin
from rotation_testkit.doubles.vendor_api.faults import FaultKind
from rotation_testkit.doubles.vendors.tencent_bm.simulator import WINDOWS, Delays, OsType, TencentBm
from rotation_testkit.fault_lab.in_memory.scenario import VirtualClock

OLD, NEW = Secret("Old-pass-1234"), Secret("Newer#pass5678")
APIS = ("v2", "v3")


class Rig:
    """A park with one Linux device, whose reset takes 40 s, and our driver at it."""

    def __init__(self, url, simulator, clock, api):
        self.url, self.simulator, self.clock, self.api = url, simulator, clock, api
        self.account = DRIVER.account(username="root", instance_id="cpm-1", region="ap-beijing")

    @property
    def device(self):
        """The device; its fields are switches."""
        return self.simulator.device("cpm-1")

    def driver(self, **admin):
        """The driver, with another key if asked for."""
        key = self.simulator.credentials
        values = {"secret_id": key.secret_id, "secret_key": key.secret_key, "api": self.api}
        hosts, name = frozenset({self.url.removeprefix("http://")}), DRIVER.request_id_header
        door = HttpDoor(hosts, time_left=lambda: 60.0, call_seconds=5.0, request_id_header=name)
        wiring = Wiring(http=door, endpoint=self.url, admin=Admin(**(values | admin)), now=self.clock.now)
        return DRIVER.factory(wiring)

    def reset(self, driver=None):
        """Send one reset."""
        task = (driver or self.driver()).set_password(self.account, NEW, current=None)
        assert isinstance(task, Task)
        return task

    def obstacles(self):
        """What stands in the way."""
        return [type(each) for each in self.driver().observe(self.account).obstacles]


@pytest.fixture(params=APIS)
def rig(request):
    """The park, through either API."""
    clock = VirtualClock()
    simulator = TencentBm(clock=clock.now, delays=Delays(reset=40))
    simulator.v3.per_action.most = None
    simulator.add_device("cpm-1", password=OLD)
    with simulator.serve() as url:
        yield Rig(url, simulator, clock, request.param)


def test_a_reset_is_a_task_that_ends(rig):
    """The driver returns the task's id; polling shows it running, then done, and then the password is live."""
    task = rig.reset()
    assert task == Task("101")
    driver = rig.driver()
    assert driver.poll(rig.account, task).state is TaskState.RUNNING
    assert rig.simulator.guest_password("cpm-1") == OLD
    rig.clock.sleep(41)
    assert driver.poll(rig.account, task).state is TaskState.DONE
    assert rig.simulator.guest_password("cpm-1") == NEW


def test_a_failed_or_forgotten_task_is_failed(rig):
    """A task that the vendor forgot counts as failed, so that the same candidate is sent again."""
    rig.device.reset_fails = True
    task = rig.reset()
    rig.clock.sleep(41)
    for each in (task, Task("999")):
        assert rig.driver().poll(rig.account, each).state is TaskState.FAILED


def test_other_refusals_of_a_poll_decide_nothing(rig):
    """A key without the right does not mean that the task failed."""
    denied = rig.simulator.add_key(denied=frozenset({"DescriptionOperationResult", "DescribeOperationResult"}))
    driver = rig.driver(secret_id=denied.secret_id, secret_key=denied.secret_key)
    with pytest.raises(errors.PermissionDenied):
        driver.poll(rig.account, rig.reset())


def test_what_observe_finds(rig):
    """Observing finds policy, state and login: the public address, or the one that the account names."""
    rig.device.wan_ip, rig.device.lan_ip = "192.0.2.7", "10.0.0.7"
    seen = rig.driver().observe(rig.account)
    assert (seen.variant, seen.state, seen.obstacles, seen.readback) == ("linux", "1", (), None)
    assert seen.login == LoginTarget("ssh", "192.0.2.7", 22, "root", None)
    rig.account = DRIVER.account(
        username="root", instance_id="cpm-1", region="ap-beijing", ssh_address="lan", ssh_port=2222
    )
    assert rig.driver().observe(rig.account).login == LoginTarget("ssh", "10.0.0.7", 2222, "root", None)
    rig.device.lan_ip = ""
    assert rig.driver().observe(rig.account).login is None


def test_the_system_decides_the_policy(rig):
    """A Windows device has its own policy, takes logins by WinRM, and its user's name has no case."""
    rig.device.os, pin = WINDOWS, "sha256:" + "0a" * 32
    place = {"username": "administrator", "instance_id": "cpm-1", "region": "ap-beijing"}
    rig.account = DRIVER.account(**place, winrm_port=5987, certificate=pin)
    seen = rig.driver().observe(rig.account)
    assert (seen.variant, seen.obstacles) == ("windows", ())
    assert seen.login == LoginTarget("winrm", rig.device.wan_ip or rig.device.lan_ip, 5987, "administrator", pin)


@pytest.mark.parametrize("username", ["Root", "Administrator", "ubuntu"])
def test_another_user_is_in_the_way(rig, username):
    """The vendor resets root, even if the secret names another user."""
    rig.account = DRIVER.account(username=username, instance_id="cpm-1", region="ap-beijing")
    (obstacle,) = rig.driver().observe(rig.account).obstacles
    assert type(obstacle) is errors.PreconditionFailed
    assert obstacle.hint == "Set username to root."


def test_a_system_that_the_vendor_does_not_list_chooses_no_policy(rig):
    """The driver raises instead of guessing."""
    rig.device.os = OsType(77, "mine", "mine", "mine")
    with pytest.raises(errors.PreconditionFailed):
        rig.driver().observe(rig.account)


def test_a_device_that_is_not_there_is_unusable(rig):
    """A wrong id and a wrong region both find no device."""
    for changes in ({"instance_id": "cpm-2"}, {"region": "ap-shanghai"}):
        fields = {"username": "root", "instance_id": "cpm-1", "region": "ap-beijing", **changes}
        with pytest.raises(errors.AccountUnusable) as caught:
            rig.driver().observe(DRIVER.account(**fields))
        assert "instance_id" in caught.value.hint


def test_a_running_reset_is_seen(rig):
    """A running reset is an obstacle in both APIs; in API 3.0 only the operation log shows it."""
    rig.reset()
    assert rig.obstacles() == [errors.InProgress]
    rig.clock.sleep(41)
    assert rig.obstacles() == []


def test_a_forgotten_log_entry_does_not_block_for_ever(rig):
    """An entry in API 3.0's log that has been running for more than an hour counts as ended."""
    rig.simulator.service.delays.reset = 10_000
    rig.reset()
    rig.device.resetting = 0
    assert rig.obstacles() == ([errors.InProgress] if rig.api == "v3" else [])
    rig.clock.sleep(3601)
    assert rig.obstacles() == []


@pytest.mark.parametrize(
    ("switches", "code", "expected"),
    [
        ({"power": 7}, {"v2": "12002", "v3": "ResourceInUse.FlowBusy"}, errors.InProgress),
        ({"power": 3}, {"v2": "12002", "v3": "UnsupportedOperation.InvalidOperation"}, errors.PreconditionFailed),
        ({"power": 22}, {"v2": "12002", "v3": "UnsupportedOperation.InvalidOperation"}, errors.PreconditionFailed),
        ({"device_status": 14}, {"v2": "12002", "v3": "ResourceUnavailable"}, errors.AccountUnusable),
        ({"repairing": True}, {"v2": "12002", "v3": "FailedOperation.ExistRepairTask"}, errors.PreconditionFailed),
        ({"agent_alive": False}, {"v2": "12006", "v3": "FailedOperation.TscAgentOffline"}, errors.PreconditionFailed),
    ],
)
def test_a_refusal_by_state_says_which(rig, switches, code, expected):
    """v2 has one code for all states, so the driver observes the device to explain a refusal."""
    for name, value in switches.items():
        setattr(rig.device, name, value)
    with pytest.raises(expected) as caught:
        rig.reset()
    assert type(caught.value) is expected
    assert caught.value.vendor_code == code[rig.api]
    assert caught.value.definite
    assert rig.simulator.resets("cpm-1") == 0


def test_a_refusal_by_state_stands_when_nobody_can_tell_the_state(rig):
    """A failed observation does not hide the refusal."""
    rig.device.agent_alive = False
    for operation in ("DescribeDevice", "DescribeDevices"):
        rig.simulator.faults.add(operation, FaultKind.HTML)
    with pytest.raises(errors.PreconditionFailed) as caught:
        rig.reset()
    assert "agent" in caught.value.hint


@pytest.mark.parametrize("rig", ["v2"], indirect=True)
def test_either_digest_is_taken(rig):
    """v2 signs with SHA-256 unless the admin credential says SHA-1."""
    rig.simulator.service.delays.reset = 0
    rig.reset(rig.driver(digest="HmacSHA1"))
    rig.reset(rig.driver())
    forms = [parse_qs(each.body.decode()) for each in rig.simulator.captured]
    assert [form["SignatureMethod"] for form in forms] == [["HmacSHA1"], ["HmacSHA256"]]


@pytest.mark.parametrize("rig", ["v2"], indirect=True)
def test_no_two_requests_share_a_nonce(rig):
    """v2 would refuse the second request as a replay."""
    for _ in range(3):
        rig.driver().observe(rig.account)
    nonces = [parse_qs(each.body.decode())["Nonce"][0] for each in rig.simulator.captured]
    assert len(set(nonces)) == len(nonces) == 6
    assert all(1 <= int(nonce) < 2**63 for nonce in nonces)


def test_a_leading_at_sign_is_never_sent_over_v2(rig):
    """v2 may drop a value that starts with @, so it is not sent; API 3.0 takes it."""
    new = Secret("@Newer#pass5678")
    if rig.api == "v2":
        with pytest.raises(errors.PasswordRejected) as caught:
            rig.driver().set_password(rig.account, new, current=None)
        assert caught.value.definite
        assert not rig.simulator.captured
    else:
        rig.driver().set_password(rig.account, new, current=None)
        rig.clock.sleep(41)
        assert rig.simulator.guest_password("cpm-1") == new


@pytest.mark.parametrize("rig", ["v2"], indirect=True)
@pytest.mark.parametrize("action", ["DescriptionOperationResult", "DescribeOperationResult"])
@pytest.mark.parametrize("code_desc", [False, True])
def test_what_the_pages_of_v2_disagree_on_is_read_either_way(rig, action, code_desc):
    """Both spellings of the action that reads a task, and newer answers with codeDesc, are understood."""
    rig.simulator.v2.result_action, rig.simulator.v2.code_desc = action, code_desc
    task = rig.reset()
    rig.clock.sleep(41)
    assert rig.driver().poll(rig.account, task).state is TaskState.DONE
