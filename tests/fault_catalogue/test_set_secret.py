"""W17 to W39: setSecret, the only dangerous step."""

import pytest

from rotation.core.errors import (
    AdminRejected,
    IdentityChanged,
    InProgress,
    NotEnoughTime,
    Parked,
    PasswordRejected,
    PermissionDenied,
    PreconditionFailed,
    RotationError,
    StageError,
    TooSoon,
)
from rotation.core.secret import Secret
from rotation.core.values import Power, Step
from rotation.state.stages import CURRENT, PENDING
from rotation_testkit.fault_lab.in_memory import scenario as scenario_module
from rotation_testkit.fault_lab.in_memory.fuse import Edge, Fuse
from rotation_testkit.fault_lab.in_memory.vendor_classes import MATRIX_CLASSES
from rotation_testkit.fault_lab.matrix.worlds.account import FIRST

ADMINS = [name for name in MATRIX_CLASSES if name != "self"]
STORES = ("memory", "aws", "vault")


@pytest.mark.window(24)
def test_refused_by_policy(scenario):
    """A refusal by policy ends the token and releases its candidate; the next rotation starts from nothing."""
    made = scenario()
    token = made.created()

    made.reset_ends_with(token, PasswordRejected("too plain"))

    with pytest.raises(StageError):
        made.step(Step.SET, token)
    assert made.rotate(made.begin()) == []


@pytest.mark.window(25)
def test_refused_as_used_before_although_random(scenario):
    """A candidate that was used before has been live, so it was applied, and one login proves it."""
    made = scenario("admin", history=5)
    token = made.created()
    made.vendor.change(made.secret.read(token).document.password, None)

    assert made.step(Step.SET, token).outcome == "found_live"
    assert (made.vendor.resets, made.vendor.wrong_logins) == (1, 0)


@pytest.mark.parametrize("spacing", [10.0, 600.0])
@pytest.mark.window(26)
def test_refused_as_too_young(scenario, spacing):
    """Retries until then do not reach the vendor, and the first one after it goes through."""
    made = scenario("self")
    made.vendor.changed_at = made.clock.now() - 100
    token = made.created()

    failures = made.rotate(token, attempts=40, spacing=spacing)

    assert set(failures) == {Parked.code}
    assert (made.vendor.resets, made.vendor.wrong_logins) == (1, 0)


@pytest.mark.window(26)
def test_a_change_that_was_refused_as_too_young_may_be_our_own(scenario):
    """The first delivery was applied, and only the refusal of the second arrived: the intent mark stays."""
    made = scenario("admin", min_age_seconds=300)
    token = made.created()
    error = TooSoon("too young", not_before=made.clock.now() + 300)

    made.fuse = Fuse(only="set_password", at=1, edge=Edge.AFTER, error=lambda _: error)
    with pytest.raises(Parked):
        made.step(Step.SET, token)
    made.fuse = Fuse()

    assert made.secret.describe().versions[token].intent is not None
    made.clock.sleep(600)
    assert made.rotate(token) == []
    assert made.vendor.resets == 1


@pytest.mark.window(27)
def test_refused_because_the_old_password_is_wrong(scenario):
    """It counts as a wrong login: candidate and previous are tried within the budget, then a human is asked."""
    made = scenario("self", min_age_seconds=0, history=0)
    made.vendor.set_by_hand(Secret("Somebody0Else0Did0It"))
    token = made.created()

    failures = made.rotate(token, attempts=4, spacing=20.0)

    assert set(failures) == {Parked.code, "gave up"}
    assert made.vendor.wrong_logins <= made.vendor.lockout.budget
    assert not made.vendor.locked
    assert made.password() == FIRST


@pytest.mark.window(28)
def test_the_account_is_locked(scenario):
    """A locked account sees no login and no change until its window is over."""
    made = scenario("self")
    for _ in range(5):
        made.vendor.log_in(Secret("wrong"))
    token = made.created()

    failures = made.rotate(token, attempts=40, spacing=60.0)

    assert set(failures) == {Parked.code}
    assert made.vendor.wrong_logins == 5
    assert made.password() == made.vendor.live


