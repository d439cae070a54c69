"""An account that cannot be rotated when a batch's candidates are made is left out, and keeps no other one back."""

from __future__ import annotations

import contextlib

import pytest

from rotation.core.errors import (
    InProgress,
    NotReady,
    PreconditionFailed,
    RotationError,
    StoreUnavailable,
    VendorUnavailable,
)
from rotation.core.secret import Secret
from rotation.core.values import Authority, Lockout, Step
from rotation.doctor import Condition, examine, heal
from rotation.doctor.dry_run import rehearse
from rotation.state.parking import Next, who_acts
from rotation.state.stages import PENDING
from rotation_testkit.fault_lab.in_memory.batch_scenario import BatchScenario, make_batch, outcomes
from rotation_testkit.fault_lab.in_memory.fuse import Crash, Edge, Fuse

OFF = PreconditionFailed("the machine is off", hint="Start it.")
AWAY = VendorUnavailable("away")
SELF = {"authority": Authority.SELF, "history": 5, "lockout": Lockout(tries=5, window_seconds=300)}
LEFT_OUT = {"user-0": "current", "user-1": "current", "user-2": "precondition_failed"}


def without_the_last(**kind: object) -> tuple[BatchScenario, str]:
    """Return a batch whose last account is off, and its token after createSecret."""
    scenario = make_batch(**kind)
    scenario.vendors[-1].obstacles = (OFF,)
    return scenario, scenario.created()


def failed(scenario: BatchScenario, token: str, step: Step = Step.SET) -> RotationError:
    """Run a step, and return its error."""
    with pytest.raises(RotationError) as caught:
        scenario.step(step, token)
    return caught.value


@pytest.mark.parametrize("kind", [{}, SELF, {"oracle": False}, {"asynchronous": True, "delay_seconds": 12.0}])
def test_the_others_rotate_in_one_run_and_the_result_names_the_account_and_why(kind: dict[str, object]) -> None:
    """CreateSecret says so already; setSecret makes the others current and fails with the reason and its next step."""
    scenario, token = without_the_last(**kind)
    before = scenario.live()
    assert [each.describe().get("error", {}).get("message") for each in scenario.results[0].members] == [
        None,
        None,
        "the machine is off",
    ]
    error = failed(scenario, token)
    assert (type(error), error.hint, error.dead_since) == (PreconditionFailed, "Start it.", None)
    assert outcomes(error) == LEFT_OUT
    assert "2 others are proved and current" in error.message
    assert scenario.passwords() == scenario.live()
    assert [now == old for now, old in zip(scenario.live(), before, strict=True)] == [False, False, True]
    assert scenario.counts() == [(1, 0), (1, 0), (0, 0)]


def test_the_next_rotation_takes_the_account_again() -> None:
    """The first one's candidate is over, so that nothing waits for the account: each rotation takes what it can."""
    scenario, token = without_the_last()
    failed(scenario, token)
    assert scenario.secret.describe().holder(PENDING) is None
    for done in (2, 3):
        scenario.clock.sleep(30 * 86_400)
        token = scenario.created()
        assert outcomes(failed(scenario, token)) == LEFT_OUT
        assert scenario.counts() == [(done, 0), (done, 0), (0, 0)]
    scenario.vendors[-1].obstacles = ()
    scenario.clock.sleep(30 * 86_400)
    assert scenario.rotate(scenario.begin()) == []
    assert scenario.passwords() == scenario.live()
    assert scenario.counts() == [(4, 0), (4, 0), (1, 0)]


def test_an_account_that_comes_back_between_the_steps_waits_for_the_next_rotation() -> None:
    """It has no candidate; the error says that nothing is wrong with it any more."""
    scenario, token = without_the_last()
    scenario.vendors[-1].obstacles = ()
    error = failed(scenario, token)
    assert type(error) is NotReady
    assert "user-2: it could not be rotated when the candidates were made; the next rotation takes it" in error.message
    assert scenario.passwords() == scenario.live()


@pytest.mark.parametrize("kind", [{}, {"oracle": False}])
@pytest.mark.parametrize("obstacles", [(OFF,), ()])
def test_a_password_put_by_hand_after_createsecret_stays(
    kind: dict[str, object], obstacles: tuple[RotationError, ...]
) -> None:
    """The candidate has the account's former password, which is never sent, also where the account is back."""
    scenario, token = without_the_last(**kind)
    scenario.vendors[-1].set_by_hand(Secret("By0Hand0By0Hand0By0H"))
    scenario.put(scenario.vendors)
    scenario.vendors[-1].obstacles = obstacles
    assert outcomes(failed(scenario, token)) == LEFT_OUT | {
        "user-2": "precondition_failed" if obstacles else "not_ready"
    }
    assert scenario.passwords() == scenario.live()
    assert scenario.live()[-1].reveal() == "By0Hand0By0Hand0By0H"
    assert scenario.counts() == [(1, 0), (1, 0), (0, 0)]


