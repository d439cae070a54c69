"""TencentDB's driver keeps every promise at a served vendor with a database behind it, and has some of its own."""

import dataclasses
from contextlib import contextmanager

import pytest

from rotation.core.errors import AccountUnusable, InProgress, PreconditionFailed
from rotation.core.secret import Secret
from rotation.core.values import LoginTarget
from rotation.drivers.families.tencent_api3 import Admin
from rotation.drivers.vendors.tencent_bm.error_codes import V3_TABLE
from rotation.drivers.vendors.tencent_cdb.driver import DRIVER
from rotation_testkit.conformance.driver_harness import DriverHarness
from rotation_testkit.conformance.driver_suite import DriverConformance
from rotation_testkit.doubles.hosts.mysql import MySqlHost
from rotation_testkit.doubles.vendors.tencent_cdb.simulator import REGION, TencentCdb

INSTANCE = "cdb-1"
OLD = Secret("Canary-Old+pass_word1")
TOKEN = Secret("Canary-token/1+2==")
SHARED = {row.vendor_code for row in V3_TABLE}


@contextmanager
def served():
    """An instance with an account. No call is throttled, since the suite makes many."""
    simulator = TencentCdb()
    simulator.api.per_action.most = None
    instance = simulator.add_instance(INSTANCE)
    account = simulator.add_account(INSTANCE, "robot", OLD)
    simulator.add_account(INSTANCE, "robots", OLD)

    def temporary():
        made = simulator.add_key(token=TOKEN)
        return Admin(made.secret_id, made.secret_key, TOKEN)

    key = simulator.credentials
    with MySqlHost(instance.logins) as host, simulator.serve() as url:
        instance.port = host.port
        harness = DriverHarness(
            spec=DRIVER,
            endpoint=url,
            account={"username": "robot", "instance_id": INSTANCE, "region": REGION},
            admin=Admin(key.secret_id, key.secret_key),
            temporary=temporary,
            now=simulator.clock,
            live=lambda: account.password,
            changes=lambda: account.resets,
            grow_old=lambda: None,
            faults=simulator.faults,
            captured=simulator.captured,
            change="ModifyAccountPassword",
            check="DescribeDBInstances",
            weak=Secret("aaaaaaaa"),
        )
        yield harness, instance


class TestTencentCdb(DriverConformance):
    """The suite. The codes that Blackstone has too are those of its own suite."""

    spec = dataclasses.replace(
        DRIVER, error_table=tuple(row for row in DRIVER.error_table if row.vendor_code not in SHARED)
    )

    @contextmanager
    def make_vendor(self):
        """An account."""
        with served() as (harness, _):
            yield harness


def test_what_observe_finds():
    """The login stands at the private address, or at the public one where the secret says so and it is open."""
    with served() as (harness, instance):
        seen = harness.observation()
        assert (seen.variant, seen.state, seen.obstacles, seen.power) == ("mysql", "1", (), None)
        assert seen.login == LoginTarget("mysql", "127.0.0.1", instance.port, "robot")
        harness.account |= {"address": "public", "database": "orders"}
        assert harness.observation().login is None
        instance.public = "gz-cdb.example"
        assert harness.observation().login == LoginTarget(
            "mysql", "gz-cdb.example", instance.port, "robot", None, "orders"
        )


@pytest.mark.parametrize(
    ("changes", "obstacle", "hint"),
    [
        ({"running": 0}, InProgress, "console"),
        ({"task_status": 8}, InProgress, "console"),
        ({"task_status": 15}, InProgress, "console"),
        ({"running": 5}, AccountUnusable, "Renew"),
        ({"kind": 3}, AccountUnusable, "primary"),
        ({"initialised": 0}, PreconditionFailed, "console"),
        ({"hosts": {"robots": ["%"]}}, AccountUnusable, "username and host"),
        ({"hosts": {"robot": ["10.0.0.%"]}}, AccountUnusable, "username and host"),
        ({"hosts": {"robot": ["%", "10.0.0.%"]}}, PreconditionFailed, "one host"),
        ({"rotated_by_vendor": {"robot"}}, PreconditionFailed, "rotation"),
        ({"task_status": 17}, None, ""),
    ],
)
def test_obstacles_are_named_before_anything_changes(changes, obstacle, hint):
    """An instance at work, one that is gone, and an account whose login would prove nothing are obstacles."""
    with served() as (harness, instance):
        for name, value in changes.items():
            setattr(instance, name, value)
        seen = harness.observation()
    assert [type(each) for each in seen.obstacles] == ([obstacle] if obstacle else [])
    assert all(hint in each.hint for each in seen.obstacles)
