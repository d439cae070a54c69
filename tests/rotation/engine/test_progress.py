"""A rotation always gets on: what a run learnt reaches the next, and no trouble makes resets or logins endless.

Each schedule is played for a day with attempts as early as they are allowed. Afterwards the trouble ends, and the
rotation has to end as well.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from typing import Any

import pytest

from rotation.core.errors import AccountLocked, CannotVerify, InProgress, OutcomeUnknown, RotationError
from rotation.core.secret import Secret
from rotation.core.values import Authority, Evidence, Lockout, Power, Step, Verdict
from rotation.engine.account import reconciler, set_secret
from rotation.engine.account.attempt import Attempt
from rotation.engine.result import Result
from rotation.engine.run import verify
from rotation.engine.tables.reconciliation import (
    PROBES,
    SENDS,
    Facts,
    Finding,
    Move,
    Row,
    Stored,
    TaskFinding,
    next_move,
)
from rotation.state.marks import Kind
from rotation.state.parking import PARKING, Reason
from rotation_testkit.fault_lab.in_memory.batch_scenario import BatchScenario, make_batch
from rotation_testkit.fault_lab.in_memory.fuse import Crash, Edge, Fuse
from rotation_testkit.fault_lab.in_memory.scenario import Scenario
from rotation_testkit.fault_lab.in_memory.scenarios import OLD, make_pair, make_scenario
from rotation_testkit.fault_lab.in_memory.vendor import MemoryVendor

DAY = 86_400.0
MOST_RESETS = 12
"""In a day: three at once, then pauses that double from the lock-out window up to six hours."""
MOST_LOGINS = 2
"""Wrong ones for each reset: one right after it, and one after the pause, before it is sent again."""

World = Scenario | BatchScenario


def vendors_of(world: World) -> list[MemoryVendor]:
    """Return the vendor of each account."""
    return list(world.vendors) if isinstance(world, BatchScenario) else [world.vendor]


@dataclass
class Played:
    """What a day of attempts did."""

    codes: list[str] = field(default_factory=list)
    ended: list[float] = field(default_factory=list)
    gaps: list[float] = field(default_factory=list)
    done: bool = False


def play(world: World, token: str, *, spacing: float | None = None, seconds: float = DAY) -> Played:
    """Attempt the whole rotation again and again, by default as early as the last failure allows."""
    played, end = Played(), world.clock.now() + seconds
    while world.clock.now() < end and not played.done:
        not_before = 0.0
        try:
            for step in Step:
                world.step(step, token)
            played.done = True
        except RotationError as error:
            played.codes.append(getattr(error, "reason", error.code))
            played.ended.append(world.clock.now() - end + seconds)
            not_before = error.not_before or 0.0
            if played.codes[-1] in (Reason.RESET_FAILS, Reason.EXTERNAL_CHANGE):
                played.gaps.append(not_before - world.clock.now())
        except Crash:
            played.codes.append("crash")
            not_before = world.clock.now() + 120  # the dead run's lease is over by then
        world.fuse = Fuse()
        world.clock.move_to(world.clock.now() + spacing if spacing else max(not_before, world.clock.now() + 60))
    return played


def refusing(monkeypatch: pytest.MonkeyPatch) -> None:
    """Make every host refuse every password, as sshd does with PermitRootLogin."""
    plain = MemoryVendor.log_in

    def refuse(vendor: MemoryVendor, password: Secret) -> Verdict:
        if vendor.busy or vendor.power is Power.STOPPED:
            return plain(vendor, password)
        vendor._check_lock()
        vendor._wrong()
        return Verdict.REJECTED

    monkeypatch.setattr(MemoryVendor, "log_in", refuse)


HOPELESS: dict[str, Callable[[], World]] = {
    "a machine that stops and starts within a step": lambda: make_scenario("machine"),
    "a machine whose stop and start outlast a step": lambda: make_scenario("machine", switch_seconds=25.0),
    "a machine whose stop alone outlasts a step": lambda: make_scenario("machine", switch_seconds=90.0),
    "a quick task": lambda: make_scenario("admin-task", delay_seconds=10.0),
    "a task of 90 s": lambda: make_scenario("admin-task", delay_seconds=90.0),
    "an administrator's reset": lambda: make_scenario("admin"),
    "a reset that applies late": lambda: make_scenario("admin-late"),
    "a reset that shows in the target's state": lambda: make_scenario("admin", by_state=True, delay_seconds=90.0),
    "a reset that applies at the next start": lambda: make_scenario("machine", applies_at_start=True),
    "two accounts that take turns": make_pair,
    "a batch": make_batch,
    "a batch of tasks of 45 s": lambda: make_batch(asynchronous=True, delay_seconds=45.0),
    "a batch of tasks of 90 s": lambda: make_batch(asynchronous=True, delay_seconds=90.0),
}


@pytest.mark.parametrize("spacing", [None, 600.0])
@pytest.mark.parametrize("kind", HOPELESS)
def test_a_reset_that_is_taken_and_does_not_help_is_sent_a_few_times_a_day(
    monkeypatch: pytest.MonkeyPatch, kind: str, spacing: float | None
) -> None:
    """A host that never takes the password is counted for each reset, wherever it is noticed, and a human hears."""
    world = HOPELESS[kind]()
    with monkeypatch.context() as trouble:
        refusing(trouble)
        token = world.begin()
        played = play(world, token, spacing=spacing)
        for vendor in vendors_of(world):
            assert 3 <= vendor.resets <= MOST_RESETS
            assert vendor.stops <= vendor.resets
            assert vendor.wrong_logins <= MOST_LOGINS * vendor.resets
        assert Counter(played.codes)[Reason.RESET_FAILS] >= 8
        assert not PARKING[Reason.RESET_FAILS].by_itself
        longest = [max(played.gaps[:number]) for number in range(1, len(played.gaps) + 1)]
        assert longest[0] <= 1300
        assert longest[-1] >= 10_000
    before = [vendor.resets for vendor in vendors_of(world)]
    assert play(world, token).done
    assert all(now.resets <= then + 1 for now, then in zip(vendors_of(world), before, strict=True))
    assert {vendor.power for vendor in vendors_of(world)} <= {None, Power.RUNNING}


@pytest.mark.parametrize("spacing", [60.0, 3600.0])
@pytest.mark.parametrize("switch_seconds", [5.0, 25.0])
def test_a_day_of_attempts_stops_a_machine_as_seldom_whatever_their_rhythm(
    monkeypatch: pytest.MonkeyPatch, spacing: float, switch_seconds: float
) -> None:
    """Attempts that come too early are parked without a call at the vendor, and the machine runs in between."""
    world = make_scenario("machine", switch_seconds=switch_seconds)
    refusing(monkeypatch)
    play(world, world.begin(), spacing=spacing)
    assert world.vendor.resets <= MOST_RESETS
    assert world.vendor.stops <= MOST_RESETS
    assert world.vendor.wrong_logins <= MOST_LOGINS * world.vendor.stops
    assert not world.vendor.busy
    assert world.vendor.power is Power.RUNNING


@pytest.mark.parametrize("kind", ["admin", "self", "machine", "admin-task", "admin without a login"])
def test_resets_whose_answers_are_always_lost_are_bounded(kind: str) -> None:
    """The vendor never hears of them, and nothing else is known: three, and then longer and longer pauses."""
    world = make_scenario(kind.split(maxsplit=1)[0], oracle="without" not in kind)
    sent = []

    def lost(vendor: MemoryVendor, *_: object) -> None:
        sent.append(vendor.now())
        raise OutcomeUnknown("lost")

    with pytest.MonkeyPatch.context() as trouble:
        trouble.setattr(MemoryVendor, "change", lost)
        token = world.begin()
        play(world, token)
    assert 3 <= len(sent) <= MOST_RESETS
    assert world.vendor.stops <= MOST_RESETS
    assert play(world, token).done
    assert world.password() == world.vendor.live


@pytest.mark.parametrize("kind", ["admin", "machine", "admin-task", "admin-late", "two in turn", "a batch"])
def test_the_next_period_sends_one_after_an_outage_that_lost_each_answer(kind: str) -> None:
    """The service has given up for a day; its first attempt then finds the vendor well and rotates, without a pause."""
    made = {"two in turn": make_pair, "a batch": lambda: make_batch(2)}
    world: World = made.get(kind, lambda: make_scenario(kind))()

    def lost(*_: object) -> None:
        raise OutcomeUnknown("lost")

    with pytest.MonkeyPatch.context() as trouble:
        trouble.setattr(MemoryVendor, "change", lost)
        token = world.begin()
        assert play(world, token, spacing=150.0, seconds=450).codes == ["outcome_unknown"] * 3
    world.clock.sleep(DAY)
    after = play(world, token, spacing=60.0, seconds=900)
    assert after.codes == []
    assert after.done
    assert {vendor.resets for vendor in vendors_of(world)} == {1}


@pytest.mark.parametrize("batch", [False, True])
def test_a_task_that_never_ends_is_parked_and_never_overtaken(batch: bool) -> None:  # noqa: FBT001 - two worlds
    """After two hours a human is asked for; it is polled on, seldom, and once it ends the rotation does."""
    slow: dict[str, Any] = {"asynchronous": True, "delay_seconds": 2 * DAY}
    world: World = make_batch(2, **slow) if batch else make_scenario("admin-task", **slow)
    token = world.begin()
    played = play(world, token, spacing=600.0)
    assert set(played.codes[-30:]) == {Reason.RESET_FAILS}
    assert {vendor.resets for vendor in vendors_of(world)} == {1}
    assert max(played.gaps) > 10_000
    world.clock.sleep(DAY)
    assert play(world, token).done
    assert {vendor.resets for vendor in vendors_of(world)} == {1}


# The vendor is at work, or a machine does not switch: each of these begins when it is called.


def busy_with_resets(_: World, patch: pytest.MonkeyPatch) -> None:
    """Every request is refused, and nothing else shows it, as of an account that a console's operation has locked."""

    def refuse(vendor: MemoryVendor, *_: object) -> None:
        vendor.starts += 1000  # counts the requests
        raise InProgress("the account's state does not allow a reset now")

    patch.setattr(MemoryVendor, "change", refuse)


