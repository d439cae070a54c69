"""An account of Huawei RDS through the handler, proved by logins at a real database server."""

import pytest

from rotation.core.secret import Secret
from rotation_testkit.doubles.secretsmanager import RotationState
from rotation_testkit.doubles.vendor_api.faults import FaultKind
from rotation_testkit.doubles.vendors.huawei_rds.simulator import (
    INSTANCES,
    PROJECT,
    ROOT_RESET,
    USER_RESET,
    USERS,
    HuaweiRds,
)

OLD = Secret("Old-pass-1234")
INSTANCE = "ed7cc6166ec24360a5ed5c5c9c2ed726in03"
ENGINES = {"postgresql": "PostgreSQL", "mysql": "MySQL"}


@pytest.fixture
def cloud(clock, database):
    """An instance with a real server behind it."""
    made = HuaweiRds(clock=clock.now)
    instance = made.add_instance(INSTANCE, engine=ENGINES[database.kind], port=database.server.port)
    instance.apply = database.set
    for name in ("robot", "root"):
        database.create(name, OLD)
        instance.add(name, OLD)
    return made


@pytest.fixture
def account(install, cloud, database, request):
    """Its function, for the account that the test names, or robot."""
    name = getattr(request, "param", "robot")
    place = {"project_id": PROJECT, "instance_id": INSTANCE, "username": name}
    place |= {"certificate": database.pin} if database.pin else {}
    key = cloud.credentials
    admin = {"access_key": key.key_id, "secret_key": key.secret.reveal()}
    document = {"driver": "huawei_rds", "password": OLD.reveal(), **place}
    return install(cloud, document, admin, lambda: cloud.account(INSTANCE, name).password)


def asked(cloud):
    """Every call that reached the vendor."""
    return [each.operation for each in cloud.requests]


EACH = pytest.mark.parametrize(
    "database", ["real_postgresql", pytest.param("real_mariadb", marks=pytest.mark.mariadb)], indirect=True
)
POSTGRESQL = pytest.mark.parametrize("database", ["real_postgresql"], indirect=True)


@EACH
@pytest.mark.parametrize(("account", "reset"), [("robot", USER_RESET), ("root", ROOT_RESET)], indirect=["account"])
def test_a_login_at_the_database_proves_the_password(account, cloud, reset):
    """One reset makes the new password live at the server, and the evidence is the login there."""
    assert account.rotate().state is RotationState.SUCCEEDED, [error.message for error in account.errors]
    assert account.settled()
    assert account.reports[-1]["evidence"] == "LOGIN"
    assert asked(cloud).count(reset) == 1
    assert set(asked(cloud)) == {INSTANCES, reset} | ({USERS} if reset == USER_RESET else set())


@POSTGRESQL
def test_a_lost_answer_costs_no_second_reset(account, cloud):
    """The next run finds out by a login that the reset was applied."""
    cloud.faults.add(USER_RESET, FaultKind.DROP_AFTER)
    assert account.rotate().state is RotationState.SUCCEEDED
    assert (account.codes(), account.settled()) == (["outcome_unknown"], True)
    assert cloud.account(INSTANCE, "robot").resets == 1


@POSTGRESQL
def test_a_yes_that_was_none_is_caught_by_the_login(account, cloud):
    """The old password stays current until a reset really works."""
    cloud.faults.add(USER_RESET, FaultKind.SILENT)
    assert account.rotate().state is RotationState.FAILED
    assert (account.codes()[0], account.password) == ("login_rejected", OLD)
    assert account.next_rotation() is RotationState.SUCCEEDED
    assert account.settled()


@POSTGRESQL
def test_a_busy_instance_is_left_alone(account, cloud):
    """Nothing is sent while the vendor is at work, and the next attempt after it goes through."""
    instance = cloud.instances[INSTANCE]
    instance.status = "REBOOTING"
    assert account.rotate_once().state is RotationState.FAILED
    assert account.codes() == ["in_progress"]
    assert USER_RESET not in asked(cloud)
    instance.status = "ACTIVE"
    assert account.next_rotation() is RotationState.SUCCEEDED
    assert account.settled()


@POSTGRESQL
def test_a_temporary_key_rotates_with_its_token_alone(account, cloud):
    """The vendor refuses the key without its security token, and takes it with the token."""
    key = cloud.add_key(token=Secret("Temporary+Token/31=="))
    admin = {"access_key": key.key_id, "secret_key": key.secret.reveal()}
    account.put(admin, "lockstep/admin")
    assert account.rotate_once().state is RotationState.FAILED
    assert account.codes() == ["admin_rejected"]
    account.cancel()
    account.put({**admin, "session_token": "Temporary+Token/31=="}, "lockstep/admin")
    assert account.rotate().state is RotationState.SUCCEEDED
    assert account.settled()


@EACH
def test_two_accounts_take_turns_and_readers_always_get_in(account, cloud, database):
    """After each step a reader gets in with the current value, and with the former one after the switch."""
    other = Secret("Never-known-5678")
    database.create("robot_b", other)
    cloud.instances[INSTANCE].add("robot_b", other)
    account.put({**account.document(), "alternate_username": "robot_b"})
    assert account.rotate_watched(database.lets_in, "robot_b", "robot") == []
    assert [cloud.account(INSTANCE, name).resets for name in ("robot", "robot_b")] == [1, 1]
