"""A directory user through the handler: proved by the vendor's yes, or by a login where the deployment names a host."""

import pytest

from rotation.core.document import Notes
from rotation.core.secret import Secret
from rotation_testkit.doubles.hosts.ssh import SshHost
from rotation_testkit.doubles.hosts.winrm import WinRmHost
from rotation_testkit.doubles.secretsmanager import RotationState
from rotation_testkit.doubles.vendor_api.faults import FaultKind
from rotation_testkit.doubles.vendors.volcengine_cloudidentity.simulator import VolcengineCloudIdentity

OLD = Secret("Old-pass-1234")
PREFIX = "LOCKSTEP_VOLCENGINE_CLOUDIDENTITY_LOGIN"


@pytest.fixture
def cloud(clock):
    """A directory with one user."""
    made = VolcengineCloudIdentity(clock=clock.now)
    made.add_user("robot", OLD, user_id="u-1")
    return made


@pytest.fixture
def user(install, cloud):
    """Its function, as yet without a place to log in."""
    admin = {"access_key": cloud.credentials.access_key, "secret_key": cloud.credentials.secret_key.reveal()}
    document = {"driver": "volcengine_cloudidentity", "password": OLD.reveal(), "username": "robot", "user_id": "u-1"}
    return install(cloud, document, admin, lambda: cloud.live_password("u-1"))


@pytest.fixture(params=["ssh"])
def host(request, user, cloud):
    """A host that takes the directory's passwords; the deployment names it."""
    ssh = SshHost(cloud.portal_login("u-1"))
    windows = WinRmHost(lambda: {"robot": cloud.live_password("u-1") or Secret("")})
    with ssh if request.param == "ssh" else windows as made:
        user.environment[PREFIX] = f"{request.param}://{made.host}:{made.port}"
        user.environment[f"{PREFIX}_HOST_KEY"] = made.host_key if made is ssh else made.fingerprint
        yield made


def test_without_a_place_the_vendors_yes_is_the_proof(user):
    """Without a login the result's evidence is ACCEPTED."""
    assert user.rotate().state is RotationState.SUCCEEDED
    assert user.settled()
    assert user.reports[-1]["evidence"] == "ACCEPTED"


@pytest.mark.parametrize("host", ["ssh", "winrm"], indirect=True)
def test_a_login_is_the_proof_where_there_is_a_place(user, cloud, host):
    """One reset and one login under the account's own name prove the password."""
    assert user.rotate().state is RotationState.SUCCEEDED
    assert user.settled()
    assert user.reports[-1]["evidence"] == "LOGIN"
    assert (cloud.attempts("u-1"), host.accepted.total(), host.rejected.total()) == (1, 1, 0)


@pytest.mark.usefixtures("host")
def test_a_yes_that_was_none_is_caught_by_the_login(user, cloud):
    """The old password stays current until a reset really works, after two wrong logins of a host's three."""
    cloud.faults.add("ResetPassword", FaultKind.SILENT)
    assert user.rotate().state is RotationState.FAILED
    assert (user.codes()[0], user.errors[-1].reason, user.password) == ("login_rejected", "wrong_login_budget", OLD)
    assert user.next_rotation() is RotationState.SUCCEEDED
    assert user.settled()
    assert cloud.resets("u-1") == 1


def test_a_host_without_a_key_is_refused_before_anything_is_sent(user, cloud, host):
    """A host without a pinned key is refused unless the deployment trusts its first key."""
    del user.environment[f"{PREFIX}_HOST_KEY"]
    assert user.rotate_once().state is RotationState.FAILED
    assert (set(user.codes()), cloud.attempts("u-1")) == ({"config_error"}, 0)
    user.cancel()
    user.environment["LOCKSTEP_SSH_TRUST_ON_FIRST_USE"] = "1"
    assert user.rotate().state is RotationState.SUCCEEDED
    assert Notes.read(user.document()["lockstep"]).host_key == host.host_key


def test_a_host_that_is_down_can_tell_nothing(user, cloud, host):
    """Both passwords are kept; once the host is back, the next attempt finishes without another reset."""
    host.behaviour.hang_up = "connect"
    assert user.rotate_once().state is RotationState.FAILED
    assert {(error.code, error.vendor_code) for error in user.errors} == {("cannot_verify", "ssh_protocol")}
    assert user.password == OLD
    host.behaviour.hang_up = None
    assert user.next_rotation() is RotationState.SUCCEEDED
    assert user.settled()
    assert cloud.resets("u-1") == 1


@pytest.mark.parametrize(
    ("kind", "details", "failure"),
    [
        (FaultKind.DROP_AFTER, {}, "outcome_unknown"),
        (FaultKind.DROP_BEFORE, {}, "outcome_unknown"),
        (FaultKind.VENDOR_CODE_AFTER, {"code": "NobodyKnowsThis"}, "unexpected_reply"),
        (FaultKind.VENDOR_CODE, {"code": "ConcurrentException"}, "in_progress"),
        (FaultKind.LATE, {"delay": 30, "code": "InternalError"}, "outcome_unknown"),
        (FaultKind.THROTTLE, {}, "rate_limited"),
    ],
)
def test_a_user_rotates_through_trouble(user, cloud, kind, details, failure):
    """No call shows which password is live, so the same candidate is sent until the vendor accepts it."""
    cloud.faults.add("ResetPassword", kind, **details)
    assert user.rotate().state is RotationState.SUCCEEDED
    assert user.codes() == [failure]
    assert user.settled()
    assert user.reports[-1]["evidence"] == "ACCEPTED"
