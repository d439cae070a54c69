"""Tencent's v2 API as simulated, met by a client that is not ours: nothing but the signing page and a library.

The vendor's own v2 client is abandoned and cannot be aimed at another host. This one, of the standard library, shares
no line with driver or simulator, and is held to the vendor's signatures first.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from collections.abc import Callable
from contextlib import closing
from http.client import HTTPConnection
from typing import Any
from urllib.parse import urlencode

import pytest

from rotation.core.secret import Secret
from rotation.drivers.vendors.tencent_bm.error_codes import V2_TABLE
from rotation_testkit.doubles.vendors.faults import FaultKind
from rotation_testkit.doubles.vendors.tencent_bm.simulator import TencentBm
from rotation_testkit.doubles.vendors.tencent_bm.v2_gateway import MESSAGES

OLD, NEW = "Old-pass-1234", "New-pass-5678"
SAMPLE_KEY = "Gu5t9xGARNpq86cd" + "98joQYCN3Cozk1qA"  # the vendor's documentation sample
SAMPLE_CALL = {
    "Action": "DescribeInstances",
    "InstanceIds.0": "ins-09dx96dg",
    "Nonce": "11886",
    "Region": "ap-guangzhou",
    "SecretId": "AKID" + "z8krbsJ5yKBZQpn74WFkmLPx3gnPhESA",
    "Timestamp": "1465185768",
}
SDK_CALL = {
    "Action": "ResetDevicePasswd",
    "SecretId": "AKIDTEST",
    "Nonce": "48476",
    "Timestamp": "1476436689",
    "Region": "bj",
    "instanceIds_2": "cpm-3xwssdfx",
    "instanceIds.1": "cpm-34xs43xs",
    "passwd": "Ab_c+e/12=34 ",
}
CALLS: dict[str, dict[str, str]] = {
    "ResetDevicePasswd": {"instanceIds.1": "cpm-1", "passwd": NEW},
    "DescriptionOperationResult": {"taskId": "101"},
    "DescribeDevice": {"instanceIds.1": "cpm-1"},
    "DescribeOs": {"deviceClassCode": "PS100v1"},
}


def sign(method: str, host: str, params: dict[str, str], secret_key: str) -> str:
    """Follow the signing page: sort, join raw, put the request line before, HMAC, Base64."""
    dotted = {name.replace("_", "."): value for name, value in params.items()}
    query = "&".join(f"{name}={dotted[name]}" for name in sorted(dotted))
    digest = hashlib.sha256 if params.get("SignatureMethod") == "HmacSHA256" else hashlib.sha1
    mac = hmac.new(secret_key.encode(), f"{method}{host}/v2/index.php?{query}".encode(), digest)
    return base64.b64encode(mac.digest()).decode()


class Client:
    """A v2 client with the faults that a customer's can have: a wrong key, a clock that is off, a used nonce."""

    def __init__(self, sim: TencentBm, url: str, now: Callable[[], float]) -> None:
        self.secret_id, self.secret_key = sim.credentials.secret_id, sim.credentials.secret_key.reveal()
        self.host, self.now = url.removeprefix("http://"), now
        self.method, self.digest = "POST", ""
        self.late, self.nonce = 0, 0
        self.tamper: dict[str, str] = {}

    def call(self, action: str, **params: str) -> dict[str, Any]:
        """Make one call; ``tamper`` is put over it after it was signed."""
        self.nonce += 1
        common = {
            "Action": action,
            "Region": "bj",
            "Timestamp": str(int(self.now()) - self.late),
            "Nonce": str(self.nonce),
            "SecretId": self.secret_id,
        }
        chosen = {"SignatureMethod": self.digest} if self.digest else {}
        form = {**common, **chosen, **params}
        form["Signature"] = sign(self.method, self.host, form, self.secret_key)
        wire = urlencode({**form, **self.tamper})
        path, body = ("/v2/index.php", wire) if self.method == "POST" else (f"/v2/index.php?{wire}", None)
        with closing(HTTPConnection(self.host, timeout=30)) as connection:
            connection.request(self.method, path, body, {"Content-Type": "application/x-www-form-urlencoded"})
            answer = connection.getresponse()
            assert answer.status == 200
            return dict(json.load(answer))

    def reset(self, *names: str, password: str = NEW) -> dict[str, Any]:
        """Reset devices."""
        ids = {f"instanceIds.{place}": name for place, name in enumerate(names)}
        return self.call("ResetDevicePasswd", passwd=password, **ids)


@pytest.fixture(
    params=[("POST", ""), ("POST", "HmacSHA1"), ("POST", "HmacSHA256"), ("GET", "HmacSHA1"), ("GET", "HmacSHA256")],
    ids=lambda each: f"{each[0]}-{each[1] or 'default'}",
)
def client(sim: TencentBm, url: str, clock: Callable[[], float], request: pytest.FixtureRequest) -> Client:
    """A client of each kind that the pages allow."""
    made = Client(sim, url, clock.now)
    made.method, made.digest = request.param
    return made


