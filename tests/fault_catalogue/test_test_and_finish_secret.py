"""W40 to W54: testSecret and finishSecret."""

import pytest

from rotation.core.errors import AccountUnusable, CannotVerify, LoginRejected, RotationError, VendorUnavailable
from rotation.core.secret import Secret
from rotation.core.values import Evidence, Step
from rotation.state.stages import CURRENT, PENDING
from rotation_testkit.fault_lab.in_memory.fuse import Fuse
from rotation_testkit.fault_lab.matrix.worlds.account import FIRST

MOVES = {"memory": "move AWSCURRENT", "aws": "UpdateSecretVersionStage AWSCURRENT"}
ELSE = Secret("Somebody0Else0Did0It")


@pytest.mark.window(40)
def test_the_password_does_not_work_yet(scenario):
    """The declared time is waited for, so that no login is wasted; one that is too early is charged."""
    made = scenario("admin_late")
    assert made.rotate(made.begin())[-1:] != ["gave up"]
    assert (made.vendor.resets, made.vendor.wrong_logins) == (1, 0)
    made = scenario("admin", delay_seconds=30.0)
    failures = made.rotate(made.begin(), spacing=60.0)
    assert failures == ["login_rejected"]
    assert made.vendor.wrong_logins == 1
    assert made.password() == made.vendor.live


@pytest.mark.window(42)
def test_an_old_value_is_shown_as_the_live_one(scenario, heals):
    """A read-back from before the change proves nothing, and the vendor's next answer does."""
    heals("readback", "attach lockstep:proof", "before.stale", later=-1, resets=2)
    made = scenario("readback")
    token = made.run_to(Step.SET)
    made.forget_proof(token)
    made.vendor.set_by_hand(FIRST)
    with pytest.raises(LoginRejected):
        made.step(Step.TEST, token)
    assert made.password() == FIRST


@pytest.mark.window(43)
def test_the_account_must_change_its_password_first(scenario):
    """A login that machines cannot use is a failed check, but no wrong password: not charged, not committed."""
    made = scenario()
    token = made.created()
    made.send_only(token)
    made.fuse = Fuse(only="verify", at=1, error=lambda _: AccountUnusable("must change"))

    with pytest.raises(AccountUnusable):
        made.step(Step.TEST, token)

    assert made.secret.describe().wrong_logins(since=0) == (0, 0)
    assert made.password() == FIRST


@pytest.mark.parametrize("minimum", list(Evidence))
@pytest.mark.window(44)
def test_the_login_check_is_blocked_for_good(scenario, minimum):
    """Where MFA blocks the login, less proof is enough only where the deployment says so, and the result shows it."""
    made = scenario()
    made.minimum = minimum
    token = made.created()
    made.send_only(token)
    made.fuse = Fuse(only="verify", at=1, error=lambda _: CannotVerify("a second factor is asked for"))

    if minimum is Evidence.ACCEPTED:
        assert made.step(Step.TEST, token).evidence is Evidence.ACCEPTED
    else:
        with pytest.raises(RotationError):
            made.step(Step.TEST, token)
        assert made.secret.describe().versions[token].proof is None


@pytest.mark.window(46)
def test_somebody_resets_between_test_and_finish(scenario):
    """FinishSecret may still commit, and the next check of what is stored says that it does not open the account."""
    made = scenario()
    token = made.run_to(Step.TEST)
    made.vendor.set_by_hand(ELSE)

    made.step(Step.FINISH, token)

    with pytest.raises(LoginRejected):
        made.step(Step.TEST, made.begin())


@pytest.mark.window(50)
def test_current_is_elsewhere_than_assumed(scenario):
    """A value that an operator put meanwhile stays current, and the candidate keeps its label."""
    made = scenario()
    token = made.run_to(Step.TEST)
    value = made.secret.read("version-0").document.replaced(note="by hand")
    state = made.secret.describe

    def meddle(_name):
        made.secret.put("version-9", value, CURRENT)

    made.fuse = Fuse(only="move", at=1, error=meddle)
    with pytest.raises(RotationError):
        made.step(Step.FINISH, token)

    assert state().current_id == "version-9"
    assert PENDING in state().versions[token].stages
    assert made.vendor.live in made.stored()


@pytest.mark.parametrize("leftover", ["on current", "taken by the service"])
@pytest.mark.window(51)
def test_what_is_left_of_the_pending_label(scenario, leftover):
    """A pending label that is still on the new current, or was removed, is success."""
    made = scenario()
    token = made.run_to(Step.TEST)
    made.step(Step.FINISH, token)
    if leftover == "on current":
        made.secret.put(token, None, PENDING)
    else:
        made.secret.detach(PENDING, token)

    assert made.step(Step.FINISH, token).outcome == "already_done"

    assert made.secret.describe().holder(PENDING) in (None, token)
    assert made.rotate(made.begin()) == []


@pytest.mark.window(41)
def test_an_outage_is_no_verdict(scenario):
    """Nothing moves while the vendor is down; afterwards the rotation continues where it was."""
    made = scenario("self")
    token = made.created()
    made.send_only(token)
    for _ in range(3):
        made.fuse = Fuse(only="verify", at=1, error=lambda _: VendorUnavailable("down"))
        with pytest.raises(RotationError):
            made.step(Step.TEST, token)
        made.clock.sleep(400)
    made.fuse = Fuse()
    assert made.rotate(token) == []
    assert (made.vendor.resets, made.vendor.wrong_logins) == (1, 0)
