"""Two invocations for one secret at the same time never both send a reset, wherever the second one comes in."""

import pytest

from rotation.core.errors import RotationError
from rotation.core.values import Step
from rotation.state.lease import CLOCK_MARGIN
from rotation.state.stages import PENDING
from rotation_testkit.fault_lab.in_memory.fuse import Crash, Edge, Fuse

KINDS = ("admin", "admin-late", "admin-task", "machine", "self")


LABELS = ("describe", "read", "attach", "move", "detach")


def effects(world, kind, oracle):
    """Return the effects of an undisturbed setSecret."""
    scenario = world(kind, oracle=oracle)
    token = scenario.created()
    scenario.fuse = Fuse()
    scenario.step(Step.SET, token)
    return scenario.fuse.effects


def edges(name):
    """Nobody waits between two calls to the store, so that after the one is before the other."""
    return [Edge.AFTER] if name in LABELS else list(Edge)


@pytest.mark.parametrize("again", [Step.SET, None], ids=["set", "whole rotation"])
@pytest.mark.parametrize(("kind", "oracle"), [(kind, True) for kind in KINDS] + [("admin", False)])
def test_a_second_run_in_the_middle_sends_nothing_twice(world, kind, oracle, again):
    """The first run stops at each effect while a second one runs to its end; one reset reaches the vendor."""
    for number, name in enumerate(effects(world, kind, oracle), 1):
        for edge in edges(name):
            scenario = world(kind, oracle=oracle)
            token = scenario.created()
            met = []

            def second(name, scenario=scenario, token=token, met=met):
                met.append(name)
                scenario.fuse = Fuse()
                for step in Step if again is None else (again,):
                    try:
                        scenario.step(step, token)
                    except RotationError as error:
                        met.append(error.code)
                        break

            scenario.fuse = Fuse(number, edge, error=second)
            try:
                scenario.step(Step.SET, token)
            except RotationError as error:
                met.append(error.code)
            where = f"{edge} effect {number}: {met}"

            assert scenario.vendor.resets <= 1, where
            assert scenario.vendor.live in scenario.stored(), where
            scenario.clock.sleep(120)
            failures = scenario.rotate(token, spacing=120.0)
            assert failures[-1:] != ["gave up"], f"{where}, then {failures}"
            assert scenario.password() == scenario.vendor.live, where
            assert scenario.vendor.resets == 1, where
            assert scenario.vendor.wrong_logins <= 1, where


def test_runs_that_always_die_after_their_intent_do_not_use_the_labels_up(world):
    """A secret has 20 labels; of dead runs' intents one is kept, and each counts as a wrong login."""
    scenario = world("admin")
    token = scenario.created()
    for _ in range(40):
        scenario.fuse = Fuse(at=1, edge=Edge.AFTER, only="attach")
        with pytest.raises(Crash):
            scenario.step(Step.SET, token)
        scenario.clock.sleep(61 + CLOCK_MARGIN)
    scenario.fuse = Fuse()

    assert set(scenario.rotate(token)) <= {"parked"}
    assert scenario.vendor.resets == 1


@pytest.mark.parametrize("kind", KINDS)
def test_two_runs_that_a_forger_of_labels_lets_act_at_once_send_the_same_candidate(world, kind):
    """Who takes lease and intents away loses nobody a password: the live one stays stored, and no login locks it."""
    for number, name in enumerate(effects(world, kind, oracle=True), 1):
        scenario = world(kind)
        token = scenario.created()
        met = []

        def second(name, scenario=scenario, token=token, met=met):
            met.append(name)
            scenario.fuse = Fuse()
            for version in scenario.secret.describe().versions.values():
                for label in version.labels:
                    if label.startswith(("lockstep:lease:", "lockstep:intent:")):
                        scenario.secret.detach(label, version.id)
            try:
                scenario.step(Step.SET, token)
            except RotationError as error:
                met.append(error.code)

        scenario.fuse = Fuse(number, Edge.BEFORE, error=second)
        try:
            scenario.step(Step.SET, token)
        except RotationError as error:
            met.append(error.code)
        where = f"effect {number}: {met}"

        assert scenario.vendor.live in (scenario.password(), scenario.password(PENDING)), where
        scenario.clock.sleep(120)
        failures = scenario.rotate(token, spacing=600.0)
        assert failures[-1:] != ["gave up"], f"{where}, then {failures}"
        assert scenario.password() == scenario.vendor.live, where
        assert not scenario.vendor.locked, where
