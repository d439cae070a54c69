"""CompShare's driver keeps every promise at a served vendor, and has some of its own."""

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
OTHERS = Secret("Canary-of-somebody-else-7")


@contextmanager
def served():
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
    def make_vendor(self):
        """A container that answers SSH."""
        with served() as (harness, _, _):
            yield harness


def test_the_password_travels_in_the_body_only():
    """The password is never in a query, which every proxy would log."""
    with served() as (harness, simulator, _):
        harness.set(harness.policy.generate())
    assert all(each.method == "POST" and "?" not in each.url for each in simulator.captured)


def test_an_action_echoed_with_a_suffix_is_fine():
    """The vendor's pages disagree on the echoed action, so the driver does not check it."""
    with served() as (harness, simulator, _):
        simulator.action_suffix = True
        new = harness.policy.generate()
        harness.set(new)
        assert harness.live() == new


def test_what_observe_finds():
    """Observing finds policy, state, login, read-back and power of our instance only."""
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
def test_obstacles_are_named_before_anything_changes(changes, variant, obstacle):
    """Spot machines, expired and changing instances, and another login than the secret's are obstacles."""
    with served() as (harness, _, instance):
        for name, value in changes.items():
            setattr(instance, name, value)
        seen = harness.observation()
    assert seen.variant == variant
    assert [type(each) for each in seen.obstacles] == [obstacle]
    assert all(each.hint or each.retryable for each in seen.obstacles)


def test_a_stopped_container_is_no_obstacle():
    """The vendor resets containers in either power state."""
    with served() as (harness, _, instance):
        instance.state = "Stopped"
        seen = harness.observation()
    assert not seen.obstacles
    assert seen.power is Power.STOPPED


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


def test_a_windows_machine_has_one_login_of_the_vendors():
    """Only the user administrator can be rotated on Windows."""
    with served() as (harness, _, instance):
        instance.instance_type, instance.os_type = "UHost", "Windows"
        (obstacle,) = harness.observation().obstacles
    assert type(obstacle) is PreconditionFailed
    assert obstacle.hint == "Set username to administrator."


def test_an_instance_that_is_not_there_is_unusable():
    """The driver raises instead of guessing."""
    with served() as (harness, _, instance):
        instance.deleted = True
        with pytest.raises(AccountUnusable) as caught:
            harness.observation()
    assert "uhost_id" in caught.value.hint


def test_a_missing_host_key_leaves_the_target_without_one():
    """The target has no key then; engine and probe decide what follows."""
    with served() as (harness, _, _):
        harness.account = {key: value for key, value in harness.account.items() if key != "host_key"}
        login = harness.observation().login
    assert login is not None
    assert login.host_key is None
