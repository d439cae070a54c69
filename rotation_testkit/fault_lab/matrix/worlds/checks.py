"""The matrix's checks of the promises: after every invocation, at the end of a run, and after a run that ended well."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType

from rotation.core.clock import AGREES_SECONDS
from rotation.core.secret import Secret
from rotation.core.values import Step
from rotation.state.cleanup import is_settled
from rotation.state.marks import Intent, run_name
from rotation.state.marks import Kind as MarkKind
from rotation_testkit.fault_lab.in_memory.clock import FUNCTION_SECONDS
from rotation_testkit.fault_lab.in_memory.effects import Kind, Port
from rotation_testkit.fault_lab.invariants import (
    all_readable,
    is_clean,
    is_known,
    one_candidate_per_token,
    within_budget,
)
from rotation_testkit.fault_lab.matrix.worlds.account import FIRST, shows_a_password
from rotation_testkit.fault_lab.matrix.worlds.lockstep import Lockstep
from rotation_testkit.fault_lab.matrix.worlds.snapshot import STEPS, Snapshot
from rotation_testkit.fault_lab.matrix.worlds.world import DAY, World

Check = Callable[[Lockstep, Snapshot, World], bool]

_UNCLEAR: Mapping[Port, tuple[Kind, ...]] = {
    Port.LOGIN: (Kind.ERROR, Kind.THROTTLED),
    Port.GREET: (Kind.ERROR, Kind.WRONG),
}
"""Faults that leave open whether a password works, or whether a login can ever tell."""


def _readable(_ours: Lockstep, seen: Snapshot, world: World) -> bool:
    """I1: the live password is readable, and so is one that an accepted change will make live."""
    coming = [each.coming for each in world.account.sides if each.coming is not None]
    return all_readable([*world.account.known, *coming], seen.holds)


def _current_is_whole(ours: Lockstep, seen: Snapshot, _world: World) -> bool:
    """I3: readers get the first value, or a candidate of these rotations."""
    return is_known(seen.current, {FIRST.reveal(), *(value for _, value in ours.sent)})


def _same_candidate(ours: Lockstep, _seen: Snapshot, _world: World) -> bool:
    """I4: no token has two different candidates."""
    return one_candidate_per_token(ours.sent)


def _underway_is_readable(_ours: Lockstep, seen: Snapshot, world: World) -> bool:
    """I5: a candidate whose reset is still on its way to the vendor keeps a label."""
    underway = [request for _, receiver, request in world.clock.late if receiver == "vendor"]
    return all_readable([Secret(request[1]) for request in underway if request[0] == "set_password"], seen.holds)


def _within_budget(_ours: Lockstep, _seen: Snapshot, world: World) -> bool:
    """I6: wrong logins stay within the budget, and the account is not locked."""
    return all(
        within_budget(each.recent_wrong_logins, world.account.lockout, world.excused)
        and not (each.locked and not world.excused)
        for each in world.account.sides
    )


def _shows_nothing(ours: Lockstep, seen: Snapshot, _world: World) -> bool:
    """I9: no error, parking reason or label holds a password."""
    labels = " ".join(label for version in seen.state.versions.values() for label in version.labels)
    return not ours.leaked and not shows_a_password(labels)


def _unknown_decides_nothing(_ours: Lockstep, _seen: Snapshot, world: World) -> bool:
    """After a login, or a host's first answer, that could not tell, the same invocation sends no reset."""
    unclear = [
        number
        for number, fault in world.plan.items()
        if world.effects[number:][:1] and fault.kind in _UNCLEAR.get(world.effects[number].port, ())
    ]
    return not unclear or all(effect.port is not Port.RESET for effect in world.effects[min(unclear) :])


def _stops(ours: Lockstep, seen: Snapshot, world: World) -> bool:
    """Once the process is asked to stop, no reset begins, no machine is stopped for one, the lease is given back."""
    if world.asked_from is None:
        return True
    for each in world.effects[world.asked_from :]:
        if each.port is Port.RESET or (each.verb == "stop" and not world.account.vendor.applies_at_start):
            return False
    disturbed = any(fault.kind is not Kind.SIGNAL for fault in world.plan.values())
    return disturbed or not world.orderly or not _still_acts(ours, seen)


def _still_acts(ours: Lockstep, seen: Snapshot) -> bool:
    """Return whether the labels say that the latest run, which has ended, may still act at the vendor."""
    return any(each.until and seen.state.proof(held_by) is None for held_by, each in _intents(ours, seen))


