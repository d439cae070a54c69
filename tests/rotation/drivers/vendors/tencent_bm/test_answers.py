"""How Blackstone's driver reads answers, which API it speaks, and what the rotated secret may choose."""

import json

import pytest

from rotation.core import errors, settings
from rotation.core.secret import Secret
from rotation.core.values import Task, TaskState
from rotation.drivers.families.tencent_api3 import is_windows
from rotation.drivers.vendors.tencent_bm.driver import DRIVER, V2_HOST, V3_HOST, Admin
from rotation.drivers.vendors.tencent_bm.error_codes import TASK_UNKNOWN
from rotation_testkit.conformance.canned import CannedVendor

NEW = Secret("Newer#pass5678")


def wired(endpoint, body=b"", **admin):
    """The driver at a vendor that gives one answer."""
    return CannedVendor(body).driver(DRIVER, Admin("AKID", Secret("key"), **admin), endpoint=endpoint)


ACCOUNT = DRIVER.account(username="root", instance_id="cpm-1", region="ap-beijing")
DONE, FAILED, RUNNING = TaskState.DONE, TaskState.FAILED, TaskState.RUNNING


@pytest.mark.parametrize(
    ("overall", "own", "expected"),
    [
        (1, None, DONE),
        (2, None, FAILED),
        *[(overall, None, RUNNING) for overall in (4, 5, 6, 7)],
        *[(overall, None, None) for overall in (3, 8)],
        *[(overall, 1, DONE) for overall in (3, 5, 7)],
        *[(overall, 2, FAILED) for overall in (3, 6, 7)],
        *[(overall, 4, RUNNING) for overall in (5, 6, 7)],
        (1, 9, None),
    ],
)
def test_each_status_of_a_task(overall, own, expected):
    """The device's own entry decides; without one the whole task decides, unless its devices differ."""
    other = f'{{"instanceId":"cpm-10","status":{overall}}}'
    mine = "" if own is None else f',{{"instanceId":"cpm-1","status":"{own}"}}'
    v2 = f'{{"code":0,"data":{{"status":{overall},"instanceIds":[{other}{mine}]}}}}'
    other = f'{{"InstanceId":"cpm-10","TaskStatus":{overall}}}'
    mine = "" if own is None else f',{{"InstanceId":"cpm-1","TaskStatus":{own}}}'
    v3 = f'{{"Response":{{"TaskStatus":{overall},"SubtaskStatusSet":[{other}{mine}]}}}}'
    for endpoint, body in ((V2_HOST, v2), (V3_HOST, v3)):
        driver = wired(endpoint, body.encode())
        if expected is None:
            with pytest.raises(errors.UnexpectedReply):
                driver.poll(ACCOUNT, Task("1"))
        else:
            assert driver.poll(ACCOUNT, Task("1")).state is expected


@pytest.mark.parametrize("endpoint", [V2_HOST, V3_HOST])
@pytest.mark.parametrize(
    "body",
    [
        b"{}",
        b'{"code":"0"}',
        b'{"code":false}',
        b'{"code":0}',
        b'{"code":0,"data":{}}',
        b'{"code":0,"data":{"taskId":true}}',
        b'{"code":0,"data":{"taskId":null}}',
        b'{"Response":[]}',
        b'{"Response":{}}',
        b'{"Response":{"TaskId":""}}',
    ],
)
def test_only_a_task_is_success(endpoint, body):
    """Anything else in answer to a reset leaves its outcome open, and says nothing about a device."""
    with pytest.raises(errors.OutcomeUnknown):
        wired(endpoint, body).set_password(ACCOUNT, NEW, current=None)
    with pytest.raises(errors.UnexpectedReply):
        wired(endpoint, body).observe(ACCOUNT)


def test_an_error_without_a_code_is_unexpected():
    """An ``Error`` without a code is never a success."""
    for body in (b'{"Response":{"Error":"x","TaskId":1}}', b'{"Response":{"Error":{},"TaskId":1}}'):
        with pytest.raises(errors.UnexpectedReply):
            wired(V3_HOST, body).set_password(ACCOUNT, NEW, current=None)


def test_the_request_id_of_api_3_is_that_of_the_body():
    """The id in the body is used if it looks like one."""
    body = '{"Response":{"Error":{"Code":"InternalError","Message":"m"},"RequestId":"%s"}}'
    for sent, kept in (("3c140219-cfe9-470e-b241-907877d6fb03", True), ("not an id", False)):
        with pytest.raises(errors.OutcomeUnknown) as caught:
            wired(V3_HOST, (body % sent).encode()).set_password(ACCOUNT, NEW, current=None)
        assert caught.value.request_id == (sent if kept else None)


