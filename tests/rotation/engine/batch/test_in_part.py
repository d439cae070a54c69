"""The proved accounts of a batch become current while another one fails, and the rotation continues with that one."""

from __future__ import annotations

import pytest

from rotation.core.errors import OutcomeUnknown, PreconditionFailed, RotationError, StoreUnavailable
from rotation.core.secret import Secret
from rotation.core.values import Authority, Lockout, Step
from rotation.state.label_quota import MOST_LABELS, MOST_MEMBERS
from rotation.state.stages import CURRENT, PENDING, PREVIOUS
from rotation_testkit.fault_lab.in_memory.batch_scenario import BatchScenario, make_batch, outcomes
from rotation_testkit.fault_lab.in_memory.fuse import Edge, Fuse

SELF = {"authority": Authority.SELF, "history": 5, "lockout": Lockout(tries=5, window_seconds=300)}
OFF = PreconditionFailed("the machine is off")


def failed(scenario: BatchScenario, token: str) -> RotationError:
    """Run setSecret, and return its error."""
    with pytest.raises(RotationError) as caught:
        scenario.step(Step.SET, token)
    return caught.value


def left_behind(size: int = 3, **kind: object) -> tuple[BatchScenario, str, RotationError]:
    """Return a batch of which all accounts but the last are proved, its token, and setSecret's error."""
    scenario = make_batch(size, **kind)
    token = scenario.created()
    scenario.vendors[-1].obstacles = (OFF,)
    return scenario, token, failed(scenario, token)


def test_the_proved_accounts_become_current_at_once_and_the_result_says_so() -> None:
    """The failed account keeps its old password, and no reader has a dead one."""
    scenario, token, error = left_behind()
    assert scenario.passwords() == scenario.live()
    assert scenario.passwords()[2] == scenario.passwords("AWSPREVIOUS")[2]
    assert outcomes(error) == {"user-0": "current", "user-1": "current", "user-2": "precondition_failed"}
    assert error.message == (
        "1 of 3 accounts failed: user-2: the machine is off; the new passwords of 2 others are proved and current"
    )
    assert error.dead_since is None
    assert scenario.secret.describe().holder(PENDING) == token


def test_an_account_whose_reset_may_have_been_applied_is_named_with_its_time() -> None:
    """Only its own readers may hold a dead password; the others do not."""
    scenario = make_batch()
    token, began = scenario.created(), scenario.clock.now()
    scenario.fuse = Fuse(only="set_password", at=2, error=lambda _: OutcomeUnknown("lost"))
    error = failed(scenario, token)
    scenario.fuse = Fuse()
    assert error.dead_since is not None
    assert began <= error.dead_since <= scenario.clock.now()
    assert "; readers may hold a dead password since " in error.message
    assert ["dead_since" in each for each in error.describe()["members"]] == [False, True, False]
    scenario.clock.sleep(600)
    scenario.vendors[1].obstacles = (OFF,)
    assert failed(scenario, token).dead_since == int(error.dead_since)


@pytest.mark.parametrize("kind", [{}, SELF, {"oracle": False}])
def test_the_rotation_goes_on_with_the_failed_account_alone(kind: dict[str, object]) -> None:
    """Months later its device works again: the others are neither reset nor asked, and no label is left."""
    scenario, token, _ = left_behind(**kind)
    for _ in range(3):
        scenario.clock.sleep(30 * 86_400)
        assert outcomes(failed(scenario, token))["user-0"] == "current"
    scenario.clock.sleep(30 * 86_400)
    scenario.vendors[2].obstacles = ()
    scenario.fuse = Fuse()
    assert scenario.rotate(token) == []
    assert scenario.fuse.effects.count("set_password") == 1
    assert scenario.fuse.effects.count("verify") == (0 if kind.get("oracle") is False else 1)
    assert scenario.passwords() == scenario.live()
    assert scenario.secret.describe().current_id == token
    assert scenario.counts() == [(1, 0)] * 3
    assert scenario.rotate(scenario.begin()) == []
    assert scenario.counts() == [(2, 0)] * 3


def test_each_further_account_becomes_current_when_it_is_proved() -> None:
    """Of four the devices come back one after the other; the labels never run out, and nothing is reset twice."""
    scenario = make_batch(MOST_MEMBERS)
    token = scenario.created()
    for vendor in scenario.vendors[1:]:
        vendor.obstacles = (OFF,)
    for number in range(1, MOST_MEMBERS):
        failed(scenario, token)
        assert scenario.passwords() == scenario.live()
        assert len(scenario.labels()) <= MOST_LABELS
        scenario.clock.sleep(86_400)
        scenario.vendors[number].obstacles = ()
    assert scenario.rotate(token) == []
    assert scenario.passwords() == scenario.live()
    assert scenario.counts() == [(1, 0)] * MOST_MEMBERS


