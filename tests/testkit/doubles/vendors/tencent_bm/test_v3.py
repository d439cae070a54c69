"""Tencent's API 3.0 as simulated: the vendor's own SDK describes, resets, polls, and receives every listed error."""

import json
from dataclasses import replace

import pytest
import requests  # noqa: TID251 - what the SDK sends with
from requests.adapters import HTTPAdapter  # noqa: TID251 - same
from tencentcloud.common.exception.tencent_cloud_sdk_exception import TencentCloudSDKException

from rotation.core.secret import Secret
from rotation.drivers.vendors.tencent_bm.error_codes import V3_TABLE
from rotation_testkit.doubles.families.tencent.gateway import MESSAGES as PUBLIC
from rotation_testkit.doubles.vendor_api.faults import FaultKind
from rotation_testkit.doubles.vendors.tencent_bm.v3 import MESSAGES as OWN

# the SDK asks for the day of a timestamp with datetime.utcfromtimestamp, deprecated since Python 3.12
pytestmark = [
    pytest.mark.filterwarnings("ignore:datetime.datetime.utcfromtimestamp:DeprecationWarning"),
    pytest.mark.shows_secrets(
        "log of tencentcloud_sdk_common",
        reason="the vendor's SDK, our second opinion, writes bodies down at DEBUG; Lockstep never loads it",
    ),
]

OLD, NEW = "Old-pass-1234", "New-pass-5678"
RESET = "ResetDevicePassword"
MESSAGES = {**PUBLIC, **OWN}
CALLS = {
    "ResetDevicePassword": {"InstanceIds": ["cpm-1"], "Password": NEW},
    "DescribeOperationResult": {"TaskId": 101},
    "DescribeDevices": {"InstanceIds": ["cpm-1"]},
    "DescribeOsInfo": {"DeviceClassCode": "PS100v1"},
    "DescribeDeviceOperationLog": {"InstanceId": "cpm-1"},
}


@pytest.fixture
def clock(wall_clock):
    """The machine's clock, by which the vendor's client signs."""
    return wall_clock


def reset_of(*ids, password=NEW):
    """Return the parameters of a reset."""
    return {"InstanceIds": list(ids), "Password": password}


def parts(answer):
    """Return the status of each device's part."""
    return [part.TaskStatus for part in answer.SubtaskStatusSet]


def test_sdk_resets_and_polls(ask, sim, clock):
    """A task of two devices goes 4, 5, 1; the device's OperateStatus does not give the reset away."""
    task = ask(RESET, **reset_of("cpm-1", "cpm-2")).TaskId
    answer = ask("DescribeOperationResult", TaskId=task)
    assert (answer.TaskStatus, parts(answer)) == (4, [4, 4])
    assert ask("DescribeDevices", InstanceIds=["cpm-1"]).DeviceInfoSet[0].OperateStatus == 1
    clock.sleep(101)
    answer = ask("DescribeOperationResult", TaskId=task)
    assert (answer.TaskStatus, parts(answer)) == (5, [1, 4])
    clock.sleep(50)
    answer = ask("DescribeOperationResult", TaskId=task)
    assert (answer.TaskStatus, parts(answer)) == (1, [1, 1])
    assert answer.RequestId
    assert [sim.guest_password(name) for name in ("cpm-1", "cpm-2")] == [Secret(NEW), Secret(NEW)]


def test_both_generations_see_the_same_park(ask, sim):
    """A task that was started through one generation is known to the other by the same number."""
    task = ask(RESET, **reset_of("cpm-1")).TaskId
    assert sim.task(task).entries[0].instance_id == "cpm-1"
    assert sim.device("cpm-1").operate_status == 11
    sim.v3.resetting_status = 11
    assert ask("DescribeDevices", InstanceIds=["cpm-1"]).DeviceInfoSet[0].OperateStatus == 11


