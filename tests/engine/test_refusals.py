"""What a vendor's refusal teaches, and that it never costs the live password, a lock or a needless login."""

from dataclasses import replace

import pytest

from rotation.core.errors import (
    AccountUnusable,
    AdminRejected,
    DriverBug,
    NotReady,
    OutcomeUnknown,
    Parked,
    PasswordRejected,
    PermissionDenied,
    PreconditionFailed,
    RateLimited,
    StageError,
    UnexpectedReply,
    VendorUnavailable,
)
from rotation.core.secret import Secret
from rotation.core.values import Step
from rotation.state.marks import intent
from rotation_testkit.fault_lab.in_memory.fuse import Edge, Fuse


def reset_ends_with(scenario, token, error, edge):
    """Run createSecret and setSecret with the reset answered by ``error``, before or after its effect."""
    scenario.step(Step.CREATE, token)
    scenario.fuse = Fuse(only="set_password", at=1, edge=edge, error=lambda _: error)
    with pytest.raises(type(error)) as raised:
        scenario.step(Step.SET, token)
    scenario.fuse = Fuse()
    return raised.value


DEFINITE = [
    PermissionDenied("no right"),
    AdminRejected("bad key"),
    AccountUnusable("gone"),
    PreconditionFailed("running"),
    RateLimited("slow down"),
    VendorUnavailable("not reached"),
]


@pytest.mark.parametrize("error", DEFINITE, ids=lambda error: error.code)
@pytest.mark.parametrize("kind", ["admin", "self"])
def test_a_definite_refusal_leaves_nothing_to_probe(world, kind, error):
    """Nothing was applied, so the intent mark goes and the next attempt sends without a single login."""
    scenario = world(kind)
    token = scenario.begin()

    reset_ends_with(scenario, token, error, Edge.BEFORE)

    assert scenario.secret.describe().versions[token].intent is None
    assert scenario.rotate(token) == []
    assert scenario.vendor.wrong_logins == 0
    assert scenario.vendor.resets == 1
    assert scenario.password() == scenario.vendor.live


@pytest.mark.parametrize("edge", list(Edge))
@pytest.mark.parametrize(
    "error", [OutcomeUnknown("lost"), UnexpectedReply("html"), DriverBug("bug")], ids=lambda error: error.code
)
@pytest.mark.parametrize("kind", ["admin", "self"])
def test_an_unclear_answer_is_settled_by_looking(world, kind, error, edge):
    """Whether it was applied or not, the next attempt finds out and sends at most once more."""
    scenario = world(kind)
    token = scenario.begin()

    reset_ends_with(scenario, token, error, edge)

    assert scenario.secret.describe().versions[token].intent is not None
    assert scenario.rotate(token) == []
    assert scenario.vendor.resets == 1
    assert scenario.vendor.wrong_logins == (0 if edge is Edge.AFTER else 1)
    assert scenario.password() == scenario.vendor.live


def test_a_policy_refusal_ends_the_token(world):
    """A value cannot be replaced under its token: the candidate is released and the next rotation starts afresh."""
    scenario = world("admin")
    token = scenario.begin()

    reset_ends_with(scenario, token, PasswordRejected("too plain"), Edge.BEFORE)

    assert token not in scenario.secret.describe().versions or "AWSPENDING" not in _stages(scenario, token)
    with pytest.raises(StageError):
        scenario.step(Step.SET, token)
    assert scenario.password() == scenario.vendor.live == Secret("Old0Password0Old0Pas")
    assert scenario.rotate(scenario.begin()) == []


def _stages(scenario, token):
    return scenario.secret.describe().versions[token].stages


def test_a_policy_refusal_after_an_unclear_reset_keeps_the_candidate(world):
    """A candidate that may be live is never dropped, whatever the vendor says later."""
    scenario = world("self")
    token = scenario.begin()
    reset_ends_with(scenario, token, OutcomeUnknown("lost"), Edge.BEFORE)
    scenario.vendor.policy = replace(scenario.vendor.policy, length=24, min_length=24, max_length=24)
    scenario.clock.sleep(600)

    with pytest.raises(Parked) as parked:
        scenario.step(Step.SET, token)

    assert parked.value.reason == "candidate_refused"
    assert "AWSPENDING" in _stages(scenario, token)


def test_too_soon_parks_until_the_vendor_will_take_it(world):
    """Attempts before the next-attempt time do not reach the vendor at all."""
    scenario = world("self")
    scenario.vendor.changed_at = scenario.clock.now() - 10
    token = scenario.begin()
    scenario.step(Step.CREATE, token)

    with pytest.raises(Parked) as parked:
        scenario.step(Step.SET, token)
    assert parked.value.not_before == scenario.clock.now() + 290
    scenario.fuse = Fuse()
    with pytest.raises(Parked):
        scenario.step(Step.SET, token)
    touched = {"set_password", "verify", "observe"} & set(scenario.fuse.effects)
    assert touched == set()

    scenario.clock.sleep(291)
    assert scenario.rotate(token) == []
    assert scenario.vendor.wrong_logins == 0


