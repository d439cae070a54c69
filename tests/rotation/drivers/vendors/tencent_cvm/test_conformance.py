"""CVM's driver keeps every promise at a served vendor, and has some of its own."""

import dataclasses
from contextlib import contextmanager

import pytest

from rotation.core.errors import AccountUnusable, InProgress, PreconditionFailed, UnexpectedReply
from rotation.core.secret import Secret
from rotation.core.values import LoginTarget, Power, TaskState
from rotation.drivers.vendors.tencent_bm.error_codes import V3_TABLE
from rotation.drivers.vendors.tencent_cvm.driver import DRIVER, Admin
from rotation_testkit.conformance.driver_harness import DriverHarness
from rotation_testkit.conformance.driver_suite import DriverConformance
from rotation_testkit.doubles.hosts.ssh import SshHost
from rotation_testkit.doubles.vendors.tencent_cvm.simulator import TencentCvm

SERVER = "ins-1"
OLD = Secret("Canary-Old/pass+word=1")
TOKEN = Secret("Canary-token/1+2==")
SHARED = {row.vendor_code for row in V3_TABLE}


@contextmanager
def served(state="RUNNING", **admin):
    """A server that answers SSH, beside another customer's. No call is throttled, since the suite makes many."""
    simulator = TencentCvm()
    simulator.api.per_action.most = None

    def temporary():
        made = simulator.add_key(token=TOKEN)
        return Admin(made.secret_id, made.secret_key, session_token=TOKEN)

    with simulator.serve() as url, SshHost(simulator.guest_login(SERVER)) as ssh:
        simulator.add_server("ins-0", password=Secret("Canary-of-somebody-else-7"))
        server = simulator.add_server(SERVER, password=OLD)
        server.state, server.private_ip = state, ssh.host
        key = simulator.credentials
        harness = DriverHarness(
            spec=DRIVER,
            endpoint=url,
            account={
                "username": "root",
                "instance_id": SERVER,
                "region": "ap-guangzhou",
                "host_key": ssh.host_key,
                "ssh_port": ssh.port,
            },
            admin=Admin(key.secret_id, key.secret_key, **admin),
            temporary=temporary,
            now=simulator.clock,
            live=lambda: simulator.guest_password(SERVER),
            changes=lambda: simulator.resets(SERVER),
            grow_old=lambda: None,
            faults=simulator.faults,
            captured=simulator.captured,
            change="ResetInstancesPassword",
            check="DescribeInstances",
            weak=Secret("aaaaaaaa"),
            variant="linux",
        )
        yield harness, server


class TestTencentCvm(DriverConformance):
    """The suite. The codes that Blackstone has too are those of its own suite."""

    spec = dataclasses.replace(
        DRIVER, error_table=tuple(row for row in DRIVER.error_table if row.vendor_code not in SHARED)
    )

    @contextmanager
    def make_vendor(self):
        """A stopped server whose host answers nevertheless, so that each promise is a single call."""
        with served("STOPPED") as (harness, _):
            yield harness


def test_what_observe_finds():
    """Observing finds policy, state, login, power and the latest operation, and that a reset needs a stopped server."""
    with served(power_off="allow") as (harness, server):
        seen = harness.observation()
        target = LoginTarget("ssh", "127.0.0.1", harness.loaded.ssh_port, "root", harness.loaded.host_key)
        assert (seen.variant, seen.state, seen.change) == ("linux", "RUNNING", TaskState.DONE)
        assert (seen.power, seen.reset_needs) == (Power.RUNNING, Power.STOPPED)
        assert (seen.login, seen.obstacles) == (target, ())
        server.public_ip, server.os_name = "203.0.113.7", "Windows Server 2022"
        assert harness.observation().login == LoginTarget("winrm", "203.0.113.7", 5986, "root", None)


@pytest.mark.parametrize(
    ("latest", "change"),
    [
        (None, TaskState.DONE),
        (("ResetInstancesPassword", "OPERATING", "r"), TaskState.RUNNING),
        (("ResetInstancesPassword", "SUCCESS", "r"), TaskState.DONE),
        (("ResetInstancesPassword", "FAILED", "r"), TaskState.FAILED),
        (("StopInstances", "OPERATING", "r"), TaskState.RUNNING),
        (("StartInstances", "FAILED", "r"), TaskState.DONE),
    ],
)
def test_the_latest_operation_says_how_far_a_reset_is(latest, change):
    """Any operation that is under way is waited for; only a reset's own failure is one."""
    with served() as (harness, server):
        server.latest = latest
        assert harness.observation().change is change


@pytest.mark.parametrize(
    ("changes", "obstacles", "hint"),
    [
        ({}, [PreconditionFailed], "power_off"),
        ({"state": "STOPPED"}, [], ""),
        ({"state": "STOPPED", "restrict": "EXPIRED"}, [AccountUnusable], "Renew"),
        ({"state": "STOPPED", "charging": "STOP_CHARGING"}, [PreconditionFailed], "charged"),
        ({"state": "STARTING"}, [InProgress], "console"),
        ({"state": "ENTER_SERVICE_LIVE_MIGRATE"}, [InProgress], "console"),
        ({"state": "RESCUE_MODE"}, [PreconditionFailed], "console"),
        ({"state": "LAUNCH_FAILED"}, [AccountUnusable], "console"),
        ({"state": "DANCING"}, [UnexpectedReply], ""),
    ],
)
def test_obstacles_are_named_before_anything_changes(changes, obstacles, hint):
    """A running server without leave to stop it is one, as is each state in which the vendor refuses a reset."""
    with served() as (harness, server):
        for name, value in changes.items():
            setattr(server, name, value)
        seen = harness.observation()
    assert [type(each) for each in seen.obstacles] == obstacles
    assert all(hint in (each.hint or "") for each in seen.obstacles)


def test_a_server_without_a_system_has_no_policy():
    """Where the vendor names no operating system, nothing is guessed."""
    with served() as (harness, server):
        server.os_name = ""
        with pytest.raises(PreconditionFailed, match="operating system"):
            harness.observation()