def test_describe_devices(ask, sim):
    """Devices are filtered and paged, and integers are integers."""
    sim.device("cpm-2").lan_ip = "10.0.0.2"
    answer = ask("DescribeDevices", LanIps=["10.0.0.2"])
    assert (answer.TotalCount, answer.DeviceInfoSet[0].InstanceId) == (1, "cpm-2")
    assert (answer.DeviceInfoSet[0].DeviceStatus, answer.DeviceInfoSet[0].OsTypeId) == (4, 1)
    answer = ask("DescribeDevices", Offset=1, Limit=1)
    assert (answer.TotalCount, [one.InstanceId for one in answer.DeviceInfoSet]) == (4, ["cpm-2"])
    assert ask("DescribeDevices", WanIps=["198.51.100.1"]).TotalCount == 0
    assert ask("DescribeDevices", Alias="nobody").TotalCount == 0
    assert ask("DescribeDevices", DeviceClassCode="PS100v1", region="ap-guangzhou").TotalCount == 0


def test_describe_os_info(ask, sim):
    """The list shows by OsTypeId which system is Windows."""
    kinds = {kind.OsTypeId: kind.OsClass for kind in ask("DescribeOsInfo", DeviceClassCode="PS100v1").OsInfoSet}
    assert (kinds[1], kinds[sim.device("cpm-win").os.type_id]) == ("CentOS", "Windows")


def test_power_and_log(ask, sim, clock, refusal):
    """Shutdown, start and reboot are tasks; the log shows them, the newest first."""
    task = ask("ShutdownDevices", InstanceIds=["cpm-1"]).TaskId
    assert refusal("StartDevices", InstanceIds=["cpm-1"]) == "ResourceInUse.FlowBusy"
    clock.sleep(21)
    assert ask("DescribeOperationResult", TaskId=task).TaskStatus == 1
    assert not sim.running("cpm-1")
    assert refusal("RebootDevices", InstanceIds=["cpm-1"]) == "UnsupportedOperation.InvalidOperation"
    ask("StartDevices", InstanceIds=["cpm-1"])
    clock.sleep(31)
    assert sim.running("cpm-1")
    ask("RebootDevices", InstanceIds=["cpm-1"])
    log = ask("DescribeDeviceOperationLog", InstanceId="cpm-1")
    assert [(entry.TaskName, entry.Status) for entry in log.DeviceOperationLogSet] == [
        ("rebootDevice", 0),
        ("startDevice", 1),
        ("shutdownDevice", 1),
    ]
    assert ask("DescribeDeviceOperationLog", InstanceId="cpm-1", Limit=1, Offset=2).TotalCount == 3
    early = ask("DescribeDeviceOperationLog", InstanceId="cpm-1", EndTime="2020-01-01")
    assert early.DeviceOperationLogSet == []


@pytest.mark.parametrize(
    ("switch", "value", "code"),
    [
        ("agent_alive", False, "FailedOperation.TscAgentOffline"),
        ("repairing", True, "FailedOperation.ExistRepairTask"),
        ("device_status", 8, "ResourceUnavailable"),
        ("power", 3, "UnsupportedOperation.InvalidOperation"),
        ("power", 7, "ResourceInUse.FlowBusy"),
        ("power", 12, "ResourceInUse.FlowBusy"),
    ],
)
def test_devices_that_cannot_be_reset(refusal, sim, switch, value, code):
    """Each obstacle has its own code, and the whole batch stays as it is."""
    setattr(sim.device("cpm-2"), switch, value)
    assert refusal(RESET, **reset_of("cpm-1", "cpm-2")) == code
    assert (sim.device("cpm-1").resetting, sim.attempts("cpm-1")) == (0, 1)


def test_running_reset_is_flow_busy(ask, refusal, sim):
    """A second reset has to wait for the first."""
    ask(RESET, **reset_of("cpm-1"))
    assert refusal(RESET, **reset_of("cpm-1")) == "ResourceInUse.FlowBusy"
    assert sim.device("cpm-1").resetting == 1


