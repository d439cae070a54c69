"""Every failure after a reset says since when readers may hold a dead password, whatever ended the rotation."""

import pytest

from rotation.core.errors import OutcomeUnknown, StageConflict, StageError, StoreUnavailable, VendorUnavailable
from rotation.core.values import Step
from rotation.doctor import examine
from rotation.engine.run import run
from rotation.state.stages import CURRENT, PENDING, PREVIOUS
from rotation_testkit.fault_lab.in_memory.fuse import Edge, Fuse

SINCE = r"; readers {} a dead password since 2023-11-14T22:"
MAY, CERTAIN = SINCE.format("may hold"), SINCE.format("hold")


@pytest.mark.parametrize("kind", ["admin", "self"])
def test_a_lost_answer_says_so_and_names_the_time_of_its_reset(world, kind):
    """The run itself knows that it has sent something, and so does the next one by the labels."""
    scenario = world(kind)
    token = scenario.created()
    began = scenario.clock.now()

    lost = scenario.reset_ends_with(token, OutcomeUnknown("lost"))

    assert began <= lost.dead_since <= scenario.clock.now()
    assert lost.describe()["dead_since"] == lost.dead_since
    scenario.strip_pending(token)
    with pytest.raises(StageError) as stale:
        scenario.step(Step.TEST, token)
    assert stale.value.dead_since == int(lost.dead_since)


@pytest.mark.parametrize("step", [Step.SET, Step.TEST, Step.FINISH])
def test_a_rotation_that_was_cancelled_in_the_middle_says_so(world, step):
    """Somebody takes the pending stage away after the reset: current is dead, and the hint names the doctor."""
    scenario = world("self")
    token = scenario.run_to(Step.SET)
    scenario.strip_pending(token)

    with pytest.raises(StageError, match=CERTAIN) as refused:
        scenario.step(step, token)

    assert "lockstep doctor" in refused.value.hint


def test_a_value_put_by_hand_in_the_middle_is_named_with_the_time_of_the_reset(world):
    """The operator's value under AWSCURRENT does not open the account, since the candidate is live."""
    scenario = world("self")
    token = scenario.run_to(Step.SET)
    scenario.put_by_hand(password="Operator0Wrote0This0")
    scenario.strip_pending(token)

    with pytest.raises(StageError, match=MAY):
        scenario.step(Step.FINISH, token)

    scenario.clock.sleep(3600)  # until no run of this rotation can be alive any more
    diagnosis = examine(scenario.session())
    assert diagnosis.live == token
    assert diagnosis.dead_since == int(scenario.secret.describe().version(token).intent)


def test_a_proved_candidate_that_cannot_be_committed_says_that_current_is_dead(world):
    """The store fails at the commit: there is no doubt any more."""
    scenario = world("self")
    token = scenario.run_to(Step.TEST)
    scenario.fuse = Fuse(only="move", at=1, error=lambda _: StoreUnavailable("down"))

    with pytest.raises(StoreUnavailable, match=CERTAIN):
        scenario.step(Step.FINISH, token)


@pytest.mark.parametrize("cancelled", [False, True])
def test_a_promotion_that_the_store_did_not_keep_is_no_commit(world, cancelled):
    """The store confirmed it, so the error says that current is dead, and no command runs as for a commit."""
    scenario = world("self")
    token, secret = scenario.run_to(Step.TEST), scenario.secret
    before = secret.describe().current_id

    def lost(_):
        secret.move(CURRENT, source=token, target=before)
        secret.detach(PREVIOUS, token)
        if cancelled:
            secret.detach(PENDING, token)

    scenario.fuse = Fuse(only="move", at=1, edge=Edge.AFTER, error=lost)
    session = scenario.session(token)
    with pytest.raises(StageConflict, match=f"is not current{CERTAIN}"):
        run(session, Step.FINISH)
    assert (session.memory.committed, session.memory.promoted) == (False, False)


def test_a_promotion_that_cannot_be_tidied_up_is_a_commit(world):
    """Another run moved a label meanwhile: the error says nothing of a dead password."""
    scenario = world("admin")
    scenario.run_to(Step.FINISH)
    scenario.clock.sleep(86_400)
    token = scenario.run_to(Step.TEST)
    scenario.fuse = Fuse(only="detach", at=1, error=lambda _: StageConflict("moved"))
    session = scenario.session(token)
    with pytest.raises(StageConflict, match=r"^moved$") as raised:
        run(session, Step.FINISH)
    assert (session.memory.committed, raised.value.dead_since) == (True, None)


@pytest.mark.parametrize("rotations_before", [0, 1])
def test_a_refusal_that_changed_nothing_says_nothing_of_the_kind(world, rotations_before):
    """The vendor definitely refused the reset, so current is what it was; a finished rotation leaves no such word."""
    scenario = world("admin")
    for _ in range(rotations_before):
        scenario.rotate(scenario.begin())
        scenario.clock.sleep(86_400)
    token = scenario.created()

    refused = scenario.reset_ends_with(token, VendorUnavailable("down"))

    assert (refused.dead_since, "readers" in refused.message) == (None, False)
    assert examine(scenario.session()).dead_since is None


@pytest.mark.parametrize(
    "puts", [[{"note": "1"}], [{"note": "1"}, {"note": "2"}], [{"password": "Operator0Wrote0This0"}]]
)
def test_values_put_by_hand_after_a_rotation_open_no_gap(world, puts):
    """A week later the vendor is down: the rotation before has nothing to do with what readers have."""
    scenario = world("admin")
    scenario.rotate(scenario.begin())
    scenario.clock.sleep(7 * 86_400)
    for each in puts:
        scenario.put_by_hand(**each)
    token = scenario.begin()
    scenario.fuse = Fuse(only="observe", at=1, error=lambda _: VendorUnavailable("down", unsent=True))

    with pytest.raises(VendorUnavailable, match=r"^down$") as failed:
        scenario.step(Step.CREATE, token)

    assert failed.value.dead_since is None
    scenario.fuse = Fuse()
    scenario.step(Step.CREATE, token)
    began = scenario.clock.now()
    assert scenario.reset_ends_with(token, OutcomeUnknown("lost")).dead_since >= began


def test_a_former_value_put_back_by_hand_is_dead(world):
    """To move AWSCURRENT back after a rotation gives readers the password that the reset replaced."""
    scenario = world("admin")
    before = scenario.secret.describe().current_id
    token = scenario.run_to(Step.FINISH)
    scenario.secret.move(CURRENT, source=token, target=before)
    again = scenario.begin()
    scenario.fuse = Fuse(only="observe", at=1, error=lambda _: VendorUnavailable("down", unsent=True))
    with pytest.raises(VendorUnavailable, match=MAY):
        scenario.step(Step.CREATE, again)
