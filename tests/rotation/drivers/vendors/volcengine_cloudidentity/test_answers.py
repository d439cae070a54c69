"""How Cloud Identity's driver reads answers."""

import pytest

from rotation.core.errors import AccountUnusable, OutcomeUnknown, PasswordRejected, UnexpectedReply, VendorUnavailable
from rotation.core.secret import Secret
from rotation.drivers.vendors.volcengine_cloudidentity.driver import DRIVER, Admin
from rotation_testkit.conformance.canned import CannedVendor


def canned(body, status=200):
    """The driver at a vendor that gives one answer."""
    return CannedVendor(body, status).driver(DRIVER, Admin("k", Secret("s")))


ACCOUNT = DRIVER.account(username="robot", user_id="u-robot")


@pytest.mark.parametrize(
    "body", [b"[]", b"{}", b'{"Result":{}}', b'{"ResponseMetadata":{},"Result":[1]}', b'{"ResponseMetadata":1}', b"0"]
)
def test_only_an_answer_with_metadata_is_success(body):
    """Anything else in answer to a reset leaves its outcome open."""
    with pytest.raises(OutcomeUnknown):
        canned(body).set_password(ACCOUNT, Secret("x"), current=None)
    with pytest.raises(UnexpectedReply):
        canned(body).observe(ACCOUNT)


@pytest.mark.parametrize(
    ("status", "on_change", "on_read"),
    [
        (200, UnexpectedReply, UnexpectedReply),
        (400, UnexpectedReply, UnexpectedReply),
        (500, OutcomeUnknown, VendorUnavailable),
    ],
)
def test_an_error_is_never_a_success(status, on_change, on_read):
    """An unknown code counts by its HTTP status, and with 200 it is unexpected."""
    body = b'{"ResponseMetadata":{"RequestId":"r","Error":{"Code":"Novel","Message":"m"}},"Result":{}}'
    with pytest.raises(on_change) as caught:
        canned(body, status).set_password(ACCOUNT, Secret("x"), current=None)
    assert caught.value.vendor_code == "Novel"
    with pytest.raises(on_read):
        canned(body, status).observe(ACCOUNT)


@pytest.mark.parametrize("user_id", ["u-robot", "u-other", ""])
def test_an_answer_about_another_user_is_unexpected(user_id):
    """An answer about another user proves nothing."""
    lists = '"Instances":[{"Status":"Enabled"}],"PortalLoginSettings":[{"LoginType":"Password","Status":"Enabled"}]'
    body = '{"ResponseMetadata":{},"Result":{"UserId":"%s","UserName":"robot","Source":"Manual",%s}}'
    driver = canned((body % (user_id, lists)).encode())
    if user_id == ACCOUNT.user_id:
        assert not driver.observe(ACCOUNT).obstacles
        return
    with pytest.raises(UnexpectedReply):
        driver.observe(ACCOUNT)


def test_a_bad_parameter_of_a_read_is_no_refused_password():
    """Only in answer to a reset does the message's field show a refused password."""
    body = b'{"ResponseMetadata":{"Error":{"Code":"InvalidParam","Message":"The parameter %s[x] is invalid"}}}'
    with pytest.raises(AccountUnusable):
        canned(body % b"Password", 400).observe(ACCOUNT)
    with pytest.raises(AccountUnusable):
        canned(body % b"UserId", 400).set_password(ACCOUNT, Secret("x"), current=None)
    with pytest.raises(PasswordRejected):
        canned(body % b"Password", 400).set_password(ACCOUNT, Secret("x"), current=None)
