"""Blackstone's driver keeps every promise of the suite, through either generation of the vendor's API."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import pytest

from rotation.drivers._tencent_codes import V2_TABLE, V3_TABLE
from rotation.drivers.tencent_bm import DRIVER, Admin
from rotation.errors import DriverError
from rotation.model import Verdict
from rotation.ports import Driver
from rotation.secret import Secret
from rotation.testing.driver_harness import DriverHarness
from rotation.testing.driver_suite import DriverConformance, overrides
from rotation.testing.simulators.tencent_bm import LINUX, WINDOWS, OsType, TencentBm
from rotation.testing.ssh_host import SshHost

DEVICE = "cpm-1"
OLD = Secret("Canary-Old/pw+1")


@dataclass(kw_only=True)
class DeviceHarness(DriverHarness):
    """Windows has no login probe: a check looks through the API, then asks the device as a human would."""

    simulator: TencentBm

    def verdict(self, password: Secret, driver: Driver | None = None) -> Verdict:
        """Log in over SSH where there is SSH."""
        if not self.simulator.device(DEVICE).os.windows:
            return super().verdict(password, driver)
        self.observation(driver)
        opened = self.simulator.guest_login(DEVICE)("Administrator", password.reveal())
        return Verdict.ACCEPTED if opened else Verdict.REJECTED


@contextmanager
def served(api: str, os: OsType = LINUX) -> Iterator[DeviceHarness]:
    """A device beside somebody else's. No call is throttled, since the suite makes more of them than a rotation."""
    simulator = TencentBm()
    simulator.v2.per_action.most = simulator.v2.total.most = simulator.v3.per_action.most = None
    with simulator.serve() as url, SshHost(simulator.guest_login(DEVICE)) as ssh:
        simulator.add_device("cpm-0", password=Secret("Canary-of-other"))
        simulator.add_device(DEVICE, password=OLD, os=os).lan_ip = ssh.host
        account = {"username": simulator.device(DEVICE).user, "instance_id": DEVICE, "region": "ap-beijing"}
        key = simulator.credentials
        yield DeviceHarness(
            spec=dataclasses.replace(DRIVER, error_table=V2_TABLE if api == "v2" else V3_TABLE),
            endpoint=url,
            account={**account, "ssh_port": ssh.port, "host_key": ssh.host_key},
            admin=Admin(key.secret_id, key.secret_key, api),
            now=simulator.clock,
            live=lambda: simulator.guest_password(DEVICE),
            changes=lambda: simulator.resets(DEVICE),
            grow_old=lambda: None,
            faults=simulator.faults,
            captured=simulator.captured,
            change="ResetDevicePasswd" if api == "v2" else "ResetDevicePassword",
            check="DescribeDevice" if api == "v2" else "DescribeDevices",
            weak=Secret("aaaaaaaa"),
            simulator=simulator,
        )


class TestTencentV2(DriverConformance):
    """Linux over v2."""

    spec = dataclasses.replace(DRIVER, error_table=V2_TABLE)

    @contextmanager
    def make_vendor(self) -> Iterator[DriverHarness]:
        """A Linux device that answers SSH."""
        with served("v2") as harness:
            yield harness


class TestTencentV3(DriverConformance):
    """Linux over API 3.0."""

    spec = dataclasses.replace(DRIVER, error_table=V3_TABLE)

    @contextmanager
    def make_vendor(self) -> Iterator[DriverHarness]:
        """A Linux device that answers SSH."""
        with served("v3") as harness:
            yield harness


class _Windows(DriverConformance):
    @overrides("Windows has no login probe, so that there is no place to log in")
    def test_looking_changes_nothing(self, vendor: DriverHarness) -> None:
        """A ready device has the policy of Windows, no obstacle and no login."""
        seen = vendor.observation()
        assert (seen.variant, seen.obstacles, seen.login) == ("windows", (), None)
        assert vendor.changes() == 0


class TestTencentWindowsV2(_Windows):
    """Windows over v2. The codes are those of the Linux suite."""

    spec = dataclasses.replace(DRIVER, error_table=V2_TABLE[:1])

    @contextmanager
    def make_vendor(self) -> Iterator[DriverHarness]:
        """A Windows device."""
        with served("v2", WINDOWS) as harness:
            yield harness


class TestTencentWindowsV3(_Windows):
    """Windows over API 3.0. The codes are those of the Linux suite."""

    spec = dataclasses.replace(DRIVER, error_table=V3_TABLE[:1])

    @contextmanager
    def make_vendor(self) -> Iterator[DriverHarness]:
        """A Windows device."""
        with served("v3", WINDOWS) as harness:
            yield harness


def test_the_record_lists_both_tables() -> None:
    """The suite takes one generation's codes at a time; together they are the driver's."""
    assert DRIVER.error_table == V2_TABLE + V3_TABLE


@pytest.mark.parametrize("api", ["v2", "v3"])
def test_a_refusal_holds_no_password(api: str) -> None:
    """Whatever the vendor's message says."""
    with served(api) as harness:
        with pytest.raises(DriverError) as caught:
            harness.set(Secret("aaaaaaaa"))
        assert "aaaaaaaa" not in str(caught.value.describe())
