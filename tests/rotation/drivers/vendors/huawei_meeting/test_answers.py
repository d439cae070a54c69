"""How Huawei Meeting's driver reads answers, and what its settings may hold."""

import json

import pytest

from rotation.core import errors, settings
from rotation.core.secret import Secret
from rotation.drivers.network.http_messages import HttpReply
from rotation.drivers.vendors.huawei_meeting.app_login import Admin
from rotation.drivers.vendors.huawei_meeting.driver import DRIVER
from rotation_testkit.conformance.canned import CannedVendor

NAME = "robot@corp1"
OLD = Secret("Canary-Old/pass+word=1")


def test_a_login_is_made_as_an_api_client():
    """Any other client type ends the session of the human who uses the account."""
    vendor = CannedVendor(b'{"user":{}}')
    vendor.driver(DRIVER).verify(DRIVER.account(username=NAME), OLD)
    assert json.loads(vendor.requests[0].body) == {"account": NAME, "clientType": 72, "createTokenType": 1}


@pytest.mark.parametrize(
    ("status", "body", "expected"),
    [
        (423, b"", errors.AccountLocked),
        (412, b"", errors.AccountUnusable),
        (200, b"{}", errors.UnexpectedReply),
        (200, b'{"ok":true}', errors.UnexpectedReply),
    ],
)
def test_login_answers_without_the_code_for_a_wrong_password(status, body, expected):
    """None of these answers says that the password is wrong or right."""
    with pytest.raises(expected):
        CannedVendor(body, status).driver(DRIVER).verify(DRIVER.account(username=NAME), OLD)


PAGE = b"\r\n<!DOCTYPE html><html><body>Please log in to the hotel's network</body></html>"


@pytest.mark.parametrize("status", [200, 302, 401, 403, 407, 412, 423, 511])
@pytest.mark.parametrize("admin", [None, Admin(app_id="app", app_key=Secret("key"))])
def test_a_web_page_in_answer_to_a_login_leaves_nothing_open(status, admin):
    """A proxy or a captive portal answered: nothing is known about the password, and no change was sent."""
    vendor = CannedVendor(PAGE, status)
    driver = vendor.driver(DRIVER, admin=admin)
    account = DRIVER.account(username=NAME)
    for login in (
        lambda: driver.verify(account, OLD),
        lambda: driver.set_password(account, OLD, current=OLD),
    ):
        with pytest.raises((errors.UnexpectedReply, errors.VendorUnavailable)) as caught:
            login()
        assert caught.value.definite
        assert caught.value.retryable
    assert not any(request.changes for request in vendor.requests)
    if status == 200:
        assert "a web page" in caught.value.message


def test_a_login_without_a_usable_token_is_no_login():
    """A token goes into a header, so a malformed one is refused."""
    for body in (b'{"user":{}}', b'{"accessToken":""}', b'{"accessToken":"a\\r\\nb"}'):
        with pytest.raises(errors.UnexpectedReply, check=lambda error: error.definite):
            CannedVendor(body).driver(DRIVER).set_password(DRIVER.account(username=NAME), OLD, current=OLD)


@pytest.mark.parametrize(
    "headers", [{}, {"content-type": "application/json"}, {"content-type": "text/html", "content-length": "0"}]
)
def test_an_empty_answer_that_the_vendor_did_not_declare_is_no_success(headers):
    """Such an answer was cut, or comes from a proxy."""

    class Half(CannedVendor):
        def send(self, request):
            if request.changes:
                return HttpReply(200, headers, b"")
            return HttpReply(200, {}, b'{"accessToken":"token"}')

    with pytest.raises(errors.OutcomeUnknown):
        Half().driver(DRIVER).set_password(DRIVER.account(username=NAME), OLD, current=OLD)


@pytest.mark.parametrize("key", ["app_id", "corp_id", "user_id"])
def test_a_colon_would_shift_the_signed_fields(key):
    """The signed fields are joined by colons, so none of them may hold one."""
    values = {"app_id": "app", "app_key": "key", key: "a:b"}
    with pytest.raises(errors.SettingsError) as caught:
        settings.load(Admin, values, where="admin")
    assert key in str(caught.value)
