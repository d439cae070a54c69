"""How Huawei RDS's driver reads answers."""

import pytest

from rotation.core.errors import OutcomeUnknown, UnexpectedReply
from rotation.core.secret import Secret
from rotation.drivers.families.huawei_signature import AccessKey
from rotation.drivers.vendors.huawei_rds.driver import DRIVER
from rotation_testkit.conformance.canned import CannedVendor

ACCOUNT = DRIVER.account(username="robot", project_id="0" * 32, instance_id="iin03")


def canned(body):
    """The driver at a vendor that gives one answer."""
    return CannedVendor(body).driver(DRIVER, AccessKey("k", Secret("s")))


@pytest.mark.parametrize("body", [b"{}", b'{"resp":"failed"}', b'{"resp":true}', b"[]"])
def test_only_the_documented_word_is_success(body):
    """Anything else in answer to a reset leaves its outcome open."""
    with pytest.raises(OutcomeUnknown):
        canned(body).set_password(ACCOUNT, Secret("x"), current=None)


@pytest.mark.parametrize("body", [b"{}", b'{"instances":{}}', b'{"instances":["x"]}'])
def test_an_answer_without_a_list_is_unexpected(body):
    """An answer in another form proves nothing about the instance."""
    with pytest.raises(UnexpectedReply):
        canned(body).observe(ACCOUNT)


@pytest.mark.parametrize(
    "place",
    [
        '"private_ips":[],"port":5432',
        '"port":5432',
        '"private_ips":["10.0.0.7"]',
        '"private_ips":["10.0.0.7"],"port":0',
    ],
)
def test_an_instance_without_an_address_has_no_login(place):
    """An instance that is being made has no address yet, and none is guessed."""
    body = '{"instances":[{"id":"iin03","status":"BUILD","datastore":{"type":"MySQL"},%s}]}'
    assert canned((body % place).encode()).observe(ACCOUNT).login is None