@pytest.mark.parametrize(
    ("method", "digest", "call", "expected"),
    [
        ("GET", "HmacSHA256", SAMPLE_CALL, "0EEm/HtGRr/VJXTAD9tYMth1Bzm3lLHz5RCDv1GdM8s="),
        ("GET", "HmacSHA1", SAMPLE_CALL, "nPVnY6njQmwQ8ciqbPl5Qe+Oru4="),
        ("GET", "HmacSHA1", SDK_CALL, "fjii586ImA7Mfk8gA4OX8WuhYkY="),
        ("GET", "HmacSHA256", SDK_CALL, "VbAtr5py3thYOS3GVpEMBWVlUJATuhjZmCMYZXZIHyk="),
        ("POST", "HmacSHA1", SDK_CALL, "/Z7H1FqyYzJA2lbng/gnf9M1dOg="),
        ("POST", "HmacSHA256", SDK_CALL, "Ppok3OURDaTpRYkdljboRtaWfWIsfFnIsBhlkgJ010k="),
        ("GET", "", SDK_CALL, "N0BD17JTFyWzC+do8MT9+ElE/q8="),
    ],
    ids=["T1", "T2", "T3", "T4", "T5", "T6", "T7"],
)
def test_the_client_signs_as_the_vendor_does(method, digest, call, expected):
    """The signing page's two samples, and what the vendor's abandoned client made of a reset."""
    host, key = ("cvm.api.qcloud.com", SAMPLE_KEY) if call is SAMPLE_CALL else ("bm.api.qcloud.com", "SKTEST")
    params = {**call, "SignatureMethod": digest} if digest else call
    assert sign(method, host, params, key) == expected


def test_describe_reset_and_poll(client, sim, clock):
    """A whole rotation's calls: which system, the reset, its task until it is done; the guest has the password."""
    (device,) = client.call("DescribeDevice", **{"instanceIds.0": "cpm-1"})["data"]["deviceList"]
    kinds = client.call("DescribeOs", deviceClassCode=device["deviceClassCode"])["data"]
    assert [kind["osClass"] for kind in kinds if kind["osTypeId"] == device["osTypeId"]]
    task = client.reset("cpm-1", "cpm-2")["data"]["taskId"]
    seen = []
    for ahead in (101, 50, 0):
        seen.append(client.call("DescriptionOperationResult", taskId=str(task))["data"]["status"])
        clock.sleep(ahead)
    assert seen == [4, 5, 1]
    assert sim.guest_password("cpm-1") == sim.guest_password("cpm-2") == Secret(NEW)
    assert sim.guest_password("cpm-3") == Secret(OLD)


def test_a_wrong_key_is_refused(client, sim):
    """4100 for a wrong secret key, 4104 for an id that nobody has; no device hears of it."""
    client.secret_key += "x"
    assert client.reset("cpm-1")["code"] == 4100
    client.secret_id = "AKIDnobody"
    assert client.reset("cpm-1")["code"] == 4104
    assert sim.attempts("cpm-1") == 0


@pytest.mark.parametrize("late", [7201, -7201])
def test_a_stale_clock_is_refused(client, sim, late):
    """4200 for more than two hours on either side."""
    client.late = late
    assert client.reset("cpm-1")["code"] == 4200
    assert sim.attempts("cpm-1") == 0


def test_a_repeated_nonce_is_refused(client, sim, clock):
    """4500 for the same request again, and for another one with a used nonce; the first was carried out."""
    assert client.reset("cpm-1")["code"] == 0
    client.nonce -= 1
    assert client.reset("cpm-1")["code"] == 4500
    client.nonce -= 1
    clock.sleep(3600)
    assert client.call("DescribeDevice")["code"] == 4500
    assert client.call("DescribeDevice")["code"] == 0
    assert (sim.attempts("cpm-1"), sim.resets("cpm-1")) == (1, 1)


@pytest.mark.parametrize(
    "change",
    [{"passwd": "Evil-pass-1234"}, {"instanceIds.0": "cpm-2"}, {"instanceIds.1": "cpm-2"}, {"Timestamp": "1476436690"}],
    ids=["password", "device", "another-device", "time"],
)
def test_a_request_that_was_changed_on_its_way_is_refused(client, sim, change):
    """4100, and neither device hears of it."""
    client.tamper = change
    assert client.reset("cpm-1")["code"] == 4100
    assert (sim.attempts("cpm-1"), sim.attempts("cpm-2")) == (0, 0)


@pytest.mark.parametrize("action", CALLS)
def test_every_listed_error_reaches_the_client(sim, url, clock, action):
    """Code and words, for each call that the driver makes; a refused reset changes nothing."""
    client = Client(sim, url, clock.now)
    assert set(MESSAGES) == {row.vendor_code for row in V2_TABLE}
    for code, words in MESSAGES.items():
        sim.faults.add(action, FaultKind.VENDOR_CODE, code=code)
        answer = client.call(action, **CALLS[action])
        assert (answer["code"], answer["message"]) == (int(code), f"({code}){words}")
    assert sim.faults.pending == 0
    assert sim.attempts("cpm-1") == 0


def test_a_listed_error_may_come_after_the_reset(sim, url, clock):
    """The code arrives although the reset takes effect."""
    sim.service.delays.reset = 0
    client = Client(sim, url, clock.now)
    for number, code in enumerate(MESSAGES, start=1):
        sim.faults.add("ResetDevicePasswd", FaultKind.VENDOR_CODE_AFTER, code=code)
        answer = client.reset("cpm-1")
        assert (answer["code"], "data" in answer) == (int(code), False)
        assert sim.resets("cpm-1") == number
