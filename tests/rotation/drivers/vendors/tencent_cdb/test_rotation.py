"""TencentDB through the handler: tasks that may wait for a maintenance window, proved at a real MariaDB."""

import pytest

from rotation.core.secret import Secret
from rotation_testkit.doubles.secretsmanager import RotationState
from rotation_testkit.doubles.vendor_api.faults import FaultKind
from rotation_testkit.doubles.vendors.tencent_cdb.simulator import REGION, Delays, TencentCdb

pytestmark = pytest.mark.mariadb
OLD = Secret("Old-pass-1234")
INSTANCE, RESET, POLL = "cdb-1", "ModifyAccountPassword", "DescribeAsyncRequestInfo"


@pytest.fixture
def cloud(clock, real_mariadb):
    """An instance with a real server behind it, where a task takes 20 seconds."""
    made = TencentCdb(clock=clock.now, delays=Delays(reset=20))
    made.add_instance(INSTANCE, port=real_mariadb.server.port).apply = real_mariadb.set
    made.add_account(INSTANCE, "robot", OLD)
    real_mariadb.create("robot", OLD)
    return made


@pytest.fixture
def account(install, cloud, real_mariadb):
    """Its rotation function."""
    place = {"driver": "tencent_cdb", "instance_id": INSTANCE, "region": REGION, "username": "robot"}
    key = cloud.credentials
    admin = {"secret_id": key.secret_id, "secret_key": key.secret_key.reveal()}
    document = {**place, "certificate": real_mariadb.pin, "password": OLD.reveal()}
    return install(cloud, document, admin, lambda: cloud.account(INSTANCE, "robot").password)


def asked(cloud, operation):
    """How often a call reached the vendor."""
    return [each.operation for each in cloud.requests].count(operation)


def test_a_login_at_the_database_proves_the_password(account, cloud, real_mariadb):
    """One reset and its task make the new password live at the server, which refuses the old one."""
    assert account.rotate().state is RotationState.SUCCEEDED, account.codes()
    assert (account.settled(), account.codes()) == (True, [])
    assert (account.reports[-1]["evidence"], asked(cloud, RESET)) == ("LOGIN", 1)
    assert real_mariadb.lets_in(account.document())
    assert not real_mariadb.lets_in({**account.document(), "password": OLD.reveal()})


def test_a_task_that_waits_for_a_window_is_followed_by_later_runs(account, cloud):
    """The old password stays current for the hours of waiting; then the same task proves the same candidate."""
    cloud.instances[INSTANCE].window = 5 * 3600
    assert account.rotate().state is RotationState.FAILED
    assert set(account.codes()) == {"in_progress"}
    assert account.password == OLD == account.live()
    staged = Secret(account.document("AWSPENDING")["password"])
    assert account.next_rotation() is RotationState.SUCCEEDED
    assert account.settled()
    assert (account.password, asked(cloud, RESET)) == (staged, 1)


@pytest.mark.parametrize(
    ("operation", "kind", "details"),
    [
        (RESET, FaultKind.DROP_BEFORE, {}),
        (RESET, FaultKind.DROP_AFTER, {}),
        (RESET, FaultKind.VENDOR_CODE, {"code": "FailedOperation.StartFlowError"}),
        (RESET, FaultKind.VENDOR_CODE_AFTER, {"code": "FailedOperation.SubmitAsyncTaskError"}),
        (RESET, FaultKind.VENDOR_CODE, {"code": "FailedOperation.StatusConflict"}),
        (POLL, FaultKind.VENDOR_CODE, {"code": "CdbError"}),
        (POLL, FaultKind.VENDOR_CODE, {"code": "InvalidParameter"}),
    ],
)
def test_one_fault_costs_no_password(account, cloud, operation, kind, details):
    """After one fault in either call, the current password is live at the server."""
    cloud.faults.add(operation, kind, **details)
    assert account.rotate().state is RotationState.SUCCEEDED, account.codes()
    assert account.settled()
    assert cloud.account(INSTANCE, "robot").resets <= 2


@pytest.mark.parametrize("status", ["FAILED", "KILLED"])
def test_a_task_that_fails_is_begun_again(account, cloud, status):
    """The old password stays current, and the same candidate goes through at a later attempt."""
    cloud.instances[INSTANCE].ends_as = status
    assert account.rotate_once().state is RotationState.FAILED
    staged = Secret(account.document("AWSPENDING")["password"])
    assert account.password == OLD == account.live()
    cloud.instances[INSTANCE].ends_as = "SUCCESS"
    assert account.next_rotation() is RotationState.SUCCEEDED
    assert (account.password, account.settled()) == (staged, True)


def test_two_users_take_turns_and_readers_always_get_in(account, cloud, real_mariadb):
    """After each step a reader gets in with the current value; what was current before works on after the switch."""
    other = Secret("Never-known-5678")
    real_mariadb.create("robot_b", other)
    cloud.add_account(INSTANCE, "robot_b", other)
    account.put({**account.document(), "alternate_username": "robot_b"})
    assert account.rotate_watched(real_mariadb.lets_in, "robot_b", "robot") == []
    assert [cloud.account(INSTANCE, name).resets for name in ("robot", "robot_b")] == [1, 1]


def test_a_user_with_two_hosts_is_left_alone(account, cloud):
    """Nothing is staged or sent, since a login would not tell which password it proves."""
    cloud.instances[INSTANCE].hosts["robot"].append("10.0.0.%")
    assert account.rotate_once().state is RotationState.FAILED
    assert set(account.codes()) == {"precondition_failed"}
    assert asked(cloud, RESET) == 0
    assert account.store.value("lockstep/account", stage="AWSPENDING") is None
