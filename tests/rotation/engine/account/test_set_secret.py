"""What can be refused is refused before anything is sent."""

from dataclasses import replace

import pytest

from rotation.core.errors import IdentityChanged, PreconditionFailed
from rotation.core.values import Evidence, Power, Step
from rotation.engine.run import run
from rotation.state.stages import CURRENT
from rotation.stores.wrapper import PassingStore
from rotation_testkit.fault_lab.in_memory.fuse import Fuse


@pytest.mark.parametrize("changes", [{"username": "bob"}, {"tenant": "other"}, {"username": "bob", "tenant": "other"}])
@pytest.mark.parametrize("step", [Step.SET, Step.FINISH])
def test_another_account_is_never_reset_nor_committed(world, changes, step):
    """Current names another account than the candidate: an edit of current must not aim the reset."""
    scenario = world().unguarded()
    token = scenario.created()
    if step is Step.FINISH:
        scenario.step(Step.SET, token)
        scenario.step(Step.TEST, token)
    resets = scenario.vendor.resets
    scenario.secret.put("version-9", scenario.secret.read("version-0").document.replaced(**changes), CURRENT)

    with pytest.raises(IdentityChanged) as refused:
        scenario.step(step, token)

    assert all(name in str(refused.value) for name in changes)
    assert "bob" not in str(refused.value)
    assert scenario.vendor.resets == resets
    assert scenario.secret.describe().current_id == "version-9"


@pytest.mark.parametrize("kind", ["admin", "self"])
@pytest.mark.parametrize("at", [Step.CREATE, Step.SET])
def test_an_obstacle_keeps_everything_as_it_is(world, at, kind):
    """It may appear before createSecret, which stages nothing, or after it; nothing is sent and nothing probed."""
    scenario = world(kind)
    token = scenario.created() if at is Step.SET else scenario.begin()
    scenario.vendor.obstacles = (PreconditionFailed("arrears"),)

    with pytest.raises(PreconditionFailed):
        scenario.step(at, token)

    assert (scenario.vendor.resets, scenario.vendor.wrong_logins) == (0, 0)
    assert scenario.secret.describe().versions[token].intent is None
    assert (scenario.secret.read(token) is None) is (at is Step.CREATE)


@pytest.mark.parametrize(("kind", "looks", "effects"), [("admin", 2, 12), ("self", 2, 12), ("machine", 2, 25)])
def test_the_labels_are_read_again_only_where_somebody_may_have_moved_them(world, kind, looks, effects):
    """They are read at first, and under the lease."""
    scenario = world(kind)
    token = scenario.created()
    scenario.fuse = Fuse()

    scenario.step(Step.SET, token)

    assert scenario.fuse.effects.count("describe") == looks
    assert len(scenario.fuse.effects) == effects


class LateStore(PassingStore):
    """A store whose lease another run holds first, as a journal's check-and-set allows: the first look is too old."""

    def __init__(self, store, before):
        super().__init__(store)
        self._before = before

    def acquire(self, token, state, claim):
        """Let the other run go first, and take the lease by what is there then."""
        del state
        self._before()
        return super().acquire(token, self.describe(), claim)


def test_a_proof_that_another_run_won_meanwhile_ends_the_step(world):
    """Nobody logs in once more, so that no wrong answer can have a machine stopped that is proved already."""
    scenario = world("machine")
    token = scenario.created()
    scenario.fuse = slow = Fuse()
    session = scenario.session(token)
    scenario.fuse = Fuse()
    late = LateStore(session.store, lambda: scenario.step(Step.SET, token))

    result = run(replace(session, store=late), Step.SET)

    assert (result.outcome, result.evidence) == ("found_live", Evidence.LOGIN)
    assert not {"verify", "stop", "set_password"} & set(slow.effects)
    assert (scenario.vendor.resets, scenario.vendor.power) == (1, Power.RUNNING)
    assert scenario.step(Step.FINISH, token).outcome == "promoted"
