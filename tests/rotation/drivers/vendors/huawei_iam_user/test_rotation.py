"""An IAM user through the handler, with a key and without one: policies, ages, locks, lost answers."""

import pytest

from rotation.core.secret import Secret
from rotation_testkit.doubles.secretsmanager import RotationState
from rotation_testkit.doubles.vendor_api.faults import FaultKind
from rotation_testkit.doubles.vendors.huawei_iam_user.simulator import (
    CHANGE,
    DOMAIN,
    DOMAIN_NAME,
    LOGIN,
    RESET,
    HuaweiIam,
)

OLD = Secret("Old-pass-1234")
USER = "2c1c6c54e59141b889c99e6fada5f19f"
SENDS = {True: RESET, False: CHANGE}


@pytest.fixture
def cloud(clock):
    """One user."""
    made = HuaweiIam(clock=clock.now)
    made.add_user(USER, "robot", OLD)
    return made


@pytest.fixture(params=[True, False], ids=["key", "no key"])
def key(request):
    """Whether the deployment has a key."""
    return request.param


@pytest.fixture
def account(install, cloud, key):
    """Its function."""
    place = {"username": "robot", "user_id": USER, "domain_name": DOMAIN_NAME, "domain_id": DOMAIN}
    own = cloud.credentials
    admin = {"access_key": own.key_id, "secret_key": own.secret.reveal()} if key else None
    document = {"driver": "huawei_iam_user", "password": OLD.reveal(), **place}
    return install(cloud, document, admin, lambda: cloud.user(USER).password)


def sent(cloud):
    """How often the password was sent to be set, in either way."""
    return [each.operation for each in cloud.requests if each.operation in SENDS.values()]


def test_a_login_proves_the_password(account, cloud, key):
    """One change in the deployment's way, no wrong login, no token left; the evidence is the login."""
    assert account.rotate().state is RotationState.SUCCEEDED, [error.message for error in account.errors]
    assert account.settled()
    assert account.reports[-1]["evidence"] == "LOGIN"
    assert sent(cloud) == [SENDS[key]]
    assert (cloud.user(USER).changes, cloud.user(USER).wrong_logins) == (1, 0)
    assert cloud.users.tokens == {}


def test_a_lost_answer_costs_no_second_change(account, cloud, key):
    """The next run finds out by a login that the change was made."""
    cloud.faults.add(SENDS[key], FaultKind.DROP_AFTER)
    assert account.rotate().state is RotationState.SUCCEEDED, account.errors
    assert (account.codes(), account.settled()) == (["outcome_unknown"], True)
    assert cloud.user(USER).changes == 1


@pytest.mark.parametrize("key", [True], indirect=True)
def test_the_candidate_fits_the_accounts_own_policy(account, cloud):
    """The account asks for more than the vendor does."""
    cloud.policies.min_length, cloud.policies.classes, cloud.policies.max_repeat = 20, 4, 1
    assert account.rotate().state is RotationState.SUCCEEDED, account.errors
    assert account.settled()


@pytest.mark.parametrize("key", [False], indirect=True)
def test_without_a_key_the_strictest_policy_is_met(account, cloud):
    """Whatever the account asks for, the first candidate has it."""
    cloud.policies.min_length, cloud.policies.classes, cloud.policies.max_repeat = 32, 4, 1
    assert account.rotate().state is RotationState.SUCCEEDED, account.errors
    assert sent(cloud) == [CHANGE]


@pytest.mark.parametrize("key", [True], indirect=True)
def test_the_minimum_age_is_kept(account, cloud):
    """An account whose passwords must live for a day is rotated twice, and nothing is sent too early."""
    cloud.policies.min_age = 1440
    assert account.rotate().state is RotationState.SUCCEEDED, account.errors
    assert account.rotate_once().state is RotationState.FAILED
    assert set(account.codes()) <= {"too_soon", "parked"}
    assert sent(cloud) == [RESET]
    account.cancel()
    account.clock.sleep(86_400)
    assert account.rotate().state is RotationState.SUCCEEDED, account.errors
    assert account.settled()


def test_a_locked_user_is_left_alone(account, cloud, key):
    """A login shows the lock, no second one is tried before it ends, and then the rotation goes through."""
    cloud.user(USER).locked_until = account.clock.now() + 900
    assert account.rotate_once().state is RotationState.FAILED
    assert set(account.codes()) <= {"account_locked", "parked"}
    assert sent(cloud) == ([RESET] if key else [])
    assert [each.operation for each in cloud.requests].count(LOGIN) <= 1
    assert account.next_rotation() is RotationState.SUCCEEDED, account.errors
    assert account.settled()


OTHER = "9f5c6c54e59141b889c99e6fada5f19f"


@pytest.fixture
def pair(account, cloud):
    """Its function, with a second user that takes turns."""
    cloud.add_user(OTHER, "robot_b", Secret("Never-known-5678"))
    account.put({**account.document(), "alternate_username": "robot_b", "alternate_user_id": OTHER})
    return account


@pytest.mark.parametrize("key", [True], indirect=True)
def test_two_users_take_turns_and_readers_always_get_in(pair, cloud):
    """A key resets the user that is not current; no reader holds a dead password, and no login is a wrong one."""

    def opens(document):
        return cloud.user(document["user_id"]).password == Secret(document["password"])

    assert pair.rotate_watched(opens, "robot_b", "robot") == []
    assert [(cloud.user(each).changes, cloud.user(each).wrong_logins) for each in (USER, OTHER)] == [(1, 0)] * 2


@pytest.mark.parametrize("key", [False], indirect=True)
def test_without_a_key_no_user_takes_turns(pair, cloud):
    """A user's change needs its old password, which no value need hold: the pair is refused before a call."""
    assert pair.rotate_once().state is RotationState.FAILED
    assert set(pair.codes()) == {"settings_error"}
    assert "alternate_username is not possible" in str(pair.errors[0])
    assert cloud.requests == []


def test_a_yes_that_was_none_is_caught_by_the_login(account, cloud, key):
    """A key sends the same candidate again; without one, two wrong logins are all that an hour has. No lock comes."""
    cloud.faults.add(SENDS[key], FaultKind.SILENT)
    assert account.rotate().state is (RotationState.SUCCEEDED if key else RotationState.FAILED)
    assert account.codes() == (["login_rejected"] if key else ["login_rejected", "parked", "parked"])
    assert key or account.next_rotation() is RotationState.SUCCEEDED
    assert account.settled()
    assert (sent(cloud), cloud.user(USER).changes) == ([SENDS[key]] * 2, 1)
    assert cloud.user(USER).locked_until == 0
