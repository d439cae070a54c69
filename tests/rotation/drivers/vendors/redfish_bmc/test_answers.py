"""How Redfish's driver reads answers of devices that differ."""

import json

import pytest

from rotation.core import errors
from rotation.core.secret import Secret
from rotation.core.values import Task, TaskState, Verdict
from rotation.drivers.vendors.redfish_bmc.driver import DRIVER, Admin
from rotation_testkit.conformance.canned import CannedVendor

ACCOUNT = DRIVER.account(username="robot", account_id="2")
ODATA = {"odata-version": "4.0"}


def canned(body, status=200, headers=ODATA):
    """The driver at a device that gives one answer."""
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    return CannedVendor(data, status, headers).driver(DRIVER, Admin("admin", Secret("s")))


def refusal(*keys, code="Base.1.18.GeneralError", registry="Base.1.18"):
    """Return an error with these messages."""
    messages = [{"MessageId": f"{registry}.{key}"} for key in keys]
    return {"error": {"code": code, "message": "x", "@Message.ExtendedInfo": messages}}


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        ((refusal("PropertyValueError"), 400), errors.AccountUnusable),
        ((refusal("GeneralError", "InsufficientPrivilege"), 400), errors.PermissionDenied),
        ((refusal("SYS403", "PropertyDeprecated", "InsufficientPrivilege"), 403), errors.PermissionDenied),
        ((refusal("AccessUnauthorized"), 401), errors.AdminRejected),
        ((refusal(code="Base.1.0.ResourceMissingAtURI"), 404), errors.AccountUnusable),
        ((refusal("GeneralError"), 401), errors.AdminRejected),
        ((b"", 403), errors.PermissionDenied),
        ((b"", 503), errors.VendorUnavailable),
        (({"error": "text"}, 500), errors.VendorUnavailable),
        (({"error": {"@Message.ExtendedInfo": [1, {"MessageId": None}]}}, 418), errors.VendorUnavailable),
        ((refusal("Novel"), 400), errors.UnexpectedReply),
        ((b"<html>", 401), errors.UnexpectedReply),
        ((b"", 401, {}), errors.UnexpectedReply),
        ((b"[]", 200), errors.UnexpectedReply),
        ((b"", 200, {}), errors.UnexpectedReply),
    ],
    ids=str,
)
def test_a_refusal_is_read_by_its_message_or_by_its_status(answer, error):
    """A message that the table knows counts, beside warnings and a maker's own; then the code, then the status.

    What is not OData means nothing.
    """
    with pytest.raises(errors.DriverError) as caught:
        canned(*answer).observe(ACCOUNT)
    assert type(caught.value) is error


def test_a_wrong_login_has_two_words():
    """The standard's, and the one of HPE's registry with HTTP 400; both count after a look at the account."""
    body = refusal("UnauthorizedLoginAttempt", registry="iLO.2.14")
    vendor = CannedVendor(json.dumps(body).encode(), 400, ODATA)
    driver = vendor.driver(DRIVER, Admin("admin", Secret("s")))
    with pytest.raises(errors.AdminRejected):  # this device refuses the look, too
        driver.verify(ACCOUNT, Secret("x"))
    assert [request.method for request in vendor.requests] == ["POST", "GET"]


@pytest.mark.parametrize(
    ("headers", "task"),
    [
        ({"location": "/redfish/v1/TaskService/TaskMonitors/5"}, "/redfish/v1/TaskService/TaskMonitors/5"),
        ({"location": "https://bmc/redfish/v1/TaskService/Tasks/5"}, "/redfish/v1/TaskService/Tasks/5"),
        ({}, "/redfish/v1/TaskService/Tasks/7"),
        ({"location": "//evil/elsewhere"}, None),
        ({"location": "/redfish/v1/a b"}, None),
    ],
)
def test_a_task_is_a_path_of_the_device(headers, task):
    """Only the path is kept, so that no answer sends us to another host; without one the outcome is open."""
    driver = canned({"@odata.id": "/redfish/v1/TaskService/Tasks/7"}, 202, {**ODATA, **headers})
    if task is None:
        with pytest.raises(errors.OutcomeUnknown):
            driver.set_password(ACCOUNT, Secret("x"), current=None)
        return
    assert driver.set_password(ACCOUNT, Secret("x"), current=None) == Task(task)


@pytest.mark.parametrize(
    ("answer", "state"),
    [
        (({"TaskState": "Pending"}, 200), TaskState.RUNNING),
        (({}, 202), TaskState.RUNNING),
        (({"TaskState": "Killed"}, 200), TaskState.FAILED),
        (({"UserName": "robot"}, 200), TaskState.DONE),
        ((b"", 204), TaskState.DONE),
        ((refusal("PropertyValueError"), 400), TaskState.FAILED),
    ],
    ids=str,
)
def test_a_task_ends_as_a_task_or_as_the_changes_own_answer(answer, state):
    """The standard allows both."""
    assert canned(*answer).poll(ACCOUNT, Task("/redfish/v1/TaskService/Tasks/7")).state is state


def test_a_task_that_cannot_be_read_is_not_decided():
    """A device that is busy, or refuses our credential, says nothing about the task."""
    for body, status in ((refusal("ServiceShuttingDown"), 503), (refusal("InsufficientPrivilege"), 403)):
        with pytest.raises(errors.DriverError):
            canned(body, status).poll(ACCOUNT, Task("/redfish/v1/TaskService/Tasks/7"))


def test_a_login_without_a_token_proves_nothing():
    """A session has a token; without one, something else answered."""
    with pytest.raises(errors.UnexpectedReply):
        canned({"Id": "1"}, 201).verify(ACCOUNT, Secret("x"))
    good = canned({"Id": "1"}, 201, {**ODATA, "x-auth-token": "t"})
    assert good.verify(ACCOUNT, Secret("x")) is Verdict.ACCEPTED


@pytest.mark.parametrize("tag", ['W/"x"', "", "two\nlines", "é"])
def test_an_etag_that_cannot_be_sent_back_is_left_out(tag):
    """It would be a header of the device's choosing."""
    vendor = CannedVendor(json.dumps({"@odata.etag": tag}).encode(), 200, ODATA)
    vendor.driver(DRIVER, Admin("admin", Secret("s"))).set_password(ACCOUNT, Secret("x"), current=None)
    assert vendor.requests[-1].headers.get("If-Match") == (tag if tag.startswith("W/") else None)
