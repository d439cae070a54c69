"""A meeting account through the handler: both ways to a token, the minimum age, the lock, other login answers."""

import pytest

from rotation.core.secret import Secret
from rotation.deployment.deployment import Deployment
from rotation.drivers.vendors.huawei_meeting.driver import DRIVER
from rotation_testkit.doubles.secretsmanager import RotationState
from rotation_testkit.doubles.vendor_api.faults import FaultKind
from rotation_testkit.doubles.vendors.huawei_meeting.simulator import HuaweiMeeting

NAME, OLD = "robot@corp1", Secret("Old-pass-1234")
CHANGE, LOGIN = "PUT /v1/usg/acs/password", "POST /v1/usg/acs/auth/account"
APP, LOGOUT = "POST /v2/usg/acs/auth/appauth", "DELETE /v1/usg/acs/token"


@pytest.fixture
def cloud(clock):
    """A company with one account, whose password is a day old."""
    made = HuaweiMeeting(clock=clock.now)
    made.add_account(NAME, OLD)
    return made


@pytest.fixture
def account(install, cloud):
    """Its function, which comes back every minute, three times."""
    document = {"driver": "huawei_meeting", "password": OLD.reveal(), "username": NAME}
    return install(cloud, document, None, lambda: cloud.live_password(NAME), retries=3, spacing=60.0)


def asked(cloud):
    """Every call that reached the vendor."""
    return [each.operation for each in cloud.requests]


def test_an_account_changes_its_own_password(account, cloud):
    """The old password makes a token, which ends after the change; the login with the new one makes none."""
    assert account.rotate().state is RotationState.SUCCEEDED
    assert account.settled()
    assert asked(cloud) == [LOGIN, CHANGE, LOGOUT, LOGIN]
    assert (cloud.live_tokens(NAME), cloud.wrong_logins(NAME), cloud.changes(NAME)) == (0, 0, 1)
    assert account.reports[-1]["evidence"] == "LOGIN"


def test_the_enterprises_app_id_may_make_the_token(install, cloud):
    """The old password is sent in the change only, and no session is left."""
    document = {"driver": "huawei_meeting", "password": OLD.reveal(), "username": NAME, "user_id": NAME}
    admin = {"app_id": cloud.credentials.app_id, "app_key": cloud.credentials.app_key.reveal()}
    function = install(cloud, document, admin, lambda: cloud.live_password(NAME))
    assert function.rotate().state is RotationState.SUCCEEDED
    assert function.settled()
    assert asked(cloud) == [APP, CHANGE, LOGOUT, LOGIN]
    assert (cloud.live_tokens(NAME), cloud.wrong_logins(NAME)) == (0, 0)


@pytest.mark.parametrize("region", ["https://api.meeting.huaweicloud.com", "https://api-intl.meeting.huaweicloud.com"])
def test_both_regions_are_the_vendors(region):
    """Both regions are allowed without configuration."""
    deployment = Deployment(drivers=("huawei_meeting",), endpoints={"huawei_meeting": region})
    assert deployment.endpoint(DRIVER) == region


def test_a_young_password_is_waited_for(account, cloud):
    """The rotation parks until a time, sends nothing before it, and succeeds at the first attempt after it."""
    cloud.account(NAME).changed_at = account.clock.now() - 150
    assert account.rotate().state is RotationState.FAILED
    first = account.errors[0]
    assert (first.code, first.reason) == ("parked", "too_soon")
    assert first.not_before == pytest.approx(account.clock.now() - 180 + 300, abs=30)
    assert asked(cloud).count(CHANGE) == 1
    assert {error.code for error in account.errors} == {"parked"}
    assert account.next_rotation() is RotationState.SUCCEEDED
    assert account.settled()
    assert cloud.changes(NAME) == 1
    # The refusal may have been the echo of our own request, delivered twice: the candidate is tried before it is sent.
    assert cloud.wrong_logins(NAME) <= 1


def test_our_own_young_password_is_not_even_tried(account, cloud):
    """The store knows when the password was changed, so the vendor is not asked."""
    assert account.rotate().state is RotationState.SUCCEEDED
    before = len(asked(cloud))
    assert account.rotate().state is RotationState.FAILED
    assert {(error.code, error.reason) for error in account.errors} == {("parked", "too_soon")}
    assert all(error.not_before for error in account.errors)
    assert CHANGE not in asked(cloud)[before:]


def test_a_locked_account_is_left_alone(account, cloud):
    """The rotation parks for five minutes and a margin, since more tries would prolong the lock."""
    cloud.account(NAME).locked_until = account.clock.now() + 300
    assert account.rotate().state is RotationState.FAILED
    assert (account.errors[0].code, account.errors[0].reason) == ("parked", "account_locked")
    assert asked(cloud) == [LOGIN]
    assert account.next_rotation() is RotationState.SUCCEEDED
    assert account.settled()
    assert cloud.wrong_logins(NAME) == 0


@pytest.mark.parametrize("code", ["firstLogin", "pwdExpired"])
def test_what_else_a_login_shows_is_reported(account, cloud, code):
    """A password that must be changed before it opens anything proves nothing; a rotation is what changes it."""
    user = cloud.account(NAME)
    if code == "firstLogin":
        user.first_login = True
    else:
        user.changed_at -= 100 * 86_400
    assert account.rotate(immediately=False).state is RotationState.FAILED
    (failure,) = account.errors
    assert (failure.code, failure.vendor_code) == ("cannot_verify", code)
    assert failure.hint
    assert cloud.wrong_logins(NAME) == 0
    assert account.rotate().state is RotationState.SUCCEEDED
    assert account.settled()


@pytest.mark.parametrize("code", ["206030009", "206030006"])
def test_refusals_are_evidence(account, cloud, code):
    """The answer to the change is lost; "used recently" and "old password wrong" then tell that it went through."""
    cloud.rules.old_password_first = code == "206030006"
    cloud.faults.add(CHANGE, FaultKind.DROP_AFTER)
    assert account.rotate().state is RotationState.SUCCEEDED
    assert account.codes() == ["outcome_unknown"]
    assert account.settled()
    assert (cloud.changes(NAME), cloud.wrong_logins(NAME)) == (1, 0)
