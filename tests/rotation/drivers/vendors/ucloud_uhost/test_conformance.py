"""UHost's driver keeps every promise at a served vendor, and has some of its own."""

import dataclasses
from contextlib import contextmanager

import pytest

from rotation.core.errors import AccountUnusable, InProgress, PreconditionFailed, VendorUnavailable
from rotation.core.secret import Secret
from rotation.core.values import LoginTarget, Power
from rotation.drivers.families.ucloud_machines.driver import Admin
from rotation.drivers.vendors.ucloud_compshare.driver import DRIVER as COMPSHARE
from rotation.drivers.vendors.ucloud_uhost.driver import DRIVER
from rotation_testkit.conformance.driver_harness import DriverHarness
from rotation_testkit.conformance.driver_suite import DriverConformance
from rotation_testkit.doubles.hosts.ssh import SshHost
from rotation_testkit.doubles.vendors.ucloud_uhost.simulator import UCloudUHost

HOST = "uhost-1"
OLD = Secret("Canary-Old/pass+word=1")
TOKEN = Secret("Canary-token/1+2==")
SHARED = {row.vendor_code for row in COMPSHARE.error_table}


@contextmanager
def served(state="Running"):
    """A server that answers SSH, beside another customer's."""
    simulator = UCloudUHost()

    def temporary():
        made = dataclasses.replace(simulator.credentials, token=TOKEN)
        simulator.keys[made.public_key] = made
        return Admin(made.public_key, made.private_key, TOKEN)

    with simulator.serve() as url, SshHost(simulator.guest_login(HOST)) as ssh:
        server = simulator.add_server(HOST, password=OLD, state=state)
        simulator.add_server("uhost-2", password=Secret("Canary-of-somebody-else-7"))
        place = {"region": server.region, "zone": server.zone, "uhost_id": HOST, "project_id": server.project_id}
        key = simulator.credentials
        harness = DriverHarness(
            spec=DRIVER,
            endpoint=url,
            account={**place, "username": "root", "host_key": ssh.host_key, "ssh_port": ssh.port},
            admin=Admin(key.public_key, key.private_key),
            temporary=temporary,
            now=simulator.clock,
            live=lambda: simulator.guest_password(HOST),
            changes=lambda: simulator.resets(HOST),
            grow_old=lambda: None,
            faults=simulator.faults,
            captured=simulator.captured,
            change="ResetUHostInstancePassword",
            check="DescribeUHostInstance",
            weak=Secret("aaaaaaaa"),
            variant="linux",
        )
        yield harness, server


class TestUCloudUHost(DriverConformance):
    """The suite. The codes that CompShare has too are those of its own suite."""

    spec = dataclasses.replace(
        DRIVER, error_table=tuple(row for row in DRIVER.error_table if row.vendor_code not in SHARED)
    )

    @contextmanager
    def make_vendor(self):
        """A stopped server whose host answers nevertheless, so that each promise is a single call."""
        with served("Stopped") as (harness, _):
            yield harness


def test_what_observe_finds():
    """Observing finds policy, state, login and power, and that a reset needs a stopped server."""
    with served() as (harness, _):
        seen = harness.observation()
        target = LoginTarget("ssh", "127.0.0.1", harness.loaded.ssh_port, "root", harness.loaded.host_key)
    assert (seen.variant, seen.state) == ("linux", "Running")
    assert (seen.power, seen.reset_needs) == (Power.RUNNING, Power.STOPPED)
    assert (seen.login, seen.obstacles, seen.readback) == (target, (), None)


@pytest.mark.parametrize(
    ("changes", "username", "obstacle", "hint"),
    [
        ({"charge_type": "Preemptive"}, "root", PreconditionFailed, "charge type"),
        ({"charge_type": "Spot"}, "root", PreconditionFailed, "charge type"),
        ({"expired": True}, "root", AccountUnusable, "Renew"),
        ({"state": "Starting"}, "root", InProgress, ""),
        ({"state": ""}, "root", VendorUnavailable, ""),
        ({"state": "Install Fail"}, "root", AccountUnusable, "console"),
        ({"key_pair": "kp-1"}, "root", PreconditionFailed, "key pair"),
        ({"encrypted": True}, "root", PreconditionFailed, "encryption"),
        ({}, "ubuntu", PreconditionFailed, "root, or to ubuntu on"),
        ({}, "administrator", PreconditionFailed, "root, or to ubuntu on"),
        ({"os_type": "Windows"}, "root", PreconditionFailed, "to administrator."),
        ({"os_name": "Ubuntu 22.04 64位"}, "ubuntu", None, ""),
        ({"os_name": "Ubuntu 22.04 64位"}, "root", None, ""),
        ({"os_type": "Windows"}, "Administrator", None, ""),
        ({"encrypted": True, "state": "Stopped"}, "root", None, ""),
    ],
)
def test_obstacles_are_named_before_anything_changes(changes, username, obstacle, hint):
    """What the vendor's pages leave open is an obstacle, as is what they exclude; each has a next step."""
    with served() as (harness, server):
        for name, value in changes.items():
            setattr(server, name, value)
        harness.account = {**harness.account, "username": username}
        seen = harness.observation()
    assert [type(each) for each in seen.obstacles] == ([obstacle] if obstacle else [])
    assert all(hint in each.hint for each in seen.obstacles)
