"""Tencent's v2 API as simulated: golden vectors, resets and their tasks; driven by raw requests."""

from __future__ import annotations

import pytest
import requests  # noqa: TID251 - a client that is not ours

from rotation.core.secret import Secret
from rotation_testkit.doubles.vendors.tencent_bm.simulator import SecretKey, TencentBm
from rotation_testkit.doubles.vendors.tencent_bm.v2_gateway import canonical, signature

OLD, NEW = "Old-pass-1234", "New-pass-5678"
RESET, RESULT = "ResetDevicePasswd", "DescriptionOperationResult"


SAMPLE_KEY = Secret("Gu5t9xGARNpq86cd" + "98joQYCN3Cozk1qA")  # the vendor's documentation sample
SAMPLE = {
    "Action": "DescribeInstances",
    "InstanceIds.0": "ins-09dx96dg",
    "Nonce": "11886",
    "Region": "ap-guangzhou",
    "SecretId": "AKID" + "z8krbsJ5yKBZQpn74WFkmLPx3gnPhESA",
    "Timestamp": "1465185768",
}
OURS = {
    "Action": RESET,
    "SecretId": "AKIDTEST",
    "Nonce": "48476",
    "Timestamp": "1476436689",
    "Region": "bj",
    "instanceIds.1": "cpm-34xs43xs",
    "instanceIds.2": "cpm-3xwssdfx",
    "passwd": "Ab_c+e/12=34 ",
}


@pytest.mark.parametrize(
    ("method", "digest", "expected"),
    [
        ("HmacSHA256", "HmacSHA256", "0EEm/HtGRr/VJXTAD9tYMth1Bzm3lLHz5RCDv1GdM8s="),
        ("HmacSHA1", "HmacSHA1", "nPVnY6njQmwQ8ciqbPl5Qe+Oru4="),
    ],
    ids=["T1", "T2"],
)
def test_signature_is_the_vendors(method, digest, expected):
    """The signature page's own samples (for cvm.api.qcloud.com) come out the same."""
    text = canonical("GET", "cvm.api.qcloud.com", {**SAMPLE, "SignatureMethod": method, "Signature": "x"})
    assert signature(text, SAMPLE_KEY, digest) == expected


@pytest.mark.parametrize(
    ("http", "method", "expected"),
    [
        ("GET", "HmacSHA1", "fjii586ImA7Mfk8gA4OX8WuhYkY="),
        ("GET", "HmacSHA256", "VbAtr5py3thYOS3GVpEMBWVlUJATuhjZmCMYZXZIHyk="),
        ("POST", "HmacSHA1", "/Z7H1FqyYzJA2lbng/gnf9M1dOg="),
        ("POST", "HmacSHA256", "Ppok3OURDaTpRYkdljboRtaWfWIsfFnIsBhlkgJ010k="),
        ("GET", "", "N0BD17JTFyWzC+do8MT9+ElE/q8="),
    ],
    ids=["T3", "T4", "T5", "T6", "T7"],
)
def test_sdk_signatures_are_accepted_over_the_wire(http, method, expected):
    """Requests as the vendor's SDK signs them pass the gateway: the answer is about the password, not the signature."""
    sim = TencentBm(clock=lambda: 1_476_436_689.0, credentials=SecretKey("AKIDTEST", Secret("SKTEST")))
    for name in ("cpm-34xs43xs", "cpm-3xwssdfx"):
        sim.add_device(name, password=Secret(OLD))
    params = {**OURS, "Signature": expected} | ({"SignatureMethod": method} if method else {})
    where = {"params": params} if http == "GET" else {"data": params}
    with sim.serve() as url:
        answers = [
            requests.request(http, url + "/v2/index.php", headers={"Host": host}, timeout=5, **where).json()
            for host in ("elsewhere", "bm.api.qcloud.com")
        ]
    assert [answer["code"] for answer in answers] == [4100, 10001]
    assert answers[1]["message"] == "(10001)InvalidParameter [a character is not allowed]"


