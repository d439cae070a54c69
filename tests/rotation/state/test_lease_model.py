"""The lease, explored exhaustively: two runs never act at once, and every condition of the rule is needed.

A forger may write labels, too. Whatever leases are added, two runs never act at once. Who may move or take labels away
makes two runs act at once: ``test_run_parallel`` shows what that costs.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import NamedTuple

import pytest

FIRST = 0
"""The version that is current at the start; versions of tokens are 1, 2, ..."""


class View(NamedTuple):
    """What a describe shows.

    Attributes:
        leases: each generation with the version that it lies on.
        intents: version, run and end of each intent.
        current: the version that readers get.
        pending: the version of the rotation that is going on.
    """

    leases: tuple[tuple[int, int], ...] = ()
    intents: tuple[tuple[int, int, int], ...] = ()
    current: int = FIRST
    pending: int | None = None

    def on(self, generation: int) -> int | None:
        """Return the version that a generation of the lease lies on."""
        return dict(self.leases).get(generation)

    def put(self, generation: int, version: int) -> View:
        """Return the view with a lease on a version."""
        return self._replace(leases=tuple(sorted({**dict(self.leases), generation: version}.items())))


class Run(NamedTuple):
    """One invocation: what it does next, its token, its end, its first look, and the lease that it wants.

    ``lay`` has the generations that lay on its token's version at the first look.
    """

    does: str = "start"
    token: int = -1
    until: int = 0
    seen: View | None = None
    generation: int = 0
    base: int = -1
    lay: tuple[int, ...] = ()


class World(NamedTuple):
    """Everything at one moment. ``before`` is what a stale read shows."""

    view: View
    before: View
    now: int
    tokens: int
    sent: frozenset[int]
    runs: tuple[Run, ...]
    forged: int = 0


@dataclass(frozen=True)
class Rules:
    """The size of the exploration, what can go wrong in it, and the conditions of the rule, one of which may be off."""

    runs: int = 2
    ticks: int = 3
    life: int = 1
    tokens: int = 2
    forgeries: int = 0
    moves: bool = False
    last: int = 99
    lost_writes: bool = False
    rollback: bool = False
    busy_check: bool = True
    intent_first: bool = True
    generations: bool = True
    look_again: bool = True
    see_own: bool = True
    same_stages: bool = True
    highest: bool = True
    no_other: bool = True


DEAD = Run("dead")


def successors(world: World, rules: Rules) -> Iterator[World]:
    """Yield every world that one effect, one tick of the clock, one death or one outside event leads to."""
    yield from _outside(world, rules)
    for number, run in enumerate(world.runs):
        if run.does == "start" and not (number and world.runs[number - 1].does == "start"):
            yield from _starts(world, rules, number)
        elif run.does not in ("start", "dead"):
            yield _with(world, number, DEAD)
            yield from (_begins_again if run.does == "begin again" else _goes_on)(world, rules, number, run)


def _outside(world: World, rules: Rules) -> Iterator[World]:
    view = world.view
    if world.now < rules.ticks:
        now = world.now + 1
        ended = (DEAD if run.does not in ("start", "dead") and now > run.until else run for run in world.runs)
        yield world._replace(now=now, runs=tuple(ended))
    if view.pending is None and world.tokens < rules.tokens:
        yield _changed(world, view._replace(pending=world.tokens + 1))._replace(tokens=world.tokens + 1)
    if view.pending is not None:
        yield _changed(world, view._replace(pending=None))  # the operator cancels the rotation
    if view.pending in world.sent:  # another invocation proves the candidate, promotes it and settles
        kept = tuple(each for each in view.intents if each[0] == view.pending or each[2] >= world.now)
        newest = tuple(each for each in view.leases if each[0] == _newest(view))
        yield _changed(world, View(newest, kept, view.pending or FIRST, None))
    if world.forged < rules.forgeries:
        for forged in _forgeries(view, rules, world.tokens):
            yield _changed(world, forged)._replace(forged=world.forged + 1)
    if rules.rollback and view.current != FIRST:
        yield _changed(world, view._replace(current=FIRST))  # an operator puts the former version back


def _forgeries(view: View, rules: Rules, tokens: int) -> Iterator[View]:
    """Yield what a writer of labels makes of them: a lease more or, with ``moves``, one elsewhere, or a label less."""
    for generation in range(1, rules.last + 1):
        if rules.moves or view.on(generation) is None:
            yield from (view.put(generation, version) for version in range(tokens + 1))
    if rules.moves:
        yield from (view._replace(leases=tuple(each for each in view.leases if each != one)) for one in view.leases)
        yield from (view._replace(intents=tuple(each for each in view.intents if each != one)) for one in view.intents)


def _starts(world: World, rules: Rules, number: int) -> Iterator[World]:
    for token in range(1, world.tokens + 1):
        for seen in {world.view, world.before}:
            if seen.pending == token:
                run = Run("decide", token, world.now + rules.life, seen, 0, seen.current)
                yield _with(world, number, run)


def _goes_on(world: World, rules: Rules, number: int, run: Run) -> Iterator[World]:
    view, mine = world.view, (run.token, number, run.until)
    noted = view._replace(intents=tuple(sorted({*view.intents, mine})))
    others = tuple(each for each in view.intents if each != mine)
    lost = _with(_changed(world, view._replace(intents=others)), number, DEAD)
    if run.does == "decide":
        yield from _decides(world, rules, number, run, noted)
    elif run.does == "attach":
        where = view.on(run.generation)
        moves = _with(world, number, run._replace(does="move"))
        if where == run.base:
            yield moves
        elif where is None or not rules.generations:
            yield _changed(moves, view.put(run.generation, run.base))
        else:
            yield lost
    elif run.does == "move":
        after = run._replace(does="look" if rules.intent_first else "note")
        moved = view.put(run.generation, run.token)
        yield _with(_changed(world, moved), number, after) if view.on(run.generation) == run.base else lost
    elif run.does == "note":
        yield _with(_changed(world, noted), number, run._replace(does="look"))
    elif run.does == "look":
        for seen in {view, world.before}:
            may = _may_act(seen, rules, run, mine)
            yield _with(world, number, run._replace(does="act")) if may else lost
    elif run.does == "act":
        yield _with(world._replace(sent=world.sent | {run.token}), number, run._replace(does="sent"))
    else:
        yield lost  # it ends in order: its intent says no longer that it may act


def _may_act(seen: View, rules: Rules, run: Run, mine: tuple[int, int, int]) -> bool:
    """Return what the second look says."""
    own = mine in seen.intents and seen.on(run.generation) == run.token
    same = seen.pending == run.token and seen.current == run.base
    highest = _newest(seen) <= run.generation
    alone = set(_lying(seen, run.token)) <= {*run.lay, run.generation}
    found = (own or not rules.see_own) and (same or not rules.same_stages)
    found = found and (highest or not rules.highest) and (alone or not rules.no_other)
    return found or not rules.look_again


def _decides(world: World, rules: Rules, number: int, run: Run, noted: View) -> Iterator[World]:
    seen = run.seen or View()
    if rules.busy_check and any(end >= world.now and holder != number for _, holder, end in seen.intents):
        yield _with(world, number, DEAD)
        return
    newest = _newest(seen)
    free = newest and seen.on(newest) == run.base
    generation = 1 if not rules.generations else newest if free else newest + 1
    if generation > rules.last:
        yield _with(world, number, run._replace(does="begin again"))
        return
    lay = _lying(seen, run.token)
    after = _with(world, number, run._replace(does="attach", generation=generation, seen=None, lay=lay))
    yield _changed(after, noted) if rules.intent_first else after
    if rules.intent_first and rules.lost_writes:
        yield after  # the store confirmed the intent and did not keep it


def _begins_again(world: World, _: Rules, number: int, run: Run) -> Iterator[World]:
    """Yield the world after the removal of the first lease that the run saw and has not removed yet."""
    seen = run.seen or View()
    if not seen.leases:
        yield _with(world, number, DEAD)
        return
    first, *rest = seen.leases
    after = _with(world, number, run._replace(seen=seen._replace(leases=tuple(rest))))
    yield _changed(after, world.view._replace(leases=tuple(each for each in world.view.leases if each != first)))


def _lying(view: View, version: int) -> tuple[int, ...]:
    return tuple(generation for generation, on in view.leases if on == version)


def _newest(view: View) -> int:
    return max((generation for generation, _ in view.leases), default=0)


def _with(world: World, number: int, run: Run) -> World:
    return world._replace(runs=(*world.runs[:number], run, *world.runs[number + 1 :]))


def _changed(world: World, view: View) -> World:
    return world if view == world.view else world._replace(view=view, before=world.view)


def explore(rules: Rules) -> tuple[int, World | None]:
    """Return how many worlds there are, and one in which two runs act at once, if there is one."""
    start = World(View(), View(), 0, 0, frozenset(), (Run(),) * rules.runs)
    known, queue = {start}, deque([start])
    while queue:
        world = queue.popleft()
        if sum(run.does in ("act", "sent") for run in world.runs) > 1:
            return len(known), world
        fresh = {each for each in successors(world, rules) if each not in known}
        known |= fresh
        queue.extend(fresh)
    return len(known), None


SMALL = Rules()
LOST_WRITES = Rules(lost_writes=True)
ROLLBACK = Rules(runs=3, ticks=2, tokens=2, rollback=True)


def test_two_runs_never_act_at_once() -> None:
    """Two rotations, cancelled or promoted; stalls, deaths, stale reads and lost writes between any two effects."""
    worlds, violation = explore(LOST_WRITES)
    assert violation is None
    assert worlds > 40_000


@pytest.mark.long
@pytest.mark.timeout(1800)  # on two cores that five other workers use
@pytest.mark.parametrize("rules", [ROLLBACK, Rules(runs=3, ticks=4, life=2), Rules(runs=4, ticks=2)])
def test_three_and_four_runs_never_act_at_once(rules: Rules) -> None:
    """More runs, a longer life and an operator who puts a former version back change nothing."""
    assert explore(rules)[1] is None


FORGED = Rules(ticks=1, tokens=1, last=2, forgeries=1)


def test_leases_that_somebody_forges_never_make_two_runs_act_at_once() -> None:
    """Of any number, the last one included, on any version and at any moment; the numbers then begin again."""
    worlds, violation = explore(FORGED)
    assert violation is None
    assert worlds > 15_000


@pytest.mark.long
@pytest.mark.timeout(900)
@pytest.mark.parametrize(
    "rules",
    [replace(FORGED, ticks=2, last=3, forgeries=2), replace(FORGED, tokens=2, forgeries=2), replace(FORGED, runs=3)],
)
def test_more_forged_leases_runs_and_rotations_change_nothing(rules: Rules) -> None:
    """More runs, a second rotation, more forgeries."""
    assert explore(rules)[1] is None


def test_who_moves_labels_or_takes_them_away_makes_two_runs_act_at_once() -> None:
    """One label suffices: the lease has no other place where it could stand."""
    assert explore(replace(FORGED, moves=True))[1] is not None


def test_the_second_look_for_other_leases_is_needed() -> None:
    """A run would act beside the one that has taken a forged lease.

    No lease is tidied up here, so that one of the two conditions suffices: ``test_lease_interleavings`` fails without
    ``highest``, and ``test_lease`` without ``no_other``.
    """
    assert explore(replace(FORGED, highest=False, no_other=False))[1] is not None


@pytest.mark.parametrize("condition", ["busy_check", "intent_first", "generations", "look_again", "see_own"])
def test_each_condition_is_needed(condition: str) -> None:
    """Without it two runs act at once."""
    assert explore(replace(LOST_WRITES, **{condition: False}))[1] is not None


@pytest.mark.long
@pytest.mark.timeout(300)
def test_the_second_look_at_the_stages_is_needed() -> None:
    """Without it a run that saw an older rotation acts beside the holder, once an operator has rolled back."""
    assert explore(replace(ROLLBACK, same_stages=False))[1] is not None
