"""How ApsaraDB RDS's driver reads answers."""

import pytest

from rotation.core.errors import OutcomeUnknown, UnexpectedReply
from rotation.core.secret import Secret
from rotation.drivers.families.alibaba_cloud import AccessKey
from rotation.drivers.vendors.alibaba_rds.driver import DRIVER
from rotation_testkit.conformance.canned import CannedVendor

ACCOUNT = DRIVER.account(username="robot", instance_id="rm-1")


def canned(body, status=200):
    """The driver at a vendor that gives one answer."""
    return CannedVendor(body, status).driver(DRIVER, AccessKey("k", Secret("s")))


@pytest.mark.parametrize("body", [b"{}", b'{"RequestId":""}', b'{"RequestId":1}', b"[]"])
def test_only_an_answer_with_a_request_id_is_success(body):
    """Anything else in answer to a reset leaves its outcome open."""
    with pytest.raises(OutcomeUnknown):
        canned(body).set_password(ACCOUNT, Secret("x"), current=None)


def test_the_code_that_may_be_anything_leaves_the_outcome_open():
    """The vendor's page lists ``%s`` for a failed operation of the database; what was done then is not said."""
    body = b'{"RequestId":"7E-1","Code":"DBOperationFailed:-1","Message":"DB Operation Failed"}'
    with pytest.raises(UnexpectedReply) as caught:
        canned(body, 400).set_password(ACCOUNT, Secret("x"), current=None)
    assert not caught.value.definite


@pytest.mark.parametrize(
    "body",
    [
        b'{"RequestId":"1"}',
        b'{"RequestId":"1","Items":[]}',
        b'{"RequestId":"1","Items":{"DBInstanceAttribute":["x"]}}',
        b'{"RequestId":"1","Items":{"DBInstanceAttribute":[]}}',
        b'{"RequestId":"1","Items":{"DBInstanceAttribute":[{"DBInstanceId":"rm-2","Engine":"MySQL"}]}}',
    ],
)
def test_an_answer_about_no_or_another_instance_is_unexpected(body):
    """An answer in another form proves nothing about the instance."""
    with pytest.raises(UnexpectedReply):
        canned(body).observe(ACCOUNT)


@pytest.mark.parametrize(
    "net", ['{"IPType":"Private","Port":"3306"}', '{"ConnectionString":"h","IPType":"Private","Port":"x"}']
)
def test_an_instance_without_an_address_has_no_login(net):
    """An instance that is being made has no address yet, and none is guessed."""
    instance = '{"DBInstanceId":"rm-1","Engine":"MySQL","DBInstanceStatus":"Creating"}'
    body = '{"RequestId":"1","Items":{"DBInstanceAttribute":[%s]},"DBInstanceNetInfos":{"DBInstanceNetInfo":[%s]}}'
    assert canned((body % (instance, net)).encode()).observe(ACCOUNT).login is None
