"""A machine that must be stopped for a reset ends as it was found, or as the secret wishes, whatever happens."""

import pytest

from rotation.core.document import SecretDocument
from rotation.core.errors import (
    ConfigError,
    InProgress,
    NotReady,
    OutcomeUnknown,
    PasswordRejected,
    PermissionDenied,
    PreconditionFailed,
    VendorUnavailable,
)
from rotation.core.values import Evidence, Power, Step
from rotation_testkit.fault_lab.in_memory.fuse import Crash, Edge, Fuse


def test_a_running_machine_is_stopped_once_and_started_once(world):
    """The machine is stopped, reset, started and logged in to, each once."""
    scenario = world("machine")

    failures = scenario.rotate(scenario.begin(), spacing=10.0)

    assert set(failures) <= {"in_progress"}
    assert (scenario.vendor.stops, scenario.vendor.starts, scenario.vendor.resets) == (1, 1, 1)
    assert scenario.vendor.power is Power.RUNNING
    assert scenario.password() == scenario.vendor.live


def test_a_slow_machine_takes_several_invocations(world):
    """Switching that outlasts the function goes on in the next attempt, with one reset all the same."""
    scenario = world("machine", switch_seconds=500.0)

    failures = scenario.rotate(scenario.begin(), attempts=40, spacing=60.0)

    assert "gave up" not in failures
    assert len(failures) > 4
    assert (scenario.vendor.stops, scenario.vendor.starts, scenario.vendor.resets) == (1, 1, 1)
    assert scenario.vendor.wrong_logins == 0


def test_what_was_found_is_written_down_before_anything_is_touched(world):
    """CreateSecret keeps the power state in the candidate's version."""
    scenario = world("machine")
    token = scenario.begin()

    scenario.step(Step.CREATE, token)

    assert scenario.secret.read(token).document.notes.power is Power.RUNNING
    assert scenario.vendor.stops == 0


def test_a_stopped_machine_cannot_be_proved_by_login(world):
    """It is to stay stopped: refused before anything changes, with the way out in the hint."""
    scenario = world("machine", power=Power.STOPPED)

    with pytest.raises(ConfigError, match="stay stopped") as refused:
        scenario.step(Step.CREATE, scenario.begin())

    assert "power" in refused.value.hint
    assert scenario.vendor.starts == 0


def test_a_stopped_machine_stays_stopped_where_less_proof_is_enough(world):
    """A stopped machine is reset as it is where READBACK is the least evidence."""
    scenario = world("machine", power=Power.STOPPED, readback=True)
    scenario.minimum = Evidence.READBACK
    token = scenario.begin()

    assert scenario.rotate(token) == []

    assert scenario.vendor.power is Power.STOPPED
    assert (scenario.vendor.stops, scenario.vendor.starts, scenario.vendor.resets) == (0, 0, 1)
    assert scenario.secret.describe().versions[token].proof is Evidence.READBACK


def test_the_secret_may_wish_it_running(world):
    """`power: running` starts a machine that was found stopped."""
    scenario = world("machine", power=Power.STOPPED)
    current = scenario.secret.read("version-0").document
    scenario.secret.put("version-1", SecretDocument({**current, "power": "running"}), "AWSCURRENT")

    failures = scenario.rotate(scenario.begin(), spacing=10.0)

    assert set(failures) <= {"in_progress"}
    assert scenario.vendor.power is Power.RUNNING
    assert scenario.password() == scenario.vendor.live


@pytest.mark.parametrize(
    "error",
    [PermissionDenied("no right"), PasswordRejected("too plain"), VendorUnavailable("down"), OutcomeUnknown("lost")],
    ids=lambda error: error.code,
)
def test_a_refused_reset_starts_the_machine_again(world, error):
    """Whatever the vendor says to the reset, the machine does not stay off."""
    scenario = world("machine")
    token = scenario.created()
    scenario.reset_ends_with(token, error)

    scenario.clock.sleep(60)
    scenario.vendor.log_in(scenario.vendor.live)
    assert scenario.vendor.power is Power.RUNNING
    assert scenario.vendor.starts == 1


def test_an_obstacle_that_appears_after_the_stop_starts_the_machine_again(world):
    """The run that stopped it died, and now the reset is impossible: the machine must not stay off."""
    scenario = world("machine", switch_seconds=100.0)
    token = scenario.created()
    with pytest.raises(InProgress):
        scenario.step(Step.SET, token)
    scenario.clock.sleep(200)
    scenario.vendor.obstacles = (PreconditionFailed("arrears"),)

    with pytest.raises(PreconditionFailed):
        scenario.step(Step.SET, token)

    scenario.clock.sleep(200)
    assert not scenario.vendor.busy
    assert scenario.vendor.power is Power.RUNNING


def test_a_start_that_fails_is_tried_again_without_another_reset(world):
    """Only the start is repeated while capacity is lacking after the reset."""
    scenario = world("machine")
    token = scenario.created()
    for _ in range(3):
        scenario.fuse = Fuse(at=1, edge=Edge.BEFORE, only="start", error=lambda _: VendorUnavailable("no capacity"))
        with pytest.raises(VendorUnavailable):
            scenario.step(Step.SET, token)
        scenario.clock.sleep(60)
    scenario.fuse = Fuse()

    assert set(scenario.rotate(token, spacing=30.0)) <= {"in_progress"}
    assert scenario.vendor.resets == 1
    assert scenario.vendor.wrong_logins == 0


@pytest.mark.parametrize("step", [Step.TEST, Step.FINISH])
@pytest.mark.parametrize("readback", [True, False])
def test_no_proof_without_a_login_counts_while_the_machine_is_off(world, step, readback):
    """The process died between reset and start: nothing is committed before setSecret has given the machine back."""
    scenario = world("machine", oracle=False, readback=readback)
    scenario.minimum = Evidence.ACCEPTED
    token = scenario.created()
    scenario.fuse = Fuse(at=1, edge=Edge.BEFORE, only="start")
    with pytest.raises(Crash):
        scenario.step(Step.SET, token)
    scenario.fuse = Fuse()
    scenario.clock.sleep(60)

    with pytest.raises(NotReady):
        scenario.step(step, token)

    scenario.rotate(token, spacing=60.0)
    assert scenario.vendor.power is Power.RUNNING
    assert scenario.password() == scenario.vendor.live
    assert scenario.vendor.resets == 2  # nobody has written down that the vendor took the first


@pytest.mark.parametrize("effect", ["set_password", "start"])
def test_a_machine_that_a_cancelled_rotation_left_off_was_running(world, effect):
    """The next rotation knows that the machine was running, and starts it."""
    scenario = world("machine")
    token = scenario.created()
    scenario.fuse = Fuse(at=1, edge=Edge.BEFORE, only=effect)
    with pytest.raises(Crash):
        scenario.step(Step.SET, token)
    assert scenario.vendor.power is Power.STOPPED
    scenario.strip_pending(token)
    scenario.fuse = Fuse()
    scenario.clock.sleep(3600)

    failures = scenario.rotate(scenario.begin(), spacing=10.0)

    assert set(failures) <= {"in_progress"}
    assert scenario.vendor.power is Power.RUNNING
    assert scenario.password() == scenario.vendor.live
