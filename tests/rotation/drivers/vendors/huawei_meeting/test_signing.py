"""Huawei Meeting's golden signatures and headers."""

import pytest

from rotation.core.secret import Secret
from rotation.drivers.vendors.huawei_meeting.app_login import Admin, login, signature
from rotation.drivers.vendors.huawei_meeting.driver import DRIVER
from rotation_testkit.conformance.canned import CannedVendor

APP_ID = "fdb8e4699586458bbd10c834872dcc62"


@pytest.mark.parametrize(
    ("corp", "expected"),
    [
        ("", "2ADF0FCE88A3C81691CCD45BB16704FE29A4B7C64189BB54E9B8A722872E193A"),
        ("corp1", "A921CA9471C2BC1F041B71F6F4763D004D63582559AE5B761F18083551C02C07"),
    ],
    ids=["H1", "H2"],
)
def test_the_signature_is_the_vendors(corp, expected):
    """Golden vectors H1 and H2 hold: an app id of one enterprise, and a multi-tenant one."""
    admin = Admin(APP_ID, Secret("APPKEYTEST"), corp_id=corp)
    assert signature(admin, "alice", 1_700_000_600, "0123456789abcdef0123456789abcdef") == expected


def test_no_nonce_is_used_twice():
    """Each nonce is new and has a length that the vendor accepts."""
    admin = Admin(APP_ID, Secret("Canary-app/key+1=2"))
    nonces = {str(login(admin, "id-of-robot", client_type=72, now=1.0)[1]["nonce"]) for _ in range(50)}
    assert len(nonces) == 50
    assert {len(nonce) for nonce in nonces} == {32}


def test_the_basic_header_is_the_vendors():
    """Golden vector H3 holds."""
    vendor = CannedVendor(b'{"user":{}}')
    vendor.driver(DRIVER).verify(DRIVER.account(username="alice@corp1"), Secret("Old#Pass1"))
    assert vendor.requests[0].headers["Authorization"] == "Basic YWxpY2VAY29ycDE6T2xkI1Bhc3Mx"
