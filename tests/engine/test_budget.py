"""Wrong logins are counted durably, and the account is never locked by us."""

import pytest

from rotation.core.errors import LoginRejected, OutcomeUnknown, Parked, RotationError
from rotation.core.secret import Secret
from rotation.core.values import Lockout, Step
from rotation.state.marks import Kind
from rotation.state.stages import PENDING
from rotation.state.waiting import ARRIVAL_SECONDS
from rotation_testkit.fault_lab.in_memory.fuse import Edge, Fuse


def created(world, kind="admin", **settings):
    """A scenario after createSecret."""
    scenario = world(kind, **settings)
    token = scenario.begin()
    scenario.step(Step.CREATE, token)
    return scenario, token


def test_the_wrong_login_budget_outlasts_invocations_and_tokens(world):
    """Resets that never take effect cost logins; the count is durable, and the account is never locked."""
    scenario = world("self", min_age_seconds=0, history=0)
    scenario.vendor.set_by_hand(Secret("Unknown0Unknown0Unkn"))
    for _ in range(4):
        token = scenario.begin()
        scenario.rotate(token, attempts=3, spacing=5.0)
        scenario.secret.detach(PENDING, token)
        scenario.clock.sleep(ARRIVAL_SECONDS)

    assert scenario.vendor.wrong_logins == scenario.vendor.lockout.budget
    assert not scenario.vendor.locked


def test_rejected_tests_are_charged(world):
    """TestSecret's own rejections count, too: a vendor that says yes and does nothing ends parked, not locked."""
    scenario, token = created(world, "self", min_age_seconds=0, delay_seconds=10.0**9, history=0)
    scenario.step(Step.SET, token)
    for _ in range(scenario.vendor.lockout.budget):
        with pytest.raises(LoginRejected):
            scenario.step(Step.TEST, token)

    with pytest.raises(Parked) as parked:
        scenario.step(Step.TEST, token)

    assert parked.value.reason == "wrong_login_budget"
    assert scenario.vendor.wrong_logins == scenario.vendor.lockout.budget


def test_only_invocations_of_the_test_are_charged(world):
    """A test-only invocation against a dead current password stops at the budget."""
    scenario = world("self")
    scenario.vendor.set_by_hand(Secret("Unknown0Unknown0Unkn"))
    codes = []
    for _ in range(scenario.vendor.lockout.budget + 2):
        token = scenario.begin()
        with pytest.raises(RotationError) as refused:
            scenario.step(Step.TEST, token)
        codes.append(refused.value.code)

    budget = scenario.vendor.lockout.budget
    assert codes == ["login_rejected"] * budget + ["parked"] * 2
    assert scenario.vendor.wrong_logins == budget


def test_an_accepted_probe_costs_nothing(world):
    """What was charged before a login that worked is taken back."""
    scenario, token = created(world)
    scenario.fuse = Fuse(only="set_password", at=1, edge=Edge.AFTER, error=lambda _: OutcomeUnknown("lost"))
    with pytest.raises(OutcomeUnknown):
        scenario.step(Step.SET, token)
    scenario.fuse = Fuse()

    scenario.step(Step.SET, token)

    assert scenario.secret.describe().versions[token].all(Kind.REJECTED) == []


def test_probes_after_lost_replies_stop_at_the_budget(world):
    """Each reset is lost on its way, so that each attempt finds the candidate dead by one wrong login."""
    scenario, token = created(world, lockout=Lockout(tries=5, window_seconds=300))
    codes = []
    for _ in range(8):
        scenario.fuse = Fuse(only="set_password", at=1, edge=Edge.BEFORE, error=lambda _: OutcomeUnknown("lost"))
        with pytest.raises(RotationError) as refused:
            scenario.step(Step.SET, token)
        codes.append(refused.value.code)
        scenario.clock.sleep(5)

    budget = scenario.vendor.lockout.budget
    assert codes == ["outcome_unknown"] * (1 + budget) + ["parked"] * (7 - budget)
    assert scenario.vendor.wrong_logins == budget
