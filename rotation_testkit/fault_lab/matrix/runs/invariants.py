"""The promises I1 to I12, one checker each. A checker returns whether the promise holds."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING

from rotation.core.values import Power, Step
from rotation.drivers.guarded import DEFAULT_LOCKOUT
from rotation_testkit.fault_lab.matrix.plan.faults import Kind, Port
from rotation_testkit.fault_lab.matrix.worlds.driver_classes import shows_a_password
from rotation_testkit.fault_lab.matrix.worlds.snapshot import STEPS, Seen

if TYPE_CHECKING:
    from rotation_testkit.fault_lab.matrix.worlds.lockstep import Lockstep
    from rotation_testkit.fault_lab.matrix.worlds.world import World


_DAY = 86_400.0
Check = Callable[["Lockstep", Seen, "World"], bool]


def i1_live_is_readable(_ours: Lockstep, seen: Seen, world: World) -> bool:
    """What opens the account now, and what a change underway will make of it, stands under a label."""
    coming = world.account.vendor.coming
    return world.account.vendor.live.reveal() in seen.stored and (coming is None or coming.reveal() in seen.stored)


def i3_current_is_whole(ours: Lockstep, seen: Seen, world: World) -> bool:
    """Readers get a value: the first one, or a candidate of these rotations."""
    return seen.current in {world.account.vendor.initial.reveal(), *(value for _, value in ours.sent)}


def i4_one_candidate_per_token(ours: Lockstep, _seen: Seen, _world: World) -> bool:
    """Whatever was staged or sent under one token was the same bytes."""
    return len(ours.sent) == len({token for token, _ in ours.sent})


def i5_no_label_lost(_ours: Lockstep, seen: Seen, world: World) -> bool:
    """A candidate whose reset is still underway to the vendor keeps a label."""
    underway = [request for _, whom, request in world.clock.late if whom == "vendor"]
    return {request[1] for request in underway if request[0] == "set_password"} <= seen.stored


def i6_budget(_ours: Lockstep, _seen: Seen, world: World) -> bool:
    """Wrong logins within the window stay within the budget, and the account is never locked."""
    vendor = world.account.vendor
    budget = (world.account.spec.lockout or DEFAULT_LOCKOUT).budget
    return vendor.recent_wrong_logins <= budget + world.excused and not (vendor.locked and not world.excused)


def i9_no_secret_shown(ours: Lockstep, seen: Seen, _world: World) -> bool:
    """No error, parking reason or label holds a password."""
    labels = " ".join(label for version in seen.state.versions.values() for label in version.labels)
    return not ours.told and not shows_a_password(labels)


def unknown_decides_nothing(_ours: Lockstep, _seen: Seen, world: World) -> bool:
    """No reset follows a login that could not tell in the same invocation."""
    gate = world.gate
    blind = [
        number
        for number, fault in gate.plan.items()
        if fault.kind in (Kind.ERROR, Kind.THROTTLED) and gate.effects[number:][:1]
        if gate.effects[number].port is Port.LOGIN
    ]
    return not blind or all(effect.port is not Port.RESET for effect in gate.effects[min(blind) :])


AFTER_A_STEP: Mapping[str, Check] = MappingProxyType(
    {
        "I1": i1_live_is_readable,
        "I3": i3_current_is_whole,
        "I4": i4_one_candidate_per_token,
        "I5": i5_no_label_lost,
        "I6": i6_budget,
        "I9": i9_no_secret_shown,
        "unknown": unknown_decides_nothing,
    }
)
"""Checked after every invocation. I2 is checked at the very effect that changes what readers get."""


def broken_after_a_step(ours: Lockstep, seen: Seen, world: World) -> list[str]:
    """Return the names of the promises that do not hold at this moment."""
    return [name for name, holds in AFTER_A_STEP.items() if not holds(ours, seen, world)]


def i7_one_reset(world: World) -> bool:
    """A run without faults sends one reset and makes no wrong login."""
    return world.account.vendor.resets == 1 and world.account.vendor.wrong_logins == 0


def i8_converged(world: World) -> bool:
    """What readers get opens the account, and the machine is as it was found; or the run is parked with a reason."""
    return healed(world) or world.parked is not None


def healed(world: World) -> bool:
    """Tell whether the rotation ended well."""
    vendor = world.account.vendor
    current = world.algorithm.place.current()
    return world.finished and current is not None and current == vendor.live and vendor.power is not Power.STOPPED


def i10_repeating_changes_nothing(world: World) -> bool:
    """After success, every step once more leaves the vendor alone, and once the labels are tidy the store as well."""
    vendor = world.account.save()
    _every_step(world)
    place = world.algorithm.place.save()
    _every_step(world)
    return (place, vendor) == (world.algorithm.place.save(), world.account.save())


def _every_step(world: World) -> None:
    for step in range(world.algorithm.steps):
        world.gate.start({})
        world.algorithm.run(world, step)


def i11_testing_resets_nothing(world: World) -> bool:
    """After success, a test-only invocation for a new token ends well and sends no reset."""
    resets = world.account.vendor.resets
    world.algorithm.begin()
    world.gate.start({})
    world.algorithm.run(world, STEPS.index(Step.TEST))
    return world.account.vendor.resets == resets


def next_rotation_ends_well(world: World) -> bool:
    """Whatever the run left behind, the rotation of the next day needs one attempt."""
    world.clock.sleep(_DAY)
    world.restart()
    while not world.done:
        world.invoke({})
    return healed(world) and world.attempt == 0


def i12_one_sender(world: World, kinds: set[Kind]) -> bool:
    """Where the only fault is a second delivery of the event, one reset reaches the vendor."""
    return kinds != {Kind.PARALLEL} or world.account.vendor.resets == 1


AFTERWARDS: Mapping[str, Callable[[World], bool]] = MappingProxyType(
    {
        "I10": i10_repeating_changes_nothing,
        "I11": i11_testing_resets_nothing,
        "next": next_rotation_ends_well,
    }
)
"""Checked at every different end of the singles."""

PROMISES: Mapping[str, str] = MappingProxyType(
    {
        "I1": "The live password can be read from the store under a label, at every moment.",
        "I2": "Readers get a new value only once it is proved live, or definitely accepted where nothing can be asked.",
        "I3": "Readers never get an empty or a foreign version.",
        "I4": "One candidate per token: every retry sends the same bytes.",
        "I5": "No candidate that may be live, or may yet become it, loses its last label.",
        "I6": "Wrong logins stay within the budget, and the account is never locked.",
        "I7": "A run without faults sends one reset and makes no wrong login.",
        "I8": "When the faults stop, bounded retries end in *current = live*, or parked with a reason.",
        "I9": "No error, label or parking reason shows a password.",
        "unknown": "A login that could not tell decides nothing: no reset follows it in the same invocation.",
        "I10": "After success every step may run again and changes nothing.",
        "I11": "A test-only invocation resets nothing and does not fail a healthy secret.",
        "next": "The next day's rotation needs one attempt, whatever this one left behind.",
        "D1": "What did not end well, the doctor alone turns into *current = live*, or it says what a human must do.",
        "I12": "Two invocations at once never both send a reset.",
    }
)
"""What each name stands for."""