@pytest.mark.parametrize("driver", MATRIX_CLASSES)
@pytest.mark.window(29)
def test_throttled_or_another_operation_running(scenario, heals, driver):
    """The same candidate is sent later, without a probe where the refusal was definite."""
    heals(driver, "set_password", "before.throttled", wrong=0)
    made = scenario(driver)
    if made.vendor.power is None:
        token = made.created()
        assert made.reset_ends_with(token, InProgress("busy")).retryable
        assert made.rotate(token)[-1:] != ["gave up"]
        assert made.vendor.resets == 1


@pytest.mark.window(30)
def test_the_target_is_in_a_state_that_refuses(scenario):
    """A dead agent stops createSecret before anything is sent; a running machine is stopped for the reset."""
    made = scenario(obstacles=(PreconditionFailed("agent is dead"),))
    with pytest.raises(PreconditionFailed):
        made.step(Step.CREATE, made.begin())
    made = scenario("admin_vm")
    assert made.rotate(made.begin()) == []
    assert (made.vendor.stops, made.vendor.starts, made.vendor.power) == (1, 1, Power.RUNNING)


@pytest.mark.parametrize("error", [AdminRejected("expired"), PermissionDenied("no right")], ids=lambda each: each.code)
@pytest.mark.window(32)
def test_our_own_credential_is_refused(scenario, error):
    """Nothing was applied or is probed, and the rotation continues once the credential is repaired."""
    made = scenario()
    token = made.created()

    assert not made.reset_ends_with(token, error).retryable

    assert made.secret.describe().versions[token].intent is None
    assert made.rotate(token) == []
    assert (made.vendor.resets, made.vendor.wrong_logins) == (1, 0)


@pytest.mark.window(33)
def test_the_target_was_exchanged_in_the_secret(scenario):
    """Every identifying field of current and candidate must be equal right before the reset, also without a binding."""
    made = scenario().unguarded()
    token = made.created()
    made.secret.put("version-9", made.secret.read("version-0").document.replaced(tenant="other"), CURRENT)

    with pytest.raises(IdentityChanged):
        made.step(Step.SET, token)

    assert made.vendor.resets == 0


@pytest.mark.window(35)
def test_the_task_fails(scenario):
    """When a task failed, current is live, and another task gets the same candidate."""
    made = scenario("admin_task", task_fails=True)
    token = made.created()
    with pytest.raises(RotationError):
        made.step(Step.SET, token)
    candidate = made.secret.read(token).document.password
    made.vendor.task_fails = False
    made.clock.sleep(86_400)

    assert made.rotate(token) == []
    assert made.vendor.live == candidate


@pytest.mark.window(37)
def test_the_task_never_ends(scenario):
    """A task without end is polled in each attempt; nothing is sent again and the candidate keeps its label."""
    made = scenario("admin_task", delay_seconds=10.0**9)
    token = made.created()

    failures = made.rotate(token, attempts=5, spacing=600.0)

    assert set(failures) == {InProgress.code, "gave up"}
    assert made.vendor.resets == 1
    assert PENDING in made.secret.describe().versions[token].stages


@pytest.mark.parametrize("driver", ["admin", "admin_vm", "self"])
@pytest.mark.window(38)
def test_the_labels_move_while_it_runs(scenario, driver):
    """Nothing is sent when the pending label goes between the first look and the one under the lease."""
    made = scenario(driver)
    token = made.created()
    made.fuse = Fuse()
    made.step(Step.SET, token)
    count = made.fuse.effects.index("describe", 1)
    for number in range(2, count + 2):
        made = scenario(driver)
        token = made.created()
        made.fuse = Fuse(number, Edge.BEFORE, error=lambda _, each=made, at=token: each.secret.detach(PENDING, at))
        with pytest.raises(RotationError):
            made.step(Step.SET, token)
        assert made.vendor.resets == 0, number
        assert made.vendor.live in made.stored()


@pytest.mark.parametrize("driver", ADMINS)
@pytest.mark.window(39)
def test_the_functions_time_runs_out_in_the_reset(scenario, heals, monkeypatch, driver):
    """The engine finds out what the call did; with too little time left it begins no reset."""
    heals(driver, "set_password", "before.timeout", "after.timeout", resets=2, wrong=1)
    made = scenario(driver)
    token = made.created()
    monkeypatch.setattr(scenario_module, "FUNCTION_SECONDS", 10.0)
    with pytest.raises((NotEnoughTime, InProgress)):
        made.step(Step.SET, token)
    assert made.vendor.resets == 0
