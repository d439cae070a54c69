"""Tencent's v2 API as simulated: golden vectors, resets, tasks, refusals, power and faults."""

import pytest
import requests  # noqa: TID251 - a client that is not ours

from rotation.core.secret import Secret
from rotation.drivers.vendors.tencent_bm.error_codes import V2_TABLE
from rotation_testkit.doubles.vendor_api.faults import FaultKind
from rotation_testkit.doubles.vendors.tencent_bm.simulator import SecretKey, TencentBm, Trouble
from rotation_testkit.doubles.vendors.tencent_bm.v2_gateway import MESSAGES, canonical, signature

OLD, NEW = "Old-pass-1234", "New-pass-5678"
RESET, RESULT = "ResetDevicePasswd", "DescriptionOperationResult"


SAMPLE_KEY = "Gu5t9xGARNpq86cd" + "98joQYCN3Cozk1qA"  # the vendor's documentation sample
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
    "instanceIds_2": "cpm-3xwssdfx",
    "instanceIds.1": "cpm-34xs43xs",
    "passwd": "Ab_c+e/12=34 ",
}


VECTORS = {
    "T1": ("GET", "HmacSHA256", SAMPLE, "0EEm/HtGRr/VJXTAD9tYMth1Bzm3lLHz5RCDv1GdM8s="),
    "T2": ("GET", "HmacSHA1", SAMPLE, "nPVnY6njQmwQ8ciqbPl5Qe+Oru4="),
    "T3": ("GET", "HmacSHA1", OURS, "fjii586ImA7Mfk8gA4OX8WuhYkY="),
    "T4": ("GET", "HmacSHA256", OURS, "VbAtr5py3thYOS3GVpEMBWVlUJATuhjZmCMYZXZIHyk="),
    "T5": ("POST", "HmacSHA1", OURS, "/Z7H1FqyYzJA2lbng/gnf9M1dOg="),
    "T6": ("POST", "HmacSHA256", OURS, "Ppok3OURDaTpRYkdljboRtaWfWIsfFnIsBhlkgJ010k="),
    "T7": ("GET", "", OURS, "N0BD17JTFyWzC+do8MT9+ElE/q8="),
}
"""The signing page's two samples, and what the vendor's abandoned client made of a reset."""


@pytest.mark.parametrize(("http", "method", "call", "expected"), VECTORS.values(), ids=VECTORS)
def test_simulator_and_client_sign_as_the_vendor_does(sign, http, method, call, expected):
    """The simulator and the tests' own client both make the vendor's signature; Signature itself is not signed."""
    host, key = ("cvm.api.qcloud.com", SAMPLE_KEY) if call is SAMPLE else ("bm.api.qcloud.com", "SKTEST")
    params = {**call, "SignatureMethod": method} if method else call
    assert sign(http, host, params, key) == expected
    text = canonical(http, host, {**params, "Signature": "x"})
    assert signature(text, Secret(key), method or "HmacSHA1") == expected


@pytest.mark.parametrize("vector", ["T3", "T4", "T5", "T6", "T7"])
def test_sdk_signatures_are_accepted_over_the_wire(vector):
    """Requests as the vendor's SDK signs them pass the gateway: the answer is about the password, not the signature."""
    http, method, call, expected = VECTORS[vector]
    sim = TencentBm(clock=lambda: 1_476_436_689.0, credentials=SecretKey("AKIDTEST", Secret("SKTEST")))
    for name in ("cpm-34xs43xs", "cpm-3xwssdfx"):
        sim.add_device(name, password=Secret(OLD))
    params = {**call, "Signature": expected} | ({"SignatureMethod": method} if method else {})
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
    assert invoke(RESULT, taskId="101")["data"] == {"status": 4, "instanceIds": [{"instanceId": "cpm-1", "status": 4}]}
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
    """The status is 2 when every part failed, even one that changed the password before it failed."""
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


