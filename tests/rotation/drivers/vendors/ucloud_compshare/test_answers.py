"""How CompShare's driver reads answers."""

import pytest

from rotation.core.errors import AccountUnusable, OutcomeUnknown, UnexpectedReply
from rotation.core.secret import Secret
from rotation.core.values import LoginTarget
from rotation.drivers.vendors.ucloud_compshare.driver import DRIVER, Admin
from rotation_testkit.conformance.canned import CannedVendor


def canned(body):
    """The driver at a vendor that gives one answer."""
    return CannedVendor(body).driver(DRIVER, Admin("public", Secret("private")))


@pytest.mark.parametrize(
    ("addresses", "expected"),
    [
        ('{"Type":"Private","IP":"10.0.0.7"},{"Type":"Bgp","IP":"203.0.113.7"}', "203.0.113.7"),
        ('{"Type":"Private","IP":"10.0.0.7"}', "10.0.0.7"),
        ('{"Type":"Internation","IP":"203.0.113.8"},{"Type":"Bgp","IP":"203.0.113.7"}', "203.0.113.8"),
        ('{"Type":"Bgp","IP":"x y"},{"Type":"Bgp"},7', None),
        ("", None),
    ],
)
def test_windows_is_asked_at_its_address(addresses, expected):
    """The public address is preferred; port and certificate come from the secret."""
    pin = "sha256:" + "0a" * 32
    account = DRIVER.account(
        region="r", zone="z", uhost_id="uhost-1", username="Administrator", winrm_port=5987, certificate=pin
    )
    body = '{"RetCode":0,"UHostSet":[{"UHostId":"uhost-1","InstanceType":"UHost","OsType":"Windows","IPSet":[%s]}]}'
    login = canned((body % addresses).encode()).observe(account).login
    assert login == (LoginTarget("winrm", expected, 5987, "Administrator", pin) if expected else None)


ACCOUNT = DRIVER.account(region="r", zone="z", uhost_id="uhost-1", username="root")


@pytest.mark.parametrize("body", [b"{}", b'{"RetCode":"0"}', b'{"RetCode":false}', b'{"RetCode":null}'])
def test_only_a_number_zero_is_success(body):
    """Anything else in answer to a reset leaves its outcome open."""
    with pytest.raises(OutcomeUnknown):
        canned(body).set_password(ACCOUNT, Secret("x"), current=None)
    with pytest.raises(UnexpectedReply):
        canned(body).observe(ACCOUNT)


@pytest.mark.parametrize(
    ("command", "expected"),
    [
        ("ssh -p 2222 root@10.0.0.1", ("root", "10.0.0.1", 2222)),
        ("ssh root@host.example -p 23", ("root", "host.example", 23)),
        ("ssh ubuntu@10.0.0.1", ("ubuntu", "10.0.0.1", 22)),
        ("ssh -p2222 root@10.0.0.1", ("root", "10.0.0.1", 2222)),
        ("", None),
        ("mstsc /v:10.0.0.1", None),
        ("ssh -p 22 host", None),
        ("ssh -p 65536 root@10.0.0.1", None),
        ("ssh -p 0 root@10.0.0.1", None),
    ],
)
def test_login_commands_are_read(command, expected):
    """The port may stand on either side; anything but an SSH command gives no target."""
    body = '{"RetCode":0,"UHostSet":[{"UHostId":"uhost-1","InstanceType":"Container","SshLoginCommand":"%s"}]}'
    login = canned((body % command).encode()).observe(ACCOUNT).login
    assert (login and (login.username, login.host, login.port)) == expected


def test_only_our_instance_is_looked_at():
    """Other instances in the answer are ignored."""
    hosts = b'{"UHostId":"uhost-0","Password":"T3RoZXI="},{"UHostId":"uhost-1","Password":"T3Vycw=="}'
    body = b'{"RetCode":0,"UHostSet":[%b]}' % hosts
    assert canned(body).observe(ACCOUNT).readback == Secret("Ours")
    with pytest.raises(AccountUnusable) as caught:
        canned(body.replace(b"uhost-1", b"uhost-10")).observe(ACCOUNT)
    assert "uhost_id" in caught.value.hint


@pytest.mark.parametrize("body", [b'{"RetCode":0}', b'{"RetCode":0,"UHostSet":{}}'])
def test_an_answer_without_a_list_is_no_missing_instance(body):
    """An unreadable answer does not mean that the instance is gone."""
    with pytest.raises(UnexpectedReply, match="UHostSet"):
        canned(body).observe(ACCOUNT)
