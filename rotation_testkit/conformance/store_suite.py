"""``StoreConformance``: the promises of every store. Inherit it in a test class and implement ``make``.

The tests hold what the engine relies on: put once, labels as compare-and-swap, durable marks, a lease, a promotion that
cannot happen twice, and operations that may be cut off anywhere and repeated.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar

import pytest

from rotation.core.errors import SecretDocumentError, StageConflict, StoreError
from rotation.core.secret import Secret
from rotation.state import marks
from rotation_testkit.conformance.store_backdoor import (
    BASE,
    FIRST,
    LABELS_PER_SECRET,
    LIVE,
    NEXT,
    NOW,
    OTHER,
    PENDING,
    SECOND,
    UNKNOWN,
    Backdoor,
    every_mark,
    labels_of,
    stored_text,
)
from rotation_testkit.conformance.store_labels import LabelConformance


class StoreConformance(LabelConformance):
    """Inherit and implement ``make``; every test gets a new secret.

    Attributes:
        keeps_order: whether a current value's keys come back in the order in which they were put.
    """

    keeps_order: ClassVar[bool] = True

    @pytest.fixture
    def door(self) -> Iterator[Backdoor]:
        """A new secret."""
        with self.make() as door:
            yield door

    def test_a_new_secret_has_a_current_version_and_nothing_pending(self, door: Backdoor) -> None:
        """Every other test starts from this state."""
        state = door.store().describe()
        assert state.rotation_enabled
        assert (state.current_id, state.previous_id, state.holder(PENDING)) == (BASE, None, None)

    def test_rotation_switched_off_is_seen(self, door: Backdoor) -> None:
        """The store reports it, and the engine refuses."""
        door.disable()
        assert not door.store().describe().rotation_enabled

    def test_what_a_secret_is_bound_to_is_read_with_the_labels(self, door: Backdoor) -> None:
        """A new secret is bound to nothing; a binding is there for every process, and may be written again."""
        store = door.store()
        assert store.seen().binding is None
        for text in ("1 acme one", "1 acme two", "1 acme two"):
            store.enroll(text)
            assert door.store().seen().binding == door.store().describe().binding == text
        assert door.store().describe().rotation_enabled

    def test_what_was_seen_last_is_remembered(self, door: Backdoor) -> None:
        """A store that has looked shows that again; each look shows what is there then."""
        store, other = door.store(), door.store()
        before = store.describe()
        other.enroll("1 acme one")
        assert store.seen().binding is before.binding is None
        assert store.describe().binding == store.seen().binding == "1 acme one"

    def test_a_value_is_read_with_its_version_keys_and_order(self, door: Backdoor) -> None:
        """Unknown keys, nesting, every character and, where the store can, the order survive."""
        value = door.store().read(BASE)
        assert value is not None
        assert value.version_id == BASE
        assert value.document == LIVE
        assert value.document.dump() == LIVE.dump() or not self.keeps_order
        assert value.created > 0

    def test_an_unknown_version_has_no_value(self, door: Backdoor) -> None:
        """An unknown version is no error: the service makes versions before their values."""
        assert door.store().read(UNKNOWN) is None

    def test_an_empty_pending_version_is_shown_and_has_no_value(self, door: Backdoor) -> None:
        """A rotation by the service starts with an empty version."""
        door.begin(FIRST)
        assert door.store().describe().holder(PENDING) == FIRST
        assert door.store().read(FIRST) is None

    def test_a_staged_candidate_is_pending_and_readable(self, door: Backdoor) -> None:
        """Current stays where it is."""
        door.begin(FIRST)
        door.store().stage(FIRST, NEXT)
        state = door.store().describe()
        assert (state.current_id, state.holder(PENDING)) == (BASE, FIRST)
        assert stored_text(door, FIRST) == NEXT.dump()

    def test_a_candidate_may_be_staged_without_an_empty_version_before(self, door: Backdoor) -> None:
        """A rotation from the command line stages its candidate directly."""
        door.store().stage(FIRST, NEXT)
        assert door.store().describe().holder(PENDING) == FIRST

    def test_a_promoted_candidate_is_what_readers_get(self, door: Backdoor) -> None:
        """Password and bookkeeping are read under the candidate's id, in this process and the next."""
        door.store().stage(FIRST, NEXT)
        store = door.store()
        store.promote(FIRST, current_id=BASE)
        for each in (store, door.store()):
            value = each.read(str(each.describe().current_id))
            assert value is not None
            assert (value.version_id, value.document) == (FIRST, NEXT)

    def test_the_same_value_is_put_twice_without_harm(self, door: Backdoor) -> None:
        """A lost reply is repeated; neither value nor labels change."""
        door.store().stage(FIRST, NEXT)
        before = labels_of(door)
        door.store().stage(FIRST, NEXT)
        assert labels_of(door) == before
        assert stored_text(door, FIRST) == NEXT.dump()

    def test_another_value_under_the_same_token_is_a_conflict(self, door: Backdoor) -> None:
        """The first value stays, and the run that lost can adopt it."""
        door.store().stage(FIRST, NEXT)
        with pytest.raises(StageConflict) as caught:
            door.store().stage(FIRST, OTHER)
        assert "canary" not in repr(caught.value.describe())
        assert stored_text(door, FIRST) == NEXT.dump()

    def test_putting_again_does_not_take_pending_from_a_later_candidate(self, door: Backdoor) -> None:
        """A late duplicate of createSecret must not disturb the next rotation."""
        door.store().stage(FIRST, NEXT)
        door.strip(FIRST, PENDING)
        door.store().stage(SECOND, OTHER)
        door.store().stage(FIRST, NEXT)
        assert door.store().describe().holder(PENDING) == SECOND

    @pytest.mark.parametrize("text", ["canary", '["canary"]', '{"password": "canary", "password": "x"}', '{"x": NaN}'])
    def test_a_value_that_is_no_document_is_a_typed_error(self, door: Backdoor, text: str) -> None:
        """The error does not quote the value."""
        door.put_text(FIRST, Secret(text))
        with pytest.raises(SecretDocumentError) as caught:
            door.store().read(FIRST)
        assert "canary" not in repr(caught.value.describe())

    def test_marks_are_kept_on_their_version(self, door: Backdoor) -> None:
        """A fresh process reads every kind of mark."""
        every = every_mark()
        door.store().stage(FIRST, NEXT)
        for mark in every:
            door.store().mark(FIRST, mark)
        state = door.store().describe()
        assert state.versions[FIRST].marks == set(every)
        assert state.versions[BASE].marks == frozenset()
        assert state.holder(PENDING) == FIRST

    def test_marking_and_unmarking_twice_is_harmless(self, door: Backdoor) -> None:
        """A lost reply is repeated."""
        mark = marks.intent(NOW)
        door.store().stage(FIRST, NEXT)
        door.store().mark(FIRST, mark)
        door.store().mark(FIRST, mark)
        assert door.store().describe().versions[FIRST].marks == {mark}
        door.store().unmark(FIRST, mark)
        door.store().unmark(FIRST, mark)
        assert door.store().describe().versions[FIRST].marks == frozenset()

    def test_unmarking_the_wrong_version_leaves_the_mark(self, door: Backdoor) -> None:
        """The mark is on another version, so that nothing changes."""
        mark = marks.intent(NOW)
        door.store().stage(FIRST, NEXT)
        door.store().mark(FIRST, mark)
        door.store().unmark(BASE, mark)
        assert door.store().describe().versions[FIRST].marks == {mark}

    def test_an_unknown_version_takes_no_mark(self, door: Backdoor) -> None:
        """An error tells the engine that its intent is not recorded."""
        with pytest.raises(StoreError):
            door.store().mark(UNKNOWN, marks.intent(NOW))

    def test_a_marked_version_is_shown_after_its_stage_is_gone(self, door: Backdoor) -> None:
        """After an operator cancelled, the candidate may be live and must stay visible."""
        door.store().stage(FIRST, NEXT)
        door.store().mark(FIRST, marks.intent(NOW))
        door.strip(FIRST, PENDING)
        assert door.store().describe().versions[FIRST].stages == frozenset()
        assert stored_text(door, FIRST) == NEXT.dump()

    def test_a_version_without_labels_is_not_shown(self, door: Backdoor) -> None:
        """The service may purge it at any time."""
        door.store().stage(FIRST, NEXT)
        door.strip(FIRST, PENDING)
        assert FIRST not in door.store().describe().versions

    def test_the_label_quota_is_a_typed_error_that_loses_no_label(self, door: Backdoor) -> None:
        """All versions of one secret together have at most 20 labels."""
        door.store().stage(FIRST, NEXT)
        for number in range(LABELS_PER_SECRET - 2):
            door.store().mark((FIRST, BASE)[number % 2], marks.intent(NOW + number))
        with pytest.raises(StoreError) as caught:
            door.store().mark(FIRST, marks.intent(NOW - 1))
        assert not caught.value.retryable
        state = door.store().describe()
        assert sum(len(version.labels) for version in state.versions.values()) == LABELS_PER_SECRET
        assert (state.current_id, state.holder(PENDING)) == (BASE, FIRST)
