"""The store suite's tests of moving labels: lease, promotion, release, settling, and crashes in them."""

from __future__ import annotations

from abc import ABC, abstractmethod
from contextlib import AbstractContextManager

import pytest

from rotation.core.errors import InProgress, SecretDocumentError, StageConflict, StoreError, StoreFull
from rotation.core.values import LONGEST_LOCKOUT_SECONDS, Evidence
from rotation.state import marks
from rotation.state.lease import CLOCK_MARGIN, busy
from rotation_testkit.conformance.store_backdoor import (
    BASE,
    CURRENT,
    FIRST,
    LABELS_PER_SECRET,
    NEXT,
    NOW,
    OTHER,
    PENDING,
    PREVIOUS,
    SECOND,
    UNKNOWN,
    Backdoor,
    acquire,
    claim,
    cut_then_repeat,
    every_mark,
    labels_of,
    operate,
    prepare,
    promoted,
    settled_labels,
)


class LabelConformance(ABC):
    """Lease, promotion, release and settling; part of ``StoreConformance``."""

    @abstractmethod
    def make(self) -> AbstractContextManager[Backdoor]:
        """Return a new secret behind a back door; its servers, if any, stop when the block ends."""

    def test_the_lease_is_taken_once(self, door: Backdoor) -> None:
        """A second run that wants the lease is refused, with the time until which it has to wait."""
        door.store().stage(FIRST, NEXT)
        acquire(door, FIRST, "aa", until=60)
        with pytest.raises(InProgress) as caught:
            acquire(door, FIRST, "bb", until=90)
        assert caught.value.not_before == NOW + 60 + CLOCK_MARGIN

    def test_the_lease_is_taken_once_from_the_same_view(self, door: Backdoor) -> None:
        """Of two runs that saw the same labels, only one gets the lease."""
        door.store().stage(FIRST, NEXT)
        seen = door.store().describe()
        door.store().acquire(FIRST, seen, claim("aa", until=60))
        with pytest.raises(InProgress):
            door.store().acquire(FIRST, seen, claim("bb", until=90))
        door.store().yield_lease(FIRST, holder="bb")
        with pytest.raises(InProgress):
            acquire(door, FIRST, "cc", until=90)

    def test_the_lease_is_free_after_it_was_given_back(self, door: Backdoor) -> None:
        """Giving the lease back twice, or without having it, is harmless."""
        door.store().stage(FIRST, NEXT)
        for holder in ("aa", "bb", "cc"):
            acquire(door, FIRST, holder, until=60)
            door.store().yield_lease(FIRST, holder=holder)
            door.store().yield_lease(FIRST, holder=holder)
            door.store().yield_lease(FIRST, holder="dd")

    def test_the_lease_of_a_dead_run_is_taken_over_after_its_time(self, door: Backdoor) -> None:
        """A dead run's lease can be taken once its time is over, for the same token or another."""
        door.store().stage(FIRST, NEXT)
        acquire(door, FIRST, "aa", until=60)
        with pytest.raises(InProgress):
            acquire(door, FIRST, "bb", now=60 + CLOCK_MARGIN, until=150)
        acquire(door, FIRST, "bb", now=61 + CLOCK_MARGIN, until=150)
        door.strip(FIRST, PENDING)
        door.store().stage(SECOND, OTHER)
        with pytest.raises(InProgress):
            acquire(door, SECOND, "cc", now=150 + CLOCK_MARGIN, until=250)
        acquire(door, SECOND, "cc", now=151 + CLOCK_MARGIN, until=250)

    def test_taking_the_lease_says_that_a_reset_may_be_sent(self, door: Backdoor) -> None:
        """The intent names the run, its end and the current version; after the run it says whether a reset was sent."""
        door.store().stage(FIRST, NEXT)
        acquire(door, FIRST, "aa", until=60)
        (intent,) = door.store().describe().version(FIRST).intents
        assert intent == marks.Intent(NOW, NOW + 60, "aa", BASE[-8:])
        door.store().yield_lease(FIRST, holder="aa", sent=NOW + 7)
        assert door.store().describe().version(FIRST).intents == (marks.Intent(NOW + 7, 0, "aa", BASE[-8:]),)
        acquire(door, FIRST, "bb", until=60)
        door.store().yield_lease(FIRST, holder="bb")
        assert [each.run for each in door.store().describe().version(FIRST).intents] == ["aa"]

    def test_a_proof_moves_and_ends_the_lease(self, door: Backdoor) -> None:
        """Its label sits on one version, and holds until another value is put into the secret."""
        door.store().prove(BASE, Evidence.LOGIN)
        door.store().stage(FIRST, NEXT)
        acquire(door, FIRST, "aa", until=60)
        for _ in range(2):
            door.store().prove(FIRST, Evidence.LOGIN)
        door.store().end(FIRST, holder="aa")
        state = door.store().describe()
        assert (state.proof(BASE), state.proof(FIRST)) == (None, Evidence.LOGIN)
        assert busy(state, NOW) is None
        door.store().promote(FIRST, current_id=BASE)
        door.store().settle(FIRST)
        door.store().stage(SECOND, OTHER)
        acquire(door, SECOND, "bb", until=60)

    def test_a_marked_version_is_put_beside_the_candidate_and_promoted(self, door: Backdoor) -> None:
        """The candidate stays pending, and its proof holds while a version that was made of it is current."""
        door.store().stage(FIRST, NEXT)
        acquire(door, FIRST, "aa", until=60)
        door.store().prove(FIRST, Evidence.LOGIN, 0)
        mark = marks.intent(0, run=FIRST[-8:], base=BASE)
        for _ in range(2):
            door.store().stage(SECOND, OTHER, mark)
        state = door.store().describe()
        assert (state.holder(PENDING), state.current_id, state.version(SECOND).all(marks.Kind.INTENT)) == (
            FIRST,
            BASE,
            [mark],
        )
        door.store().promote(SECOND, current_id=BASE)
        door.store().settle(SECOND)
        state = door.store().describe()
        assert (state.holder(PENDING), state.current_id, state.previous_id) == (FIRST, SECOND, BASE)
        assert state.is_based_on_current(state.version(FIRST))
        assert state.cancelled_id("") == FIRST
        door.store().promote(FIRST, current_id=SECOND)
        door.store().settle(FIRST)
        assert door.store().describe().version(SECOND).marks == frozenset()

    def test_the_lease_needs_a_current_version_beside_the_token(self, door: Backdoor) -> None:
        """A token whose version was promoted gets no lease."""
        with pytest.raises(StageConflict):
            acquire(door, BASE, "aa", until=60)

    def test_promotion_moves_current_and_leaves_previous(self, door: Backdoor) -> None:
        """Promotion is a compare-and-swap against the version that was current."""
        door.store().stage(FIRST, NEXT)
        door.store().promote(FIRST, current_id=BASE)
        state = door.store().describe()
        assert (state.current_id, state.previous_id) == (FIRST, BASE)

    def test_a_second_promotion_moves_previous_along(self, door: Backdoor) -> None:
        """After a promotion, previous is the former current version."""
        for token, before in ((FIRST, BASE), (SECOND, FIRST)):
            door.store().stage(token, NEXT.replaced(password=token[::-1]))
            door.store().promote(token, current_id=before)
            door.store().settle(token)
        state = door.store().describe()
        assert (state.current_id, state.previous_id) == (SECOND, FIRST)

    def test_promoting_again_changes_nothing(self, door: Backdoor) -> None:
        """A promotion that is repeated after a lost reply changes no label."""
        door.store().stage(FIRST, NEXT)
        door.store().promote(FIRST, current_id=BASE)
        before = labels_of(door)
        door.store().promote(FIRST, current_id=BASE)
        door.store().promote(FIRST, current_id=FIRST)
        assert labels_of(door) == before

    @pytest.mark.parametrize("wrong", [SECOND, UNKNOWN])
    def test_promotion_from_the_wrong_version_is_a_conflict(self, door: Backdoor, wrong: str) -> None:
        """A promotion from a version that is not current is refused."""
        door.store().stage(FIRST, NEXT)
        with pytest.raises(StageConflict):
            door.store().promote(FIRST, current_id=wrong)
        assert door.store().describe().current_id == BASE

    def test_promotion_to_an_unknown_version_loses_nothing(self, door: Backdoor) -> None:
        """A promotion of an unknown version leaves current where it is."""
        with pytest.raises(StoreError):
            door.store().promote(UNKNOWN, current_id=BASE)
        assert door.store().describe().current_id == BASE

    def test_a_promotion_needs_a_current_version(self, door: Backdoor) -> None:
        """A promotion without a current version is refused, since there is nothing to compare with."""
        door.store().stage(FIRST, NEXT)
        with pytest.raises(SecretDocumentError):
            door.store().promote(FIRST, current_id=None)

    def test_a_released_candidate_loses_its_stage_and_marks(self, door: Backdoor) -> None:
        """A released candidate's wrong logins move to current; a repetition or an unknown token changes nothing."""
        door.store().stage(FIRST, NEXT)
        for mark in every_mark():
            door.store().mark(FIRST, mark)
        for _ in range(2):
            door.store().release(FIRST)
        door.store().release(UNKNOWN)
        left = marks.carried(marks.rejected(1, NOW), FIRST)
        assert labels_of(door) == {BASE: {CURRENT, left.on(BASE)}}
        assert door.store().describe().wrong_logins(since=NOW - 1) == (1, NOW)

    def test_settling_frees_labels_and_keeps_the_proof(self, door: Backdoor) -> None:
        """The new current version keeps intent, proof and all wrong logins; the old one keeps none of our labels."""
        before = marks.rejected(1, NOW - 9)
        door.store().stage(FIRST, NEXT)
        door.store().mark(BASE, before)
        for mark in every_mark():
            door.store().mark(FIRST, mark)
        door.store().promote(FIRST, current_id=BASE)
        for _ in range(2):
            door.store().settle(FIRST)
            charges = {marks.rejected(1, NOW), marks.carried(before, BASE)}
            kept = {marks.intent(NOW), marks.proof(Evidence.LOGIN)} | charges
            labels = labels_of(door)
            labels[FIRST] -= {PENDING}  # may stay, as the service itself leaves it
            assert labels == {BASE: {PREVIOUS}, FIRST: {CURRENT, *(mark.on(FIRST) for mark in kept)}}

    @pytest.mark.parametrize(("age", "counted"), [(2 * 86_400, 1), (LONGEST_LOCKOUT_SECONDS - 1, 1), (10**7, 0)])
    @pytest.mark.parametrize("verb", ["settle", "release"])
    def test_a_wrong_login_is_kept_for_the_longest_window_there_can_be(
        self, door: Backdoor, age: int, counted: int, verb: str
    ) -> None:
        """A store knows no account, and an operator may state a lock-out window of weeks."""
        charged, kept = (BASE, FIRST) if verb == "settle" else (FIRST, BASE)
        door.store().stage(FIRST, NEXT)
        door.store().mark(charged, marks.rejected(1, NOW - age))
        door.store().mark(kept, marks.intent(NOW))
        if verb == "settle":
            door.store().promote(FIRST, current_id=BASE)
            door.store().settle(FIRST)
        else:
            door.store().release(FIRST)
        state = door.store().describe()
        assert state.wrong_logins(since=NOW - 10**8)[0] == counted
        assert not state.version(charged).all(marks.Kind.REJECTED)

    def test_settling_late_leaves_a_candidate_alone_that_was_not_sent_yet(self, door: Backdoor) -> None:
        """Settling leaves the marks of a pending candidate, such as its parking."""
        promoted(door)
        door.store().stage(SECOND, OTHER)
        door.store().mark(SECOND, marks.parked("too_soon", NOW + 90))
        before = labels_of(door)
        door.store().settle(FIRST)
        assert labels_of(door) == before

    def test_settling_late_leaves_the_next_candidate_alone(self, door: Backdoor) -> None:
        """A late duplicate of finishSecret must not make the next rotation forget what it sent."""
        promoted(door)
        door.store().stage(SECOND, OTHER)
        door.store().mark(SECOND, marks.intent(NOW + 60))
        door.store().mark(SECOND, marks.rejected(1, NOW + 61))
        before = labels_of(door)
        door.store().settle(FIRST)
        assert labels_of(door) == before

    def test_settling_late_leaves_a_cancelled_candidate_that_was_sent_later(self, door: Backdoor) -> None:
        """Settling leaves a candidate its intent, the last label that keeps it, since it may be live."""
        promoted(door)
        door.store().stage(SECOND, OTHER)
        door.store().mark(SECOND, marks.intent(NOW + 60))
        door.strip(SECOND, PENDING)
        door.store().settle(FIRST)
        assert door.store().describe().versions[SECOND].intent == NOW + 60

    def test_settling_lets_a_candidate_go_that_was_sent_earlier(self, door: Backdoor) -> None:
        """Settling removes the marks of a candidate sent earlier, since another value has been proved live."""
        door.store().stage(SECOND, OTHER)
        door.store().mark(SECOND, marks.intent(NOW - 60))
        door.strip(SECOND, PENDING)
        promoted(door)
        assert SECOND not in door.store().describe().versions

    def test_settling_works_when_every_label_is_in_use(self, door: Backdoor) -> None:
        """After cancelled rotations, settling frees labels before it moves the notes about wrong logins."""
        door.store().stage(SECOND, OTHER)
        door.store().mark(SECOND, marks.intent(NOW - 60))
        for run in "abcdefgh":
            door.store().mark(SECOND, marks.rejected(1, NOW - 50, run=run))
        door.strip(SECOND, PENDING)
        door.store().stage(FIRST, NEXT)
        door.store().mark(FIRST, marks.intent(NOW))
        door.store().promote(FIRST, current_id=BASE)
        used = {label for labels in labels_of(door).values() for label in labels}
        free = LABELS_PER_SECRET - len(used)
        for number in range(free):
            door.store().mark(SECOND, marks.rejected(1, NOW - 40, run=str(number)))
        with pytest.raises(StoreFull):
            door.store().mark(FIRST, marks.accepted(NOW))

        door.store().settle(FIRST)

        state = door.store().describe()
        assert SECOND not in state.versions
        assert state.holder(PENDING) in (None, FIRST)
        assert state.wrong_logins(since=NOW - 99) == (8 + free, NOW - 40)

    def test_settling_leaves_a_living_runs_lease(self, door: Backdoor) -> None:
        """A slow setSecret may still act while finishSecret, which holds no lease, settles."""
        door.store().stage(FIRST, NEXT)
        acquire(door, FIRST, "aa", until=60)
        promoted(door)
        door.store().stage(SECOND, OTHER)
        with pytest.raises(InProgress):
            acquire(door, SECOND, "bb", until=90)

    @pytest.mark.parametrize("name", ["acquire", "yield_lease", "promote", "release", "settle"])
    def test_an_operation_cut_off_anywhere_ends_right_when_repeated(self, name: str) -> None:
        """After a crash between any two label operations, the repetition ends as if there had been no crash."""
        with self.make() as clean:
            prepare(clean, name)
            operate(clean, name, now=0)
            expected = settled_labels(clean)
        for operations in range(20):
            with self.make() as door:
                cut = cut_then_repeat(door, name, operations)
                assert settled_labels(door) == expected
            if not cut:
                assert operations > 0
                return
        pytest.fail("the operation never came to its end")
