"""Tencent's API 3.0 as simulated, driven by the vendor's own SDK and raw requests."""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import pytest
import requests  # noqa: TID251 - a client that is not ours
from tencentcloud.bm.v20180423 import bm_client, models
from tencentcloud.common.credential import Credential
from tencentcloud.common.exception.tencent_cloud_sdk_exception import TencentCloudSDKException
from tencentcloud.common.profile.client_profile import ClientProfile
from tencentcloud.common.profile.http_profile import HttpProfile

from rotation.secret import Secret
from rotation.testing.faults import FaultKind
from rotation.testing.simulators._tencent_v3_gate import Authorization, canonical_hash, signature
from rotation.testing.simulators.tencent_bm import WINDOWS, Delays, SecretKey, TencentBm

# the SDK asks for the day of a timestamp with datetime.utcfromtimestamp, deprecated since Python 3.12
pytestmark = pytest.mark.filterwarnings("ignore:datetime.datetime.utcfromtimestamp:DeprecationWarning")

OLD, NEW = "Old-pass-1234", "New-pass-5678"
RESET = "ResetDevicePassword"
Ask = Callable[..., Any]


class Clock:
    """The wall's seconds, which the SDK signs with, moved ahead when told."""

    ahead = 0.0

    def __call__(self) -> float:
        """Return now."""
        return time.time() + self.ahead


@pytest.fixture
def clock() -> Clock:
    """A clock that is right."""
    return Clock()


@pytest.fixture
def sim(clock: Clock) -> TencentBm:
    """Two Linux devices and one with Windows; a reset takes 100 s, each further device 50 s more."""
    simulator = TencentBm(clock=clock, delays=Delays(reset=100, stagger=50, stop=20, start=30))
    simulator.v3.per_action.most = None
    for name in ("cpm-1", "cpm-2"):
        simulator.add_device(name, password=Secret(OLD))
    simulator.add_device("cpm-win", password=Secret(OLD), os=WINDOWS)
    return simulator


