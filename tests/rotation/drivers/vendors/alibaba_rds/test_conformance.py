"""ApsaraDB RDS's driver keeps every promise at a served vendor with a database behind it, and has some of its own."""

from __future__ import annotations

from contextlib import contextmanager
from urllib.parse import parse_qs

import pytest

from rotation.core import errors
from rotation.core.secret import Secret
from rotation.core.values import LoginTarget
from rotation.drivers.families.alibaba_cloud import AccessKey
from rotation.drivers.vendors.alibaba_rds.driver import DRIVER
from rotation_testkit.conformance.driver_harness import DriverHarness
from rotation_testkit.conformance.driver_suite import DriverConformance
from rotation_testkit.doubles.hosts.postgresql import PostgreSqlHost
from rotation_testkit.doubles.vendors.alibaba_rds.simulator import LOOK, RESET, AlibabaRds

OLD, GOOD = Secret("Canary-Old+pass_word1"), Secret("Good-enough-1")
TOKEN = Secret("Canary-token/1+2==")
INSTANCE = "pgm-uf6wjk5"


@contextmanager
def served():
    """An instance with two accounts, and its server."""
    simulator = AlibabaRds()
    instance = simulator.add_instance(INSTANCE)
    for name in ("robot", "somebody"):
        instance.add(name, OLD)

    def temporary():
        made = simulator.add_key(token=TOKEN)
        return AccessKey(made.key_id, made.secret, TOKEN)

    key = simulator.credentials
    with PostgreSqlHost(instance.logins) as host, simulator.serve() as url:
        instance.port = host.port
        harness = DriverHarness(
            spec=DRIVER,
            endpoint=url,
            account={"username": "robot", "instance_id": INSTANCE},
            admin=AccessKey(key.key_id, key.secret),
            temporary=temporary,
            now=simulator.clock,
            live=lambda: simulator.account(INSTANCE, "robot").password,
            changes=lambda: simulator.account(INSTANCE, "robot").resets,
            grow_old=lambda: None,
            faults=simulator.faults,
            captured=simulator.captured,
            change=RESET,
            check=LOOK,
            weak=Secret("aaaaaaaa"),
            unknown_code="NobodyKnowsThis",
            variant="postgresql",
        )
        yield harness, simulator, instance


class TestAlibabaRds(DriverConformance):
    """The suite."""

    spec = DRIVER

    @contextmanager
    def make_vendor(self):
        """One account."""
        with served() as (harness, _, _):
            yield harness


def test_the_password_stands_in_the_form_alone():
    """The vendor's own client puts it into the query; here the address is bare, and each call has its own nonce."""
    with served() as (harness, simulator, _):
        harness.set(GOOD)
        harness.set(GOOD)
        first, second = simulator.captured
        assert parse_qs(first.body.decode()) == {
            "DBInstanceId": [INSTANCE],
            "AccountName": ["robot"],
            "AccountPassword": [GOOD.reveal()],
        }
        assert first.url == harness.endpoint + "/"
        nonces = [dict(each.headers)["X-Acs-Signature-Nonce"] for each in (first, second)]
        assert len(set(nonces)) == 2


@pytest.mark.parametrize(
    ("engine", "variant"), [("MySQL", "mysql"), ("MariaDB", "mysql"), ("PostgreSQL", "postgresql")]
)
def test_the_engine_chooses_policy_and_login(engine, variant):
    """One driver serves three engines; the instance says which, and where to log in past its proxy."""
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
        instance.public = "pgm-uf6wjk5o.pg.rds.example"
        login = harness.observation().login
    assert (login.host, login.database) == ("pgm-uf6wjk5o.pg.rds.example", "app")


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"status": "Rebooting"}, errors.InProgress),
        ({"status": "Whatever"}, errors.InProgress),
        ({"status": "Stopped"}, errors.PreconditionFailed),
        ({"status": "Released"}, errors.PreconditionFailed),
        ({"account": "Unavailable"}, errors.InProgress),
        ({"username": "nobody"}, errors.AccountUnusable),
    ],
    ids=str,
)
def test_what_stands_in_the_way_is_found_before_anything_is_sent(change, expected):
    """The vendor resets in Running alone, and only an account that is there and available."""
    with served() as (harness, simulator, instance):
        instance.status = change.get("status", "Running")
        simulator.account_status["robot"] = change.get("account", "Available")
        harness.account = {**harness.account, "username": change.get("username", "robot")}
        (obstacle,) = harness.observation().obstacles
    assert type(obstacle) is expected
    assert obstacle.hint


def test_what_cannot_be_rotated_is_named():
    """Another engine, and an instance that is not there, are refused for good."""
    with served() as (harness, _, instance):
        instance.engine = "SQLServer"
        with pytest.raises(errors.AccountUnusable, match="engine"):
            harness.observation()
        harness.account = {**harness.account, "instance_id": "rm-other"}
        with pytest.raises(errors.AccountUnusable) as caught:
            harness.observation()
    assert caught.value.vendor_code == "InvalidDBInstanceId.NotFound"


@pytest.mark.parametrize(
    ("admin", "shift", "code"),
    [
        ({"access_key_id": "LTAInobody"}, 0, "InvalidAccessKeyId.NotFound"),
        ({"access_key_secret": Secret("wrong")}, 0, "SignatureDoesNotMatch"),
        ({}, 1000, "InvalidTimeStamp.Expired"),
        ({}, -1000, "InvalidTimeStamp.Expired"),
    ],
)
def test_our_own_key_and_clock(admin, shift, code):
    """A wrong key or clock becomes ``AdminRejected`` with the vendor's code, and nothing changes."""
    with served() as (harness, simulator, _):
        key = simulator.credentials
        own = {"access_key_id": key.key_id, "access_key_secret": key.secret, **admin}
        harness.admin = AccessKey(**own)
        harness.now = lambda: simulator.clock() + shift
        with pytest.raises(errors.AdminRejected) as caught:
            harness.set(GOOD)
        assert (caught.value.vendor_code, bool(caught.value.hint)) == (code, True)
        assert harness.changes() == 0


def test_a_key_without_the_right():
    """A missing right is named."""
    with served() as (harness, simulator, _):
        denied = simulator.add_key(denied=frozenset({RESET}))
        harness.admin = AccessKey(denied.key_id, denied.secret)
        with pytest.raises(errors.PermissionDenied) as caught:
            harness.set(GOOD)
    assert "rds:ResetAccountPassword" in caught.value.hint