@pytest.mark.parametrize("kind", [{}, SELF])
def test_a_rotation_that_is_cancelled_after_that_leaves_nothing_lost(kind: dict[str, object]) -> None:
    """The failed account's candidate, which may be live, stays labelled; the next rotation takes it from there."""
    scenario = make_batch(**kind)
    token = scenario.created()
    scenario.fuse = Fuse(only="set_password", at=3, edge=Edge.AFTER, error=lambda _: OutcomeUnknown("lost"))
    scenario.vendors[2].obstacles = ()
    failed(scenario, token)
    scenario.fuse = Fuse()
    scenario.strip_pending(token)
    assert scenario.live()[2] in scenario.stored(2)
    scenario.clock.sleep(3600)
    assert scenario.rotate(scenario.begin())[-1:] != ["gave up"]
    assert scenario.passwords() == scenario.live()


def test_a_store_that_fails_hides_no_accounts_failure() -> None:
    """The account's own error is raised, current stays, and the next run makes the others current."""
    scenario = make_batch()
    token = scenario.created()
    before = scenario.passwords()
    scenario.vendors[2].obstacles = (OFF,)
    scenario.fuse = Fuse(only="stage", at=1, error=lambda _: StoreUnavailable("down"))
    error = failed(scenario, token)
    assert (error.code, "user-0" in error.message, scenario.passwords()) == ("precondition_failed", False, before)
    assert "; readers may hold a dead password since " in error.message
    scenario.fuse = Fuse()
    failed(scenario, token)
    assert scenario.passwords() == scenario.live()


@pytest.mark.parametrize("when", ["before the mixed version is current", "after it"])
def test_a_value_put_by_hand_is_not_overwritten_and_ends_the_proofs(when: str) -> None:
    """A proof that stands in an account's own label is forgotten, too: the account is asked, and reset again."""
    scenario = make_batch(2)
    token = scenario.created()
    for vendor in scenario.vendors:
        vendor.obstacles = (OFF,)
    for _ in range(2):  # so that both accounts have labels of their own
        failed(scenario, token)
    scenario.clock.sleep(600)
    scenario.vendors[0].obstacles = ()

    def by_hand(_: str) -> None:
        scenario.vendors[0].set_by_hand(Secret("Changed0By0Hand0Pass"))
        scenario.put(scenario.vendors)
        if scenario.secret.describe().holder(PENDING) is None:
            scenario.secret.attach(PENDING, token)

    if when == "after it":
        failed(scenario, token)
        by_hand("")
    else:
        scenario.fuse = Fuse(only="stage", at=1, error=by_hand)
        failed(scenario, token)
        assert scenario.fuse.blown
    assert str(scenario.secret.describe().holder(CURRENT)).startswith("by-hand")
    scenario.fuse = Fuse()
    scenario.clock.sleep(600)
    scenario.vendors[1].obstacles = ()
    assert scenario.rotate(token)[-1:] != ["gave up"]
    assert scenario.passwords() == scenario.live()
    assert scenario.vendors[0].resets == 2


def test_a_promotion_that_the_store_confirmed_and_did_not_keep_is_no_commit() -> None:
    """No account is called current, and the candidate stays, so that the next run makes them current."""
    scenario = make_batch()
    scenario.vendors[-1].obstacles = (OFF,)
    token = scenario.created()  # without the last account, so that all is over once the others are current
    before = str(scenario.secret.describe().current_id)

    def undo(_: str) -> None:
        promoted = str(scenario.secret.describe().current_id)
        scenario.secret.move(CURRENT, source=promoted, target=before)
        scenario.secret.detach(PREVIOUS, promoted)

    scenario.fuse = Fuse(only="move", at=2, edge=Edge.AFTER, error=undo)  # the first one is the lease
    assert "current" not in outcomes(failed(scenario, token)).values()
    assert scenario.secret.describe().holder(PENDING) == token
    scenario.fuse = Fuse()
    assert outcomes(failed(scenario, token))["user-0"] == "current"
    assert scenario.passwords() == scenario.live()
    assert scenario.counts() == [(1, 0), (1, 0), (0, 0)]