@pytest.mark.parametrize(
    ("device", "password", "accepted"),
    [
        ("cpm-1", "abcde12", False),
        ("cpm-1", "abcdef12", True),
        ("cpm-1", "a1" * 8, True),
        ("cpm-1", "a1" * 8 + "a", False),
        ("cpm-1", "Abcdefgh", False),
        ("cpm-1", "Abcdefg#", True),
        ("cpm-1", "1234567#", True),
        ("cpm-1", "12345678", False),
        ("cpm-1", "abcdef1`", False),
        ("cpm-1", 'abcdef1"', False),
        ("cpm-1", "abcdef1 ", False),
        ("cpm-1", "abcdef1\\", False),
        ("cpm-1", "abcdef1é", False),
        ("cpm-1", "a()~!@#$%^&*-+=_", True),
        ("cpm-1", "a{}[]:;'|<>,.?/1", True),
        ("cpm-win", "Abcdefghij1", False),
        ("cpm-win", "Abcdefghijk1", True),
        ("cpm-win", "abcdefghijk1", False),
        ("cpm-win", "abcdefghij1#", True),
        ("cpm-win", "Abcdefghijklmn1#", True),
        ("cpm-win", "Abcdefghijklmno1#", False),
        ("cpm-win", "aDMINISTRATOR1", False),
        ("cpm-win", "Administrato1#", True),
    ],
)
def test_vendors_password_rule(reset, sim, clock, device, password, *, accepted):  # noqa: PLR0913 - one row of the table
    """Length, characters and kinds are checked by operating system; letters are one kind on Linux."""
    answer = reset(device, password=password)
    clock.sleep(100)
    assert answer["code"] == (0 if accepted else 10001)
    assert sim.guest_password(device) == Secret(password if accepted else OLD)
    assert password not in answer["message"]


def test_one_unfit_device_refuses_the_batch(reset, sim, clock):
    """A password good for Linux alone changes nothing when a Windows device is in the call."""
    assert reset("cpm-1", "cpm-win", password="abcdef12")["code"] == 10001
    clock.sleep(60)
    assert (sim.resets("cpm-1"), sim.attempts("cpm-1"), sim.attempts("cpm-win")) == (0, 1, 1)


def test_backtick_is_a_switch(reset, sim):
    """The switch allows a backtick, as one copy of the vendor's page can be read."""
    sim.service.backtick = True
    assert reset("cpm-1", password="abcdef1`")["code"] == 0


@pytest.mark.parametrize(
    ("field", "value", "code"),
    [
        *(("power", status, 12002) for status in range(2, 16) if status != 11),
        *(("device_status", status, 12002) for status in range(1, 15) if status != 4),
        ("agent_alive", False, 12006),
    ],
)
def test_reset_needs_a_running_device_in_operation_with_its_agent(reset, sim, field, value, code):
    """Every operateStatus but 1, every deviceStatus but 4, and a guest without the agent refuse the whole batch."""
    setattr(sim.device("cpm-2"), field, value)
    assert reset("cpm-1", "cpm-2")["code"] == code
    assert sim.device("cpm-1").resetting == 0


def test_second_reset_waits_for_the_first(reset, sim, clock):
    """A second reset is 12002 while the first runs, and then a task of its own."""
    assert reset("cpm-1")["data"]["taskId"] == 101
    assert reset("cpm-1", "cpm-2")["code"] == 12002
    clock.sleep(100)
    assert reset("cpm-1")["data"]["taskId"] == 102
    assert sim.attempts("cpm-1") == 3


def test_parameters_of_reset(invoke, sim):
    """Missing or unknown devices, a missing password, too many devices and an unknown region are refused."""
    assert invoke(RESET, passwd=NEW)["code"] == 10001
    assert invoke(RESET, **{"instanceIds.1": "cpm-1"})["code"] == 10001
    assert invoke(RESET, passwd=NEW, **{"instanceIds.1": "cpm-nobody"})["code"] == 10001
    assert invoke(RESET, passwd=NEW, Region="gz", **{"instanceIds.1": "cpm-1"})["code"] == 10001
    assert invoke(RESET, passwd=NEW, Region="us", **{"instanceIds.1": "cpm-1"})["code"] == 4000
    sim.v2.troubles[Trouble.NO_DEVICE] = 5000
    assert invoke(RESET, passwd=NEW, **{"instanceIds.1": "cpm-nobody"})["code"] == 5000
    sim.service.most_devices = 1
    assert invoke(RESET, passwd=NEW, **{"instanceIds.1": "cpm-1", "instanceIds.2": "cpm-2"})["code"] == 10001
    assert invoke(RESULT, taskId="x")["code"] == 10001
    assert invoke(RESULT, taskId="999")["code"] == 10001
    assert sim.resets("cpm-1") == 0


