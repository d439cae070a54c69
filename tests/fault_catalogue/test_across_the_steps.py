"""W55 to W65: what happens across the steps."""

from dataclasses import replace

import pytest

from rotation.core.errors import (
    AdminRejected,
    DriverBug,
    InProgress,
    LoginRejected,
    Parked,
    PasswordRejected,
    RotationError,
    RotationNotEnabled,
    StageError,
    StoreDenied,
)
from rotation.core.secret import Secret
from rotation.core.values import Step
from rotation.doctor import Condition
from rotation.doctor.heal import heal
from rotation.state.lease import CLOCK_MARGIN
from rotation.state.stages import PENDING
from rotation_testkit.fault_lab.in_memory.effects import Fault, Kind
from rotation_testkit.fault_lab.in_memory.fuse import Crash, Edge, Fuse
from rotation_testkit.fault_lab.in_memory.scenario import Scenario
from rotation_testkit.fault_lab.in_memory.vendor import MemoryVendor
from rotation_testkit.fault_lab.in_memory.vendor_classes import MATRIX_CLASSES
from rotation_testkit.fault_lab.matrix.plan import Line
from rotation_testkit.fault_lab.matrix.worlds.checks import healed, repeating_changes_nothing
from rotation_testkit.fault_lab.matrix.worlds.setups import make


@pytest.mark.window(56)
def test_the_holder_of_the_lease_dies(scenario):
    """No run takes over before the lease has expired, and the next holder finds out first."""
    made = scenario()
    token = made.created()
    made.fuse = Fuse(only="set_password", at=1, edge=Edge.AFTER)
    with pytest.raises(Crash):
        made.step(Step.SET, token)
    made.fuse = Fuse()

    with pytest.raises(InProgress) as waits:
        made.step(Step.SET, token)
    assert waits.value.not_before > made.clock.now()
    made.clock.sleep(62 + CLOCK_MARGIN)

    assert made.step(Step.SET, token).outcome == "found_live"
    assert made.vendor.resets == 1


@pytest.mark.window(57)
def test_two_secrets_for_one_account(scenario):
    """Each of two secrets makes the other's value dead, and the other's check of its current value says so."""
    first = scenario()
    second = Scenario(first.vendor, first.clock)
    assert second.rotate(second.begin()) == []

    with pytest.raises(LoginRejected):
        first.step(Step.TEST, first.begin())

    assert second.step(Step.TEST, second.begin()).outcome == "current_verified"


@pytest.mark.parametrize("after", [Step.CREATE, Step.SET, Step.TEST])
@pytest.mark.parametrize("driver", ["admin", "self"])
@pytest.mark.window(58)
def test_the_rotation_is_cancelled_on_its_way(scenario, driver, after):
    """A cancelled rotation calls nothing; the live password stays labelled and the next rotation ends well."""
    made = scenario(driver)
    token = made.run_to(after)
    made.secret.rotation_enabled = False
    with pytest.raises(RotationNotEnabled):
        made.step(Step.SET, token)
    made.secret.detach(PENDING, token)
    assert made.vendor.live in made.stored()
    made.secret.rotation_enabled = True
    made.clock.sleep(3600)

    assert made.rotate(made.begin()) == []

    assert made.password() == made.vendor.live


@pytest.mark.parametrize("label", ["taken", "left"])
@pytest.mark.parametrize("after", [Step.CREATE, Step.SET, Step.TEST])
@pytest.mark.parametrize("driver", ["admin", "self"])
@pytest.mark.window(58)
def test_the_doctor_brings_a_cancelled_rotation_back_in_step(scenario, driver, after, label):
    """The doctor heals it while rotation is off, whether the pending label is still there or was taken."""
    made = scenario(driver)
    token = made.run_to(after)
    made.secret.rotation_enabled = False
    if label == "taken":
        made.strip_pending(token)
    made.clock.sleep(3600)

    assert heal(made.session()).condition is Condition.HEALTHY

    assert made.password() == made.vendor.live
    assert made.secret.describe().holder(PENDING) in (None, made.secret.describe().current_id)


@pytest.mark.window(59)
def test_our_clock_is_wrong(scenario):
    """An expired signature is a definite refusal, nothing is lost, the rotation continues once the time is right."""
    made = scenario("self")
    token = made.created()
    assert "clock" in made.reset_ends_with(token, AdminRejected("the signature has expired")).hint
    assert made.rotate(token) == []
    assert (made.vendor.resets, made.vendor.wrong_logins) == (1, 0)


@pytest.mark.parametrize("store", ["memory", "aws", "vault"])
@pytest.mark.parametrize("driver", MATRIX_CLASSES)
@pytest.mark.window(60)
def test_every_step_twice_and_all_of_them_again(driver, store):
    """Repeated steps send one reset and make no wrong login; after the end they change nothing."""
    world = make(Line("lockstep", driver, store, 600))
    for upto in range(1, 5):
        for step in range(upto):
            for _ in range(2):
                world.start({})
                world.deadline = world.clock.now() + 60
                world.algorithm.run(world, step)
    assert (world.account.vendor.resets, world.account.vendor.wrong_logins) == (1, 0)
    assert world.algorithm.place.current() == world.account.vendor.live

    assert repeating_changes_nothing(world)


