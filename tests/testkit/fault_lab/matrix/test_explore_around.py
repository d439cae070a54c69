"""Every single fault of what is around: the process, its machine's clock, and what takes its output."""

from contextlib import suppress

import pytest

from rotation.core.clock import StoreClock
from rotation.core.errors import CannotVerify, StoreUnavailable
from rotation.drivers.guarded import Guarded
from rotation.engine import run
from rotation.engine.account import sender
from rotation.engine.outcome import announcing
from rotation.engine.session import Session
from rotation_testkit.fault_lab.in_memory.effects import Fault, Kind, Port
from rotation_testkit.fault_lab.in_memory.fuse import Edge
from rotation_testkit.fault_lab.matrix.plan import AROUND, OURS, Line
from rotation_testkit.fault_lab.matrix.runs.explore import End, Explorer
from rotation_testkit.fault_lab.matrix.worlds.checks import commit_is_announced
from rotation_testkit.fault_lab.matrix.worlds.setups import lines, make

# The others show the same of the engine; `make test-faults` tries them.
ALWAYS = ("matrix:admin_host/memory/10:clean", "matrix:self/vault/10:clean", "matrix:admin_restart/memory/600:clean")


@pytest.mark.parametrize(
    "line",
    [pytest.param(line, marks=[] if str(line) in ALWAYS else pytest.mark.long) for line in lines()],
    ids=str,
)
def test_every_single_fault_around_heals(line):
    """All promises hold at every moment and afterwards, and no rotation ends otherwise than well."""
    tally = Explorer(make(line), deep=True).runs(0, 1)

    assert tally.runs > 180
    assert not tally.broken, tally.examples
    assert set(tally.ends) == {End.HEALED}, tally.examples
    assert tally.resets <= 2


def test_each_effect_has_each_fault_around():
    """A run is counted for each effect of the clean run and each fault that may happen there."""
    world, effects = make(Line(OURS, "admin", "memory", 10)), []
    while not world.done:
        effects += world.invoke({})
    ports = [each.port for each in effects]

    assert {Port.WRITE, Port.READ, Port.RESET, Port.LOGIN} <= set(ports)
    assert Explorer(make(Line(OURS, "admin", "memory", 10))).runs(0, 1).runs == sum(len(AROUND[port]) for port in ports)


def no_reset_is_refused(monkeypatch):
    """Begin resets although the process is to stop."""
    monkeypatch.setattr(sender.stop, "refuse_new", lambda _what: None)


def lease_is_kept(monkeypatch):
    """Leave with the lease."""
    monkeypatch.setattr(Session, "_give_back", lambda _self: None)


def machines_clock_is_believed(monkeypatch):
    """Do not correct the machine's clock by what the store says."""
    monkeypatch.setattr(StoreClock, "heard", lambda _self, _date, _took: None)


def nothing_is_repeated(monkeypatch):
    """Do not announce what a target did not take."""
    monkeypatch.setattr(run, "repeat_owed", lambda _session, _state: None)


def unheard_fails(monkeypatch):
    """Fail the step of which a target did not take the event."""

    def note(*_args, heard, **_kwargs):
        if not heard:
            raise StoreUnavailable("nobody has taken it")

    monkeypatch.setattr(announcing, "_note", note)


MUTATIONS = [
    (no_reset_is_refused, "admin", "stop"),
    (lease_is_kept, "admin", "stop"),
    (machines_clock_is_believed, "self", "clock"),
    (nothing_is_repeated, "admin", "next"),
    (unheard_fails, "admin", "output"),
]


@pytest.mark.parametrize(("mutate", "driver", "name"), MUTATIONS, ids=lambda each: getattr(each, "__name__", None))
def test_a_mutation_is_caught(monkeypatch, mutate, driver, name):
    """The promise that a mutation breaks is named, at a single fault around."""
    mutate(monkeypatch)

    assert name in Explorer(make(Line(OURS, driver, "memory", 10)), deep=True).runs(0, 1).broken


def test_a_host_that_cannot_be_asked_gets_no_reset(monkeypatch):
    """If the engine goes on where the host did not name its login methods, the matrix says so."""

    def greet(self, seen):
        with suppress(CannotVerify):
            self.logins.greeting(seen)()
        return True

    line = Line(OURS, "admin_host", "memory", 10)
    assert not Explorer(make(line)).runs(1).broken
    monkeypatch.setattr(Guarded, "_greet", greet)

    assert Explorer(make(line)).runs(1).broken["unknown"]


def repeated(world, before, name, fault):
    """Run the next invocation again with a fault so many effects before the first of this name; return the names."""
    begin = world.save()
    names = [effect.name for effect in world.invoke({})]
    world.load(begin)
    at = next(number for number, each in enumerate(names) if each.startswith(name))
    return [effect.name for effect in world.invoke({at - before: fault})]


def test_a_signal_that_comes_last_before_a_switch_leaves_the_machine_on():
    """A run that sends a reset again looks at the labels once more before it stops the machine for it."""
    world = make(Line(OURS, "admin_vm", "memory", 600))
    world.invoke({})
    repeated(world, 0, "attach lockstep:intent", Fault(Edge.AFTER, Kind.CRASH))
    world.invoke({})

    assert "stop" not in repeated(world, 1, "stop", Fault(Edge.AFTER, Kind.SIGNAL))
    assert world.failures[-1] == "interrupted"
    assert not world.broken


def test_a_run_that_believes_to_have_no_time_takes_no_lease():
    """Its lease would be over at once, and another run would act at the vendor beside it."""
    world = make(Line(OURS, "admin_vm", "memory", 600))
    world.invoke({})

    names = repeated(world, 1, "attach lockstep:intent", Fault(Edge.BEFORE, Kind.AHEAD))

    assert not any(each.startswith("attach") for each in names)
    assert world.failures[-1] == "not_enough_time"


def test_a_note_that_was_confirmed_and_not_kept_is_written_again():
    """Where the target does not take the commit either, the next rotation still announces it."""
    world = make(Line(OURS, "admin", "memory", 600))
    for _ in range(3):
        world.invoke({})
    begin = world.save()
    names = [effect.name for effect in world.invoke({})]
    world.load(begin)
    lost = next(number for number, each in enumerate(names) if each.startswith("attach lockstep:owed"))
    unheard = names.index("announce committed")

    world.invoke({lost: Fault(Edge.BEFORE, Kind.LOST), unheard: Fault(Edge.BEFORE, Kind.CLOSED)})

    assert world.finished
    assert commit_is_announced(world)