def _dated_by_the_store(ours: Lockstep, seen: Snapshot, world: World) -> bool:
    """The intent of the latest run, if that ended alive, is dated to the time of that run, by the store's clock."""
    if not world.orderly:
        return True
    begun, now = world.deadline - FUNCTION_SECONDS, world.clock.now()
    return all(begun - AGREES_SECONDS <= each.sent <= now + AGREES_SECONDS for _, each in _intents(ours, seen))


def _intents(ours: Lockstep, seen: Snapshot) -> list[tuple[str, Intent]]:
    """Return the intents of the latest run, each with its version."""
    mine = run_name(ours.holder)
    return [(held.id, each) for held in seen.state.versions.values() for each in held.intents if each.run == mine]


AFTER_A_STEP: Mapping[str, Check] = MappingProxyType(
    {
        "I1": _readable,
        "I3": _current_is_whole,
        "I4": _same_candidate,
        "I5": _underway_is_readable,
        "I6": _within_budget,
        "I9": _shows_nothing,
        "unknown": _unknown_decides_nothing,
        "stop": _stops,
        "clock": _dated_by_the_store,
    }
)
"""Checked after every invocation. I2 is checked at the very effect that changes what readers get, and that they are
served where two accounts take turns is checked at every effect."""


def broken_after_a_step(ours: Lockstep, world: World) -> list[str]:
    """Return the names of the promises that do not hold at this moment."""
    ours.note_staged()
    return [name for name, holds in AFTER_A_STEP.items() if not holds(ours, ours.seen, world)]


def unreadable_now(world: World) -> list[str]:
    """Return ``I1``, a reference algorithm's only promise, if the live password cannot be read at this moment."""
    return [] if all_readable(world.account.known, world.algorithm.place.stored().__contains__) else ["I1"]


def one_reset(world: World) -> bool:
    """I7: a run without faults sends one reset and makes no wrong login."""
    return is_clean(world.account.resets, world.account.wrong_logins)


def converged(world: World) -> bool:
    """I8: what readers get opens the account, and the machine is as it was found; or the run is parked."""
    return healed(world) or world.parked is not None


def healed(world: World) -> bool:
    """Return whether the rotation ended well."""
    return world.finished and world.account.serves(world.algorithm.place.current())


def commit_is_announced(world: World) -> bool:
    """Return whether the target has taken the commit of a rotation that ended well, or the next rotation tells it."""
    ours = world.algorithm
    if not isinstance(ours, Lockstep) or ours.token in ours.heard:
        return True
    state = ours.seen.state
    return bool(state.version(ours.token).all(MarkKind.OWED)) or not is_settled(state, ours.token)


def but_for_owed(world: World) -> object:
    """Return what an output that cannot be written must not change: all but the note that a commit is owed."""
    time, service, account, _place, _ours, _before = world.save()
    if not isinstance(world.algorithm, Lockstep):
        return None
    seen = world.algorithm.seen
    labels = {
        version.id: version.labels - {each.on(version.id) for each in version.all(MarkKind.OWED)}
        for version in seen.state.versions.values()
    }
    return time, service, account, labels, dict(seen.values), seen.current


def repeating_changes_nothing(world: World) -> bool:
    """I10: after success, repeating every step changes nothing at the vendor, and repeating it twice no label."""
    vendor = world.account.save()
    _every_step(world)
    place = world.algorithm.place.save()
    _every_step(world)
    return (place, vendor) == (world.algorithm.place.save(), world.account.save())


def _every_step(world: World) -> None:
    for step in range(world.algorithm.steps):
        world.start({})
        world.algorithm.run(world, step)


def testing_resets_nothing(world: World) -> bool:
    """I11: after success, a test-only invocation for a new token ends well and sends no reset."""
    resets = world.account.resets
    world.algorithm.begin()
    world.start({})
    world.algorithm.run(world, STEPS.index(Step.TEST))
    return world.account.resets == resets


def next_rotation_ends_well(world: World) -> bool:
    """Return whether the next day's rotation succeeds at its first attempt, despite what the run left behind.

    If the commit of the rotation before was not announced yet, it is now.
    """
    ours, token = world.algorithm, getattr(world.algorithm, "token", "")
    world.clock.sleep(DAY)
    world.restart()
    while not world.done:
        world.invoke({})
    heard = not isinstance(ours, Lockstep) or token in ours.heard
    return healed(world) and world.attempt == 0 and "turns" not in world.broken and heard


AFTERWARDS: Mapping[str, Callable[[World], bool]] = MappingProxyType(
    {
        "I10": repeating_changes_nothing,
        "I11": testing_resets_nothing,
        "next": next_rotation_ends_well,
    }
)
"""Checked at every different end of the singles."""