def busy_to_look_at(world: World, patch: pytest.MonkeyPatch) -> None:
    """Every look finds an operation that runs."""
    for vendor in vendors_of(world):
        patch.setattr(vendor, "obstacles", (InProgress("an operation is running"),))


def never_stops(_: World, patch: pytest.MonkeyPatch) -> None:
    """The vendor takes each stop, and the machine runs on."""

    def ignore(vendor: MemoryVendor, wanted: Power) -> None:
        vendor.stops += wanted is Power.STOPPED

    patch.setattr(MemoryVendor, "switch", ignore)


def never_starts(_: World, patch: pytest.MonkeyPatch) -> None:
    """The machine stops, is reset, and stays as it is."""
    plain = MemoryVendor.switch

    def ignore(vendor: MemoryVendor, wanted: Power) -> None:
        if wanted is Power.STOPPED:
            plain(vendor, wanted)

    patch.setattr(MemoryVendor, "switch", ignore)


def hangs_while_it_switches(world: World, patch: pytest.MonkeyPatch) -> None:
    """The machine is on its way for ever."""
    for vendor in vendors_of(world):
        patch.setattr(vendor, "switch_seconds", 1e9)


BUSY: dict[str, tuple[Callable[[World, pytest.MonkeyPatch], None], Callable[[], World], bool]] = {
    "requests, an administrator": (busy_with_resets, lambda: make_scenario("admin"), False),
    "requests, no login": (busy_with_resets, lambda: make_scenario("admin", oracle=False), False),
    "requests, a task": (busy_with_resets, lambda: make_scenario("admin-task"), False),
    "requests, a machine": (busy_with_resets, lambda: make_scenario("machine"), False),
    "requests, the old password": (busy_with_resets, lambda: make_scenario("self"), False),
    "requests, two in turn": (busy_with_resets, make_pair, False),
    "requests, a batch": (busy_with_resets, lambda: make_batch(2), False),
    "looks before there is a candidate": (busy_to_look_at, lambda: make_scenario("admin"), True),
    "looks before there is a batch": (busy_to_look_at, lambda: make_batch(2), True),
    "looks": (busy_to_look_at, lambda: make_scenario("admin"), False),
    "looks, the old password": (busy_to_look_at, lambda: make_scenario("self"), False),
    "looks, two in turn": (busy_to_look_at, make_pair, False),
    "looks, a batch": (busy_to_look_at, lambda: make_batch(2), False),
    "a machine that never stops": (never_stops, lambda: make_scenario("machine"), False),
    "a machine that never starts": (never_starts, lambda: make_scenario("machine"), False),
    "a machine that hangs": (hangs_while_it_switches, lambda: make_scenario("machine"), False),
}
"""What begins, for which account, and whether it begins before createSecret."""
MOST_REQUESTS = 30
"""In a day of an account that is at work all the time."""


