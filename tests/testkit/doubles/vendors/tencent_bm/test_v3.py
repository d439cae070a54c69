"""Tencent's API 3.0 as simulated: the vendor's own SDK describes, resets, polls, and receives every listed error.

v2 has no client of the vendor's that still works; golden vectors and raw requests test its simulator.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from requests.adapters import HTTPAdapter  # noqa: TID251 - a client that is not ours
from tencentcloud.common.exception.tencent_cloud_sdk_exception import TencentCloudSDKException

from rotation.core.secret import Secret
from rotation.drivers.vendors.tencent_bm.error_codes import V3_TABLE
from rotation_testkit.doubles.vendors.faults import FaultKind
from rotation_testkit.doubles.vendors.tencent_bm.v3_gateway import MESSAGES

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
CALLS: dict[str, dict[str, object]] = {
    "ResetDevicePassword": {"InstanceIds": ["cpm-1"], "Password": NEW},
    "DescribeOperationResult": {"TaskId": 101},
    "DescribeDevices": {"InstanceIds": ["cpm-1"]},
    "DescribeOsInfo": {"DeviceClassCode": "PS100v1"},
    "DescribeDeviceOperationLog": {"InstanceId": "cpm-1"},
}
# Blackstone's own and the public codes of API 3.0, as the vendor's pages and tencentcloud-sdk-python-bm 3.0.1459 list
CODES = (
    "FailedOperation",
    "FailedOperation.ExistRepairTask",
    "FailedOperation.TscAgentOffline",
    "InvalidParameter",
    "InvalidParameterValue",
    "InvalidParameterValue.InvalidParameter",
    "MissingParameter",
    "UnknownParameter",
    "LimitExceeded",
    "ResourceInUse.FlowBusy",
    "ResourceUnavailable",
    "ResourceNotFound",
    "UnsupportedOperation",
    "UnsupportedOperation.InvalidOperation",
    "UnauthorizedOperation",
    "AuthFailure.InvalidAuthorization",
    "AuthFailure.InvalidSecretId",
    "AuthFailure.SecretIdNotFound",
    "AuthFailure.SignatureExpire",
    "AuthFailure.SignatureFailure",
    "AuthFailure.TokenFailure",
    "RequestLimitExceeded",
    "RequestLimitExceeded.UinLimitExceeded",
    "RequestLimitExceeded.GlobalRegionUinLimitExceeded",
    "InternalError",
    "InvalidAction",
    "NoSuchVersion",
    "UnsupportedProtocol",
    "UnsupportedRegion",
)


@pytest.fixture
def clock(wall_clock):
    """The machine's clock, by which the vendor's client signs."""
    return wall_clock


def reset_of(*ids: str, password: str = NEW) -> dict[str, object]:
    """Return the parameters of a reset."""
    return {"InstanceIds": list(ids), "Password": password}


def parts(answer: Any) -> list[int]:
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
    """A task started through one is known to the other, number and all."""
    task = ask(RESET, **reset_of("cpm-1")).TaskId
    assert sim.task(task).entries[0].instance_id == "cpm-1"
    assert sim.device("cpm-1").operate_status == 11
    sim.v3.resetting_status = 11
    assert ask("DescribeDevices", InstanceIds=["cpm-1"]).DeviceInfoSet[0].OperateStatus == 11


def test_describe_devices(ask, sim, refusal):
    """Filters, paging, real integers; the page is at most 100 long."""
    sim.device("cpm-2").lan_ip = "10.0.0.2"
    answer = ask("DescribeDevices", LanIps=["10.0.0.2"])
    assert (answer.TotalCount, answer.DeviceInfoSet[0].InstanceId) == (1, "cpm-2")
    assert (answer.DeviceInfoSet[0].DeviceStatus, answer.DeviceInfoSet[0].OsTypeId) == (4, 1)
    answer = ask("DescribeDevices", Offset=1, Limit=1)
    assert (answer.TotalCount, [one.InstanceId for one in answer.DeviceInfoSet]) == (4, ["cpm-2"])
    assert ask("DescribeDevices", WanIps=["198.51.100.1"]).TotalCount == 0
    assert ask("DescribeDevices", Alias="nobody").TotalCount == 0
    assert ask("DescribeDevices", DeviceClassCode="PS100v1", region="ap-guangzhou").TotalCount == 0
    assert refusal("DescribeDevices", Limit=101) == "InvalidParameterValue"
    assert refusal("DescribeDevices", VpcId="vpc-1") == "UnknownParameter"


def test_describe_os_info(ask, sim):
    """Joined on OsTypeId it tells Windows from Linux."""
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
    ("params", "code"),
    [
        ({"Password": NEW}, "MissingParameter"),
        ({"InstanceIds": ["cpm-1"]}, "MissingParameter"),
        ({"InstanceIds": [], "Password": NEW}, "InvalidParameterValue"),
        ({"InstanceIds": "cpm-1", "Password": NEW}, "InvalidParameter"),
        ({"InstanceIds": [1], "Password": NEW}, "InvalidParameter"),
        ({"InstanceIds": ["cpm-1"], "Password": 12345678}, "InvalidParameter"),
        ({"InstanceIds": ["cpm-1", "cpm-win"], "Password": "abcdef12"}, "InvalidParameterValue.InvalidParameter"),
        ({"InstanceIds": ["cpm-nobody"], "Password": NEW}, "ResourceNotFound"),
        ({"InstanceIds": [f"cpm-{place}" for place in range(101)], "Password": NEW}, "LimitExceeded"),
    ],
    ids=lambda value: value if isinstance(value, str) else None,
)
def test_bad_parameters_of_reset(refusal, sim, params, code):
    """Each fault has its code, and no password changes."""
    assert refusal(RESET, **params) == code
    assert sim.device("cpm-1").resetting == 0


def test_unknown_task(refusal):
    """A number that was never given out."""
    assert refusal("DescribeOperationResult", TaskId=999) == "ResourceNotFound"
    assert refusal("DescribeOperationResult", TaskId="101") == "InvalidParameter"


def test_keys(ask, refusal, sim):
    """Wrong secret, unknown id, missing and wrong session token, missing right."""
    wrong = replace(sim.credentials, secret_key=Secret("guess"))
    nobody = replace(sim.credentials, secret_id="AKIDnobody")
    temporary = sim.add_key(token=Secret("session"))
    limited = sim.add_key(denied=frozenset({RESET}))
    assert refusal("DescribeDevices", key=wrong) == "AuthFailure.SignatureFailure"
    assert refusal("DescribeDevices", key=nobody) == "AuthFailure.SecretIdNotFound"
    assert refusal("DescribeDevices", key=replace(temporary, token=None)) == "AuthFailure.TokenFailure"
    assert refusal("DescribeDevices", key=replace(temporary, token=Secret("other"))) == "AuthFailure.TokenFailure"
    assert refusal(RESET, key=limited, **reset_of("cpm-1")) == "UnauthorizedOperation"
    assert ask("DescribeDevices", key=temporary).TotalCount == 4
    assert ask("DescribeDevices", key=limited).TotalCount == 4


@pytest.mark.parametrize("ahead", [310, -310])
def test_clock_may_differ_by_five_minutes(ask, refusal, clock, ahead):
    """Ten seconds more is expired, ten less is not."""
    clock.offset = ahead
    assert refusal("DescribeDevices") == "AuthFailure.SignatureExpire"
    clock.offset = ahead - (20 if ahead > 0 else -20)
    assert ask("DescribeDevices").TotalCount == 4


def test_regions(ask, refusal):
    """Unknown and missing; a device is known in its own only."""
    assert refusal("DescribeDevices", region="eu-frankfurt") == "UnsupportedRegion"
    assert refusal("DescribeDevices", region="") == "MissingParameter"
    assert refusal(RESET, region="ap-shanghai", **reset_of("cpm-1")) == "ResourceNotFound"
    assert ask("DescribeDevices", region="ap-beijing").TotalCount == 4


def test_ten_calls_a_second_per_action(ask, refusal, sim):
    """The next one is RequestLimitExceeded, other actions go on; a throttle fault says the same."""
    sim.v3.per_action.most, sim.v3.per_action.seconds = 2, 60
    assert [ask("DescribeDevices").TotalCount for _ in range(2)] == [4, 4]
    assert refusal("DescribeDevices") == "RequestLimitExceeded"
    sim.faults.add(RESET, FaultKind.THROTTLE)
    assert refusal(RESET, **reset_of("cpm-1")) == "RequestLimitExceeded"
    assert ask(RESET, **reset_of("cpm-1")).TaskId == 101


def test_dropped_answer_is_a_network_error(ask, sim, clock):
    """The SDK sends once and tells nothing; the reset took effect."""
    sim.faults.add(RESET, FaultKind.DROP_AFTER)
    with pytest.raises(TencentCloudSDKException) as caught:
        ask(RESET, **reset_of("cpm-1"))
    assert caught.value.code == "ClientNetworkError"
    clock.sleep(101)
    assert (sim.resets("cpm-1"), sim.attempts("cpm-1")) == (1, 1)


def test_the_lists_agree():
    """What the SDK is shown is what the driver's table and the simulator's messages know."""
    assert set(CODES) == set(MESSAGES)
    assert set(CODES) | {"AuthFailure"} == {row.vendor_code for row in V3_TABLE}


@pytest.mark.parametrize("action", CALLS)
def test_every_listed_error_reaches_the_sdk(ask, sim, action):
    """Code, message and request id, for each call that the driver makes; a refused reset changes nothing."""
    ask("ResetDevicePassword", **CALLS["ResetDevicePassword"])
    sim.service.delays.reset = 0
    before = sim.resets("cpm-1")
    for code in CODES:
        sim.faults.add(action, FaultKind.VENDOR_CODE, code=code)
        with pytest.raises(TencentCloudSDKException) as caught:
            ask(action, **CALLS[action])
        assert (caught.value.code, caught.value.message) == (code, MESSAGES[code])
        assert caught.value.requestId
    assert sim.faults.pending == 0
    assert sim.resets("cpm-1") == before


class Tampering(HTTPAdapter):
    """Changes what the SDK has signed."""

    def __init__(self, change: Callable[[Any], None]) -> None:
        self.change = change
        super().__init__()

    def send(self, request: Any, *rest: Any, **more: Any) -> Any:
        """Change it and send it."""
        self.change(request)
        return super().send(request, *rest, **more)


def _another_password(request: Any) -> None:
    body = json.loads(request.body)
    request.body = json.dumps({**body, "Password": "Evil-pass-1234"}).encode()
    request.headers["Content-Length"] = str(len(request.body))


def _another_device(request: Any) -> None:
    body = json.loads(request.body)
    request.body = json.dumps({**body, "InstanceIds": ["cpm-2"]}).encode()
    request.headers["Content-Length"] = str(len(request.body))


def _another_time(request: Any) -> None:
    request.headers["X-TC-Timestamp"] = str(int(request.headers["X-TC-Timestamp"]) + 1)


def _another_signature(request: Any) -> None:
    request.headers["Authorization"] = (
        request.headers["Authorization"][:-1] + "0f"[request.headers["Authorization"][-1] == "0"]
    )


@pytest.fixture
def tampered(ask: Callable[..., Any], monkeypatch: pytest.MonkeyPatch) -> Callable[..., str]:
    """Reset through the SDK with its request changed on the way; gives the code of the refusal."""
    import requests  # noqa: TID251 - the SDK's own

    def call(change: Callable[[Any], None]) -> str:
        original = requests.Session.get_adapter
        monkeypatch.setattr(requests.Session, "get_adapter", lambda *_, **__: Tampering(change))
        try:
            with pytest.raises(TencentCloudSDKException) as caught:
                ask("ResetDevicePassword", **CALLS["ResetDevicePassword"])
        finally:
            monkeypatch.setattr(requests.Session, "get_adapter", original)
        assert caught.value.requestId
        return str(caught.value.code)

    return call


@pytest.mark.parametrize("change", [_another_password, _another_device, _another_time, _another_signature])
def test_what_was_changed_on_the_way_is_refused(tampered, sim, change):
    """By the vendor's own word for a signature that does not fit; no device hears of it."""
    assert tampered(change) == "AuthFailure.SignatureFailure"
    assert (sim.attempts("cpm-1"), sim.attempts("cpm-2")) == (0, 0)


