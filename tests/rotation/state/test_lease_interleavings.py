"""Every order in which up to three runs' label operations can happen over one secret: never two holders at once.

A run that is never scheduled again is a crashed one: the clock moves on and its time is over. So every crash point is
among the orders, too. A run is replayed from a log of what its operations answered, which makes it a generator.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import permutations, product
from typing import Any

import pytest

from rotation.core.errors import InProgress, StageConflict
from rotation.state.lease import CLOCK_MARGIN, Claim, give_back, take
from rotation.state.versions import SecretState
from rotation.stores.memory import MemorySecret

Placed = tuple[tuple[str, tuple[str, ...]], ...]
"""Labels by version: hashable, unlike a store."""

Op = tuple[str, ...]
Answer = tuple[str, Any]
HOLDS: Op = ("hold",)
LOST: Op = ("lost",)
ENDED: Op = ("ended",)

FIRST_EVER: Placed = (("c", ("AWSCURRENT",)), ("t1", ("AWSPENDING",)), ("t2", ()))
UNCLAIMED: Placed = (("c", ("AWSCURRENT", "lockstep:lease:4")), ("t1", ("AWSPENDING",)), ("t2", ()))
DEAD: Placed = (
    ("c", ("AWSCURRENT",)),
    ("t1", ("AWSPENDING", "lockstep:lease:4", f"lockstep:intent:1:{int(-CLOCK_MARGIN) + 61}:dead:c@t1")),
    ("t2", ()),
)
GIVEN_BACK: Placed = (("c", ("AWSCURRENT",)), ("t1", ("AWSPENDING", "lockstep:lease:4")), ("t2", ()))


pytestmark = pytest.mark.slow  # the order of operations is the same under any interpreter


@dataclass(frozen=True)
class Run:
    """One run: who, for which token, until when it may act."""

    holder: str
    token: str
    until: float

    @property
    def dead_at(self) -> float:
        """When neither it nor its intent counts any more."""
        return self.until + CLOCK_MARGIN + 1


class _Pause(BaseException):
    """The run's next operation is reached; no Exception, so that nobody catches it."""

    def __init__(self, op: Op) -> None:
        super().__init__()
        self.op = op


class _Replayed:
    """The labels as a run met them before; stops at the first operation that has not happened yet."""

    def __init__(self, log: tuple[Answer, ...]) -> None:
        self._log = iter(log)

    def op(self, *op: str) -> Any:
        kind, value = next(self._log, (None, None))
        if kind is None:
            raise _Pause(op)
        if kind == "conflict":
            raise StageConflict("conflict")
        return value

    def describe(self) -> SecretState:
        return _secret(self.op("describe")).describe()

    def attach(self, label: str, version_id: str) -> None:
        self.op("attach", label, version_id)

    def move(self, label: str, *, source: str, target: str) -> None:
        self.op("move", label, source, target)

    def detach(self, label: str, version_id: str) -> None:
        self.op("detach", label, version_id)


def _behave(run: Run, ports: _Replayed) -> Op:
    """Do what setSecret does about the lease: look, take, hold, give back."""
    seen = ports.describe()
    claim = Claim(run.holder, ports.op("now"), run.until)
    try:
        take(ports, seen, run.token, claim)
    except (InProgress, StageConflict):
        return LOST
    ports.op(*HOLDS)
    give_back(ports, ports.describe(), run.token, holder=run.holder, sent=None)
    return ENDED


def _next_op(run: Run, log: tuple[Answer, ...]) -> Op:
    try:
        return _behave(run, _Replayed(log))
    except _Pause as pause:
        return pause.op


def _secret(placed: Placed) -> MemorySecret:
    secret = MemorySecret(now=lambda: 0.0)
    for version, labels in placed:
        secret.put(version, None, *labels)
    return secret


def _placed(secret: MemorySecret, versions: Placed) -> Placed:
    shown = secret.describe().versions
    return tuple((key, tuple(sorted(shown[key].labels)) if key in shown else ()) for key, _ in versions)


def _applied(op: Op, placed: Placed) -> tuple[Answer, Placed]:
    """Apply one operation to a secret with these labels."""
    secret = _secret(placed)
    try:
        if op[0] == "attach":
            secret.attach(op[1], op[2])
        elif op[0] == "move":
            secret.move(op[1], source=op[2], target=op[3])
        elif op[0] == "detach":
            secret.detach(op[1], op[2])
    except StageConflict:
        return ("conflict", None), placed
    return ("ok", placed if op[0] == "describe" else None), _placed(secret, placed)


@dataclass
class _Numbered:
    """Gives equal things equal small numbers, so that visited states are cheap to keep."""

    numbers: dict[Any, int] = field(default_factory=dict)
    things: list[Any] = field(default_factory=list)

    def number(self, thing: Any) -> int:
        if thing not in self.numbers:
            self.numbers[thing] = len(self.things)
            self.things.append(thing)
        return self.numbers[thing]


