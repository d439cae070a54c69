"""The promises that a one-line slip in the engine would break, each with the slip's consequence."""

import pytest

from rotation.core.document import SecretDocument
from rotation.core.errors import (
    CannotVerify,
    ConfigError,
    IdentityChanged,
    LoginRejected,
    OutcomeUnknown,
    PreconditionFailed,
    RotationError,
    RotationNotEnabled,
    StageError,
    VendorUnavailable,
)
from rotation.core.secret import Secret
from rotation.core.values import Evidence, Step
from rotation.state.stages import CURRENT, PENDING
from rotation_testkit.fault_lab.in_memory.fuse import Edge, Fuse

OLD = Secret("Old0Password0Old0Pas")


def created(world, kind="admin", **settings):
    """A scenario after createSecret."""
    scenario = world(kind, **settings)
    token = scenario.begin()
    scenario.step(Step.CREATE, token)
    return scenario, token


def effects_before_the_reset(world, kind):
    """How many effects an undisturbed setSecret has before its reset."""
    scenario, token = created(world, kind)
    scenario.fuse = Fuse()
    scenario.step(Step.SET, token)
    return scenario.fuse.effects.index("set_password")


def strip_pending(scenario, token):
    """Take the label away, as cancelling a rotation does."""
    scenario.secret.detach(PENDING, token)


def put_by_hand(scenario, token):
    """Put another current version, as an operator does."""
    del token
    document = scenario.secret.read("version-0").document
    scenario.secret.put("version-9", document.replaced(note="by hand"), CURRENT)


@pytest.mark.parametrize("meddle", [strip_pending, put_by_hand])
@pytest.mark.parametrize("kind", ["admin", "machine", "self"])
def test_labels_that_move_before_the_reset_stop_it(world, kind, meddle):
    """Wherever it happens between the first look and the request, nothing is sent with an outdated view."""
    for number in range(2, effects_before_the_reset(world, kind) + 1):
        scenario, token = created(world, kind)
        scenario.fuse = Fuse(number, Edge.BEFORE, error=lambda _, s=scenario, t=token: meddle(s, t))

        with pytest.raises(RotationError):
            scenario.step(Step.SET, token)

        assert scenario.vendor.resets == 0, f"effect {number}"


@pytest.mark.parametrize("changes", [{"username": "bob"}, {"tenant": "other"}, {"username": "bob", "tenant": "other"}])
@pytest.mark.parametrize("step", [Step.SET, Step.FINISH])
def test_another_account_is_never_reset_nor_committed(world, changes, step):
    """Current names another account than the candidate: whoever edited it must not aim the reset."""
    scenario, token = created(world)
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
def test_could_not_tell_decides_nothing(world, kind):
    """A lost reply and then a login that cannot be answered: no second reset, no release, no commit."""
    scenario, token = created(world, kind)
    scenario.fuse = Fuse(only="set_password", at=1, edge=Edge.AFTER, error=lambda _: OutcomeUnknown("lost"))
    with pytest.raises(OutcomeUnknown):
        scenario.step(Step.SET, token)
    scenario.fuse = Fuse(only="verify", at=1, error=lambda _: CannotVerify("closed"))

    with pytest.raises(CannotVerify):
        scenario.step(Step.SET, token)

    assert scenario.vendor.resets == 1
    assert PENDING in scenario.secret.describe().versions[token].stages
    assert scenario.password() == OLD


def test_finish_proves_before_it_commits(world):
    """FinishSecret without a proof logs in itself, and a dead candidate is not promoted."""
    scenario, token = created(world)
    scenario.step(Step.SET, token)
    scenario.vendor.set_by_hand(Secret("Somebody0Else0Did0It"))

    with pytest.raises(LoginRejected):
        scenario.step(Step.FINISH, token)

    assert scenario.password() == OLD


def test_a_proof_that_no_longer_holds_is_taken_back(world):
    """A repeated testSecret that is rejected leaves nothing that finishSecret could commit by."""
    scenario, token = created(world)
    scenario.step(Step.SET, token)
    scenario.step(Step.TEST, token)
    scenario.vendor.set_by_hand(Secret("Somebody0Else0Did0It"))

    with pytest.raises(LoginRejected):
        scenario.step(Step.TEST, token)

    assert scenario.secret.describe().versions[token].verified is None


def test_weaker_proof_than_demanded_is_not_committed(world):
    """The deployment asks for more than when testSecret ran."""
    scenario, token = created(world, oracle=False)
    scenario.step(Step.SET, token)
    scenario.step(Step.TEST, token)
    scenario.minimum = Evidence.READBACK

    for step in (Step.TEST, Step.FINISH):
        with pytest.raises(ConfigError):
            scenario.step(step, token)

    assert scenario.password() == OLD