@pytest.mark.parametrize("hours", [0.5, 24])
@pytest.mark.parametrize("kind", BUSY)
def test_a_vendor_that_is_at_work_is_asked_less_and_less_and_a_human_is_called(
    monkeypatch: pytest.MonkeyPatch, kind: str, hours: float
) -> None:
    """Nobody is called for half an hour, no login is spent, and the rotation ends by itself once the trouble does."""
    begins, make, at_first = BUSY[kind]
    world = make()
    token = world.created() if not at_first else world.begin()
    with monkeypatch.context() as trouble:
        begins(world, trouble)
        played = play(world, token, seconds=hours * 3600)
        requests = max(vendor.starts // 1000 for vendor in vendors_of(world))
        assert not played.done
    if hours < 1:
        assert Reason.VENDOR_BUSY not in played.codes
    else:
        assert set(played.codes[-6:]) == {Reason.VENDOR_BUSY}
        assert played.ended[played.codes.index(Reason.VENDOR_BUSY)] <= 5 * 3600
        assert not PARKING[Reason.VENDOR_BUSY].by_itself
    for vendor in vendors_of(world):
        assert vendor.stops <= MOST_REQUESTS
        assert vendor.wrong_logins == 0
        vendor._switching = None
    assert requests <= MOST_REQUESTS * (4 if isinstance(world, BatchScenario) else 1)
    after = play(world, token, spacing=60.0)
    assert after.done
    assert not set(after.codes) & {Reason.RESET_FAILS, Reason.EXTERNAL_CHANGE}
    assert [vendor.resets for vendor in vendors_of(world)] == [1] * len(vendors_of(world))
    assert {vendor.power for vendor in vendors_of(world)} <= {None, Power.RUNNING}
    left = [mark.kind for version in world.secret.describe().versions.values() for mark in version.marks]
    assert not set(left) & {Kind.FAILED, Kind.PARKED, Kind.LEARNT}


def test_a_vendor_that_is_at_work_holds_no_check_back(monkeypatch: pytest.MonkeyPatch) -> None:
    """The current password still opens the account, so the drift check says so while createSecret waits for hours."""
    world = make_scenario("admin")
    with monkeypatch.context() as trouble:
        busy_to_look_at(world, trouble)
        assert play(world, world.begin(), spacing=60.0).codes[-1] == Reason.VENDOR_BUSY
        assert verify(world.session()).evidence is Evidence.LOGIN


@pytest.mark.parametrize("edge", list(Edge))
def test_a_slow_machine_whose_rotation_goes_on_after_hours_calls_nobody(edge: Edge) -> None:
    """The age of the lost reset is not that of the switch, which has just begun."""
    world = make_scenario("machine", switch_seconds=90.0)
    token = world.created()
    with pytest.raises(InProgress):  # the machine stops
        world.step(Step.SET, token)
    world.clock.sleep(60)
    world.reset_ends_with(token, OutcomeUnknown("lost"), edge)
    world.clock.sleep(3 * 3600)
    world.vendor.set_by_hand(Secret("Changed0By0Hand0Pass"))
    played = play(world, token)
    assert played.done
    assert set(played.codes) <= {"in_progress", "login_rejected"}


def test_the_pauses_after_an_outside_change_grow() -> None:
    """Waiting cannot help, so that attempts come seldom; each asks about three stored passwords at most."""
    world = make_scenario("self", min_age_seconds=0)
    world.vendor.set_by_hand(Secret("Changed0By0Hand0Pass"))
    played = play(world, world.begin())
    assert set(played.codes[1:]) == {Reason.EXTERNAL_CHANGE}
    assert all(later > earlier for earlier, later in zip(played.gaps[:5], played.gaps[1:6], strict=True))
    assert max(played.gaps) > 10_000
    assert world.vendor.wrong_logins <= 30
    assert not world.vendor.locked


# The time ends between two moves.

Pair = tuple[Move, Move]
STOPS = {Move.PARK_LOCKED, Move.PARK_EXTERNAL, Move.RETRY_LATER, Move.KEEP_POLLING}


def _after(row: Row, facts: Facts, *, tasks: bool) -> Iterator[Facts]:
    """Yield what a move may find."""
    if row.move in PROBES:
        for finding in (Finding.ACCEPTED, Finding.REJECTED, Finding.UNKNOWN, Finding.LOCKED):
            yield facts.learned(PROBES[row.move], finding)
    elif row.move is Move.POLL:
        for task in (TaskFinding.RUNNING, TaskFinding.FAILED, TaskFinding.DONE):
            yield replace(facts, task=task)
    elif row.move in SENDS:
        sent = replace(facts, intent=True, task=TaskFinding.NONE)
        if tasks:
            yield replace(sent, task=TaskFinding.RUNNING)
            yield replace(sent, task=TaskFinding.FAILED)
        if facts.authority is Authority.SELF and row.move is Move.SEND_FIRST:
            yield sent.learned(Stored.PENDING, Finding.NOT_ASKED).learned(Stored.CURRENT, Finding.REJECTED)


def pairs_of_the_table(world: Scenario) -> set[Pair]:
    """Return every two moves that may follow one another in one run for this kind of account, by the table itself."""
    seen, pairs = set(), set()
    plain = Facts(intent=False, authority=world.vendor.authority, oracle=world.oracle)
    todo = [plain, replace(plain, intent=True), replace(plain, intent=True, turned_away=True)]
    if world.vendor.asynchronous:
        todo.append(replace(plain, intent=True, task=TaskFinding.NOT_POLLED))
    while todo:
        facts = todo.pop()
        if facts in seen:
            continue
        seen.add(facts)
        row = next_move(facts)
        for after in _after(row, facts, tasks=world.vendor.asynchronous):
            pairs.add((row.move, next_move(after).move))
            todo.append(after)
    return pairs


UNPLAYED = {
    (
        Move.PROBE_PREVIOUS,
        Move.PARK_EXTERNAL,
    ): "the candidate is asked again first, where each move has its own run",
    (Move.PROBE_PREVIOUS, Move.RETRY_LATER): "as with current, which is played",
}


Trouble = Callable[[Scenario, pytest.MonkeyPatch], str]
"""Begins a trouble, and returns the token of the rotation that suffers from it."""


def lost(edge: Edge) -> Trouble:
    """The answer to the first reset is lost; it was applied or not."""

    def begin(world: Scenario, _: pytest.MonkeyPatch) -> str:
        world.fuse = Fuse(only="set_password", at=1, edge=edge, error=lambda _: OutcomeUnknown("lost"))
        return world.begin()

    return begin


def hopeless(world: Scenario, patch: pytest.MonkeyPatch) -> str:
    """The host refuses every password."""
    refusing(patch)
    return world.begin()


def at_work(world: Scenario, patch: pytest.MonkeyPatch) -> str:
    """The vendor refuses the first three requests because it is at work, and no look shows that."""
    plain, asked = MemoryVendor.change, []

    def busy(vendor: MemoryVendor, new: Secret, old: Secret | None) -> Any:
        asked.append(new)
        if len(asked) <= 3:
            raise InProgress("another operation is running")
        return plain(vendor, new, old)

    patch.setattr(MemoryVendor, "change", busy)
    return world.begin()


def out_of_reach(world: Scenario, patch: pytest.MonkeyPatch) -> str:
    """The answer to the first reset is lost, and no login can be made."""

    def closed(*_: object) -> Verdict:
        raise CannotVerify("closed", unsent=True)

    patch.setattr(MemoryVendor, "log_in", closed)
    return lost(Edge.BEFORE)(world, patch)


def locked(world: Scenario, patch: pytest.MonkeyPatch) -> str:
    """The answer to the first reset is lost, and strangers keep the account locked."""

    def is_locked(*_: object) -> Verdict:
        raise AccountLocked("locked")

    patch.setattr(MemoryVendor, "log_in", is_locked)
    return lost(Edge.BEFORE)(world, patch)


def only_the_candidate_is_judged(world: Scenario, patch: pytest.MonkeyPatch) -> str:
    """The answer to the first reset is lost, and the login service answers the first question of an hour only."""
    plain, asked = MemoryVendor.log_in, []

    def once(vendor: MemoryVendor, password: Secret) -> Verdict:
        if asked and vendor.now() < asked[-1] + 3600:
            raise CannotVerify("captcha")
        asked.append(vendor.now())
        return plain(vendor, password)

    patch.setattr(MemoryVendor, "log_in", once)
    return lost(Edge.BEFORE)(world, patch)


def task_fails(world: Scenario, patch: pytest.MonkeyPatch) -> str:
    """Every task fails."""
    patch.setattr(world.vendor, "task_fails", True)
    return world.begin()


def restored(world: Scenario, patch: pytest.MonkeyPatch) -> str:
    """Somebody put the previous password back after a rotation, and the first answer is lost."""
    assert world.rotate(world.begin()) == []
    previous = world.password("AWSPREVIOUS")
    assert previous is not None
    world.clock.sleep(3600)
    world.vendor.set_by_hand(previous)
    world.clock.sleep(3600)
    return lost(Edge.BEFORE)(world, patch)


def abandoned(world: Scenario, _: pytest.MonkeyPatch) -> str:
    """A rotation was cancelled after its reset."""
    token = world.run_to(Step.SET)
    world.strip_pending(token)
    world.clock.sleep(3600)
    return world.begin()


def changed_outside(world: Scenario, _: pytest.MonkeyPatch) -> str:
    """Somebody sets a password that no version holds."""
    world.vendor.set_by_hand(Secret("Changed0By0Hand0Pass"))
    world.clock.sleep(3600)
    return world.begin()


TROUBLES: dict[str, tuple[Trouble, str]] = {
    "lost before": (lost(Edge.BEFORE), ""),
    "lost after": (lost(Edge.AFTER), ""),
    "at work": (at_work, ""),
    "hopeless": (hopeless, "login"),
    "out of reach": (out_of_reach, "login"),
    "locked": (locked, "login"),
    "one answer": (only_the_candidate_is_judged, "login"),
    "task fails": (task_fails, "task"),
    "restored": (restored, "self"),
    "abandoned": (abandoned, "self"),
    "changed outside": (changed_outside, "self"),
}
"""With what a kind of account must have, so that it can have the trouble."""


STRICT = Lockout(tries=3, window_seconds=900)
KINDS: dict[str, Callable[[], Scenario]] = {
    "admin, one wrong login": lambda: make_scenario("admin", lockout=STRICT),
    "task of 90 s": lambda: make_scenario("admin-task", delay_seconds=90.0),
    "machine of 90 s": lambda: make_scenario("machine", switch_seconds=90.0),
    "task of 200 s without a login": lambda: make_scenario("admin-task", oracle=False, delay_seconds=200.0),
    "state of 90 s": lambda: make_scenario("admin", by_state=True, delay_seconds=90.0),
    "restart of 90 s": lambda: make_scenario("machine", applies_at_start=True, switch_seconds=90.0),
    "turns": make_pair,
    "turns, one wrong login": lambda: make_pair(lockout=STRICT),
    "self": lambda: make_scenario("self"),
    "self, one wrong login": lambda: make_scenario("self", lockout=STRICT),
}


RARER = ("state", "restart", "turns")
"""Kinds whose moves are those of the others, by the table; what differs stands beside it."""


def long(family: str) -> Any:
    """Return a parameter for a test that repeats a fact with more data."""
    return pytest.param(family, marks=pytest.mark.long)


@dataclass
class Knife:
    """Ends every run after its first move: between any two moves the time is up."""

    world: Scenario
    killed: bool
    pairs: set[Pair] = field(default_factory=set)
    last: Move | None = None
    _spared: Counter[Pair] = field(default_factory=Counter)

    def begin(self, attempt: Attempt) -> Result:
        """Stand in for ``reconcile``."""
        self.last = None
        return reconciler.reconcile(attempt)

    def next_move(self, facts: Facts) -> Row:
        """Stand in for the table's ``next_move``."""
        row, last = next_move(facts), self.last
        self.last = row.move
        if last is not None and self._cuts((last, row.move)):
            if self.killed:
                self.world.fuse.blown, self.world.fuse.error = True, None
                raise Crash(str(row.move))
            raise InProgress("the time is up")
        return row

    def _cuts(self, pair: Pair) -> bool:
        """Return whether to end the run here.

        Three times only where the first move has to be made in the same run as the second: a task is asked about in
        every run, an accepted candidate gets its proof in the run that asked, and a run that stops does nothing more.
        """
        self.pairs.add(pair)
        self._spared[pair] += 1
        together = pair[0] is Move.POLL or pair[1] in STOPS or pair == (Move.PROBE_PENDING, Move.DONE)
        return not together or self._spared[pair] <= 3


def cut(monkeypatch: pytest.MonkeyPatch, kind: str, trouble: str, *, killed: bool) -> Knife:
    """Play a day of a trouble, and then until the rotation ends, with one move for each run."""
    world = KINDS[kind]()
    knife = Knife(world, killed)
    with monkeypatch.context() as troubled:
        token = TROUBLES[trouble][0](world, troubled)
        before = world.vendor.resets
        with monkeypatch.context() as cutting:
            cutting.setattr(set_secret, "reconcile", knife.begin)
            cutting.setattr(reconciler, "next_move", knife.next_move)
            played = play(world, token, seconds=DAY / 4)
            assert world.vendor.resets - before <= MOST_RESETS + 2
            assert world.vendor.stops <= MOST_RESETS + 2
            assert not world.vendor.locked
            if not played.done:
                troubled.undo()
                if world.vendor.live not in world.stored():
                    world.vendor.set_by_hand(world.secret.read(token).document.password)
                cutting.setattr(set_secret, "reconcile", knife.begin)
                cutting.setattr(reconciler, "next_move", knife.next_move)
                assert play(world, token, seconds=DAY).done
    assert world.password() == world.vendor.live
    assert world.vendor.power in (None, Power.RUNNING)
    return knife


def _may_have(kind: str, needs: str) -> bool:
    return needs in kind if needs != "login" else "without" not in kind


@pytest.mark.slow
@pytest.mark.parametrize("killed", [False, True])
@pytest.mark.parametrize("family", ["admin", "task", "machine", "self", *(long(each) for each in RARER)])
def test_each_run_may_end_between_any_two_moves(monkeypatch: pytest.MonkeyPatch, family: str, *, killed: bool) -> None:
    """The next run goes on from what was learnt, whether the run before was killed or ended in order."""
    pairs, expected = set[Pair](), set[Pair]()
    for kind in (each for each in KINDS if each.startswith(family)):
        expected |= pairs_of_the_table(KINDS[kind]())
        for trouble, (_, needs) in TROUBLES.items():
            if _may_have(kind, needs):
                pairs |= cut(monkeypatch, kind, trouble, killed=killed).pairs
    assert expected - pairs <= set(UNPLAYED)


def test_a_late_request_of_a_promoted_rotation_does_not_overtake_the_next_one(world):
    """Its answer was lost, a later run sent it again and promoted it, and it arrives 50 s after it was sent."""
    scenario = world("admin")
    token = scenario.created()
    scenario.reset_ends_with(token, OutcomeUnknown("lost"))
    late = scenario.secret.read(token).document.password.reveal()
    scenario.clock.late = ((scenario.clock.now() + 50, "vendor", (late,)),)
    scenario.clock.deliver = lambda _, request: scenario.vendor.change(Secret(request[0]), None)
    scenario.clock.sleep(5)
    assert scenario.rotate(token) == []

    failures = scenario.rotate(scenario.begin(), spacing=30.0)
    scenario.clock.sleep(600)

    assert set(failures) == {"parked"}
    assert len(failures) <= 2
    assert scenario.password() == scenario.vendor.live != Secret(late)


@pytest.mark.parametrize("jump", [-600.0, -45.0, 45.0, 600.0])
@pytest.mark.parametrize("lost", [False, True])
@pytest.mark.parametrize("kind", ["admin", "admin-task", "machine", "self"])
def test_a_clock_that_jumps_between_any_two_steps_loses_nothing(world, kind, lost, jump):
    """Each invocation begins with another time of day, also after a lost answer to a reset that was applied."""
    scenario = world(kind)
    token, waited = scenario.begin(), 0
    steps = list(Step)
    if lost:
        scenario.step(Step.CREATE, token)
        scenario.ahead = jump
        scenario.reset_ends_with(token, OutcomeUnknown("lost"), Edge.AFTER)
    while steps:
        scenario.ahead = jump - scenario.ahead
        try:
            scenario.step(steps[0], token)
        except RotationError:
            waited += 1
            assert waited < 40
            scenario.clock.sleep(60)
        else:
            steps.pop(0)
    assert scenario.password() == scenario.vendor.live != Secret(OLD)
    assert (scenario.vendor.resets, scenario.vendor.wrong_logins) == (1, 0)
