"""What a rotation without faults does and leaves behind, for every class of vendor, and which steps are refused."""

import pytest

from rotation.core.errors import InProgress, NotReady, RotationNotEnabled
from rotation.core.secret import Secret
from rotation.core.values import Evidence, Step
from rotation.state import marks
from rotation.state.stages import CURRENT
from rotation_testkit.fault_lab.in_memory.scenarios import OLD

KINDS = ("admin", "admin-late", "admin-task", "machine", "self")


def test_a_test_that_comes_first_waits(world):
    """A step that comes before createSecret's value is visible raises ``NotReady``."""
    scenario = world("admin")
    token = scenario.begin()

    for step in (Step.SET, Step.FINISH):
        with pytest.raises(NotReady):
            scenario.step(step, token)


def test_rotation_that_is_switched_off_touches_nothing(world):
    """The service may still invoke for a while after an operator disabled it."""
    scenario = world()
    token = scenario.created()
    scenario.secret.rotation_enabled = False

    for step in Step:
        with pytest.raises(RotationNotEnabled):
            scenario.step(step, token)

    assert scenario.vendor.resets == 0


def test_a_repeated_finish_tidies_up(world):
    """The commit happened and the function died before the labels were cleared."""
    scenario = world()
    token = scenario.run_to(Step.TEST)
    scenario.secret.attach(marks.intent(1).on("version-0"), "version-0")
    scenario.secret.move(CURRENT, source="version-0", target=token)

    assert scenario.step(Step.FINISH, token).outcome == "already_done"
    assert not scenario.secret.describe().versions["version-0"].marks


def _settle(scenario, step, token):
    """Run a step; a vendor that applies late gets its time."""
    try:
        scenario.step(step, token)
    except (InProgress, NotReady):
        scenario.clock.sleep(60)
        scenario.step(step, token)


@pytest.mark.parametrize("kind", KINDS)
def test_a_clean_rotation_ends_with_current_live_after_one_reset(world, kind):
    """The vendor accepts exactly what readers get; no login is wrong, but at a vendor that applies late."""
    scenario = world(kind)

    failures = scenario.rotate(scenario.begin(), spacing=40.0)

    assert set(failures) <= {"not_ready", "in_progress"}
    assert scenario.password() == scenario.vendor.live != Secret(OLD)
    assert scenario.vendor.resets == 1
    assert kind == "admin-late" or scenario.vendor.wrong_logins == 0


def test_a_clean_rotation_leaves_the_old_value_every_other_key_and_its_proof(world):
    """The old current becomes previous; the candidate differs in the password and its seal."""
    scenario = world("admin")
    token = scenario.begin()

    scenario.rotate(token)

    document = scenario.secret.read(token).document
    assert list(document) == ["driver", "username", "password", "note", "lockstep"]
    assert document["note"] == "kept"
    assert scenario.password("AWSPREVIOUS") == Secret(OLD)
    assert scenario.secret.describe().versions[token].proof is Evidence.LOGIN


def test_only_the_current_version_keeps_marks(world):
    """Old versions lose our labels, so that the store may forget them; the resting lease stays."""
    scenario = world("admin")
    for _ in range(4):
        scenario.rotate(scenario.begin())
        scenario.clock.sleep(3600)

    state = scenario.secret.describe()
    marked = [version.id for version in state.versions.values() if version.marks]

    assert marked == [state.current_id]
    assert len(state.versions) == 2


@pytest.mark.parametrize("kind", KINDS)
def test_repeating_any_step_changes_nothing(world, kind):
    """Every step may run again, and so may all four, without another reset or another value."""
    scenario = world(kind)
    token = scenario.begin()
    candidates = []
    for step in Step:
        for _ in range(3):
            _settle(scenario, step, token)
            candidates.append(scenario.secret.read(token).document.password)

    for step in Step:
        assert scenario.step(step, token).outcome == "already_done"

    assert scenario.vendor.resets == 1
    assert all(candidate == candidates[0] for candidate in candidates)
    assert scenario.password() == scenario.vendor.live


@pytest.mark.parametrize(("readback", "evidence"), [(False, Evidence.ACCEPTED), (True, Evidence.READBACK)])
def test_without_a_login_the_evidence_says_what_it_is(world, readback, evidence):
    """A vendor without a login call is not verified by login; a password that it returns is more than a yes."""
    scenario = world("admin", oracle=False, readback=readback)
    token = scenario.begin()

    failures = scenario.rotate(token)

    assert failures == []
    assert scenario.secret.describe().versions[token].proof is evidence


def test_a_test_only_invocation_never_resets(world):
    """RotateImmediately=false calls testSecret alone on an empty pending version: current is verified instead."""
    scenario = world("self")
    token = scenario.begin()

    result = scenario.step(Step.TEST, token)

    assert result.outcome == "current_verified"
    assert result.evidence is Evidence.LOGIN
    assert scenario.vendor.resets == 0
    assert scenario.vendor.wrong_logins == 0


@pytest.mark.parametrize("kind", ["admin", "admin-late", "admin-task", "machine"])
def test_a_value_put_by_hand_after_a_rotation_does_not_make_the_next_one_wait(world, kind):
    """The former rotation was proved, so that no request of it is on its way, although its run's time is not over."""
    scenario = world(kind)
    scenario.rotate(scenario.begin())
    scenario.vendor.set_by_hand(Secret("Operator0Wrote0This0"))
    scenario.put_by_hand(password="Operator0Wrote0This0")
    token = scenario.created()
    _settle(scenario, Step.SET, token)
    assert scenario.vendor.live == scenario.secret.read(token).document.password