@pytest.mark.window(61)
def test_the_policy_changed_since_the_candidate_was_made(scenario):
    """A candidate that breaks the new policy is released if it was never sent, and else kept and parked."""
    made = scenario()
    token = made.created()
    made.vendor.policy = replace(made.vendor.policy, length=24, min_length=24, max_length=24)
    with pytest.raises(PasswordRejected):
        made.step(Step.SET, token)
    with pytest.raises(StageError):
        made.step(Step.SET, token)
    made = scenario("self")
    token = made.created()
    made.reset_ends_with(token, DriverBug("lost"))
    made.vendor.policy = replace(made.vendor.policy, length=24, min_length=24, max_length=24)
    made.clock.sleep(600)
    with pytest.raises(Parked) as parked:
        made.step(Step.SET, token)
    assert parked.value.reason == "candidate_refused"
    assert PENDING in made.secret.describe().versions[token].stages


@pytest.mark.parametrize("driver", MATRIX_CLASSES)
@pytest.mark.window(62)
def test_the_store_cannot_be_written(scenario, driver):
    """The mark comes before the reset, so that a store that takes no write is found out while nothing was sent."""
    made = scenario(driver)
    token = made.created()
    for name in ("attach", "move"):
        made.fuse = Fuse(only=name, at=1, error=lambda _: StoreDenied("the key is disabled"))
        with pytest.raises(StoreDenied):
            made.step(Step.SET, token)
        made.clock.sleep(61)
    assert made.vendor.resets == 0
    made.fuse = Fuse()
    assert made.rotate(token)[-1:] != ["gave up"]
    assert made.vendor.resets == 1


@pytest.mark.parametrize("spacing", [10, 600])
@pytest.mark.window(62)
def test_the_store_says_yes_to_the_mark_and_keeps_nothing(spacing):
    """The mark is read back before the reset, so that this attempt sends nothing and the next one does."""
    world = make(Line("lockstep", "self", "memory", spacing))
    world.invoke({})
    begin = world.save()
    names = [effect.name for effect in world.invoke({})]
    intent = next(number for number, name in enumerate(names) if name.startswith("attach lockstep:intent"))
    world.load(begin)

    world.invoke({intent: Fault(Edge.BEFORE, Kind.LOST)})

    assert (world.failures, world.account.vendor.resets) == (["not_yet_visible"], 0)
    while not world.done:
        world.invoke({})
    assert healed(world)
    assert (world.account.vendor.resets, world.account.vendor.wrong_logins) == (1, 0)


@pytest.mark.parametrize("driver", ["admin", "self"])
@pytest.mark.window(63)
def test_the_target_was_restored_from_a_backup(scenario, driver):
    """The next rotation goes on from the previous password, which is live again."""
    made = scenario(driver)
    assert made.rotate(made.begin()) == []
    made.clock.sleep(86_400)
    made.vendor.set_by_hand(made.password("AWSPREVIOUS"))
    made.clock.sleep(86_400)

    assert made.rotate(made.begin()) == []

    assert made.password() == made.vendor.live
    assert made.vendor.wrong_logins <= 2


class Truncating(MemoryVendor):
    """A vendor that keeps only the first sixteen characters, and says yes."""

    def change(self, new, old):
        """Apply less than was asked for."""
        task = super().change(new, old)
        self.set_by_hand(Secret(new.reveal()[:16]))
        return task


@pytest.mark.window(64)
def test_the_vendor_keeps_another_password_than_it_was_sent(scenario):
    """The login finds out, nothing is committed, and the account is not locked by repeated logins."""
    plain = scenario()
    vendor = Truncating(now=plain.clock.now, initial=plain.vendor.initial, policy=plain.vendor.policy)
    made = Scenario(vendor, plain.clock)
    before = made.password()

    failures = made.rotate(made.begin(), attempts=8, spacing=20.0)

    assert failures[-1] == "gave up"
    assert made.password() == before
    assert vendor.wrong_logins <= 3


@pytest.mark.parametrize("name", ["set_password", "verify", "observe"])
@pytest.mark.window(65)
def test_a_vendor_echoes_the_password(scenario, name):
    """No error that leaves Lockstep shows the password, although the driver's own error does."""
    made = scenario("self")
    token = made.created()
    if name == "verify":
        made.send_only(token)
    secret = made.secret.read(token).document.password.reveal()
    made.fuse = Fuse(only=name, at=1, error=lambda _: RuntimeError(f"bad value {secret}"))

    with pytest.raises(RotationError) as refused:
        made.step(Step.TEST if name == "verify" else Step.SET, token)

    assert secret not in f"{refused.value!r} {refused.value.describe()} {refused.value.__context__!r}"
    assert made.vendor.live in made.stored()
