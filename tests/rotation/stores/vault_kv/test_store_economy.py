"""What each operation of the store costs, and what it finds out by the reads that it does make."""

from __future__ import annotations

import pytest

from rotation.core.errors import InProgress, NotYetVisible, StageConflict, StoreUnavailable
from rotation.state import marks
from rotation.state.lease import Claim
from rotation.state.stages import PENDING
from rotation.stores.vault_kv import VaultKv
from rotation_testkit.conformance.store_backdoor import BASE, FIRST, LIVE, NEXT, OTHER, SECOND
from rotation_testkit.fault_lab.in_memory.fuse import Edge, Fuse

JOURNAL, SECRET = "app.lockstep", "app"


class Logged:
    """A mount that logs its requests, and may confirm a write of a path without keeping it."""

    def __init__(self, kv):
        self._kv, self.log, self.loses = kv, [], None

    def read(self, path, *, version=None):
        """See ``Kv``."""
        self.log.append(f"read {path}")
        return self._kv.read(path, version=version)

    def write(self, path, document, *, cas):
        """See ``Kv``."""
        self.log.append(f"write {path}")
        if path == self.loses:
            self.loses = None
            kept = self._kv.read(path)
            return type(kept)(version=cas + 1, created=kept.created, document=document)
        return self._kv.write(path, document, cas=cas)

    def taken(self):
        """Return the requests since the last call."""
        log, self.log = self.log, []
        return log


@pytest.fixture
def kv(door):
    """Return the mount of ``door`` with its log."""
    return Logged(door.kv)


@pytest.fixture
def store(door, kv):
    """Return a store over the logged mount."""
    return VaultKv(kv, SECRET, clock=door.clock)


def claim(door):
    """Return a claim of the lease for a minute."""
    return Claim("a" * 16, door.clock.now(), door.clock.now() + 60)


def test_what_each_operation_of_a_rotation_costs(door, kv, store):
    """A change of the journal is one request; the other reads are those that ``store`` names."""
    assert store.begin(FIRST) == FIRST
    assert kv.taken() == [f"read {JOURNAL}", f"read {SECRET}"]
    state = store.remembered()
    assert (state.current_id, state.holder(PENDING)) == (BASE, FIRST)
    assert store.read(BASE).document == LIVE
    store.stage(FIRST, NEXT)
    assert store.read(FIRST).document == NEXT
    assert kv.taken() == [f"write {JOURNAL}"]
    store.acquire(FIRST, state, claim(door))
    assert kv.taken() == [f"write {JOURNAL}", f"read {JOURNAL}", f"read {SECRET}"]
    store.mark(FIRST, marks.intent(door.clock.now()))
    assert store.remembered().versions[FIRST].intent is not None
    assert kv.taken() == [f"write {JOURNAL}"]
    store.describe()
    assert kv.taken() == [f"read {JOURNAL}", f"read {SECRET}"]
    store.promote(FIRST, current_id=BASE)
    assert kv.taken() == [f"read {JOURNAL}", f"write {SECRET}"]
    store.settle(FIRST)
    assert kv.taken() == [f"read {SECRET}", f"write {JOURNAL}"]
    assert store.unfinished() is None
    assert kv.taken() == [f"read {JOURNAL}"]


def test_a_rotation_begins_with_its_candidate(door, store):
    """Until the first change of the journal nothing is written, and another job may begin."""
    assert store.begin(FIRST) == FIRST
    assert store.describe().holder(PENDING) == FIRST
    assert door.store().unfinished() is None
    door.store().stage(SECOND, OTHER)
    with pytest.raises(StageConflict, match="another rotation"):
        store.stage(FIRST, NEXT)
    assert store.read(FIRST) is None
    assert store.unfinished() == SECOND
    assert store.begin(FIRST) == SECOND


@pytest.mark.parametrize("proposed", [FIRST, SECOND])
def test_a_resumed_rotation_that_is_cancelled_meanwhile_keeps_its_candidate(door, store, proposed):
    """Only a rotation that was not there yet is begun by the next change."""
    door.store().stage(FIRST, NEXT)
    assert store.begin(proposed) == FIRST
    door.strip(FIRST, PENDING)
    store.mark(FIRST, marks.parked("x", 3.0))
    assert store.describe().holder(PENDING) is None
    assert door.store().read(FIRST).document == NEXT


def test_a_candidate_that_was_cancelled_after_a_doubtful_write_is_not_begun_again(door):
    """The first write was kept and answered as a conflict, as a request that is delivered twice is."""
    kept = door.kv.write

    def twice(*args, **named):
        door.kv.write = kept
        kept(*args, **named)
        return kept(*args, **named)

    store = door.store()
    store.begin(FIRST)
    door.kv.write = twice
    store.stage(FIRST, NEXT)
    door.strip(FIRST, PENDING)
    store.mark(FIRST, marks.parked("x", 3.0))
    assert store.describe().holder(PENDING) is None
    assert door.store().read(FIRST).document == NEXT