@pytest.mark.parametrize(
    ("action", "params", "code"),
    [
        (RESET, {"Password": NEW}, "MissingParameter"),
        (RESET, {"InstanceIds": ["cpm-1"]}, "MissingParameter"),
        (RESET, {"InstanceIds": [], "Password": NEW}, "InvalidParameterValue"),
        (RESET, {"InstanceIds": "cpm-1", "Password": NEW}, "InvalidParameter"),
        (RESET, {"InstanceIds": [1], "Password": NEW}, "InvalidParameter"),
        (RESET, {"InstanceIds": ["cpm-1"], "Password": 12345678}, "InvalidParameter"),
        (RESET, reset_of("cpm-1", "cpm-win", password="abcdef12"), "InvalidParameterValue.InvalidParameter"),
        (RESET, reset_of("cpm-nobody"), "ResourceNotFound"),
        (RESET, reset_of(*(f"cpm-{place}" for place in range(101))), "LimitExceeded"),
        (RESET, {"region": "ap-shanghai", **reset_of("cpm-1")}, "ResourceNotFound"),
        ("DescribeDevices", {"region": "eu-frankfurt"}, "UnsupportedRegion"),
        ("DescribeDevices", {"region": ""}, "MissingParameter"),
        ("DescribeDevices", {"Limit": 101}, "InvalidParameterValue"),
        ("DescribeDevices", {"VpcId": "vpc-1"}, "UnknownParameter"),
        ("DescribeOperationResult", {"TaskId": 999}, "ResourceNotFound"),
        ("DescribeOperationResult", {"TaskId": "101"}, "InvalidParameter"),
    ],
    ids=lambda value: value if isinstance(value, str) else None,
)
def test_bad_parameters(refusal, sim, action, params, code):
    """Each fault has its code, a device is known in its own region only, and no password changes."""
    assert refusal(action, **params) == code
    assert sim.device("cpm-1").resetting == 0


def test_keys(ask, refusal, sim):
    """A wrong secret, an unknown id, a missing or wrong session token and a missing right have their own codes."""
    wrong = replace(sim.credentials, secret_key=Secret("guess"))
    nobody = replace(sim.credentials, secret_id="AKIDnobody")
    temporary = sim.add_key(token=Secret("session"))
    limited = sim.add_key(denied=frozenset({RESET}))
    for action, params in (("DescribeDevices", {}), (RESET, reset_of("cpm-1"))):
        assert refusal(action, key=wrong, **params) == "AuthFailure.SignatureFailure"
        assert refusal(action, key=nobody, **params) == "AuthFailure.SecretIdNotFound"
    assert refusal("DescribeDevices", key=replace(temporary, token=None)) == "AuthFailure.TokenFailure"
    assert refusal("DescribeDevices", key=replace(temporary, token=Secret("other"))) == "AuthFailure.TokenFailure"
    assert refusal(RESET, key=limited, **reset_of("cpm-1")) == "UnauthorizedOperation"
    assert sim.attempts("cpm-1") == 0
    assert ask("DescribeDevices", key=temporary).TotalCount == 4
    assert ask("DescribeDevices", key=limited).TotalCount == 4


@pytest.mark.parametrize("ahead", [310, -310])
def test_clock_may_differ_by_five_minutes(ask, refusal, sim, clock, ahead):
    """Ten seconds more is expired and does nothing, ten less is accepted."""
    clock.offset = ahead
    assert refusal(RESET, **reset_of("cpm-1")) == "AuthFailure.SignatureExpire"
    assert sim.attempts("cpm-1") == 0
    clock.offset = ahead - (20 if ahead > 0 else -20)
    assert ask("DescribeDevices").TotalCount == 4


def test_ten_calls_a_second_per_action(ask, refusal, sim):
    """The call after the last is RequestLimitExceeded, other actions go on; a throttle fault says the same."""
    sim.v3.per_action.most, sim.v3.per_action.seconds = 2, 60
    assert [ask("DescribeDevices").TotalCount for _ in range(2)] == [4, 4]
    assert refusal("DescribeDevices") == "RequestLimitExceeded"
    sim.faults.add(RESET, FaultKind.THROTTLE)
    assert refusal(RESET, **reset_of("cpm-1")) == "RequestLimitExceeded"
    assert ask(RESET, **reset_of("cpm-1")).TaskId == 101


def test_dropped_answer_is_a_network_error(ask, sim, clock):
    """The SDK sends once and raises a network error, although the reset took effect."""
    sim.faults.add(RESET, FaultKind.DROP_AFTER)
    with pytest.raises(TencentCloudSDKException) as caught:
        ask(RESET, **reset_of("cpm-1"))
    assert caught.value.code == "ClientNetworkError"
    clock.sleep(101)
    assert (sim.resets("cpm-1"), sim.attempts("cpm-1")) == (1, 1)