def test_the_minimum_age_is_known_from_our_own_last_reset(world):
    """A second rotation within the minimum age is refused before the vendor is asked."""
    scenario = world("self")
    scenario.rotate(scenario.begin())
    token = scenario.begin()
    scenario.fuse = Fuse()

    with pytest.raises(Parked) as too_soon:
        scenario.step(Step.CREATE, token)

    assert {"set_password", "verify", "observe"} & set(scenario.fuse.effects) == set()
    assert too_soon.value.reason == "too_soon"
    assert too_soon.value.not_before == pytest.approx(scenario.clock.now() + 300, abs=2)


def test_a_lost_reply_is_not_mistaken_for_an_outside_change(world):
    """Self-service: applied but unanswered, so the old password is dead and one login finds the candidate live."""
    scenario = world("self")
    token = scenario.begin()

    reset_ends_with(scenario, token, OutcomeUnknown("lost"), Edge.AFTER)
    scenario.clock.sleep(1)

    assert scenario.step(Step.SET, token).outcome == "found_live"
    assert scenario.vendor.wrong_logins == 0
    assert scenario.vendor.resets == 1


def test_a_restored_previous_password_is_found(world):
    """Somebody put the previous password back: the change goes on from there."""
    scenario = world("self", min_age_seconds=0, history=0)
    scenario.rotate(scenario.begin())
    scenario.clock.sleep(3600)
    scenario.vendor.set_by_hand(scenario.password("AWSPREVIOUS"))
    token = scenario.begin()

    failures = scenario.rotate(token, spacing=400.0)

    assert failures == []
    assert scenario.password() == scenario.vendor.live
    assert scenario.vendor.wrong_logins == 2


def test_an_outside_change_parks_within_the_budget(world):
    """None of the stored passwords opens the account: parked with the reason, nothing locked, nothing lost."""
    scenario = world("self", history=0, min_age_seconds=0)
    scenario.vendor.set_by_hand(Secret("Unknown0Unknown0Unkn"))
    token = scenario.begin()

    failures = scenario.rotate(token, attempts=6, spacing=30.0)

    assert set(failures) == {"parked", "gave up"}
    assert scenario.secret.describe().versions[token].parked[0] == "external_change"
    assert scenario.vendor.wrong_logins <= scenario.vendor.lockout.budget
    assert not scenario.vendor.locked
    assert scenario.password() == Secret("Old0Password0Old0Pas")


def test_a_locked_account_is_left_alone(world):
    """While it is locked nobody logs in or changes, and afterwards the rotation goes on by itself."""
    scenario = world("self", min_age_seconds=0)
    for _ in range(5):
        scenario.vendor.log_in(Secret("wrong"))
    token = scenario.begin()

    failures = scenario.rotate(token, attempts=12, spacing=60.0)

    assert set(failures) == {"parked"}
    assert scenario.vendor.wrong_logins == 5
    assert scenario.password() == scenario.vendor.live


def test_a_used_candidate_is_proof_that_it_was_applied(world):
    """The refusal "used recently" for a random value means that it has been live: one login settles it."""
    scenario = world("admin", history=5)
    token = scenario.begin()
    scenario.step(Step.CREATE, token)
    scenario.vendor.change(scenario.secret.read(token).document.password, None)

    result = scenario.step(Step.SET, token)

    assert result.outcome == "found_live"
    assert scenario.vendor.resets == 1


def test_an_obstacle_is_met_before_anything_changes(world):
    """A target that would refuse the reset gets no intent mark, no candidate and no request."""
    scenario = world("admin", obstacles=(PreconditionFailed("the machine is running"),))
    token = scenario.begin()

    with pytest.raises(PreconditionFailed):
        scenario.step(Step.CREATE, token)

    assert scenario.secret.read(token) is None
    assert scenario.vendor.resets == 0


def test_an_acknowledged_but_ineffective_reset_is_not_committed(world):
    """The vendor said yes and did nothing: the login finds out, and current stays as it was."""
    scenario = world("admin", delay_seconds=10.0**9)
    token = scenario.begin()

    failures = scenario.rotate(token, attempts=3, spacing=20.0)

    assert failures[-1] == "gave up"
    assert scenario.password() == scenario.vendor.live == Secret("Old0Password0Old0Pas")


def test_a_test_that_comes_first_waits(world):
    """FinishSecret before createSecret's value is visible is told to come again."""
    scenario = world("admin")
    token = scenario.begin()

    for step in (Step.SET, Step.FINISH):
        with pytest.raises(NotReady):
            scenario.step(step, token)


def test_an_intent_left_by_a_dead_run_is_asked_about_first(world):
    """The mark alone, without a reset behind it, costs one rejected login and then one reset."""
    scenario = world("admin")
    token = scenario.begin()
    scenario.step(Step.CREATE, token)
    scenario.secret.attach(intent(scenario.clock.now()).on(token), token)

    assert scenario.step(Step.SET, token).outcome == "sent"
    assert scenario.vendor.wrong_logins == 1
    assert scenario.vendor.resets == 1
