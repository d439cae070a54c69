"""The process dies before and after every single effect, and the service's retries end in current = live."""

import contextlib
from dataclasses import replace

import pytest

from rotation.core.errors import RotationError
from rotation.core.process.stop import Halted
from rotation.core.values import Power, Step
from rotation.engine.run import run
from rotation.stores.vault_kv import VaultKv
from rotation_testkit.doubles.vault.kv2 import Kv2
from rotation_testkit.fault_lab.in_memory.fuse import Crash, Edge, Fuse, lost_answer

KINDS = ("admin", "admin-late", "admin-task", "machine", "self")
WORLDS = [(kind, oracle) for kind in KINDS for oracle in ((True, False) if kind != "self" else (True,))]


FAULTS = {"death": None, "lost answer": lost_answer}


def effects(world, kind, oracle, step):
    """Count the effects of one step in a run without faults."""
    scenario = world(kind, oracle=oracle)
    token = scenario.begin()
    for each in Step:
        scenario.fuse = Fuse()
        _run(scenario, each, token)
        if each is step:
            return scenario.fuse.effects
    raise AssertionError(step)


def _run(scenario, step, token):
    for _ in range(3):
        try:
            return scenario.step(step, token)
        except RotationError:
            scenario.clock.sleep(60)
    raise AssertionError(step)


@pytest.mark.long  # the matrix tries the same and more, but follows runs that meet only once; here each runs alone
@pytest.mark.parametrize("fault", list(FAULTS))
@pytest.mark.parametrize("spacing", [10.0, 600.0])
@pytest.mark.parametrize("step", list(Step))
@pytest.mark.parametrize(("kind", "oracle"), WORLDS)
def test_a_fault_at_any_effect_heals(world, kind, oracle, step, spacing, fault):  # noqa: PLR0913, PLR0917 - a full product
    """Nothing is lost at any moment, and bounded retries end in current = live with the budget kept."""
    names = effects(world, kind, oracle, step)
    assert names
    for number in range(1, len(names) + 1):
        for edge in Edge:
            where = f"{fault}: {kind} {step} {edge} {names[number - 1]} (effect {number}), spacing {spacing}"
            scenario = world(kind, oracle=oracle)
            token = scenario.begin()
            _suffer(scenario, token, step, Fuse(number, edge, error=FAULTS[fault]))
            _assert_nothing_lost(scenario, where)

            scenario.fuse = Fuse()
            scenario.clock.sleep(spacing)
            failures = scenario.rotate(token, attempts=40, spacing=spacing)

            assert failures[-1:] != ["gave up"], f"{where}: {failures}"
            _assert_nothing_lost(scenario, where)
            assert scenario.password() == scenario.vendor.live, where
            assert scenario.vendor.resets <= 2, where
            assert scenario.vendor.wrong_logins <= 1, where
            assert not scenario.vendor.locked, where
            assert scenario.vendor.power in (None, Power.RUNNING), where


def _suffer(scenario, token, step, fuse):
    for each in Step:
        if each is not step:
            _run(scenario, each, token)
            continue
        scenario.fuse = fuse
        with contextlib.suppress(Crash, RotationError):
            scenario.step(each, token)
        assert fuse.blown
        return


def _assert_nothing_lost(scenario, where):
    coming = scenario.vendor.live
    assert coming in scenario.stored(), f"{where}: the live password is lost"
    assert scenario.password() is not None, f"{where}: nothing is current"


def _over_kv(scenario):
    """Return a function that opens a session for the scenario's account, with its secret in KV."""
    kv = Kv2(now=scenario.clock.now)
    kv.write("app", scenario.secret.read(scenario.secret.describe().current_id).document, cas=0)

    def opened(token):
        store = VaultKv(scenario.fuse.wrap(kv, ("read", "write")), "app", clock=scenario.clock)
        store.begin(token)
        return replace(scenario.session(token), store=store)

    return opened


@pytest.mark.parametrize("over_kv", [False, True])
@pytest.mark.parametrize("edge", list(Edge))
def test_a_run_that_a_second_signal_stops_keeps_no_other_one_waiting(world, edge, over_kv):
    """At each effect of setSecret, also while it takes the lease: the next run goes on without a pause."""

    def halt(_):
        raise Halted

    fuse, number = Fuse(), 0
    while fuse.blown or not number:
        number += 1
        scenario = world("admin").unguarded()
        opened, token = _over_kv(scenario) if over_kv else scenario.session, scenario.begin()
        run(opened(token), Step.CREATE)
        scenario.fuse = fuse = Fuse(number, edge, error=halt)
        with contextlib.suppress(Halted):
            run(opened(token), Step.SET)
        scenario.fuse = Fuse()
        again = run(opened(token), Step.SET)
        assert again.outcome in ("sent", "found_live"), fuse.effects
        assert scenario.vendor.resets == 1
    assert number > 8
