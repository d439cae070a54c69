"""Candidates and proofs: what createSecret stages, what testSecret proves, what finishSecret commits by."""

import pytest

from rotation.core.document import SecretDocument
from rotation.core.errors import ConfigError, LoginRejected, NotReady
from rotation.core.secret import Secret
from rotation.core.values import Evidence, Power, Step
from rotation.state.stages import CURRENT
from rotation_testkit.fault_lab.in_memory.fuse import Edge, Fuse

OLD = Secret("Old0Password0Old0Pas")
HIS = "Human0Password0Human"


def test_an_acknowledged_but_ineffective_reset_is_not_committed(world):
    """The vendor said yes and did nothing: the login finds out, and current stays as it was."""
    scenario = world("admin", delay_seconds=10.0**9)
    token = scenario.begin()

    failures = scenario.rotate(token, attempts=3, spacing=20.0)

    assert failures[-1] == "gave up"
    assert scenario.password() == scenario.vendor.live == Secret("Old0Password0Old0Pas")


def test_finish_proves_before_it_commits(world):
    """FinishSecret without a proof logs in itself, and a dead candidate is not promoted."""
    scenario = world()
    token = scenario.created()
    scenario.send_only(token)
    scenario.vendor.set_by_hand(Secret("Somebody0Else0Did0It"))

    with pytest.raises(LoginRejected):
        scenario.step(Step.FINISH, token)

    assert scenario.password() == OLD


def test_a_proof_that_no_longer_holds_is_taken_back(world):
    """Somebody put another current value: testSecret logs in, and leaves nothing that finishSecret could commit by."""
    scenario = world()
    token = scenario.run_to(Step.TEST)
    scenario.put_by_hand(note="mine")
    scenario.vendor.set_by_hand(Secret("Somebody0Else0Did0It"))

    with pytest.raises(LoginRejected):
        scenario.step(Step.TEST, token)

    assert scenario.secret.describe().versions[token].proof is None


def test_weaker_proof_than_demanded_is_not_committed(world):
    """The deployment asks for more than when testSecret ran."""
    scenario = world(oracle=False)
    token = scenario.run_to(Step.TEST)
    scenario.minimum = Evidence.READBACK

    with pytest.raises(ConfigError):
        scenario.step(Step.FINISH, token)

    assert scenario.password() == OLD


def test_a_readback_of_another_value_proves_nothing(world):
    """The vendor returns what it stored, and that is not the candidate: the next attempt sends it again."""
    scenario = world(oracle=False, readback=True)
    token = scenario.created()
    scenario.minimum = Evidence.READBACK
    scenario.step(Step.SET, token)
    scenario.forget_proof(token)
    scenario.vendor.set_by_hand(Secret("Somebody0Else0Did0It"))

    with pytest.raises(LoginRejected, match="another password"):
        scenario.step(Step.TEST, token)
    assert scenario.rotate(token) == []
    assert scenario.password() == scenario.vendor.live


def test_a_value_that_shows_late_is_waited_for(world):
    """A store may show a value a few seconds after it was put; setSecret waits, and testSecret alone does not."""
    scenario = world()
    token = scenario.begin()

    def arrives(_name):
        scenario.fuse = Fuse()
        scenario.step(Step.CREATE, token)

    scenario.fuse = Fuse(only="read", at=2, edge=Edge.BEFORE, error=arrives)
    assert scenario.step(Step.SET, token).evidence is Evidence.LOGIN


def test_a_value_that_never_shows_is_not_waited_for_long(world):
    """The next attempt looks again."""
    scenario = world()
    token = scenario.begin()
    before = scenario.clock.now()
    with pytest.raises(NotReady):
        scenario.step(Step.SET, token)
    assert scenario.clock.now() - before == pytest.approx(3.0)


def test_a_parallel_create_is_adopted(world):
    """Two createSecret at once: the first candidate is the one, and the second run continues it."""
    scenario = world("admin")
    token = scenario.begin()

    def other(name):
        del name
        scenario.fuse = Fuse()
        scenario.step(Step.CREATE, token)

    scenario.fuse = Fuse(only="stage", at=1, edge=Edge.BEFORE, error=other)

    assert scenario.step(Step.CREATE, token).outcome == "adopted"
    assert scenario.rotate(token) == []


def test_the_candidate_keeps_what_the_secret_does_not_declare(world):
    """Keys of other tools survive a rotation, also nested ones."""
    scenario = world("admin")
    current = scenario.secret.read("version-0").document
    scenario.secret.put("version-1", SecretDocument({**current, "other": {"a": [1, 2]}}), CURRENT)

    scenario.rotate(scenario.begin())

    state = scenario.secret.describe()
    assert scenario.secret.read(state.current_id).document["other"] == {"a": [1, 2]}


@pytest.mark.parametrize(("oracle", "minimum"), [(True, Evidence.LOGIN), (False, Evidence.ACCEPTED)])
def test_what_was_proved_before_somebody_put_a_password_is_not_promoted(world, oracle, minimum):
    """The next attempt sends, or proves, the candidate again: readers never get a dead password."""
    scenario = world("admin", oracle=oracle)
    scenario.minimum = minimum
    token = scenario.run_to(Step.TEST)
    scenario.clock.sleep(7200)
    scenario.vendor.set_by_hand(Secret(HIS))
    scenario.put_by_hand(password=HIS)

    failures = scenario.rotate(token)

    assert failures == []
    assert scenario.password() == scenario.vendor.live != Secret(HIS)
    assert scenario.vendor.resets == 2


def test_a_late_finish_alone_promotes_nothing_that_was_proved_before(world):
    """FinishSecret logs in again without the steps before it, and learns the truth."""
    scenario = world("admin")
    token = scenario.run_to(Step.TEST)
    scenario.clock.sleep(3 * 86_400)
    scenario.vendor.set_by_hand(Secret(HIS))
    scenario.put_by_hand(password=HIS)

    with pytest.raises(LoginRejected):
        scenario.step(Step.FINISH, token)

    assert scenario.password() == scenario.vendor.live


def test_a_proof_in_the_same_second_as_current_stands(world):
    """A rotation right after another is a clean one."""
    scenario = world("admin")
    assert [scenario.rotate(scenario.begin()) for _ in range(2)] == [[], []]
    assert (scenario.vendor.resets, scenario.vendor.wrong_logins) == (2, 0)


def test_a_version_that_is_no_account_document_stops_no_rotation(world, hold):
    """A labelled copy of something else is not read for the machine's state."""
    scenario = world("machine")
    scenario.vendor.power = Power.STOPPED
    scenario.minimum = Evidence.ACCEPTED
    hold(scenario, "plain text", "before-migration")

    assert scenario.rotate(scenario.begin()) == []


@pytest.mark.parametrize(("days", "afterwards"), [(1, Power.RUNNING), (30, Power.STOPPED)])
def test_a_machine_that_is_long_off_after_a_rotation_was_given_up_stays_off(world, days, afterwards):
    """A machine found off soon after was stopped by the rotation; a month later its owner wants it off."""
    scenario = world("machine")
    scenario.minimum = Evidence.ACCEPTED
    token = scenario.created()
    scenario.secret.attach("lockstep:intent:1700000000@abandoned", token)
    scenario.strip_pending(token)
    scenario.vendor.power = Power.STOPPED
    scenario.clock.sleep(days * 86_400)

    assert scenario.rotate(scenario.begin()) == []

    scenario.clock.sleep(60)
    assert scenario.vendor.power is afterwards
