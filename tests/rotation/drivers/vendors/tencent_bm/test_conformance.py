"""Blackstone's driver keeps every promise of the suite, through either generation of the vendor's API."""

import dataclasses
from contextlib import contextmanager

from rotation.core.secret import Secret
from rotation.drivers.vendors.tencent_bm.driver import DRIVER, Admin
from rotation.drivers.vendors.tencent_bm.error_codes import V2_TABLE, V3_TABLE
from rotation_testkit.conformance.driver_harness import DriverHarness
from rotation_testkit.conformance.driver_suite import DriverConformance
from rotation_testkit.doubles.hosts.ssh import SshHost
from rotation_testkit.doubles.hosts.winrm import WinRmHost
from rotation_testkit.doubles.vendors.tencent_bm.simulator import LINUX, WINDOWS, TencentBm

DEVICE = "cpm-1"
OLD = Secret("Canary-Old/pw+1")
TOKEN = Secret("Canary-token/1+2==")


@contextmanager
def machine(simulator, os):
    """What takes logins on the device; yields what the secret says about it."""
    if os.windows:
        with WinRmHost(lambda: {"Administrator": simulator.guest_password(DEVICE)}) as winrm:
            yield {"winrm_port": winrm.port, "certificate": winrm.fingerprint}
        return
    with SshHost(simulator.guest_login(DEVICE)) as ssh:
        yield {"ssh_port": ssh.port, "host_key": ssh.host_key}


@contextmanager
def served(api, os=LINUX):
    """A device beside another customer's. No call is throttled, since the suite makes many of them."""
    simulator = TencentBm()
    simulator.v2.per_action.most = simulator.v2.total.most = simulator.v3.per_action.most = None

    def temporary():
        made = simulator.add_key(token=TOKEN)
        return Admin(made.secret_id, made.secret_key, api=api, session_token=TOKEN)

    with simulator.serve() as url, machine(simulator, os) as login:
        simulator.add_device("cpm-0", password=Secret("Canary-of-other"))
        simulator.add_device(DEVICE, password=OLD, os=os).lan_ip = "127.0.0.1"
        account = {"username": simulator.device(DEVICE).user, "instance_id": DEVICE, "region": "ap-beijing"}
        key = simulator.credentials
        yield DriverHarness(
            spec=dataclasses.replace(DRIVER, error_table=V2_TABLE if api == "v2" else V3_TABLE),
            endpoint=url,
            account={**account, **login},
            admin=Admin(key.secret_id, key.secret_key, api=api),
            temporary=temporary,
            now=simulator.clock,
            live=lambda: simulator.guest_password(DEVICE),
            changes=lambda: simulator.resets(DEVICE),
            grow_old=lambda: None,
            faults=simulator.faults,
            captured=simulator.captured,
            change="ResetDevicePasswd" if api == "v2" else "ResetDevicePassword",
            check="DescribeDevice" if api == "v2" else "DescribeDevices",
            weak=Secret("aaaaaaaa"),
            variant="windows" if os.windows else "linux",
        )


class Suite(DriverConformance):
    """The suite over one generation of the API, on a device with one system."""

    api, os = "v2", LINUX

    @contextmanager
    def make_vendor(self):
        """A device that takes logins."""
        with served(self.api, self.os) as harness:
            yield harness


class TestTencentV2(Suite):
    """Linux over v2."""

    spec = dataclasses.replace(DRIVER, error_table=V2_TABLE)


class TestTencentV3(Suite):
    """Linux over API 3.0."""

    spec = dataclasses.replace(DRIVER, error_table=V3_TABLE)
    api = "v3"


class TestTencentWindowsV2(Suite):
    """Windows over v2. The codes are those of the Linux suite."""

    spec = dataclasses.replace(DRIVER, error_table=V2_TABLE[:1])
    os = WINDOWS


class TestTencentWindowsV3(Suite):
    """Windows over API 3.0. The codes are those of the Linux suite."""

    spec = dataclasses.replace(DRIVER, error_table=V3_TABLE[:1])
    api, os = "v3", WINDOWS


def test_the_record_lists_both_tables():
    """The suite takes one generation's codes at a time: v2 has numbers, API 3.0 has words."""
    assert DRIVER.error_table == V2_TABLE + V3_TABLE
    assert all(row.vendor_code.isdigit() for row in V2_TABLE)
    assert not any(row.vendor_code.isdigit() for row in V3_TABLE)
