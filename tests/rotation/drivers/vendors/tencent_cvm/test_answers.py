"""How CVM's driver reads answers, what it sends, and what the rotated secret may choose."""

import json

import pytest

from rotation.core import errors, settings
from rotation.core.secret import Secret
from rotation.drivers.vendors.tencent_cvm.driver import DRIVER, Admin
from rotation_testkit.conformance.canned import CannedVendor

FIELDS = {"username": "deploy", "instance_id": "ins-1", "region": "ap-guangzhou"}
ACCOUNT = DRIVER.account(**FIELDS)
ADMIN = Admin("AKID", Secret("key"))


def test_a_reset_names_the_user_and_forces_nothing():
    """The body has the instance, the user and the password; ``ForceStop`` is never sent, and a stop is a normal one."""
    vendor = CannedVendor(b'{"Response":{"RequestId":"r"}}')
    driver = vendor.driver(DRIVER, ADMIN)
    assert driver.set_password(ACCOUNT, Secret("New-pass-5678"), current=None) is None
    driver.stop(ACCOUNT)
    reset, stop = vendor.requests
    assert json.loads(reset.body) == {"InstanceIds": ["ins-1"], "Password": "New-pass-5678", "UserName": "deploy"}
    assert json.loads(stop.body) == {"InstanceIds": ["ins-1"], "StopType": "SOFT", "StoppedMode": "KEEP_CHARGING"}
    assert (reset.headers["X-TC-Version"], reset.headers["X-TC-Region"]) == ("2017-03-12", "ap-guangzhou")
    assert "/cvm/tc3_request" in reset.headers["Authorization"]


@pytest.mark.parametrize("body", [b"{}", b'{"Response":[]}', b"[]", b"<html>"])
def test_only_the_vendors_form_is_an_answer(body):
    """Anything else in answer to a reset leaves its outcome open, and says nothing about a server."""
    driver = CannedVendor(body).driver(DRIVER, ADMIN)
    with pytest.raises(errors.OutcomeUnknown):
        driver.set_password(ACCOUNT, Secret("New-pass-5678"), current=None)
    with pytest.raises(errors.UnexpectedReply):
        driver.observe(ACCOUNT)


def test_only_our_server_is_looked_at():
    """Other servers in the answer are ignored; without ours, the account is unusable."""
    body = b'{"Response":{"InstanceSet":[{"InstanceId":"ins-10","InstanceState":"RUNNING","OsName":"CentOS"}]}}'
    with pytest.raises(errors.AccountUnusable) as caught:
        CannedVendor(body).driver(DRIVER, ADMIN).observe(ACCOUNT)
    assert "instance_id" in caught.value.hint


@pytest.mark.parametrize(
    ("key", "value"),
    [("instance_id", "cpm-1"), ("region", "gz"), ("username", ""), ("address", "10.0.0.1"), ("power_off", "allow")],
)
def test_what_the_rotated_secret_may_not_say(key, value):
    """The secret chooses no host, and gives no leave to stop the server."""
    with pytest.raises(errors.SettingsError, match=key):
        settings.load(DRIVER.account, {**FIELDS, key: value}, where="secret")