def test_the_lists_agree(documented):
    """The simulator, the driver's table and the list of documented codes name the same codes; v2's are numbers."""
    codes, _ = documented("tencent_bm")
    assert set(MESSAGES) == {row.vendor_code for row in V3_TABLE}
    assert set(MESSAGES) == {code for code in codes if not code.isdecimal()}


@pytest.mark.parametrize("action", CALLS)
def test_every_listed_error_reaches_the_sdk(ask, sim, action):
    """Code, message and request id reach the SDK for each call that the driver makes; nothing is changed."""
    ask("ResetDevicePassword", **CALLS["ResetDevicePassword"])
    sim.service.delays.reset = 0
    before = sim.resets("cpm-1")
    for code, message in MESSAGES.items():
        sim.faults.add(action, FaultKind.VENDOR_CODE, code=code)
        with pytest.raises(TencentCloudSDKException) as caught:
            ask(action, **CALLS[action])
        assert (caught.value.code, caught.value.message) == (code, message)
        assert caught.value.requestId
    assert sim.faults.pending == 0
    assert sim.resets("cpm-1") == before


def body_with(**changed):
    """Return a change of a request's body."""

    def change(request):
        request.body = json.dumps({**json.loads(request.body), **changed}).encode()
        request.headers["Content-Length"] = str(len(request.body))

    return change


def another_second(request):
    """Move the time by one second."""
    request.headers["X-TC-Timestamp"] = str(int(request.headers["X-TC-Timestamp"]) + 1)


def another_signature(request):
    """Change the signature's last digit."""
    right = request.headers["Authorization"]
    request.headers["Authorization"] = right[:-1] + "0f"[right[-1] == "0"]


@pytest.mark.parametrize(
    "change",
    [body_with(Password="Evil-pass-1234"), body_with(InstanceIds=["cpm-2"]), another_second, another_signature],
    ids=["password", "device", "time", "signature"],
)
def test_a_request_that_was_changed_on_its_way_is_refused(refusal, sim, monkeypatch, change):
    """The vendor's code for a signature that does not fit is returned, and no device hears of the request."""

    class Tampering(HTTPAdapter):
        def send(self, request, *rest, **more):
            change(request)
            return super().send(request, *rest, **more)

    monkeypatch.setattr(requests.Session, "get_adapter", lambda *_, **__: Tampering())
    assert refusal(RESET, **reset_of("cpm-1")) == "AuthFailure.SignatureFailure"
    assert (sim.attempts("cpm-1"), sim.attempts("cpm-2")) == (0, 0)


@pytest.mark.parametrize(
    ("failing", "statuses", "last"),
    [({"cpm-2"}, [4, 5, 7, 3], [1, 2, 1]), ({"cpm-1", "cpm-2", "cpm-3"}, [4, 6, 6, 2], [2, 2, 2])],
    ids=["one", "all"],
)
def test_the_sdk_follows_a_batch_with_failures(ask, sim, clock, *, failing, statuses, last):  # noqa: PLR0913 - a row
    """The whole follows its parts, each device keeps its own status, and without any success it never becomes 1."""
    for name in failing:
        sim.device(name).reset_fails = True
    task = ask(RESET, **reset_of("cpm-1", "cpm-2", "cpm-3")).TaskId
    seen = []
    for ahead in (0, 101, 60, 60):
        clock.sleep(ahead)
        answer = ask("DescribeOperationResult", TaskId=task)
        seen.append(answer.TaskStatus)
    assert seen == statuses
    assert {part.InstanceId: part.TaskStatus for part in answer.SubtaskStatusSet} == dict(
        zip(("cpm-1", "cpm-2", "cpm-3"), last, strict=True)
    )


def test_a_listed_error_may_come_after_the_reset(refusal, sim):
    """The SDK raises the code although the reset takes effect."""
    sim.service.delays.reset = 0
    for number, code in enumerate(MESSAGES, start=1):
        sim.faults.add(RESET, FaultKind.VENDOR_CODE_AFTER, code=code)
        assert refusal(RESET, **reset_of("cpm-1")) == code
        assert sim.resets("cpm-1") == number