@dataclass
class Explorer:
    """Walks every reachable state: (labels, clock, each run's progress; -1 when it is dead or through).

    ``promotion`` may happen at any moment: finishSecret needs no lease.
    """

    runs: tuple[Run, ...]
    promotion: Op | None = None
    deaths: tuple[float, ...] = field(init=False)
    placements: _Numbered = field(default_factory=_Numbered)
    logs: _Numbered = field(default_factory=_Numbered)
    ops: dict[tuple[int, int], Op] = field(default_factory=dict)
    effects: dict[tuple[Op, int], tuple[Answer, int]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.deaths = tuple(run.dead_at for run in self.runs)
        assert self.deaths == tuple(sorted(self.deaths))

    def op(self, run: int, log: int) -> Op:
        """Return what a run with this progress does next."""
        if (run, log) not in self.ops:
            self.ops[run, log] = _next_op(self.runs[run], self.logs.things[log])
        return self.ops[run, log]

    def effect(self, op: Op, placement: int, clock: float) -> tuple[Answer, int]:
        """Return the answer to an operation and the labels after it."""
        if op[0] == "now":
            return ("ok", clock), placement
        if (op, placement) not in self.effects:
            answer, placed = _applied(op, self.placements.things[placement])
            self.effects[op, placement] = (answer, self.placements.number(placed))
        return self.effects[op, placement]

    def states(self, start: Placed) -> set[tuple[Any, ...]]:
        """Return every state that some order of operations reaches."""
        first = (self.placements.number(start), 0.0, *(self.logs.number(()) for _ in self.runs))
        seen, waiting = {first}, [first]
        while waiting:
            for following in self._following(waiting.pop()):
                if following not in seen:
                    seen.add(following)
                    waiting.append(following)
        return seen

    def _following(self, state: tuple[Any, ...]) -> list[tuple[Any, ...]]:
        placement, clock, *logs = state
        found = []
        for index, log in enumerate(logs):
            if log < 0:
                continue
            answer, after = self.effect(self.op(index, log), placement, clock)
            progress = self.logs.number((*self.logs.things[log], answer))
            if self.op(index, progress) in (LOST, ENDED):
                progress = -1
            found.append((after, clock, *logs[:index], progress, *logs[index + 1 :]))
        if self.promotion is not None:
            found.append((self.effect(self.promotion, placement, clock)[1], clock, *logs))
        later = [at for at in self.deaths if at > clock]
        if later:
            alive = [log if at > later[0] else -1 for at, log in zip(self.deaths, logs, strict=True)]
            found.append((placement, later[0], *alive))
        return found

    def holders(self, state: tuple[Any, ...]) -> list[str]:
        """Return who may act in this state."""
        living = enumerate(state[2:])
        return [self.runs[index].holder for index, log in living if log >= 0 and self.op(index, log) == HOLDS]


def _runs(tokens: tuple[str, ...]) -> tuple[Run, ...]:
    return tuple(
        Run(holder, token, 1000.0 * at) for at, (holder, token) in enumerate(zip("abc", tokens, strict=False), 1)
    )


STARTS = {"first ever": FIRST_EVER, "unclaimed": UNCLAIMED, "dead holder": DEAD, "given back": GIVEN_BACK}
PAIRS = sorted(set(permutations(["t1", "t1", "t2"], 2)))
TRIPLES = [("t1", "t1", "t1"), *sorted(set(permutations(["t1", "t1", "t2"])))]
CASES = [
    *product(STARTS, PAIRS),
    *product(["first ever"], TRIPLES),
    *(pytest.param("dead holder", triple, marks=pytest.mark.long) for triple in TRIPLES),
]


@pytest.mark.parametrize(
    ("start", "tokens"),
    CASES,
    ids=lambda each: each if isinstance(each, str) else "-".join(each),
)
def test_no_order_of_operations_lets_two_living_runs_hold_the_lease(start: str, tokens: tuple[str, ...]) -> None:
    """At most one run holds the lease in every state, with old views, crashes and takeovers anywhere."""
    explorer = Explorer(_runs(tokens))
    states = explorer.states(STARTS[start])
    counts = {len(explorer.holders(state)) for state in states}
    assert counts == {0, 1}


@pytest.mark.parametrize("tokens", PAIRS, ids="-".join)
def test_a_promotion_at_any_moment_makes_no_second_holder(tokens: tuple[str, ...]) -> None:
    """The anchor of the next lease is the current version, and runs may have seen different ones."""
    explorer = Explorer(_runs(tokens), promotion=("move", "AWSCURRENT", "c", "t1"))
    counts = {len(explorer.holders(state)) for state in explorer.states(GIVEN_BACK)}
    assert counts == {0, 1}


@pytest.mark.parametrize("start", STARTS)
@pytest.mark.parametrize("tokens", PAIRS, ids="-".join)
def test_whatever_happened_somebody_can_take_the_lease_once_all_times_are_over(
    start: str, tokens: tuple[str, ...]
) -> None:
    """No crash, at whichever operation, leaves the secret locked for good."""
    explorer = Explorer(_runs(tokens))
    late = max(run.dead_at for run in explorer.runs)
    placements = {state[0] for state in explorer.states(STARTS[start])}
    assert len(placements) > len(tokens)
    for placement in placements:
        for token in ("t1", "t2"):
            secret = _secret(explorer.placements.things[placement])
            take(secret, secret.describe(), token, Claim("d", late + 1, late + 10))
            assert "d" in [each.run for each in secret.describe().version(token).intents]


@pytest.mark.parametrize("start", STARTS)
def test_labels_of_the_lease_do_not_pile_up(start: str) -> None:
    """The run that wins removes older leases and all but one of dead runs' intents, however many crashed before."""
    explorer = Explorer(_runs(("t1", "t1")))
    for placement in {state[0] for state in explorer.states(STARTS[start])}:
        secret = _secret(explorer.placements.things[placement])
        take(secret, secret.describe(), "t1", Claim("d", 10_000, 10_010))
        labels = [label for version in secret.describe().versions.values() for label in version.labels]
        assert sum(label.startswith("lockstep:") for label in labels) <= 4
