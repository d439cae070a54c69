"""API 3.0 as simulated: the vendor's own SDK describes, resets, polls, and gets every error of the vendor's list.

v2 has no client of the vendor's that still lives; its simulator is held to the vendor's golden vectors, and is driven
by raw requests signed by the published rules.
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

pytestmark = [
    # the SDK asks for the day of a timestamp with datetime.utcfromtimestamp, deprecated since Python 3.12
    pytest.mark.filterwarnings("ignore:datetime.datetime.utcfromtimestamp:DeprecationWarning"),
    pytest.mark.shows_secrets("log of tencentcloud_sdk_common", reason="the vendor's SDK logs each request at DEBUG"),
]

NEW = "New-pass-5678"
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
Ask = Callable[..., Any]


@pytest.fixture
def clock(wall_clock):
    """The machine's clock, by which the vendor's client signs."""
    return wall_clock


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
def tampered(ask: Ask, monkeypatch: pytest.MonkeyPatch) -> Callable[..., str]:
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
