"""A vendor that refuses the request itself, as after a change of its API: a sure refusal, and one that would recur."""

import pytest

from rotation.core.errors import OutcomeUnknown, Parked, RequestRefused
from rotation.core.secret import Secret
from rotation.core.values import Power, Step
from rotation.state.waiting import BACK_OFF_MOST
from rotation_testkit.fault_lab.in_memory.fuse import Edge, Fuse

OLD = Secret("Old0Password0Old0Pas")
CALLS = {"set_password", "verify", "observe"}


def send(scenario, token, error, edge=Edge.BEFORE):
    """Run setSecret with its reset answered by ``error``, before or after its effect; return the error."""
    scenario.fuse = Fuse(only="set_password", at=1, edge=edge, error=lambda _: error)
    with pytest.raises(type(error)) as raised:
        scenario.step(Step.SET, token)
    scenario.fuse = Fuse()
    return raised.value


@pytest.mark.parametrize("kind", ["admin", "self", "machine"])
def test_a_refused_request_is_parked_at_once_and_leaves_nothing_behind(world, kind):
    """No intent mark and no login, the machine runs again, and the service's retries do not reach the vendor."""
    scenario = world(kind)
    token = scenario.begin()
    scenario.step(Step.CREATE, token)

    refusal = send(scenario, token, RequestRefused("no such action"))

    version = scenario.secret.describe().versions[token]
    assert version.intent is None
    assert version.parked == ("back_off", scenario.clock.now() + BACK_OFF_MOST)
    assert refusal.not_before == scenario.clock.now() + BACK_OFF_MOST
    for _ in range(5):
        with pytest.raises(Parked):
            scenario.step(Step.SET, token)
    assert CALLS.isdisjoint(scenario.fuse.effects)
    assert scenario.password() == scenario.vendor.live == OLD

    scenario.clock.sleep(BACK_OFF_MOST)
    assert not scenario.vendor.busy
    assert scenario.vendor.power is not Power.STOPPED
    assert scenario.rotate(token) == []
    assert (scenario.vendor.resets, scenario.vendor.wrong_logins) == (1, 0)
    assert scenario.password() == scenario.vendor.live != OLD


@pytest.mark.parametrize("edge", list(Edge))
@pytest.mark.parametrize("kind", ["admin", "self"])
def test_a_request_refused_after_an_unclear_reset_takes_nothing_back(world, kind, edge):
    """What was sent before may be live for all that the later refusal says: the mark stays, and logins decide."""
    scenario = world(kind)
    token = scenario.begin()
    scenario.step(Step.CREATE, token)
    send(scenario, token, OutcomeUnknown("lost"))
    send(scenario, token, RequestRefused("no such action"))

    version = scenario.secret.describe().versions[token]
    assert version.intent is not None
    assert version.parked is None

    if edge is Edge.AFTER:  # the lost one arrives after all
        scenario.vendor.change(scenario.secret.read(token).document.password, OLD)
    assert set(scenario.rotate(token)) <= {"parked"}  # SELF: until the budget of wrong logins is whole again
    assert scenario.vendor.resets == 1
    assert not scenario.vendor.locked
    assert scenario.password() == scenario.vendor.live != OLD


def test_a_refused_question_about_a_task_decides_nothing(world):
    """The reset was taken, so its mark and its task stay, and nothing is sent twice."""
    scenario = world("admin-task")
    token = scenario.begin()
    scenario.step(Step.CREATE, token)
    scenario.fuse = Fuse(only="poll", at=1, edge=Edge.BEFORE, error=lambda _: RequestRefused("no such action"))
    with pytest.raises(RequestRefused):
        scenario.step(Step.SET, token)

    version = scenario.secret.describe().versions[token]
    assert (version.task, version.parked) == ("task-1", None)
    assert version.intent is not None
    scenario.fuse = Fuse()
    assert scenario.rotate(token) == []
    assert (scenario.vendor.resets, scenario.vendor.wrong_logins) == (1, 0)


def test_a_target_that_cannot_be_asked_is_parked_before_anything_is_sent(world):
    """The vendor refuses the look that comes before a first reset: no retry of the service repeats it."""
    scenario = world("admin")
    token = scenario.begin()
    scenario.step(Step.CREATE, token)
    scenario.fuse = Fuse(only="observe", at=1, edge=Edge.BEFORE, error=lambda _: RequestRefused("no such action"))
    with pytest.raises(RequestRefused):
        scenario.step(Step.SET, token)

    scenario.fuse = Fuse()
    with pytest.raises(Parked) as parked:
        scenario.step(Step.SET, token)
    assert parked.value.not_before == scenario.clock.now() + BACK_OFF_MOST
    assert CALLS.isdisjoint(scenario.fuse.effects)
    assert scenario.vendor.resets == 0
