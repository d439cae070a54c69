"""Huawei Meeting's login signature against the vendor's SDK, and the header of a login by password."""

import pytest
from huaweicloudsdkmeeting.v1.meeting_credentials import MeetingCredentials, TenantSceneEnum

from rotation.core.secret import Secret
from rotation.drivers.vendors.huawei_meeting.app_login import Admin, login, signature
from rotation.drivers.vendors.huawei_meeting.driver import DRIVER
from rotation_testkit.conformance.canned import CannedVendor

APP_ID, NONCE = "fdb8e4699586458bbd10c834872dcc62", "0123456789abcdef0123456789abcdef"


@pytest.mark.parametrize("corp", ["", "corp1"], ids=["one enterprise", "several"])
def test_the_vendors_sdk_signs_alike(corp):
    """An app id of one enterprise, and one of several, which signs the enterprise's id."""
    theirs = MeetingCredentials().with_app_id(APP_ID).with_app_key("APPKEYTEST").with_user_id("alice")
    if corp:
        theirs.with_corp_id(corp).with_tenant_scene_enum(TenantSceneEnum.MULTI_TENANT)
    ours = signature(Admin(APP_ID, Secret("APPKEYTEST"), corp_id=corp), "alice", 1_700_000_600, NONCE)
    assert ours == theirs._sign_hmac256(1_700_000_600, NONCE)


def test_no_nonce_is_used_twice():
    """Each nonce is new and has a length that the vendor accepts."""
    admin = Admin(APP_ID, Secret("Canary-app/key+1=2"))
    nonces = {str(login(admin, "id-of-robot", client_type=72, now=1.0)[1]["nonce"]) for _ in range(50)}
    assert len(nonces) == 50
    assert {len(nonce) for nonce in nonces} == {32}


def test_the_basic_header_is_the_standards():
    """RFC 7617 has this name, password and header."""
    vendor = CannedVendor(b'{"user":{}}')
    vendor.driver(DRIVER).verify(DRIVER.account(username="Aladdin"), Secret("open sesame"))
    assert vendor.requests[0].headers["Authorization"] == "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ=="