def test_an_account_that_the_vendor_works_on_is_not_waited_for_and_does_not_count_as_waiting() -> None:
    """Nothing is sent for it whatever is seen, and no later run of this rotation comes by."""
    scenario = make_batch()
    scenario.vendors[-1].obstacles = (InProgress("an operation is running"),)
    token, began = scenario.created(), scenario.clock.now()
    error = failed(scenario, token)
    assert "user-2: an operation is running; the next rotation takes it, too" in error.message
    assert (outcomes(error), who_acts(error)) == (LEFT_OUT | {"user-2": "not_ready"}, Next.FAILED)
    assert scenario.clock.now() == began
    assert scenario.secret.describe().holder(PENDING) is None
    assert scenario.passwords() == scenario.live()


def test_a_fault_that_passes_at_once_leaves_nobody_out() -> None:
    """The account is looked at once more after a pause."""
    scenario = make_batch()
    scenario.fuse = Fuse(only="observe", at=2, error=lambda _: AWAY)
    assert scenario.rotate(scenario.begin()) == []
    assert scenario.counts() == [(1, 0)] * 3


def test_a_fault_that_does_not_pass_is_not_waited_for() -> None:
    """The account is asked twice; where no time is left for the second question, once."""
    for seconds, asked in ((60.0, 4), (7.0, 3)):
        scenario = make_batch(seconds=seconds)
        scenario.vendors[0].obstacles = (AWAY,)
        began = scenario.clock.now()
        scenario.created()
        assert scenario.fuse.effects.count("observe") == asked
        assert scenario.clock.now() - began < 10


def test_a_store_that_fails_leaves_nobody_out() -> None:
    """It is no account's own fault: createSecret fails, and is repeated as a whole."""
    scenario = make_batch()
    token = scenario.begin()
    scenario.fuse = Fuse(only="describe", at=3, error=lambda _: StoreUnavailable("down"))
    assert failed(scenario, token, Step.CREATE).code == "store_unavailable"
    assert scenario.secret.read(token) is None


@pytest.mark.parametrize("edge", list(Edge))
def test_a_death_at_any_effect_of_setsecret_heals(edge: Edge) -> None:
    """The token's own retry, or the next rotation, makes the others current; nothing is lost and nobody reset twice."""
    scenario, token = without_the_last()
    scenario.fuse = Fuse()
    failed(scenario, token)
    messages = []
    for number in range(1, len(scenario.fuse.effects) + 1):
        scenario, token = without_the_last()
        scenario.fuse = Fuse(number, edge)
        with contextlib.suppress(Crash, RotationError):
            scenario.step(Step.SET, token)
        assert all(live in scenario.stored(n) for n, live in enumerate(scenario.live())), number
        scenario.fuse = Fuse()
        scenario.clock.sleep(150)
        again = failed(scenario, token)
        messages.append(again.message)
        assert again.code in ("precondition_failed", "stage_error"), number
        assert scenario.passwords() == scenario.live(), number
        assert scenario.secret.describe().holder(PENDING) is None, number
        assert [(vendor.resets, vendor.wrong_logins <= 1) for vendor in scenario.vendors] == [
            (1, True),
            (1, True),
            (0, True),
        ], number
        scenario.vendors[-1].obstacles = ()
        assert scenario.rotate(scenario.begin()) == [], number
        assert scenario.passwords() == scenario.live(), number
    assert any("user-0: its new password is current already" in each for each in messages)


def test_a_late_test_event_does_not_take_the_kept_password_for_a_new_one() -> None:
    """Nothing was sent for the account, so there is nothing to prove, and finishSecret does not come."""
    scenario, token = without_the_last()
    scenario.fuse = Fuse()
    failed(scenario, token)
    for number in range(scenario.fuse.effects.index("set_password") + 2, len(scenario.fuse.effects) + 1):
        scenario, token = without_the_last()
        scenario.fuse = Fuse(number)
        with pytest.raises(Crash):
            scenario.step(Step.SET, token)
        scenario.fuse = Fuse()
        scenario.clock.sleep(200)
        scenario.vendors[-1].obstacles = ()
        for step in (Step.TEST, Step.FINISH):
            with contextlib.suppress(RotationError):
                assert scenario.step(step, token).outcome == "current_verified", number
        assert scenario.secret.describe().current_id != token, number


def test_a_dry_run_names_the_account_and_says_that_the_others_rotate() -> None:
    """What it reports is what then happens."""
    scenario = make_batch()
    scenario.vendors[-1].obstacles = (OFF,)
    checks = rehearse(scenario.session(""))
    assert [check.detail for check in checks if check.name == "target" and "off" in check.detail] == [
        "user-2: precondition_failed: the machine is off"
    ]
    assert [check.detail for check in checks if check.name == "others"] == [
        "2 of 3 accounts would get new passwords; user-2 would keep its own, and the rotation would fail"
    ]
    assert outcomes(failed(scenario, scenario.created())) == LEFT_OUT
    assert [check.name for check in rehearse(make_batch().session("")) if check.name == "others"] == []


def test_the_doctor_ends_such_a_rotation_whose_run_died() -> None:
    """It is resumed like any other."""
    scenario, token = without_the_last()
    scenario.fuse = Fuse(only="stage", at=1, edge=Edge.AFTER)
    with pytest.raises(Crash):
        scenario.step(Step.SET, token)
    scenario.fuse = Fuse()
    scenario.clock.sleep(200)
    heal(scenario.session(""))
    assert scenario.passwords() == scenario.live()
    scenario.vendors[-1].obstacles = ()
    assert examine(scenario.session("")).condition is Condition.HEALTHY
