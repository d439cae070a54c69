"""The promises I1 to I12, one checker each. A checker returns whether the promise holds."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING

from rotation.guard import DEFAULT_LOCKOUT
from rotation.model import Power
from rotation.testing.matrix.faults import Kind

if TYPE_CHECKING:
    from rotation.testing.matrix.lockstep import Lockstep
    from rotation.testing.matrix.world import World

Check = Callable[["Lockstep", "World"], bool]


def i1_live_is_readable(ours: Lockstep, world: World) -> bool:
    """What opens the account now, and what a change underway will make of it, stands under a label."""
    stored = {each.reveal() for each in ours.place.stored()}
    coming = world.account.vendor.coming
    return world.account.vendor.live.reveal() in stored and (coming is None or coming.reveal() in stored)


def i3_current_is_whole(ours: Lockstep, world: World) -> bool:
    """AWSCURRENT is on a version with a value: the first one, or a candidate of these rotations."""
    current = ours.place.current()
    if current is None:
        return False
    known = {world.account.vendor.initial.reveal(), *(value for _, value in ours.sent)}
    return current.reveal() in known


def i4_one_candidate_per_token(ours: Lockstep, world: World) -> bool:
    """Whatever was staged or sent under one token was the same bytes."""
    del world
    return len(ours.sent) == len({token for token, _ in ours.sent})


def i5_no_label_lost(ours: Lockstep, world: World) -> bool:
    """A candidate whose reset is still underway to the vendor keeps a label."""
    stored = {each.reveal() for each in ours.place.stored()}
    underway = {
        request[1] for _, whom, request in world.clock.late if whom == "vendor" and request[0] == "set_password"
    }
    return underway <= stored


def i6_budget(ours: Lockstep, world: World) -> bool:
    """Wrong logins within the window stay within the budget, and the account is never locked."""
    del ours
    budget = (world.account.spec.lockout or DEFAULT_LOCKOUT).budget
    vendor = world.account.vendor
    return vendor.recent_wrong_logins <= budget + world.excused and not (vendor.locked and not world.excused)


def i9_no_secret_shown(ours: Lockstep, world: World) -> bool:
    """No error, label or failure code holds a password."""
    del world
    labels = " ".join(label for version in ours.place.state().versions.values() for label in version.labels)
    return not ours.told and "Candidate0" not in labels and "First0Password" not in labels


AFTER_A_STEP: Mapping[str, Check] = MappingProxyType(
    {
        "I1": i1_live_is_readable,
        "I3": i3_current_is_whole,
        "I4": i4_one_candidate_per_token,
        "I5": i5_no_label_lost,
        "I6": i6_budget,
        "I9": i9_no_secret_shown,
    }
)
"""Checked after every invocation. I2 is checked at the very effect that changes what readers get."""


def broken_after_a_step(ours: Lockstep, world: World) -> list[str]:
    """Return the names of the promises that do not hold at this moment."""
    return [name for name, holds in AFTER_A_STEP.items() if not holds(ours, world)]


def i7_one_reset(world: World) -> bool:
    """A run without faults sends one reset and makes no wrong login."""
    return world.account.vendor.resets == 1 and world.account.vendor.wrong_logins == 0


def i8_converged(world: World) -> bool:
    """What readers get opens the account, and the machine is as it was found; or the run is parked with a reason."""
    return healed(world) or world.algorithm.parked() is not None


def healed(world: World) -> bool:
    """Tell whether the rotation ended well."""
    vendor = world.account.vendor
    current = world.algorithm.place.current()
    return world.finished and current is not None and current == vendor.live and vendor.power is not Power.STOPPED


def i10_repeating_changes_nothing(world: World) -> bool:
    """After success, every step once more succeeds, sends nothing and leaves store and vendor as they are."""
    before = (world.algorithm.place.save(), world.account.save())
    for step in range(world.algorithm.steps):
        world.gate.start({})
        world.algorithm.run(world, step)
    return before == (world.algorithm.place.save(), world.account.save())


def i12_one_sender(world: World, kinds: set[Kind]) -> bool:
    """Where the only fault is a second delivery of the event, one reset reaches the vendor."""
    return kinds != {Kind.PARALLEL} or world.account.vendor.resets == 1
