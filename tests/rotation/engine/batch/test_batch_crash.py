"""Of a batch, the process dies at every effect, and the service's retries end in current = live for all."""

from __future__ import annotations

import contextlib

import pytest

from rotation.core.errors import Parked, PreconditionFailed, RotationError
from rotation.core.values import Authority, Lockout, Step
from rotation_testkit.fault_lab.in_memory.batch_scenario import make_batch, outcomes
from rotation_testkit.fault_lab.in_memory.fuse import Crash, Edge, Fuse, lost_answer

KINDS = {
    "admin": {},
    "admin-task": {"asynchronous": True, "delay_seconds": 12.0},
    "self": {
        "authority": Authority.SELF,
        "min_age_seconds": 300,
        "history": 5,
        "lockout": Lockout(tries=5, window_seconds=300),
    },
}
ADMIN, NO_ORACLE, TASK, SELF = "admin", "admin without logins", "admin-task", "self"


FAULTS = {"death": None, "lost answer": lost_answer}
CHANGING = {"stage", "attach", "move", "detach", "set_password", "verify"}
LABELS = {"describe", "read", "attach", "detach"}
CASES = [
    *[("death", TASK, step) for step in Step],
    *[("lost answer", ADMIN, step) for step in Step],
    ("death", SELF, Step.SET),
    ("death", NO_ORACLE, Step.SET),
    *[("lost answer", world, Step.SET) for world in (NO_ORACLE, TASK, SELF)],
]


def made(world):
    """A batch of two where a fault may hit any step, else of three."""
    kind = world.partition(" ")[0]
    return make_batch(2 if world in (ADMIN, TASK) else 3, oracle=world != NO_ORACLE, **KINDS[kind])


def effects(world, step):
    """Return the effects of one step in a run without faults."""
    scenario = made(world)
    token = scenario.begin()
    for each in Step:
        scenario.fuse = Fuse()
        scenario.step(each, token)
        if each is step:
            return scenario.fuse.effects
    raise AssertionError(step)


@pytest.mark.parametrize(("fault", "world", "step"), CASES)
def test_a_fault_at_any_effect_heals(fault, world, step):
    """No live password is ever lost, nobody is reset twice in vain, and bounded retries end well for every account."""
    oracle = world != NO_ORACLE
    names = effects(world, step)
    assert names
    for number, name in enumerate(names, 1):
        for edge in _edges(name, fault, thorough=world == ADMIN):
            where = f"{fault}: {world} {step} {edge} {name} (effect {number})"
            scenario = made(world)
            token = scenario.begin()
            live_before = _suffer(scenario, token, step, Fuse(number, edge, error=FAULTS[fault]))
            _assert_nothing_lost(scenario, where)

            scenario.fuse = Fuse()
            scenario.clock.sleep(60)
            failures = scenario.rotate(token, attempts=20, spacing=150)

            assert failures[-1:] != ["gave up"], f"{where}: {failures}"
            _assert_nothing_lost(scenario, where)
            assert scenario.passwords() == scenario.live(), where
            resets = [vendor.resets for vendor in scenario.vendors]
            assert sum(resets) <= len(resets) + 1 if oracle else max(resets) <= 2, f"{where}: {resets}"
            done = [n for n, vendor in enumerate(scenario.vendors) if vendor.live in live_before]
            assert not oracle or all(resets[n] == 1 for n in done), f"{where}: {resets}, of which {done} were done"
            assert max(vendor.wrong_logins for vendor in scenario.vendors) <= 1, where
            assert not any(vendor.locked for vendor in scenario.vendors), where


STUCK = [*(("death", world) for world in (ADMIN, TASK, SELF, NO_ORACLE)), ("lost answer", ADMIN)]


@pytest.mark.parametrize(("fault", "world"), STUCK)
def test_a_fault_at_any_effect_heals_beside_a_device_that_stays_broken(fault, world):
    """The proved account becomes current all the same, the broken one keeps its password, and later all end well."""

    def begun():
        scenario = made(world)
        token = scenario.created()
        scenario.vendors[-1].obstacles = (PreconditionFailed("off"),)
        return scenario, token

    scenario, token = begun()
    scenario.fuse = Fuse()
    with pytest.raises(PreconditionFailed):
        scenario.step(Step.SET, token)
    names = scenario.fuse.effects
    commit = names.index("stage")  # what comes before is as in the test above
    for number, name in enumerate(names[commit:], commit + 1):
        for edge in _edges(name, fault, thorough=world == ADMIN):
            where = f"{fault}: {world} {edge} {name} (effect {number})"
            scenario, token = begun()
            scenario.fuse = Fuse(number, edge, error=FAULTS[fault])
            with contextlib.suppress(Crash, RotationError):
                scenario.step(Step.SET, token)
            _assert_nothing_lost(scenario, where)

            scenario.fuse = Fuse()
            scenario.clock.sleep(150)
            with pytest.raises((PreconditionFailed, Parked)) as caught:
                scenario.step(Step.SET, token)
            assert scenario.passwords() == scenario.live(), where
            assert outcomes(caught.value)["user-0"] == "current", where
            _assert_nothing_lost(scenario, where)

            scenario.clock.sleep(30 * 86_400)
            scenario.vendors[-1].obstacles = ()
            assert scenario.rotate(token, spacing=150)[-1:] != ["gave up"], where
            assert scenario.passwords() == scenario.live(), where
            assert scenario.secret.describe().current_id == token, where
            resets = [vendor.resets for vendor in scenario.vendors]
            assert max(resets) == 1 or world == NO_ORACLE, f"{where}: {resets}"
            assert max(vendor.wrong_logins for vendor in scenario.vendors) == 0, where
            assert len(scenario.secret.describe().versions) <= 2, where


def _edges(name, fault, *, thorough):
    """Death between two changes is the same wherever it is; a store that is not heard is so for any vendor."""
    after = [Edge.AFTER] if name in CHANGING else []
    if fault == "death":
        return after
    return [Edge.BEFORE, *after] if thorough or name not in LABELS else []


def _suffer(scenario, token, step, fuse):
    """Run up to the fault. Return what was live after it."""
    for each in Step:
        if each is not step:
            scenario.step(each, token)
            continue
        scenario.fuse = fuse
        with contextlib.suppress(Crash, RotationError):
            scenario.step(each, token)
        assert fuse.blown
        return scenario.live()
    raise AssertionError(step)


def _assert_nothing_lost(scenario, where):
    for number, live in enumerate(scenario.live()):
        assert live in scenario.stored(number), f"{where}: the live password of {number} is lost"
    assert len(scenario.passwords()) == len(scenario.vendors), f"{where}: nothing is current"
