"""CompShare's driver: conformance, and what is its own."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from rotation.core.errors import (
    AccountUnusable,
    DriverError,
    InProgress,
    OutcomeUnknown,
    PreconditionFailed,
    UnexpectedReply,
    VendorUnavailable,
)
from rotation.core.secret import Secret
from rotation.core.values import LoginTarget, Power
from rotation.drivers.contract import Wiring
from rotation.drivers.network.http_messages import HttpReply, HttpRequest
from rotation.drivers.vendors.ucloud_compshare.driver import DRIVER, Admin
from rotation_testkit.conformance.driver_harness import DriverHarness
from rotation_testkit.conformance.driver_suite import DriverConformance
from rotation_testkit.doubles.hosts.ssh import SshHost
from rotation_testkit.doubles.vendors.ucloud_compshare.simulator import Instance, SshAddress, UCloudCompShare

HOST = "uhost-1"
OLD = Secret("Canary-Old/pass+word=1")
OTHERS = Secret("Canary-of-somebody-else-7")


@contextmanager
def served() -> Iterator[tuple[DriverHarness, UCloudCompShare, Instance]]:
    """A container that answers SSH, beside somebody else's."""
    simulator = UCloudCompShare()
    with simulator.serve() as url, SshHost(simulator.guest_login(HOST), up=lambda: simulator.running(HOST)) as ssh:
        instance = simulator.add_instance(HOST, password=OLD, ssh=SshAddress("root", ssh.host, ssh.port))
        simulator.add_instance("uhost-2", password=OTHERS)
        place = {"region": instance.region, "zone": instance.zone, "uhost_id": HOST, "project_id": instance.project_id}
        key = simulator.credentials
        harness = DriverHarness(
            spec=DRIVER,
            endpoint=url,
            account={**place, "username": "root", "host_key": ssh.host_key},
            admin=Admin(key.public_key, key.private_key),
            now=simulator.clock,
            live=lambda: simulator.guest_password(HOST),
            changes=lambda: simulator.resets(HOST),
            grow_old=lambda: None,
            faults=simulator.faults,
            captured=simulator.captured,
            change="ResetCompShareInstancePassword",
            check="DescribeCompShareInstance",
            weak=Secret("aaaaaaaa"),
            variant="container",
        )
        yield harness, simulator, instance


class TestUCloudCompShare(DriverConformance):
    """The suite."""

    spec = DRIVER

    @contextmanager
    def make_vendor(self) -> Iterator[DriverHarness]:
        """A container that answers SSH."""
        with served() as (harness, _, _):
            yield harness


def test_the_password_travels_in_the_body_only() -> None:
    """A query would put it into the logs of every proxy."""
    with served() as (harness, simulator, _):
        harness.set(harness.policy.generate())
    assert all(each.method == "POST" and "?" not in each.url for each in simulator.captured)


def test_an_action_echoed_with_a_suffix_is_fine() -> None:
    """The vendor's pages disagree on the echo, so nothing rests on it."""
    with served() as (harness, simulator, _):
        simulator.action_suffix = True
        new = harness.policy.generate()
        harness.set(new)
        assert harness.live() == new


def test_what_observe_finds() -> None:
    """Policy, state, login, read-back and power of our instance; nobody else's password."""
    with served() as (harness, _, instance):
        seen = harness.observation()
        assert (seen.variant, seen.state, seen.power) == ("container", "Running", Power.RUNNING)
        assert seen.reset_needs is None
        assert seen.login == LoginTarget(
            "ssh", "127.0.0.1", instance.ssh.port, "root", str(harness.account["host_key"])
        )
        assert seen.readback == OLD
        instance.plain_password = True
        assert harness.observation().readback == OLD


@pytest.mark.parametrize(
    ("changes", "variant", "obstacle"),
    [
        ({"instance_type": "UHost", "charge_type": "Spot"}, "linux", PreconditionFailed),
        ({"expired": True}, "container", AccountUnusable),
        ({"state": "Starting"}, "container", InProgress),
        ({"state": ""}, "container", VendorUnavailable),
        ({"state": "Install Fail"}, "container", AccountUnusable),
        ({"ssh": SshAddress("ubuntu")}, "container", PreconditionFailed),
    ],
)
def test_obstacles_are_named_before_anything_changes(
    changes: dict[str, Any], variant: str, obstacle: type[DriverError]
) -> None:
    """Spot machines, expired and moving instances, and a login that is not the secret's are refused."""
    with served() as (harness, _, instance):
        for name, value in changes.items():
            setattr(instance, name, value)
        seen = harness.observation()
    assert seen.variant == variant
    assert [type(each) for each in seen.obstacles] == [obstacle]
    assert all(each.hint or each.retryable for each in seen.obstacles)


def test_a_stopped_container_is_no_obstacle() -> None:
    """The vendor resets containers in either state; what was found is kept."""
    with served() as (harness, _, instance):
        instance.state = "Stopped"
        seen = harness.observation()
    assert not seen.obstacles
    assert seen.power is Power.STOPPED