def test_a_stale_clock_is_refused(ask, sim, clock):
    """A reset signed more than five minutes ago has its own code, and nothing is done."""
    clock.offset = 310
    with pytest.raises(TencentCloudSDKException) as caught:
        ask("ResetDevicePassword", **CALLS["ResetDevicePassword"])
    assert caught.value.code == "AuthFailure.SignatureExpire"
    assert sim.attempts("cpm-1") == 0


def test_a_wrong_key_is_refused(ask, sim):
    """Wrong secret and unknown id each have their own word, for a reset as well."""
    for key, code in (
        (replace(sim.credentials, secret_key=Secret("guess")), "AuthFailure.SignatureFailure"),
        (replace(sim.credentials, secret_id="AKIDnobody"), "AuthFailure.SecretIdNotFound"),
    ):
        with pytest.raises(TencentCloudSDKException) as caught:
            ask("ResetDevicePassword", key=key, **CALLS["ResetDevicePassword"])
        assert caught.value.code == code
    assert sim.attempts("cpm-1") == 0


def test_the_sdk_follows_a_batch_through_every_status(ask, sim, clock):
    """4, 5, 7, 3 and 4, 6, 3 and so on: the whole follows its parts, and each device keeps its own."""
    seen = []
    sim.device("cpm-2").reset_fails = True
    task = ask("ResetDevicePassword", InstanceIds=["cpm-1", "cpm-2", "cpm-3"], Password=NEW).TaskId
    for _ in range(4):
        answer = ask("DescribeOperationResult", TaskId=task)
        seen.append((answer.TaskStatus, {each.InstanceId: each.TaskStatus for each in answer.SubtaskStatusSet}))
        clock.sleep(60 if len(seen) > 1 else 101)
    assert [whole for whole, _ in seen] == [4, 5, 7, 3]
    assert seen[-1][1] == {"cpm-1": 1, "cpm-2": 2, "cpm-3": 1}


def test_a_batch_may_end_without_any_success(ask, sim, clock):
    """6 while one has failed and another is unfinished, then 2: it never becomes 1."""
    sim.device("cpm-1").reset_fails = sim.device("cpm-2").reset_fails = True
    task = ask("ResetDevicePassword", InstanceIds=["cpm-1", "cpm-2"], Password=NEW).TaskId
    whole = []
    for ahead in (101, 60):
        clock.sleep(ahead)
        whole.append(ask("DescribeOperationResult", TaskId=task).TaskStatus)
    assert whole == [6, 2]


def test_a_listed_error_may_come_after_the_reset(refusal, sim):
    """The SDK raises the code although the reset takes effect."""
    sim.service.delays.reset = 0
    for number, code in enumerate(CODES, start=1):
        sim.faults.add(RESET, FaultKind.VENDOR_CODE_AFTER, code=code)
        assert refusal(RESET, **reset_of("cpm-1")) == code
        assert sim.resets("cpm-1") == number