@pytest.fixture
def url(sim: TencentBm, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """Its base URL; the SDK would follow a proxy in the environment."""
    for name in ("http_proxy", "HTTP_PROXY"):
        monkeypatch.delenv(name, raising=False)
    with sim.serve() as base:
        yield base


@pytest.fixture
def ask(sim: TencentBm, url: str) -> Iterator[Ask]:
    """Call an action through the vendor's client; gives the answer's model."""
    clients: list[bm_client.BmClient] = []

    def call(action: str, *, key: SecretKey | None = None, region: str = "ap-beijing", **params: object) -> Any:
        who = key or sim.credentials
        token = who.token.reveal() if who.token else None
        http = HttpProfile(protocol="http", endpoint=url.removeprefix("http://"), reqTimeout=5)
        credential = Credential(who.secret_id, who.secret_key.reveal(), token)
        client = bm_client.BmClient(credential, region, ClientProfile(httpProfile=http))
        clients.append(client)
        request = getattr(models, action + "Request")()
        request.from_json_string(json.dumps(params))
        return getattr(client, action)(request)

    yield call
    for client in clients:
        client.request.conn._session.close()


@pytest.fixture
def refusal(ask: Ask) -> Callable[..., str]:
    """Call an action that must be refused and return the vendor's code."""

    def call(action: str, **params: object) -> str:
        with pytest.raises(TencentCloudSDKException) as caught:
            ask(action, **params)
        assert NEW not in str(caught.value)
        assert caught.value.requestId
        return str(caught.value.code)

    return call


def reset_of(*ids: str, password: str = NEW) -> dict[str, object]:
    """Return the parameters of a reset."""
    return {"InstanceIds": list(ids), "Password": password}


def parts(answer: Any) -> list[int]:
    """Return the status of each device's part."""
    return [part.TaskStatus for part in answer.SubtaskStatusSet]


@pytest.mark.parametrize(
    ("secret", "service", "headers", "body", "digest", "expected"),
    [
        (
            "Gu5t9xGARNpq86cd" + "98joQYCN3EXAMPLE",
            "cvm",
            {"content-type": "application/json; charset=utf-8", "host": "cvm.tencentcloudapi.com"},
            rb'{"Limit": 1, "Filters": [{"Values": ["\u672a\u547d\u540d"], "Name": "instance-name"}]}',
            "5ffe6a04c0664d6b969fab9a13bdab201d63ee709638e2749d62a09ca18d7031",
            "72e494ea809ad7a8c8f7a4507b9bddcbaa8e581f516e8da2f66e2c5a96525168",
        ),
        (
            "SKTEST",
            "bm",
            {"content-type": "application/json", "host": "bm.tencentcloudapi.com"},
            b'{"InstanceIds": ["cpm-aaaa"], "Password": "Abcd1234!"}',
            "ad7df5a84fa972c0c33d7e484b44ce2c7131e5f55d5a0a82124564d430fd3def",
            "176d3f6eff9c48c9091b5a800dd23e1c68353c3d3e9247c4bba0b54ce8cb8570",
        ),
    ],
    ids=["T8", "T9"],
)
def test_signature_is_the_vendors(  # noqa: PLR0913 - one row of the table
    *, secret: str, service: str, headers: dict[str, str], body: bytes, digest: str, expected: str
) -> None:
    """The documentation's sample and one of the vendor's SDK come out the same (the first key is the page's own)."""
    canonical = canonical_hash(headers, ["content-type", "host"], body)
    assert canonical == digest
    assert signature(Secret(secret), "1551113065", "2019-02-25", service, canonical) == expected


def test_sdk_resets_and_polls(ask: Ask, sim: TencentBm, clock: Clock) -> None:
    """A task of two devices goes 4, 5, 1; the device's OperateStatus does not give the reset away."""
    task = ask(RESET, **reset_of("cpm-1", "cpm-2")).TaskId
    answer = ask("DescribeOperationResult", TaskId=task)
    assert (answer.TaskStatus, parts(answer)) == (4, [4, 4])
    assert ask("DescribeDevices", InstanceIds=["cpm-1"]).DeviceInfoSet[0].OperateStatus == 1
    clock.ahead += 101
    answer = ask("DescribeOperationResult", TaskId=task)
    assert (answer.TaskStatus, parts(answer)) == (5, [1, 4])
    clock.ahead += 50
    answer = ask("DescribeOperationResult", TaskId=task)
    assert (answer.TaskStatus, parts(answer)) == (1, [1, 1])
    assert answer.RequestId
    assert [sim.guest_password(name) for name in ("cpm-1", "cpm-2")] == [Secret(NEW), Secret(NEW)]


def test_both_generations_see_the_same_park(ask: Ask, sim: TencentBm) -> None:
    """A task started through one is known to the other, number and all."""
    task = ask(RESET, **reset_of("cpm-1")).TaskId
    assert sim.task(task).entries[0].instance_id == "cpm-1"
    assert sim.device("cpm-1").operate_status == 11
    sim.v3.resetting_status = 11
    assert ask("DescribeDevices", InstanceIds=["cpm-1"]).DeviceInfoSet[0].OperateStatus == 11


def test_describe_devices(ask: Ask, sim: TencentBm, refusal: Callable[..., str]) -> None:
    """Filters, paging, real integers; the page is at most 100 long."""
    sim.device("cpm-2").lan_ip = "10.0.0.2"
    answer = ask("DescribeDevices", LanIps=["10.0.0.2"])
    assert (answer.TotalCount, answer.DeviceInfoSet[0].InstanceId) == (1, "cpm-2")
    assert (answer.DeviceInfoSet[0].DeviceStatus, answer.DeviceInfoSet[0].OsTypeId) == (4, 1)
    answer = ask("DescribeDevices", Offset=1, Limit=1)
    assert (answer.TotalCount, [one.InstanceId for one in answer.DeviceInfoSet]) == (3, ["cpm-2"])
    assert ask("DescribeDevices", WanIps=["198.51.100.1"]).TotalCount == 0
    assert ask("DescribeDevices", Alias="nobody").TotalCount == 0
    assert ask("DescribeDevices", DeviceClassCode="PS100v1", region="ap-guangzhou").TotalCount == 0
    assert refusal("DescribeDevices", Limit=101) == "InvalidParameterValue"
    assert refusal("DescribeDevices", VpcId="vpc-1") == "UnknownParameter"


def test_describe_os_info(ask: Ask, sim: TencentBm) -> None:
    """Joined on OsTypeId it tells Windows from Linux."""
    kinds = {kind.OsTypeId: kind.OsClass for kind in ask("DescribeOsInfo", DeviceClassCode="PS100v1").OsInfoSet}
    assert (kinds[1], kinds[sim.device("cpm-win").os.type_id]) == ("CentOS", "Windows")


def test_power_and_log(ask: Ask, sim: TencentBm, clock: Clock, refusal: Callable[..., str]) -> None:
    """Shutdown, start and reboot are tasks; the log shows them, the newest first."""
    task = ask("ShutdownDevices", InstanceIds=["cpm-1"]).TaskId
    assert refusal("StartDevices", InstanceIds=["cpm-1"]) == "ResourceInUse.FlowBusy"
    clock.ahead += 21
    assert ask("DescribeOperationResult", TaskId=task).TaskStatus == 1
    assert not sim.running("cpm-1")
    assert refusal("RebootDevices", InstanceIds=["cpm-1"]) == "UnsupportedOperation.InvalidOperation"
    ask("StartDevices", InstanceIds=["cpm-1"])
    clock.ahead += 31
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
def test_devices_that_cannot_be_reset(
    refusal: Callable[..., str], sim: TencentBm, switch: str, *, value: object, code: str
) -> None:
    """Each obstacle has its own code, and the whole batch stays as it is."""
    setattr(sim.device("cpm-2"), switch, value)
    assert refusal(RESET, **reset_of("cpm-1", "cpm-2")) == code
    assert (sim.device("cpm-1").resetting, sim.attempts("cpm-1")) == (0, 1)


def test_running_reset_is_flow_busy(ask: Ask, refusal: Callable[..., str], sim: TencentBm) -> None:
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
def test_bad_parameters_of_reset(
    refusal: Callable[..., str], sim: TencentBm, params: dict[str, object], code: str
) -> None:
    """Each fault has its code, and no password changes."""
    assert refusal(RESET, **params) == code
    assert sim.device("cpm-1").resetting == 0


def test_unknown_task(refusal: Callable[..., str]) -> None:
    """A number that was never given out."""
    assert refusal("DescribeOperationResult", TaskId=999) == "ResourceNotFound"
    assert refusal("DescribeOperationResult", TaskId="101") == "InvalidParameter"


def test_keys(ask: Ask, refusal: Callable[..., str], sim: TencentBm) -> None:
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
    assert ask("DescribeDevices", key=temporary).TotalCount == 3
    assert ask("DescribeDevices", key=limited).TotalCount == 3


@pytest.mark.parametrize("ahead", [310, -310])
def test_clock_may_differ_by_five_minutes(ask: Ask, refusal: Callable[..., str], clock: Clock, ahead: float) -> None:
    """Ten seconds more is expired, ten less is not."""
    clock.ahead = ahead
    assert refusal("DescribeDevices") == "AuthFailure.SignatureExpire"
    clock.ahead = ahead - (20 if ahead > 0 else -20)
    assert ask("DescribeDevices").TotalCount == 3


def test_regions(ask: Ask, refusal: Callable[..., str]) -> None:
    """Unknown and missing; a device is known in its own only."""
    assert refusal("DescribeDevices", region="eu-frankfurt") == "UnsupportedRegion"
    assert refusal("DescribeDevices", region="") == "MissingParameter"
    assert refusal(RESET, region="ap-shanghai", **reset_of("cpm-1")) == "ResourceNotFound"
    assert ask("DescribeDevices", region="ap-beijing").TotalCount == 3


@pytest.mark.parametrize(
    "code",
    [
        "FailedOperation",
        "InternalError",
        "InvalidParameterValue",
        "LimitExceeded",
        "RequestLimitExceeded.UinLimitExceeded",
        "RequestLimitExceeded.GlobalRegionUinLimitExceeded",
        "ResourceUnavailable",
        "UnsupportedOperation",
        "AuthFailure.InvalidSecretId",
    ],
)
@pytest.mark.parametrize("kind", [FaultKind.VENDOR_CODE, FaultKind.VENDOR_CODE_AFTER])
def test_any_code_before_or_after_the_effect(
    refusal: Callable[..., str], sim: TencentBm, clock: Clock, code: str, kind: FaultKind
) -> None:
    """The SDK raises a planned code; whether the reset took effect is the plan's word."""
    sim.faults.add(RESET, kind, code=code)
    assert refusal(RESET, **reset_of("cpm-1")) == code
    clock.ahead += 101
    assert sim.resets("cpm-1") == (1 if kind is FaultKind.VENDOR_CODE_AFTER else 0)


def test_ten_calls_a_second_per_action(ask: Ask, refusal: Callable[..., str], sim: TencentBm) -> None:
    """The next one is RequestLimitExceeded, other actions go on; a throttle fault says the same."""
    sim.v3.per_action.most, sim.v3.per_action.seconds = 2, 60
    assert [ask("DescribeDevices").TotalCount for _ in range(2)] == [3, 3]
    assert refusal("DescribeDevices") == "RequestLimitExceeded"
    sim.faults.add(RESET, FaultKind.THROTTLE)
    assert refusal(RESET, **reset_of("cpm-1")) == "RequestLimitExceeded"
    assert ask(RESET, **reset_of("cpm-1")).TaskId == 101


def test_dropped_answer_is_a_network_error(ask: Ask, sim: TencentBm, clock: Clock) -> None:
    """The SDK sends once and tells nothing; the reset took effect."""
    sim.faults.add(RESET, FaultKind.DROP_AFTER)
    with pytest.raises(TencentCloudSDKException) as caught:
        ask(RESET, **reset_of("cpm-1"))
    assert caught.value.code == "ClientNetworkError"
    clock.ahead += 101
    assert (sim.resets("cpm-1"), sim.attempts("cpm-1")) == (1, 1)


class Raw:
    """A hand-made call, to be bent in one place."""

    def __init__(self, sim: TencentBm, url: str) -> None:
        self.sim, self.url = sim, url
        now = int(sim.clock())
        self.body = b'{"InstanceIds":["cpm-1"]}'
        self.day = time.strftime("%Y-%m-%d", time.gmtime(now))
        self.service, self.signed = "bm", ["content-type", "host"]
        self.headers = {
            "content-type": "application/json",
            "host": url.removeprefix("http://"),
            "x-tc-action": "DescribeDevices",
            "x-tc-version": "2018-04-23",
            "x-tc-timestamp": str(now),
            "x-tc-region": "ap-beijing",
        }

    def sign(self) -> None:
        """Put the Authorization header on."""
        key = self.sim.credentials
        canonical = canonical_hash(self.headers, self.signed, self.body)
        proof = signature(key.secret_key, self.headers["x-tc-timestamp"], self.day, self.service, canonical)
        scope = f"{key.secret_id}/{self.day}/{self.service}/tc3_request"
        self.headers["authorization"] = (
            f"TC3-HMAC-SHA256 Credential={scope}, SignedHeaders={';'.join(self.signed)}, Signature={proof}"
        )

    def send(self, method: str = "POST", path: str = "/") -> str:
        """Send it and return the code, or "ok"."""
        answer = requests.request(method, self.url + path, data=self.body, headers=self.headers, timeout=5)
        assert answer.status_code == 200
        assert answer.headers["Content-Type"] == "application/json"  # the SDK takes anything else for a success
        document = answer.json()["Response"]
        assert document["RequestId"] == answer.headers["X-TC-RequestId"]
        return str(document["Error"]["Code"]) if "Error" in document else "ok"


@pytest.fixture
def raw(sim: TencentBm, url: str) -> Raw:
    """A call that would be let in once signed."""
    return Raw(sim, url)


def test_received_list_of_signed_headers_counts(raw: Raw) -> None:
    """Clients may sign more than the SDK does; values are trimmed and lower-cased."""
    raw.signed = ["content-type", "host", "x-tc-action", "x-tc-timestamp"]
    raw.sign()
    assert raw.send() == "ok"
    raw.headers["x-tc-action"] = "DescribeOsInfo"
    assert raw.send() == "AuthFailure.SignatureFailure"


@pytest.mark.parametrize("signed", [["host"], ["content-type"], ["content-type", "host", "x-absent"]], ids=str)
def test_signed_headers_must_hold_the_two_and_be_there(raw: Raw, signed: list[str]) -> None:
    """Content-Type and Host are signed in any case; a header that did not come cannot be."""
    raw.headers["x-absent"] = "1"
    raw.signed = signed
    raw.sign()
    del raw.headers["x-absent"]
    assert raw.send() == "AuthFailure.SignatureFailure"


def test_tampered_body_and_unsigned_payload(raw: Raw) -> None:
    """The body's digest is signed; the option to leave it out is refused."""
    raw.sign()
    raw.body = b'{"InstanceIds":["cpm-2"]}'
    assert raw.send() == "AuthFailure.SignatureFailure"
    raw.body = b"UNSIGNED-PAYLOAD"
    raw.sign()
    raw.headers["x-tc-content-sha256"] = "UNSIGNED-PAYLOAD"
    raw.body = b"{}"
    assert raw.send() == "AuthFailure.SignatureFailure"


@pytest.mark.parametrize(
    ("part", "value"), [("day", "2001-01-01"), ("service", "cvm")], ids=["another day", "another service"]
)
def test_scope_must_fit(raw: Raw, part: str, value: str) -> None:
    """The day is the timestamp's UTC day and the service bm, even when signed consistently."""
    setattr(raw, part, value)
    raw.sign()
    assert raw.send() == "AuthFailure.SignatureFailure"


@pytest.mark.parametrize(
    ("header", "value", "code"),
    [
        ("x-tc-action", "", "MissingParameter"),
        ("x-tc-action", "DescribeTaskList", "InvalidAction"),
        ("x-tc-version", "2020-01-01", "NoSuchVersion"),
        ("x-tc-timestamp", "soon", "InvalidParameterValue"),
        ("authorization", "", "MissingParameter"),
        ("authorization", "TC3-HMAC-SHA256 Credential=x", "AuthFailure.InvalidAuthorization"),
    ],
)
def test_headers(raw: Raw, header: str, value: str, code: str) -> None:
    """What is missing, malformed or unknown has its own code."""
    raw.sign()
    raw.headers[header] = value
    assert raw.send() == code


def test_other_methods_paths_and_bodies(raw: Raw) -> None:
    """POST to "/" with a JSON object is all there is."""
    raw.sign()
    assert raw.send("GET") == "UnsupportedProtocol"
    assert raw.send(path="/other") == "AuthFailure.SignatureFailure"
    for body in (b"", b"[]", b"x=1"):
        raw.body = body
        raw.sign()
        assert raw.send() == "InvalidParameter"


def test_authorization_header_comes_apart() -> None:
    """The documented form, with a made-up signature."""
    proof = hashlib.sha256(b"").hexdigest()
    header = (
        f"TC3-HMAC-SHA256 Credential=AKID/2019-02-25/bm/tc3_request, SignedHeaders=content-type;host, Signature={proof}"
    )
    sent = Authorization.parse(header)
    assert (sent.secret_id, sent.day, sent.service) == ("AKID", "2019-02-25", "bm")
    assert (sent.signed, sent.signature) == (("content-type", "host"), proof)
