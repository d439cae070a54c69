"""Each mutation of the real engine breaks a promise, and the matrix says which."""

from dataclasses import replace

import pytest

from rotation.core.errors import BindingMismatch, DriverError
from rotation.core.values import Evidence
from rotation.engine import session
from rotation.engine.account import sender, steps
from rotation.engine.account.attempt import Attempt
from rotation.engine.result import Result
from rotation.state import marks
from rotation.state.binding import Binding
from rotation.state.store import LabelStore
from rotation_testkit.fault_lab.in_memory.effects import Fault, Kind
from rotation_testkit.fault_lab.in_memory.fuse import Edge
from rotation_testkit.fault_lab.matrix.plan import Line
from rotation_testkit.fault_lab.matrix.runs.explore import Explorer
from rotation_testkit.fault_lab.matrix.worlds.backends import DOCUMENT
from rotation_testkit.fault_lab.matrix.worlds.checks import one_reset
from rotation_testkit.fault_lab.matrix.worlds.setups import STORES, make


def no_intent_mark(monkeypatch):
    """Send without writing down that something may be sent."""
    taken = LabelStore.acquire

    def acquire(self, token, state, claim):
        held = taken(self, token, state, claim)
        for each in held.version(token).intents:
            if each.run == marks.run_name(claim.holder):
                self.unmark(token, each.mark)
        return held

    monkeypatch.setattr(LabelStore, "acquire", acquire)


def reset_before_mark(monkeypatch):
    """Write it down after the vendor has answered."""
    no_intent_mark(monkeypatch)

    def change(attempt, old):
        task = attempt.bound.set_password(attempt.candidate.document.password, current=old)
        session = attempt.session
        session.store.mark(session.token, marks.intent(session.clock.now()))
        attempt.maybe_applied = True
        session.memory.sends += 1
        return task

    monkeypatch.setattr(sender, "_change", change)


def unknown_is_rejected(monkeypatch):
    """Take a login that could not be made for a wrong password."""
    ask = Attempt._ask

    def asked(attempt, password):
        finding = ask(attempt, password)
        return type(finding).REJECTED if finding is type(finding).UNKNOWN else finding

    monkeypatch.setattr(Attempt, "_ask", asked)


def candidate_dropped(monkeypatch):
    """Take a refused retry for the proof that the candidate is dead."""

    def learned(attempt, move):
        del move
        attempt.session.store.release(attempt.session.token)
        raise DriverError("refused")

    monkeypatch.setattr(sender, "_learn_old_is_wrong", learned)


def committed_unproved(monkeypatch):
    """Note the proof without looking."""

    def tested(session, state):
        del state
        session.prove(Evidence.LOGIN)
        return Result(outcome="verified", evidence=Evidence.LOGIN)

    monkeypatch.setattr(steps, "test", tested)


def candidate_asked_first(monkeypatch):
    """Find out first, as if every candidate may have been sent."""
    begin = Attempt.__post_init__

    def begun(self):
        begin(self)
        self.facts = replace(self.facts, intent=True)

    monkeypatch.setattr(Attempt, "__post_init__", begun)


def reset_in_place(monkeypatch):
    """Reset the account that readers have, instead of the one whose turn it is."""
    monkeypatch.setattr(steps, "turned", lambda document: document)
    monkeypatch.setattr(session, "turned", lambda document: document)


def breaks(name, line):
    """Tell whether a promise is broken by a run without faults or with one."""
    if name == "I7":
        world = make(line)
        while not world.done:
            world.invoke({})
        return not one_reset(world)
    return any(name in Explorer(make(line)).runs(faults).broken for faults in (0, 1))


MUTATIONS = [
    (no_intent_mark, "self", "I8"),
    (reset_before_mark, "accepted", "I8"),
    (candidate_dropped, "self", "I8"),
    (committed_unproved, "admin_late", "I2"),
    (candidate_asked_first, "admin", "I7"),
    (reset_in_place, "alternating", "turns"),
]


@pytest.mark.parametrize(("mutate", "driver", "name"), MUTATIONS, ids=lambda each: getattr(each, "__name__", None))
def test_a_mutation_is_caught(monkeypatch, mutate, driver, name):
    """The promise that a mutation breaks is named, at a single fault or at none; the real engine breaks none."""
    mutate(monkeypatch)

    assert breaks(name, Line("lockstep", driver, "memory", 10))


def after_a_lost_answer():
    """Return what breaks when one more fault follows a reset that was applied and not answered."""
    world = make(Line("lockstep", "admin", "memory", 600))
    world.invoke({})
    begin = world.save()
    names = [effect.name for effect in world.invoke({})]
    world.load(begin)
    world.invoke({names.index("set_password"): Fault(Edge.AFTER, Kind.ERROR)})
    return set(Explorer(world).runs(1).broken)


def test_taking_unknown_for_rejected_is_caught(monkeypatch):
    """It needs two faults: an answer is lost, and then the login check cannot be made."""
    assert after_a_lost_answer() == set()
    unknown_is_rejected(monkeypatch)

    assert "unknown" in after_a_lost_answer()


@pytest.mark.parametrize("store", STORES)
def test_every_world_is_bound_and_seals_its_candidates_where_the_store_needs_it(store):
    """The promises of the matrix are those of a deployment that demands bindings; only KV's journal needs no seal."""
    world = make(Line("lockstep", "admin", store, 600))
    for _ in range(4):
        world.invoke({})
    assert world.finished
    ours = world.algorithm
    seen = ours.place.store(world.gate, world.machine.own_clock())
    assert Binding.parse(seen.describe().binding).driver == "memory"
    assert (seen.read(ours.token).document.notes.seal is not None) is (store != "vault")
    with pytest.raises(BindingMismatch):
        ours.session(world).bind(DOCUMENT.replaced(username="somebody else"))
