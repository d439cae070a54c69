"""``lockstep vault cancel``: a rotation that cannot go on is given up, and what may be live stays known."""

from __future__ import annotations

import pytest

from rotation.core.errors import StageError
from rotation.state import marks
from rotation.stores.vault_kv import Cancelled
from rotation_testkit.conformance.store_backdoor import (
    BASE,
    FIRST,
    NEXT,
    NOW,
    OTHER,
    SECOND,
    every_mark,
    labels_of,
    stored_text,
)


def test_a_candidate_that_may_be_live_keeps_its_value_and_its_marks(door):
    """Only the pending stage goes; the next rotation finds the candidate as the cancelled one."""
    door.store().stage(FIRST, NEXT)
    for mark in every_mark():
        door.store().mark(FIRST, mark)
    assert door.store().cancel() == Cancelled(FIRST, NOW)
    assert labels_of(door)[FIRST] == {mark.on(FIRST) for mark in every_mark()}
    assert stored_text(door, FIRST) == NEXT.dump()
    assert door.store().begin(SECOND) == SECOND
    door.store().stage(SECOND, OTHER)
    assert door.store().describe().cancelled_id(SECOND) == FIRST
    assert stored_text(door, FIRST) == NEXT.dump()


def test_a_candidate_that_was_never_sent_goes_and_leaves_its_wrong_logins(door):
    """The candidate is removed, and the account's wrong logins still count."""
    door.store().stage(FIRST, NEXT)
    door.store().mark(FIRST, marks.rejected(1, NOW))
    door.store().mark(FIRST, marks.parked("back_off", NOW + 60))
    assert door.store().cancel() == Cancelled(FIRST, None)
    assert FIRST not in door.store().describe().versions
    assert door.store().read(FIRST) is None
    assert door.store().describe().wrong_logins(since=NOW - 1) == (1, NOW)


def test_a_rotation_that_has_committed_is_not_given_up(door):
    """Readers get its value already; only the clean-up is missing."""
    door.store().stage(FIRST, NEXT)
    door.store().mark(FIRST, marks.intent(NOW))
    door.store().promote(FIRST, current_id=BASE)
    with pytest.raises(StageError):
        door.store().cancel()
    assert door.store().describe().current_id == FIRST