def test_reset_of_one_device(reset, invoke, sim, clock):
    """A task runs from 4 to 1; meanwhile operateStatus is 11; then only the new password logs in."""
    answer = reset("cpm-1")
    assert answer == {"code": 0, "message": "OK", "data": {"taskId": 101}}
    assert invoke(RESULT, taskId="101")["data"] == {
        "status": 4,
        "instanceIds": [{"instanceId": "cpm-1", "status": 4}],
    }
    assert invoke("DescribeDevice", **{"instanceIds.0": "cpm-1"})["data"]["deviceList"][0]["operateStatus"] == "11"
    assert sim.guest_password("cpm-1") == Secret(OLD)
    assert sim.running("cpm-1")
    clock.sleep(100)
    assert invoke(RESULT, taskId="101")["data"]["status"] == 1
    assert invoke("DescribeDevice", **{"instanceIds.0": "cpm-1"})["data"]["deviceList"][0]["operateStatus"] == "1"
    login = sim.guest_login("cpm-1")
    assert login("root", NEW)
    assert not login("root", OLD)
    assert not login("Administrator", NEW)
    assert (sim.resets("cpm-1"), sim.attempts("cpm-1")) == (1, 1)


@pytest.mark.parametrize(
    ("failing", "statuses"),
    [((), [4, 5, 5, 1]), (("cpm-1",), [4, 6, 7, 3]), (("cpm-2",), [4, 5, 7, 3]), (("cpm-1", "cpm-2"), [4, 6, 6, 3])],
    ids=["none", "first", "second", "both"],
)
def test_every_status_of_a_batch(reset, invoke, sim, clock, *, failing, statuses):  # noqa: PLR0913 - one row of the table
    """The whole follows its parts, 4 to 7 while some are unfinished, then 1 or 3; failed devices keep their own."""
    for name in failing:
        sim.device(name).reset_fails = True
    task = reset("cpm-1", "cpm-2", "cpm-3")["data"]["taskId"]
    seen = []
    for step in (0, 100, 50, 50):
        clock.sleep(step)
        seen.append(invoke(RESULT, taskId=str(task))["data"]["status"])
    assert seen == statuses
    parts = invoke(RESULT, taskId=str(task))["data"]["instanceIds"]
    assert [part["status"] for part in parts] == [2 if part["instanceId"] in failing else 1 for part in parts]
    for part in parts:
        assert sim.guest_password(part["instanceId"]) == Secret(OLD if part["instanceId"] in failing else NEW)


def test_a_batch_may_fail_whole(reset, invoke, sim, clock):
    """Status 2 when every part failed, even one that changed the password before it failed."""
    sim.device("cpm-1").reset_fails = True
    sim.device("cpm-2").reset_fails_after = True
    reset("cpm-1", "cpm-2")
    clock.sleep(150)
    assert invoke(RESULT, taskId="101")["data"]["status"] == 2
    assert sim.guest_password("cpm-1") == Secret(OLD)
    assert sim.guest_password("cpm-2") == Secret(NEW)


def test_result_list_has_two_names(reset, invoke, sim):
    """The vendor's table and its samples disagree; the action's odd name can be the other one, too."""
    reset("cpm-1")
    sim.v2.result_list = "resourceIds"
    assert invoke(RESULT, taskId="101")["data"]["resourceIds"] == [{"instanceId": "cpm-1", "status": 4}]
    sim.v2.result_action = "DescribeOperationResult"
    assert invoke(RESULT, taskId="101")["code"] == 4000
    assert invoke("DescribeOperationResult", taskId="101")["code"] == 0


def test_success_may_be_a_lie_or_early(reset, invoke, sim, clock):
    """The task succeeds although the login did not change, or before it does."""
    sim.device("cpm-1").guest_ignores_reset = True
    sim.service.delays.guest = 60
    reset("cpm-1", "cpm-2")
    clock.sleep(150)
    assert invoke(RESULT, taskId="101")["data"]["status"] == 1
    assert [sim.guest_password(name) for name in ("cpm-1", "cpm-2")] == [Secret(OLD), Secret(OLD)]
    clock.sleep(60)
    assert [sim.guest_password(name) for name in ("cpm-1", "cpm-2")] == [Secret(OLD), Secret(NEW)]
