"""An account of ApsaraDB RDS through the handler, proved by logins at a real database server."""

import pytest

from rotation.core.secret import Secret
from rotation_testkit.doubles.secretsmanager import RotationState
from rotation_testkit.doubles.vendor_api.faults import FaultKind
from rotation_testkit.doubles.vendors.alibaba_rds.simulator import RESET, AlibabaRds

OLD = Secret("Old-pass-1234")
INSTANCE = "rm-uf6wjk5"
ENGINES = {"postgresql": "PostgreSQL", "mysql": "MariaDB"}


@pytest.fixture
def cloud(clock, database):
    """An instance with a real server behind it."""
    made = AlibabaRds(clock=clock.now)
    instance = made.add_instance(INSTANCE, engine=ENGINES[database.kind], port=database.server.port)
    instance.apply = database.set
    database.create("robot", OLD)
    instance.add("robot", OLD)
    return made


@pytest.fixture
def account(install, cloud, database):
    """Its function."""
    pin = {"certificate": database.pin} if database.pin else {}
    key = cloud.credentials
    admin = {"access_key_id": key.key_id, "access_key_secret": key.secret.reveal()}
    document = {"driver": "alibaba_rds", "password": OLD.reveal(), "username": "robot", "instance_id": INSTANCE, **pin}
    return install(cloud, document, admin, lambda: cloud.account(INSTANCE, "robot").password)


EACH = pytest.mark.parametrize(
    "database", ["real_postgresql", pytest.param("real_mariadb", marks=pytest.mark.mariadb)], indirect=True
)
POSTGRESQL = pytest.mark.parametrize("database", ["real_postgresql"], indirect=True)


@EACH
def test_a_login_at_the_database_proves_the_password(account, cloud):
    """One reset makes the new password live at the server, and the evidence is the login there."""
    assert account.rotate().state is RotationState.SUCCEEDED, [error.message for error in account.errors]
    assert account.settled()
    assert account.reports[-1]["evidence"] == "LOGIN"
    assert cloud.account(INSTANCE, "robot").attempts == 1


@POSTGRESQL
def test_a_password_that_works_later_is_waited_for(account, cloud):
    """The vendor answers at once and applies the reset 20 seconds later; that costs no second reset."""
    cloud.reset_delay = 20
    assert account.rotate().state is RotationState.SUCCEEDED, [error.message for error in account.errors]
    assert account.settled()
    assert cloud.account(INSTANCE, "robot").attempts == 1


@POSTGRESQL
@pytest.mark.parametrize("kind", [FaultKind.DROP_AFTER, FaultKind.VENDOR_CODE_AFTER])
def test_a_lost_answer_costs_no_second_reset(account, cloud, kind):
    """The next run finds out by a login that the reset was applied, also after a failure inside the vendor."""
    details = {"code": "SqlExecuteFailedOrTimeout"} if kind is FaultKind.VENDOR_CODE_AFTER else {}
    cloud.faults.add(RESET, kind, **details)
    assert account.rotate().state is RotationState.SUCCEEDED
    assert (account.codes(), account.settled()) == (["outcome_unknown"], True)
    assert cloud.account(INSTANCE, "robot").resets == 1


@POSTGRESQL
def test_a_yes_that_was_none_is_caught_by_the_login(account, cloud):
    """The old password stays current until a reset really works."""
    cloud.faults.add(RESET, FaultKind.SILENT)
    assert account.rotate().state is RotationState.FAILED
    assert (account.codes()[0], account.password) == ("login_rejected", OLD)
    assert account.next_rotation() is RotationState.SUCCEEDED
    assert account.settled()


@POSTGRESQL
def test_throttling_costs_an_attempt_and_no_reset(account, cloud):
    """This vendor throttles with HTTP 400; the next attempt goes through."""
    cloud.faults.add(RESET, FaultKind.THROTTLE)
    assert account.rotate().state is RotationState.SUCCEEDED
    assert account.codes() == ["rate_limited"]
    assert cloud.account(INSTANCE, "robot").resets == 1


@POSTGRESQL
def test_two_accounts_take_turns_and_readers_always_get_in(account, cloud, database):
    """After each step a reader gets in with the current value, and with the former one after the switch."""
    other = Secret("Never-known-5678")
    database.create("robot_b", other)
    cloud.instances[INSTANCE].add("robot_b", other)
    account.put({**account.document(), "alternate_username": "robot_b"})
    assert account.rotate_watched(database.lets_in, "robot_b", "robot") == []
    assert [cloud.account(INSTANCE, name).resets for name in ("robot", "robot_b")] == [1, 1]