def test_somebody_elses_write_is_seen_by_the_next_change(door, store):
    """Their marks and ours are both kept."""
    store.stage(FIRST, NEXT)
    door.store().mark(FIRST, marks.rejected(1, 1.0))
    store.mark(FIRST, marks.intent(2.0))
    assert store.remembered().versions[FIRST].marks == {marks.rejected(1, 1.0), marks.intent(2.0)}
    assert door.store().describe().versions[FIRST].marks == {marks.rejected(1, 1.0), marks.intent(2.0)}


def test_a_refusal_is_not_decided_by_what_is_remembered(door, store):
    """A lease that was given back since is taken."""
    store.stage(FIRST, NEXT)
    other = Claim("b" * 16, door.clock.now(), door.clock.now() + 60)
    door.store().acquire(FIRST, door.store().describe(), other)
    state = store.describe()
    with pytest.raises(InProgress):
        store.acquire(FIRST, state, claim(door))
    door.store().yield_lease(FIRST, holder=other.holder)
    store.acquire(FIRST, state, claim(door))


def test_a_value_that_is_missing_may_have_been_put_since(door, store):
    """A value never changes, but may come."""
    store.describe()
    door.store().stage(FIRST, NEXT)
    assert store.read(FIRST).document == NEXT


def test_a_change_that_seems_to_be_made_already_is_not_decided_by_what_is_remembered(door, store):
    """A mark that somebody took away since is written again."""
    store.stage(FIRST, NEXT)
    store.mark(FIRST, marks.intent(2.0))
    door.store().unmark(FIRST, marks.intent(2.0))
    store.mark(FIRST, marks.intent(2.0))
    assert door.store().describe().versions[FIRST].intent == 2.0


def test_a_write_that_was_not_kept_is_found_out_before_the_vendor_is_called(door, kv, store):
    """``describe``, and any later change, says that the write cannot be seen; ``acquire`` says it of its own."""
    store.stage(FIRST, NEXT)
    state = store.describe()
    kv.loses = JOURNAL
    with pytest.raises(NotYetVisible):
        store.acquire(FIRST, state, claim(door))
    store._floors[JOURNAL] -= 1  # as in the next process
    for look in (store.describe, lambda: store.mark(FIRST, marks.parked("x", 3.0))):
        kv.loses = JOURNAL
        store.mark(FIRST, marks.intent(2.0))
        with pytest.raises(NotYetVisible):
            look()
        store._floors[JOURNAL] -= 1  # as in the next process


def test_a_commit_that_was_not_kept_leaves_the_candidate_in_the_journal(door, kv, store):
    """Settling takes the candidate out of the journal only once the secret shows it."""
    store.stage(FIRST, NEXT)
    store.mark(FIRST, marks.intent(2.0))
    kv.loses = SECRET
    store.promote(FIRST, current_id=BASE)
    with pytest.raises(NotYetVisible):
        store.settle(FIRST)
    assert door.store().read(FIRST).document == NEXT
    assert door.store().describe().current_id == BASE


def test_a_rotation_that_was_cancelled_since_is_not_promoted(door, store):
    """The secret's own check-and-set would let it pass: nobody has written the secret."""
    store.stage(FIRST, NEXT)
    store.mark(FIRST, marks.intent(2.0))
    door.store().cancel()
    assert door.store().begin(SECOND) == SECOND
    with pytest.raises(StageConflict, match="cancelled"):
        store.promote(FIRST, current_id=BASE)
    assert door.store().describe().current_id == BASE


def test_the_state_under_the_lease_shows_an_edit(door, store):
    """The journal's check-and-set knows nothing of the secret."""
    store.stage(FIRST, NEXT)
    state = store.describe()
    door.kv.write(SECRET, LIVE.replaced(note="by hand"), cas=1)
    assert store.acquire(FIRST, state, claim(door)).current_id == "kv-2"


def test_an_edit_since_the_last_look_stops_the_promotion(door, store):
    """The check-and-set names the version that was seen."""
    store.stage(FIRST, NEXT)
    door.kv.write(SECRET, LIVE.replaced(note="by hand"), cas=1)
    with pytest.raises(StageConflict):
        store.promote(FIRST, current_id=BASE)
    store.promote(FIRST, current_id=store.describe().current_id)
    assert door.kv.read(SECRET).document == NEXT.replaced(note="by hand")


@pytest.mark.parametrize("edge", list(Edge))
def test_after_a_failed_write_nothing_is_remembered(door, edge):
    """Nobody knows whether it took place, so both entries are read before the next write."""
    fuse = Fuse(2, edge, error=lambda _: StoreUnavailable("no answer"))
    store = VaultKv(fuse.wrap(door.kv, ("write",)), SECRET, clock=door.clock)
    store.stage(FIRST, NEXT)
    with pytest.raises(StoreUnavailable):
        store.mark(FIRST, marks.intent(2.0))
    assert store.remembered() is None
    store.mark(FIRST, marks.intent(3.0))
    assert door.store().describe().versions[FIRST].intent == 3.0