def test_the_endpoint_decides_the_api():
    """The vendor's hosts decide the API; for another host the admin credential does; a contradiction is refused."""
    reset_answer = b'{"code":0,"data":{"taskId":7},"Response":{"TaskId":8}}'
    for endpoint, api, task in (
        (V2_HOST, "", "7"),
        (V2_HOST, "v2", "7"),
        (V3_HOST + "/", "", "8"),
        (V3_HOST, "v3", "8"),
        ("https://proxy.example", "v2", "7"),
        ("https://proxy.example", "v3", "8"),
    ):
        driver = wired(endpoint, reset_answer, api=api)
        assert driver.set_password(ACCOUNT, NEW, current=None) == Task(task)
    for endpoint, api in ((V2_HOST, "v3"), (V3_HOST, "v2"), ("https://proxy.example", "")):
        with pytest.raises(errors.ConfigError) as caught:
            wired(endpoint, api=api)
        assert caught.value.hint


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("instance_id", "ins-1"),
        ("instance_id", "@cpm-1"),
        ("region", "bj"),
        ("region", "@ap-beijing"),
        ("username", "@root"),
        ("ssh_port", 0),
        ("ssh_address", "host.example"),
        ("api", "v2"),
    ],
)
def test_what_the_rotated_secret_may_not_say(key, value):
    """The secret may hold no value that breaks the signature, and choose no host and no API."""
    fields = {"username": "root", "instance_id": "cpm-1", "region": "ap-beijing", key: value}
    with pytest.raises(errors.SettingsError) as caught:
        settings.load(DRIVER.account, fields, where="secret")
    assert key in str(caught.value)


@pytest.mark.parametrize(
    ("names", "windows"),
    [
        (("Windows", "", ""), True),
        (("", "BM-win2012r2", ""), True),
        (("", "", "Windows Server 2012 R2 64位"), True),
        (("CentOS", "BM-centos6.5", "centos 6.5  64位"), False),
        (("Darwin", "BM-darwin", ""), False),
        ((None, None, None), False),
    ],
)
def test_windows_is_recognised_by_any_of_its_names(names, windows):
    """Any of the three names may show Windows, since the vendor's pages have no example."""
    assert is_windows(*names) is windows


@pytest.mark.parametrize(
    ("name", "status", "expected"),
    [
        *[("DeviceStatus", status, [errors.InProgress]) for status in (1, 2, 10)],
        *[("DeviceStatus", status, [errors.PreconditionFailed]) for status in (5, 6, 16)],
        *[("DeviceStatus", status, [errors.AccountUnusable]) for status in (3, 7, 8, 9, 11, 12, 13, 14)],
        ("DeviceStatus", 4, []),
        ("DeviceStatus", 15, [errors.UnexpectedReply]),
        *[("OperateStatus", status, [errors.InProgress]) for status in (2, 5, 7, 9, 11, 12, 13, 14, 15, 19, 20)],
        *[("OperateStatus", status, [errors.PreconditionFailed]) for status in (3, 4, 6, 8, 10, 21, 23, 24)],
        ("OperateStatus", 1, []),
        ("OperateStatus", 22, [errors.UnexpectedReply]),
    ],
)
def test_each_status_of_a_device(name, status, expected):
    """Only a device that is up and in operation can be reset; passing states are distinguished from lasting ones."""
    device = {"InstanceId": "cpm-1", "OsTypeId": 1, "DeviceStatus": 4, "OperateStatus": 1, name: status}
    body = json.dumps({"Response": {"DeviceInfoSet": [device], "OsInfoSet": [{"OsTypeId": 1}]}})
    obstacles = wired(V3_HOST, body.encode()).observe(ACCOUNT).obstacles
    assert [type(each) for each in obstacles] == expected
    assert all(each.hint or each.retryable for each in obstacles)


@pytest.mark.parametrize("name", ["instanceIds", "resourceIds"])
def test_a_device_is_found_in_either_list(name):
    """The entries of a v2 task are read under both names of their list."""
    body = f'{{"code":0,"data":{{"status":3,"{name}":[{{"instanceId":"cpm-1","status":1}}]}}}}'
    assert wired(V2_HOST, body.encode()).poll(ACCOUNT, Task("1")).state is DONE


@pytest.mark.parametrize("endpoint", [V2_HOST, V3_HOST])
def test_only_our_device_is_looked_at(endpoint):
    """Other devices in the answer are ignored."""
    data = {"deviceList": [{"instanceId": "cpm-10"}]}
    body = {"code": 0, "data": data, "Response": {"DeviceInfoSet": [{"InstanceId": "cpm-10"}]}}
    with pytest.raises(errors.AccountUnusable):
        wired(endpoint, json.dumps(body).encode()).observe(ACCOUNT)


def test_no_code_says_that_a_password_was_wrong_or_a_reset_went_well():
    """An API key resets here, so no old password is judged; success is code 0 or a task, and has no row."""
    judging = {
        errors.AccountLocked,
        errors.CannotVerify,
        errors.OldPasswordRejected,
        errors.PasswordReused,
        errors.TooSoon,
    }
    assert judging.isdisjoint(each.error for each in DRIVER.error_table)
    codes = {each.vendor_code for each in DRIVER.error_table}
    assert not {"0", "Success"} & codes
    assert codes >= TASK_UNKNOWN
