"""How TencentDB's driver reads answers, what it sends, and what the rotated secret may choose."""

import json

import pytest

from rotation.core import errors, settings
from rotation.core.secret import Secret
from rotation.core.values import Task, TaskState
from rotation.drivers.families.tencent_api3 import Admin
from rotation.drivers.vendors.tencent_cdb.driver import DRIVER
from rotation.drivers.vendors.tencent_cdb.error_codes import TASK_UNKNOWN
from rotation_testkit.conformance.canned import CannedVendor

FIELDS = {"username": "robot", "instance_id": "cdb-1", "region": "ap-guangzhou"}
ACCOUNT = DRIVER.account(**FIELDS, host="10.0.0.%")


def canned(response):
    """The driver at a vendor that gives one answer, and that vendor."""
    vendor = CannedVendor(json.dumps({"Response": response}).encode())
    return vendor.driver(DRIVER, Admin("AKID", Secret("key"))), vendor


def test_a_reset_names_user_and_host_and_gives_a_task():
    """The body has the one account, and the answer's id is the task."""
    driver, vendor = canned({"AsyncRequestId": "a1f3-77"})
    assert driver.set_password(ACCOUNT, Secret("New-pass-5678"), current=None) == Task("a1f3-77")
    accounts = [{"User": "robot", "Host": "10.0.0.%"}]
    assert json.loads(vendor.requests[0].body) == {
        "InstanceId": "cdb-1",
        "NewPassword": "New-pass-5678",
        "Accounts": accounts,
    }
    assert "/cdb/tc3_request" in vendor.requests[0].headers["Authorization"]


@pytest.mark.parametrize("response", [{}, {"AsyncRequestId": ""}, {"AsyncRequestId": 7}, {"AsyncRequestId": "a b"}])
def test_only_a_task_is_success(response):
    """Anything else in answer to a reset leaves its outcome open."""
    with pytest.raises(errors.OutcomeUnknown):
        canned(response)[0].set_password(ACCOUNT, Secret("New-pass-5678"), current=None)


@pytest.mark.parametrize(
    ("status", "state"),
    [
        *((each, TaskState.RUNNING) for each in ("INITIAL", "RUNNING", "PAUSED", "UNDEFINED")),
        ("SUCCESS", TaskState.DONE),
        *((each, TaskState.FAILED) for each in ("FAILED", "KILLED", "REMOVED")),
    ],
)
def test_each_status_of_a_task(status, state):
    """A task that waits for the maintenance window is running; one that was killed or removed has failed."""
    assert canned({"Status": status, "Info": ""})[0].poll(ACCOUNT, Task("t")).state is state


@pytest.mark.parametrize("response", [{}, {"Status": None}, {"Status": "DONE"}])
def test_a_status_that_nobody_knows_decides_nothing(response):
    """It is neither running nor failed."""
    with pytest.raises(errors.UnexpectedReply):
        canned(response)[0].poll(ACCOUNT, Task("t"))


@pytest.mark.parametrize("code", [*sorted(TASK_UNKNOWN), "InternalError", "InvalidParameter"])
def test_a_task_that_the_vendor_forgot_has_failed(code):
    """Any other refusal says nothing about the task."""
    driver, _ = canned({"Error": {"Code": code, "Message": "m"}, "RequestId": "r"})
    if code in TASK_UNKNOWN:
        assert driver.poll(ACCOUNT, Task("t")).state is TaskState.FAILED
        return
    with pytest.raises((errors.VendorUnavailable, errors.AccountUnusable)):
        driver.poll(ACCOUNT, Task("t"))


@pytest.mark.parametrize(
    ("key", "value"),
    [("instance_id", "cdbro-1"), ("username", "a'b"), ("username", "a" * 33), ("host", "%\n"), ("address", "10.0.0.1")],
)
def test_what_the_rotated_secret_may_not_say(key, value):
    """The secret chooses no server; a user's name is no regular expression that could match another one."""
    with pytest.raises(errors.SettingsError, match=key):
        settings.load(DRIVER.account, {**FIELDS, key: value}, where="secret")