@pytest.mark.parametrize(("os_type", "variant"), [("Linux", "linux"), ("Windows", "windows")])
@pytest.mark.parametrize("kind", ["UHost", "Normal"])
def test_a_machine_is_reset_while_it_is_stopped(kind: str, os_type: str, variant: str) -> None:
    """Whatever is no container is a machine, with the policy of its system."""
    with served() as (harness, _, instance):
        instance.instance_type, instance.os_type = kind, os_type
        harness.account = {**harness.account, "username": "root" if os_type == "Linux" else "Administrator"}
        seen = harness.observation()
    assert (seen.variant, seen.power, seen.reset_needs) == (variant, Power.RUNNING, Power.STOPPED)
    assert not seen.obstacles


@pytest.mark.parametrize(("os_type", "user"), [("Linux", "root"), ("Windows", "administrator")])
def test_every_allowed_character_arrives_at_a_machine(os_type: str, user: str) -> None:
    """Signs in first, middle and last position, by the policies that are not the container's."""
    with served() as (harness, _, instance):
        instance.instance_type, instance.os_type, instance.state = "UHost", os_type, "Stopped"
        harness.account, harness.variant = {**harness.account, "username": user}, os_type.lower()
        for new in harness.every_character(harness.policy):
            harness.set(new)
            assert harness.live() == new


def test_a_windows_machine_has_one_login_of_the_vendors() -> None:
    """Whatever its other accounts are; it has no login command to tell."""
    with served() as (harness, _, instance):
        instance.instance_type, instance.os_type = "UHost", "Windows"
        (obstacle,) = harness.observation().obstacles
    assert type(obstacle) is PreconditionFailed
    assert obstacle.hint == "Set username to administrator."


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
def test_windows_is_asked_at_its_address(addresses: str, expected: str | None) -> None:
    """The public one where there is one, at the port and with the certificate that the secret names."""
    pin = "sha256:" + "0a" * 32
    account = DRIVER.account(
        region="r", zone="z", uhost_id="uhost-1", username="Administrator", winrm_port=5987, certificate=pin
    )
    body = '{"RetCode":0,"UHostSet":[{"UHostId":"uhost-1","InstanceType":"UHost","OsType":"Windows","IPSet":[%s]}]}'
    login = canned((body % addresses).encode()).observe(account).login
    assert login == (LoginTarget("winrm", expected, 5987, "Administrator", pin) if expected else None)


def test_an_instance_that_is_not_there_is_unusable() -> None:
    """Nothing is guessed about it."""
    with served() as (harness, _, instance):
        instance.deleted = True
        with pytest.raises(AccountUnusable) as caught:
            harness.observation()
    assert "uhost_id" in caught.value.hint


def test_a_missing_host_key_leaves_the_target_without_one() -> None:
    """The engine and the probe decide about it."""
    with served() as (harness, _, _):
        harness.account = {key: value for key, value in harness.account.items() if key != "host_key"}
        login = harness.observation().login
    assert login is not None
    assert login.host_key is None


class Canned:
    """A vendor that gives one answer."""

    def __init__(self, body: bytes) -> None:
        self.body = body

    def send(self, request: HttpRequest) -> HttpReply:
        """Answer."""
        del request
        return HttpReply(200, {}, self.body)


def canned(body: bytes) -> Any:
    """The driver at such a vendor."""
    admin = Admin("public", Secret("private"))
    wiring = Wiring(http=Canned(body), endpoint="https://api.compshare.cn", admin=admin, now=lambda: 0.0)
    return DRIVER.factory(wiring)


ACCOUNT = DRIVER.account(region="r", zone="z", uhost_id="uhost-1", username="root")


@pytest.mark.parametrize("body", [b"[]", b"{}", b'{"RetCode":"0"}', b'{"RetCode":false}', b'{"RetCode":null}', b"0"])
def test_only_a_number_zero_is_success(body: bytes) -> None:
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
def test_login_commands_are_read(command: str, expected: tuple[str, str, int] | None) -> None:
    """With the port on either side; what is no SSH command gives no target."""
    body = '{"RetCode":0,"UHostSet":[{"UHostId":"uhost-1","InstanceType":"Container","SshLoginCommand":"%s"}]}'
    login = canned((body % command).encode()).observe(ACCOUNT).login
    assert (login and (login.username, login.host, login.port)) == expected


def test_only_our_instance_is_looked_at() -> None:
    """A vendor that lists more than was asked for does not mix accounts up."""
    hosts = b'{"UHostId":"uhost-0","Password":"T3RoZXI="},{"UHostId":"uhost-1","Password":"T3Vycw=="}'
    body = b'{"RetCode":0,"UHostSet":[%b]}' % hosts
    assert canned(body).observe(ACCOUNT).readback == Secret("Ours")
    with pytest.raises(AccountUnusable):
        canned(body.replace(b"uhost-1", b"uhost-10")).observe(ACCOUNT)


@pytest.mark.parametrize("body", [b'{"RetCode":0}', b'{"RetCode":0,"UHostSet":{}}'])
def test_an_answer_without_a_list_is_no_missing_instance(body: bytes) -> None:
    """What cannot be read decides nothing."""
    with pytest.raises(UnexpectedReply, match="UHostSet"):
        canned(body).observe(ACCOUNT)
