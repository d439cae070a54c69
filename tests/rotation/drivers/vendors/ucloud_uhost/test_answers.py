"""How UHost's driver signs what it sends, and where it logs in by the vendor's answer."""

from urllib.parse import parse_qsl

import pytest
from ucloud.core import auth

from rotation.core.errors import SettingsError
from rotation.core.secret import Secret
from rotation.core.settings import load
from rotation.drivers.families.ucloud_machines.driver import Admin
from rotation.drivers.vendors.ucloud_uhost.driver import DRIVER
from rotation_testkit.conformance.canned import CannedVendor

FIELDS = {"region": "cn-bj2", "zone": "cn-bj2-04", "uhost_id": "uhost-1", "username": "root"}
ADMIN = Admin("my_public_key", Secret("my_private_key"))


def test_a_reset_is_signed_as_the_vendors_sdk_signs_it():
    """The SDK computes the signature that was sent from the parameters that were sent; nothing asks for a start."""
    vendor = CannedVendor(b'{"RetCode":0}')
    vendor.driver(DRIVER, ADMIN).set_password(DRIVER.account(**FIELDS), Secret("New-pass-5678"), current=None)
    form = dict(parse_qsl(vendor.requests[0].body.decode()))
    signed = form.pop("Signature")
    assert auth.Credential("my_public_key", "my_private_key").verify_ac(form) == signed
    assert form == {
        "Action": "ResetUHostInstancePassword",
        "Password": "TmV3LXBhc3MtNTY3OA==",
        "PublicKey": "my_public_key",
        "Region": "cn-bj2",
        "UHostId": "uhost-1",
        "Zone": "cn-bj2-04",
    }


@pytest.mark.parametrize(
    ("which", "expected"), [("auto", "203.0.113.7"), ("public", "203.0.113.7"), ("private", "10.0.0.7")]
)
@pytest.mark.parametrize(("os_type", "kind", "port"), [("Linux", "ssh", 2222), ("Windows", "winrm", 5987)])
def test_the_login_stands_at_the_chosen_address(which, expected, os_type, kind, port):
    """The secret chooses between the vendor's addresses; a machine without the chosen one has no login."""
    addresses = '{"Type":"Private","IP":"10.0.0.7"},{"Type":"BGP","IP":"203.0.113.7"}'
    body = '{"RetCode":0,"UHostSet":[{"UHostId":"uhost-1","OsType":"%s","IPSet":[%s]}]}'
    account = DRIVER.account(**FIELDS, address=which, ssh_port=2222, winrm_port=5987)
    login = CannedVendor((body % (os_type, addresses)).encode()).driver(DRIVER, ADMIN).observe(account).login
    assert (login.kind, login.host, login.port) == (kind, expected, port)
    nowhere = CannedVendor((body % (os_type, "")).encode()).driver(DRIVER, ADMIN).observe(account)
    assert nowhere.login is None


@pytest.mark.parametrize("username", ["deploy", "Root", "ADMINISTRATOR", "root "])
def test_a_login_that_the_vendor_cannot_mean_is_refused(username):
    """The vendor resets root, ubuntu or administrator; another name would lose one of their passwords."""
    with pytest.raises(SettingsError, match="username"):
        load(DRIVER.account, {**FIELDS, "username": username}, where="secret")
