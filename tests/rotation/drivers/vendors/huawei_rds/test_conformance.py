"""Huawei RDS's driver keeps every promise at a served vendor with a database behind it, and has some of its own."""

from __future__ import annotations

import json
from contextlib import contextmanager

import pytest

from rotation.core import errors
from rotation.core.secret import Secret
from rotation.core.values import LoginTarget
from rotation.drivers.families.huawei_signature import AccessKey
from rotation.drivers.vendors.huawei_rds.driver import DRIVER
from rotation_testkit.conformance.driver_harness import DriverHarness
from rotation_testkit.conformance.driver_suite import DriverConformance
from rotation_testkit.doubles.hosts.postgresql import PostgreSqlHost
from rotation_testkit.doubles.vendors.huawei_rds.simulator import INSTANCES, PROJECT, ROOT_RESET, USER_RESET, HuaweiRds

OLD = Secret("Canary-Old+pass_word1")
TOKEN = Secret("Canary-token/1+2==")
INSTANCE = "ed7cc6166ec24360a5ed5c5c9c2ed726in03"


@contextmanager
def served(name="robot", change=USER_RESET):
    """An instance with two accounts, and its server."""
    simulator = HuaweiRds()
    instance = simulator.add_instance(INSTANCE)
    for each in ("root", "robot"):
        instance.add(each, OLD)

    def temporary():
        made = simulator.add_key(token=TOKEN)
        return AccessKey(made.key_id, made.secret, TOKEN)

    key = simulator.credentials
    with PostgreSqlHost(instance.logins) as host, simulator.serve() as url:
        instance.port = host.port
        place = {"project_id": PROJECT, "instance_id": INSTANCE}
        harness = DriverHarness(
            spec=DRIVER,
            endpoint=url,
            account={"username": name, **place},
            admin=AccessKey(key.key_id, key.secret),
            temporary=temporary,
            now=simulator.clock,
            live=lambda: simulator.account(INSTANCE, name).password,
            changes=lambda: simulator.account(INSTANCE, name).resets,
            grow_old=lambda: None,
            faults=simulator.faults,
            captured=simulator.captured,
            change=change,
            check=INSTANCES,
            weak=Secret("aaaaaaaa"),
            unknown_code="DBS.999999",
            variant="postgresql",
        )
        yield harness, simulator, instance


class TestHuaweiRds(DriverConformance):
    """The suite, for an account other than root."""

    spec = DRIVER

    @contextmanager
    def make_vendor(self):
        """One account."""
        with served() as (harness, _, _):
            yield harness


@pytest.mark.parametrize(
    ("name", "change", "body"),
    [("root", ROOT_RESET, {"db_user_pwd": "*"}), ("robot", USER_RESET, {"name": "robot", "password": "*"})],
)
def test_root_has_a_call_of_its_own(name, change, body):
    """Each call has the documented body, nothing of it is in the address, and the password is live afterwards."""
    with served(name, change) as (harness, simulator, _):
        new = harness.policy.generate(harness.context)
        harness.set(new)
        sent = simulator.captured[-1]
        assert [each.operation for each in simulator.requests][-1] == change
        assert json.loads(sent.body) == {key: new.reveal() if value == "*" else value for key, value in body.items()}
        assert new.reveal() not in sent.url
        assert harness.live() == new


def test_a_weak_password_of_root_has_its_own_code():
    """The vendor's code for root's password is a refused password."""
    with served("root", ROOT_RESET) as (harness, _, _), pytest.raises(errors.PasswordRejected) as caught:
        harness.set(harness.weak)
    assert caught.value.vendor_code == "DBS.200052"


@pytest.mark.parametrize(("engine", "variant"), [("MySQL", "mysql"), ("PostgreSQL", "postgresql")])
def test_the_engine_chooses_policy_and_login(engine, variant):
    """One driver serves two engines; the instance says which, and where to log in."""
    with served() as (harness, _, instance):
        instance.engine, pin = engine, "sha256:" + "0" * 64
        harness.account = {**harness.account, "certificate": pin}
        seen = harness.observation()
        target = LoginTarget(variant, "127.0.0.1", instance.port, "robot", pin, None)
        assert (seen.variant, seen.login, seen.obstacles) == (variant, target, ())


def test_the_public_address_is_used_where_the_account_says_so():
    """The secret chooses between the instance's own addresses; without one nothing is guessed."""
    with served() as (harness, _, instance):
        harness.account = {**harness.account, "address": "public", "database": "app"}
        assert harness.observation().login is None
        instance.public = "192.0.2.7"
        login = harness.observation().login
    assert (login.host, login.database) == ("192.0.2.7", "app")


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        ("REBOOTING", errors.InProgress),
        ("MODIFYING DATABASE PORT", errors.InProgress),
        ("FROZEN", errors.PreconditionFailed),
        ("STORAGE FULL", errors.PreconditionFailed),
        ("BACKING UP", None),
        ("WHATEVER", None),
    ],
)
def test_a_state_that_forbids_a_reset_is_an_obstacle(status, expected):
    """Documented states stand in the way before anything is sent; any other is left to the reset."""
    with served() as (harness, _, instance):
        instance.status = status
        obstacles = harness.observation().obstacles
    assert [type(each) for each in obstacles] == ([expected] if expected else [])


def test_an_account_that_is_not_listed_is_an_obstacle():
    """The list is read to its last page, so that a hundred and more accounts hide none; root is listed nowhere."""
    with served() as (harness, simulator, instance):
        for number in range(150):
            instance.add(f"a{number:03}", OLD)
        assert not harness.observation().obstacles
        assert len(simulator.requests) == 3
        harness.account = {**harness.account, "username": "nobody"}
        (obstacle,) = harness.observation().obstacles
        assert isinstance(obstacle, errors.AccountUnusable)
        harness.account = {**harness.account, "username": "root"}
        assert not harness.observation().obstacles


@pytest.mark.parametrize("change", [{"engine": "SQLServer"}, {"instance_id": "anotherin03"}])
def test_what_cannot_be_rotated_is_named(change):
    """Another engine, and an instance that is not there, are refused for good."""
    with served() as (harness, _, instance):
        harness.account = {**harness.account, **{key: change[key] for key in change if key == "instance_id"}}
        instance.engine = change.get("engine", instance.engine)
        with pytest.raises(errors.AccountUnusable):
            harness.observation()


@pytest.mark.parametrize(
    ("admin", "shift"),
    [({"access_key": "NOBODY"}, 0), ({"secret_key": Secret("wrong")}, 0), ({}, 1000), ({}, -1000)],
)
def test_our_own_key_and_clock(admin, shift):
    """A wrong key or clock becomes ``AdminRejected`` with a hint, and nothing changes."""
    with served() as (harness, simulator, _):
        key = simulator.credentials
        harness.admin = AccessKey(**{"access_key": key.key_id, "secret_key": key.secret, **admin})
        harness.now = lambda: simulator.clock() + shift
        with pytest.raises(errors.AdminRejected) as caught:
            harness.set(Secret("Good-enough-1"))
        assert (caught.value.vendor_code, bool(caught.value.hint)) == ("APIGW.0301", True)
        assert harness.changes() == 0


def test_a_key_without_the_right():
    """The refusal names the rights to grant."""
    with served() as (harness, simulator, _):
        key = simulator.add_key(denied=frozenset({USER_RESET}))
        harness.admin = AccessKey(key.key_id, key.secret)
        with pytest.raises(errors.PermissionDenied) as caught:
            harness.set(Secret("Good-enough-1"))
    assert "rds:password:update" in caught.value.hint
