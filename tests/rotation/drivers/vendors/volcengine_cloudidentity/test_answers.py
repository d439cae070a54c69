"""How Cloud Identity's driver reads answers."""

import pytest

from rotation.core.errors import OutcomeUnknown, UnexpectedReply
from rotation.core.secret import Secret
from rotation.drivers.vendors.volcengine_cloudidentity.driver import DRIVER, Admin
from rotation_testkit.conformance.canned import CannedVendor


def canned(body):
    """The driver at a vendor that gives one answer."""
    return CannedVendor(body).driver(DRIVER, Admin("k", Secret("s")))


ACCOUNT = DRIVER.account(username="robot", user_id="u-robot")


@pytest.mark.parametrize(
    "body", [b"{}", b'{"Result":{}}', b'{"ResponseMetadata":{},"Result":[1]}', b'{"ResponseMetadata":1}']
)
def test_only_an_answer_with_metadata_is_success(body):
    """Anything else in answer to a reset leaves its outcome open."""
    with pytest.raises(OutcomeUnknown):
        canned(body).set_password(ACCOUNT, Secret("x"), current=None)
    with pytest.raises(UnexpectedReply):
        canned(body).observe(ACCOUNT)


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


def test_an_empty_list_means_off_and_a_missing_one_is_unexpected():
    """A service without instances and a portal without login types are obstacles."""
    body = '{"ResponseMetadata":{},"Result":{"UserId":"u-robot","UserName":"robot","Source":"Manual"%s}}'
    seen = canned((body % ',"Instances":[],"PortalLoginSettings":[]').encode()).observe(ACCOUNT)
    assert [str(each) for each in seen.obstacles] == ["the service is not running", "password login is off"]
    with pytest.raises(UnexpectedReply, match="Instances"):
        canned((body % "").encode()).observe(ACCOUNT)