def test_a_readback_of_another_value_proves_nothing(world):
    """The vendor returns what it stored, and that is not the candidate: the next attempt sends it again."""
    scenario, token = created(world, oracle=False, readback=True)
    scenario.minimum = Evidence.READBACK
    scenario.step(Step.SET, token)
    scenario.vendor.set_by_hand(Secret("Somebody0Else0Did0It"))

    with pytest.raises(LoginRejected, match="another password"):
        scenario.step(Step.TEST, token)
    assert scenario.rotate(token) == []
    assert scenario.password() == scenario.vendor.live


@pytest.mark.parametrize("at", [Step.CREATE, Step.SET])
def test_an_obstacle_keeps_everything_as_it_is(world, at):
    """It may appear before createSecret or after it; nothing is sent and nothing probed."""
    scenario = world("self")
    token = scenario.begin()
    if at is Step.SET:
        scenario.step(Step.CREATE, token)
    scenario.vendor.obstacles = (PreconditionFailed("arrears"),)

    with pytest.raises(PreconditionFailed):
        scenario.step(at, token)

    assert (scenario.vendor.resets, scenario.vendor.wrong_logins) == (0, 0)
    assert scenario.secret.describe().versions[token].intent is None


def test_an_obstacle_stops_a_repeated_reset(world):
    """The candidate was found dead, but the vendor would refuse the reset now."""
    scenario, token = created(world)
    scenario.fuse = Fuse(only="set_password", at=1, edge=Edge.BEFORE, error=lambda _: OutcomeUnknown("lost"))
    with pytest.raises(OutcomeUnknown):
        scenario.step(Step.SET, token)
    scenario.fuse = Fuse()
    scenario.vendor.obstacles = (PreconditionFailed("arrears"),)

    with pytest.raises(PreconditionFailed):
        scenario.step(Step.SET, token)

    assert scenario.vendor.resets == 0


def test_a_candidate_that_breaks_a_changed_policy_is_released_before_it_is_sent(world):
    """Nothing is sent, and the next token starts afresh."""
    scenario, token = created(world)
    scenario.vendor.policy = type(scenario.vendor.policy)(length=24, charsets=scenario.vendor.policy.charsets)

    scenario.fuse = Fuse()
    with pytest.raises(RotationError) as refused:
        scenario.step(Step.SET, token)

    assert refused.value.code == "password_rejected"
    assert "set_password" not in scenario.fuse.effects
    assert scenario.vendor.resets == 0
    with pytest.raises(StageError):
        scenario.step(Step.SET, token)


def test_no_proof_is_possible_any_more(world):
    """The deployment asks for LOGIN after createSecret, and nobody can log in: refused before the reset."""
    scenario, token = created(world, oracle=False)
    scenario.minimum = Evidence.LOGIN

    with pytest.raises(ConfigError):
        scenario.step(Step.SET, token)

    assert scenario.vendor.resets == 0


def test_a_parallel_create_is_adopted(world):
    """Two createSecret at once: the first candidate is the one, and the second run goes on with it."""
    scenario = world("admin")
    token = scenario.begin()

    def other(name):
        del name
        scenario.fuse = Fuse()
        scenario.step(Step.CREATE, token)

    scenario.fuse = Fuse(only="stage", at=1, edge=Edge.BEFORE, error=other)

    assert scenario.step(Step.CREATE, token).outcome == "adopted"
    assert scenario.rotate(token) == []


def test_rotation_that_is_switched_off_touches_nothing(world):
    """The service may still invoke for a while after an operator disabled it."""
    scenario, token = created(world)
    scenario.secret.rotation_enabled = False

    for step in Step:
        with pytest.raises(RotationNotEnabled):
            scenario.step(step, token)

    assert scenario.vendor.resets == 0


def test_a_repeated_finish_tidies_up(world):
    """The commit happened and the function died before the labels were cleared."""
    scenario, token = created(world)
    scenario.step(Step.SET, token)
    scenario.step(Step.TEST, token)
    scenario.secret.move(CURRENT, source="version-0", target=token)

    assert scenario.step(Step.FINISH, token).outcome == "already_done"
    assert PENDING not in scenario.secret.describe().versions[token].stages


def test_an_outage_of_the_vendor_is_no_verdict(world):
    """While it cannot be reached nothing moves, and afterwards the rotation goes on."""
    scenario, token = created(world)
    scenario.fuse = Fuse(only="set_password", at=1, edge=Edge.BEFORE, error=lambda _: VendorUnavailable("down"))
    with pytest.raises(VendorUnavailable):
        scenario.step(Step.SET, token)
    scenario.fuse = Fuse()

    assert scenario.rotate(token) == []
    assert scenario.vendor.wrong_logins == 0


def test_the_candidate_keeps_what_the_secret_does_not_declare(world):
    """Keys of other tools survive a rotation, also nested ones."""
    scenario = world("admin")
    current = scenario.secret.read("version-0").document
    scenario.secret.put("version-1", SecretDocument({**current, "other": {"a": [1, 2]}}), CURRENT)

    scenario.rotate(scenario.begin())

    state = scenario.secret.describe()
    assert scenario.secret.read(state.current_id).document["other"] == {"a": [1, 2]}
