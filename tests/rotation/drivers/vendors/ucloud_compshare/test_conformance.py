"""CompShare's driver keeps every promise at a served vendor, and has some of its own."""

import dataclasses
from contextlib import contextmanager

import pytest

from rotation.core.errors import AccountUnusable, InProgress, PreconditionFailed, VendorUnavailable
from rotation.core.secret import Secret
from rotation.core.values import LoginTarget, Power
from rotation.drivers.vendors.ucloud_compshare.driver import DRIVER, Admin
from rotation_testkit.conformance.driver_harness import DriverHarness
from rotation_testkit.conformance.driver_suite import DriverConformance
from rotation_testkit.doubles.hosts.ssh import SshHost
from rotation_testkit.doubles.vendors.ucloud_compshare.simulator import SshAddress, UCloudCompShare

HOST = "uhost-1"
OLD = Secret("Canary-Old/pass+word=1")
TOKEN = Secret("Canary-token/1+2==")


@contextmanager
def served():
    """A container that answers SSH, beside another customer's."""
    simulator = UCloudCompShare()

    def temporary():
        made = dataclasses.replace(simulator.credentials, token=TOKEN)
        simulator.keys[made.public_key] = made
        return Admin(made.public_key, made.private_key, TOKEN)

    with simulator.serve() as url, SshHost(simulator.guest_login(HOST), up=lambda: simulator.running(HOST)) as ssh:
        instance = simulator.add_instance(HOST, password=OLD, ssh=SshAddress("root", ssh.host, ssh.port))
        simulator.add_instance("uhost-2", password=Secret("Canary-of-somebody-else-7"))
        place = {"region": instance.region, "zone": instance.zone, "uhost_id": HOST, "project_id": instance.project_id}
        key = simulator.credentials
        harness = DriverHarness(
            spec=DRIVER,
            endpoint=url,
            account={**place, "username": "root", "host_key": ssh.host_key},
            admin=Admin(key.public_key, key.private_key),
            temporary=temporary,
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
    def make_vendor(self):
        """A container that answers SSH."""
        with served() as (harness, _, _):
            yield harness


def test_an_action_echoed_with_a_suffix_is_fine():
    """The vendor's pages disagree on the echoed action, so the driver does not check it."""
    with served() as (harness, simulator, _):
        simulator.action_suffix = True
        new = harness.policy.generate()
        harness.set(new)
        assert harness.live() == new


def test_what_observe_finds():
    """Observing finds policy, state, login, read-back and power; containers are reset in either power state."""
    with served() as (harness, _, instance):
        seen = harness.observation()
        assert (seen.variant, seen.state, seen.power) == ("container", "Running", Power.RUNNING)
        assert (seen.reset_needs, seen.readback) == (None, OLD)
        login = LoginTarget("ssh", "127.0.0.1", instance.ssh.port, "root", str(harness.account["host_key"]))
        assert seen.login == login
        instance.plain_password, instance.state = True, "Stopped"
        harness.account = {key: value for key, value in harness.account.items() if key != "host_key"}
        seen = harness.observation()
    assert (seen.power, seen.obstacles, seen.readback) == (Power.STOPPED, (), OLD)
    assert seen.login == dataclasses.replace(login, host_key=None)


@pytest.mark.parametrize(
    ("changes", "variant", "obstacle", "hint"),
    [
        ({"instance_type": "UHost", "charge_type": "Spot"}, "linux", PreconditionFailed, "charge type"),
        ({"expired": True}, "container", AccountUnusable, "Renew"),
        ({"state": "Starting"}, "container", InProgress, ""),
        ({"state": ""}, "container", VendorUnavailable, ""),
        ({"state": "Install Fail"}, "container", AccountUnusable, "console"),
        ({"ssh": SshAddress("ubuntu")}, "container", PreconditionFailed, "SSH login command"),
        ({"instance_type": "UHost", "os_type": "Windows"}, "windows", PreconditionFailed, "username to administrator."),
    ],
)
def test_obstacles_are_named_before_anything_changes(changes, variant, obstacle, hint):
    """Spot machines, expired and changing instances, and another login than the vendor's are obstacles."""
    with served() as (harness, _, instance):
        for name, value in changes.items():
            setattr(instance, name, value)
        seen = harness.observation()
    assert seen.variant == variant
    assert [type(each) for each in seen.obstacles] == [obstacle]
    assert hint in seen.obstacles[0].hint


@pytest.mark.parametrize(("os_type", "variant"), [("Linux", "linux"), ("Windows", "windows")])
@pytest.mark.parametrize("kind", ["UHost", "Normal"])
def test_a_machine_is_reset_while_it_is_stopped(kind, os_type, variant):
    """Anything that is no container is a machine with the policy of its system."""
    with served() as (harness, _, instance):
        instance.instance_type, instance.os_type = kind, os_type
        harness.account = {**harness.account, "username": "root" if os_type == "Linux" else "Administrator"}
        seen = harness.observation()
    assert (seen.variant, seen.power, seen.reset_needs) == (variant, Power.RUNNING, Power.STOPPED)
    assert not seen.obstacles


@pytest.mark.parametrize(("os_type", "user"), [("Linux", "root"), ("Windows", "administrator")])
def test_every_allowed_character_arrives_at_a_machine(os_type, user):
    """Every sign arrives in first, middle and last position, by the policies of both systems."""
    with served() as (harness, _, instance):
        instance.instance_type, instance.os_type, instance.state = "UHost", os_type, "Stopped"
        harness.account, harness.variant = {**harness.account, "username": user}, os_type.lower()
        for new in harness.every_character(harness.policy):
            harness.set(new)
            assert harness.live() == new
