"""What became of a reset is found out by looking, for whatever happened to it."""

import pytest

from rotation.core.document import SecretDocument
from rotation.core.errors import CannotVerify, DriverBug, OutcomeUnknown, Parked, UnexpectedReply
from rotation.core.secret import Secret
from rotation.core.values import Evidence, Step
from rotation.state.marks import intent
from rotation.state.stages import PENDING
from rotation_testkit.fault_lab.in_memory.fuse import Edge, Fuse
from rotation_testkit.fault_lab.in_memory.vendor import MemoryVendor

OLD = Secret("Old0Password0Old0Pas")
FOREIGN = "Bobs0Password0000Bob"


@pytest.mark.parametrize("edge", list(Edge))
@pytest.mark.parametrize(
    "error", [OutcomeUnknown("lost"), UnexpectedReply("html"), DriverBug("bug")], ids=lambda error: error.code
)
@pytest.mark.parametrize("kind", ["admin", "self"])
def test_an_unclear_answer_is_settled_by_looking(world, kind, error, edge):
    """Whether it was applied or not, the next attempt finds out and sends at most once more."""
    scenario = world(kind)
    token = scenario.created()

    scenario.reset_ends_with(token, error, edge)

    assert scenario.secret.describe().versions[token].intent is not None
    assert scenario.step(Step.SET, token).outcome == ("found_live" if edge is Edge.AFTER else "sent")
    assert scenario.rotate(token) == []
    assert scenario.vendor.resets == 1
    assert scenario.vendor.wrong_logins == (0 if edge is Edge.AFTER else 1)
    assert scenario.password() == scenario.vendor.live


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
    """An account that no stored password opens is parked with the reason; nothing is locked or lost."""
    scenario = world("self", history=0, min_age_seconds=0)
    scenario.vendor.set_by_hand(Secret("Unknown0Unknown0Unkn"))
    token = scenario.begin()

    failures = scenario.rotate(token, attempts=6, spacing=30.0)

    assert set(failures) == {"parked", "gave up"}
    assert scenario.secret.describe().versions[token].parked[0] == "external_change"
    assert scenario.vendor.wrong_logins <= scenario.vendor.lockout.budget
    assert not scenario.vendor.locked
    assert scenario.password() == Secret("Old0Password0Old0Pas")


def test_an_intent_left_by_a_dead_run_is_asked_about_first(world):
    """The mark alone, without a reset behind it, costs one rejected login and then one reset."""
    scenario = world("admin")
    token = scenario.created()
    scenario.secret.attach(intent(scenario.clock.now()).on(token), token)

    assert scenario.step(Step.SET, token).outcome == "sent"
    assert scenario.vendor.wrong_logins == 1
    assert scenario.vendor.resets == 1


@pytest.mark.parametrize("kind", ["admin", "self"])
def test_could_not_tell_decides_nothing(world, kind):
    """A lost reply and then a login that cannot be answered: no second reset, no release, no commit."""
    scenario = world(kind)
    token = scenario.created()
    scenario.reset_ends_with(token, OutcomeUnknown("lost"), Edge.AFTER)
    scenario.fuse = Fuse(only="verify", at=1, error=lambda _: CannotVerify("closed"))

    with pytest.raises(CannotVerify):
        scenario.step(Step.SET, token)

    assert scenario.vendor.resets == 1
    assert PENDING in scenario.secret.describe().versions[token].stages
    assert scenario.password() == OLD


@pytest.mark.parametrize(
    "text",
    ["plain text", SecretDocument({"driver": "memory", "username": "bob", "password": FOREIGN}).dump().reveal()],
    ids=["no document", "another account"],
)
def test_the_previous_value_is_tried_only_if_it_is_of_this_account(world, hold, text):
    """Another account's password would be a wrong login, or worse, a right one."""
    scenario = world("self", min_age_seconds=0)
    hold(scenario, text, "AWSPREVIOUS")
    token = scenario.created()
    scenario.vendor.set_by_hand(Secret(FOREIGN))

    with pytest.raises(Parked) as parked:
        scenario.step(Step.SET, token)

    assert parked.value.reason == "external_change"
    assert scenario.vendor.live == Secret(FOREIGN)


def test_less_proof_heals_a_lost_reply_without_a_login(world, monkeypatch):
    """Nobody can be asked and less is enough: the same candidate is sent until the vendor says yes."""
    scenario = world()
    token = scenario.created()
    scenario.minimum = Evidence.ACCEPTED
    scenario.reset_ends_with(token, OutcomeUnknown("lost"), Edge.AFTER)

    def closed(*_):
        raise CannotVerify("closed")

    monkeypatch.setattr(MemoryVendor, "log_in", closed)
    scenario.fuse = Fuse()
    assert scenario.step(Step.SET, token).outcome == "sent"
    assert scenario.step(Step.TEST, token).evidence is Evidence.ACCEPTED
    scenario.fuse = Fuse()
    scenario.step(Step.FINISH, token)

    assert scenario.password() == scenario.vendor.live


def test_a_cancelled_rotation_whose_reset_went_out_is_found(world):
    """Self-service: the live password stands on a version that nobody rotates any more; the next rotation uses it.

    The refused change is the one wrong login: that version is asked about before the candidate.
    """
    scenario = world("self", min_age_seconds=0)
    token = scenario.run_to(Step.SET)
    scenario.strip_pending(token)
    scenario.clock.sleep(3600)

    failures = scenario.rotate(scenario.begin())

    assert failures == []
    assert scenario.password() == scenario.vendor.live
    assert scenario.vendor.wrong_logins == 1


def test_a_task_that_always_fails_parks(world):
    """Three tries, then a pause with the reason, instead of a reset per retry."""
    scenario = world("admin-task", task_fails=True)
    token = scenario.begin()

    failures = scenario.rotate(token, attempts=10, spacing=20.0)

    assert failures == ["in_progress", *["parked"] * 9, "gave up"]
    assert scenario.vendor.resets == 3
    assert scenario.secret.describe().versions[token].parked[0] == "reset_fails"