@pytest.mark.parametrize("names", [("instanceIds.0", "instanceIds.1"), ("instanceIds_7", "instanceIds_9")])
def test_any_numbering_of_devices(invoke, names):
    """Devices are numbered from 0 or 1, with dots or underscores; an underscore is signed as a dot."""
    answer = invoke(RESET, passwd=NEW, **dict(zip(names, ("cpm-1", "cpm-2"), strict=True)))
    parts = invoke(RESULT, taskId=str(answer["data"]["taskId"]))["data"]["instanceIds"]
    assert [part["instanceId"] for part in parts] == ["cpm-1", "cpm-2"]


def test_describe_device_shows_integers_as_strings(invoke, sim, clock):
    """Only the fields inside the list are strings; the list is filtered and paged."""
    sim.device("cpm-2").wan_ip = "198.51.100.7"
    data = invoke("DescribeDevice", **{"wanIps.0": "198.51.100.7"})["data"]
    assert (data["totalNum"], data["serverTimestamp"]) == (1, int(clock.now() * 1000))
    (device,) = data["deviceList"]
    assert (device["instanceId"], device["deviceStatus"], device["osTypeId"]) == ("cpm-2", "4", "1")
    data = invoke("DescribeDevice", offset="1", limit="2")["data"]
    assert data["totalNum"] == 4
    assert [device["instanceId"] for device in data["deviceList"]] == ["cpm-2", "cpm-3"]
    assert invoke("DescribeDevice", alias="nobody")["data"]["deviceList"] == []
    assert invoke("DescribeDevice", Region="ap-guangzhou")["data"]["totalNum"] == 0
    assert invoke("DescribeDevice", limit="x")["code"] == 10001


def test_describe_os_is_a_bare_list(invoke, sim):
    """The list shows by osTypeId which system is Windows; the device class must be named."""
    kinds = {entry["osTypeId"]: entry["osClass"] for entry in invoke("DescribeOs", deviceClassCode="PS100v1")["data"]}
    assert (kinds["1"], kinds[str(sim.device("cpm-win").os.type_id)]) == ("CentOS", "Windows")
    assert invoke("DescribeOs")["code"] == 10001


def test_operation_log(reset, invoke, sim, clock):
    """The log has the newest entry first; 0 is running, 1 done, 2 failed; the task's number is a string."""
    reset("cpm-1")
    clock.sleep(100)
    sim.device("cpm-1").reset_fails = True
    reset("cpm-1")
    clock.sleep(100)
    reset("cpm-1")
    answer = invoke("DescribeDeviceOperationLog", instanceId="cpm-1")
    assert (answer["message"], answer["codeDesc"], answer["data"]["totalCount"]) == ("", "Success", 3)
    assert [(log["taskId"], log["status"]) for log in answer["data"]["logs"]] == [
        ("103", "0"),
        ("102", "2"),
        ("101", "1"),
    ]
    assert answer["data"]["logs"][0]["startTime"] == "2016-10-14 17:21:29"
    assert invoke("DescribeDeviceOperationLog", instanceId="cpm-1", limit="1", offset="2")["data"]["logs"][0]["id"]
    before = invoke("DescribeDeviceOperationLog", instanceId="cpm-1", endTime="2016-10-13")
    assert before["data"]["logs"] == []
    assert invoke("DescribeDeviceOperationLog", instanceId="cpm-nobody")["code"] == 10001


def test_power(invoke, sim, clock):
    """Shutdown, start and reboot pass through their own states; only shutdown answers without a task."""
    target = {"instanceIds_0": "cpm-1", "opUin": "1307774067"}
    assert invoke("ShutdownDevice", **target) == {"code": 0, "message": "", "codeDesc": "Success", "data": None}
    assert sim.device("cpm-1").operate_status == 2
    assert invoke("StartDevice", **target)["code"] == 12002
    clock.sleep(20)
    assert not sim.running("cpm-1")
    task = invoke("StartDevice", **target)["data"]["taskId"]
    assert sim.device("cpm-1").operate_status == 5
    clock.sleep(30)
    assert sim.running("cpm-1")
    assert invoke(RESULT, taskId=str(task))["data"]["status"] == 1
    sim.device("cpm-1").power_fails = True
    task = invoke("RebootDevice", **target)["data"]["taskId"]
    assert sim.device("cpm-1").operate_status == 7
    clock.sleep(30)
    assert sim.device("cpm-1").operate_status == 8
    assert invoke(RESULT, taskId=str(task))["data"]["status"] == 2
    assert invoke("StartDevice", instanceIds_0="cpm-1")["code"] == 10001


