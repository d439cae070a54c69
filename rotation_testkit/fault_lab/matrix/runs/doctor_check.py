"""The real doctor, called to a run that did not end well, once the faults are over."""

from __future__ import annotations

from enum import StrEnum

from rotation.core.errors import RotationError
from rotation.doctor import Condition, Outcome
from rotation.doctor.heal import heal
from rotation_testkit.fault_lab.in_memory.clock import FUNCTION_SECONDS
from rotation_testkit.fault_lab.matrix.worlds.account import shows_a_password
from rotation_testkit.fault_lab.matrix.worlds.lockstep import Lockstep
from rotation_testkit.fault_lab.matrix.worlds.world import World

VISITS = 8
"""How often the doctor comes back at the time that the outcome names."""


class Cure(StrEnum):
    """The doctor's result."""

    HEALED = "healed by doctor"
    """Current is live, and the machine is as it was found."""
    HUMAN = "needs a human, said so"
    """The finding names what a human must do."""


def doctor_result(world: World) -> Cure | None:
    """Run the doctor on a world until there is nothing to wait for. The world's state changes.

    Returns:
        The cure, proved against the vendor; ``None`` when there is none.
    """
    ours = world.algorithm
    if not isinstance(ours, Lockstep):
        return None
    for _ in range(VISITS):
        outcome = _visit(world, ours)
        if outcome is None or outcome.condition is not Condition.WAITING:
            break
        world.clock.move_to(max(world.clock.now() + FUNCTION_SECONDS, (outcome.not_before or 0.0) + 1))
    if outcome is None:
        return None
    if outcome.condition is Condition.HEALTHY and world.account.serves(world.algorithm.place.current()):
        return Cure.HEALED
    advised = outcome.condition is Condition.HUMAN and outcome.advice and not shows_a_password(outcome.advice)
    return Cure.HUMAN if advised else None


def _visit(world: World, ours: Lockstep) -> Outcome | None:
    world.start({})
    try:
        return heal(ours.session(world))
    except RotationError:
        return None
