"""One reset is sent, never with an outdated view, and its answer is understood."""

import pytest

from rotation.core.errors import OutcomeUnknown, PasswordRejected, PreconditionFailed, RotationError
from rotation.core.secret import Secret
from rotation.core.values import Authority, Step
from rotation_testkit.fault_lab.in_memory.fuse import Edge, Fuse
from rotation_testkit.fault_lab.in_memory.scenario import Scenario, VirtualClock
from rotation_testkit.fault_lab.in_memory.scenarios import POLICY
from rotation_testkit.fault_lab.in_memory.vendor import MemoryVendor


def test_a_used_candidate_is_proof_that_it_was_applied(world):
    """The refusal "used recently" for a random value means that it has been live: one login settles it."""
    scenario = world("admin", history=5)
    token = scenario.created()
    scenario.vendor.change(scenario.secret.read(token).document.password, None)

    result = scenario.step(Step.SET, token)

    assert result.outcome == "found_live"
    assert scenario.vendor.resets == 1


def effects_before_the_last_look(world, kind):
    """How many effects an undisturbed setSecret has before it looks at the labels under the lease."""
    scenario = world(kind)
    token = scenario.created()
    scenario.fuse = Fuse()
    scenario.step(Step.SET, token)
    return scenario.fuse.effects.index("describe", 1)


@pytest.mark.parametrize(
    "meddle", [Scenario.strip_pending, lambda scenario, _: scenario.put_by_hand(note="by hand")], ids=["strip", "put"]
)
@pytest.mark.parametrize("kind", ["admin", "machine", "self"])
def test_labels_that_move_before_the_reset_stop_it(world, kind, meddle):
    """Nothing is sent with an outdated view, wherever the labels move between the first look and the last one."""
    for number in range(2, effects_before_the_last_look(world, kind) + 2):
        scenario = world(kind)
        token = scenario.created()
        scenario.fuse = Fuse(number, Edge.BEFORE, error=lambda _, s=scenario, t=token: meddle(s, t))

        with pytest.raises(RotationError):
            scenario.step(Step.SET, token)

        assert scenario.vendor.resets == 0, f"effect {number}"


def test_an_obstacle_stops_a_repeated_reset(world):
    """The candidate was found dead, but the vendor would refuse the reset now."""
    scenario = world()
    token = scenario.created()
    scenario.reset_ends_with(token, OutcomeUnknown("lost"))
    scenario.vendor.obstacles = (PreconditionFailed("arrears"),)

    with pytest.raises(PreconditionFailed):
        scenario.step(Step.SET, token)

    assert scenario.vendor.resets == 0


class Twice(MemoryVendor):
    """A vendor at which the first request arrives twice, and which refuses a password that is live already."""

    __slots__ = ()

    def change(self, new, old):
        """The answer that comes back is that of the second copy."""
        if self.resets == 0:
            super().change(new, old)
        if new == self.live:
            raise PasswordRejected("the password must differ from the current one")
        return super().change(new, old)


@pytest.mark.parametrize("authority", list(Authority))
def test_a_candidate_that_was_taken_the_first_time_is_not_released_for_the_second(authority):
    """The refusal is of the copy; a login finds out, and the rotation continues with what is live."""
    clock = VirtualClock()
    vendor = Twice(now=clock.now, initial=Secret("Old0Password0Old0Pas"), policy=POLICY, authority=authority)
    scenario = Scenario(vendor, clock)

    assert scenario.rotate(scenario.begin()) == []

    assert scenario.password() == vendor.live != Secret("Old0Password0Old0Pas")
    assert (vendor.resets, vendor.wrong_logins) == (1, 0)