def test_reboots_are_rationed(invoke, sim, clock):
    """A minute has room for a number of rebooted devices, counted over all calls."""
    sim.v2.reboots.most = 2
    batch = {"instanceIds.0": "cpm-1", "instanceIds.1": "cpm-2", "opUin": "1"}
    assert invoke("RebootDevice", **batch)["code"] == 0
    assert invoke("RebootDevice", **{"instanceIds.0": "cpm-3", "opUin": "1"})["code"] == 4400
    clock.sleep(60)
    assert invoke("RebootDevice", **{"instanceIds.0": "cpm-3", "opUin": "1"})["code"] == 0


def test_silent_fault_still_shows_a_task(reset, invoke, sim, clock):
    """A reset without effect shows task, passing status and success like any other; only the login differs."""
    sim.faults.add(RESET, FaultKind.SILENT)
    reset("cpm-1")
    assert sim.device("cpm-1").operate_status == 11
    clock.sleep(100)
    assert invoke(RESULT, taskId="101")["data"]["status"] == 1
    assert (sim.guest_password("cpm-1"), sim.resets("cpm-1")) == (Secret(OLD), 0)
    sim.faults.add("RebootDevice", FaultKind.SILENT)
    task = invoke("RebootDevice", **{"instanceIds.0": "cpm-1", "opUin": "1"})["data"]["taskId"]
    assert invoke(RESULT, taskId=str(task))["data"]["status"] == 1


def test_late_fault_starts_the_task_later(reset, invoke, sim, clock):
    """Until the delay is over the device looks idle and the task unfinished."""
    sim.faults.add(RESET, FaultKind.LATE, delay=100)
    reset("cpm-1")
    assert sim.device("cpm-1").operate_status == 1
    assert invoke(RESULT, taskId="101")["data"]["status"] == 4
    clock.sleep(100)
    assert sim.device("cpm-1").operate_status == 11
    clock.sleep(100)
    assert sim.guest_password("cpm-1") == Secret(NEW)


def test_every_form_of_request_describes_resets_and_polls(invoke, reset, sim, clock, form):
    """The calls of a whole rotation succeed: the device's system, the reset, its task until the guest has it."""
    (device,) = invoke("DescribeDevice", **{"instanceIds.0": "cpm-1"}, **form)["data"]["deviceList"]
    kinds = invoke("DescribeOs", deviceClassCode=device["deviceClassCode"], **form)["data"]
    assert [kind["osClass"] for kind in kinds if kind["osTypeId"] == device["osTypeId"]]
    task = reset("cpm-1", "cpm-2", **form)["data"]["taskId"]
    seen = []
    for ahead in (101, 50, 0):
        seen.append(invoke(RESULT, taskId=str(task), **form)["data"]["status"])
        clock.sleep(ahead)
    assert seen == [4, 5, 1]
    assert sim.guest_password("cpm-1") == sim.guest_password("cpm-2") == Secret(NEW)
    assert sim.guest_password("cpm-3") == Secret(OLD)


@pytest.mark.parametrize(
    ("action", "params"),
    [
        (RESET, {"instanceIds.1": "cpm-1", "passwd": NEW}),
        (RESULT, {"taskId": "101"}),
        ("DescribeDevice", {"instanceIds.1": "cpm-1"}),
        ("DescribeOs", {"deviceClassCode": "PS100v1"}),
    ],
)
def test_every_listed_error_reaches_the_client(invoke, sim, action, params):
    """Code and words arrive in answer to each call that the driver makes; a refused reset changes nothing."""
    assert set(MESSAGES) == {row.vendor_code for row in V2_TABLE}
    for code, words in MESSAGES.items():
        sim.faults.add(action, FaultKind.VENDOR_CODE, code=code)
        answer = invoke(action, **params)
        assert (answer["code"], answer["message"]) == (int(code), f"({code}){words}")
    assert sim.faults.pending == 0
    assert sim.attempts("cpm-1") == 0


def test_a_listed_error_may_come_after_the_reset(reset, sim):
    """The code arrives although the reset takes effect."""
    sim.service.delays.reset = 0
    for number, code in enumerate(MESSAGES, start=1):
        sim.faults.add(RESET, FaultKind.VENDOR_CODE_AFTER, code=code)
        answer = reset("cpm-1")
        assert (answer["code"], "data" in answer) == (int(code), False)
        assert sim.resets("cpm-1") == number
