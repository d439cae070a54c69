"""Wrong logins outlast their versions, but never use up the labels that a secret has."""

from __future__ import annotations

from contextlib import suppress

import pytest

from rotation.core.document import SecretDocument
from rotation.core.errors import StageConflict
from rotation.state import marks
from rotation.state.marks import Kind
from rotation.state.stages import CURRENT, PENDING, PREVIOUS
from rotation.state.versions import SecretState
from rotation.stores.memory import MemorySecret, MemoryStore
from rotation_testkit.fault_lab.in_memory.fuse import Crash, Edge, Fuse

NOW = 1_700_000_000
_ROTATIONS = 40


def test_many_rotations_with_a_wrong_login_each_leave_few_labels_and_lose_none() -> None:
    """Forty wrong logins in an hour are all counted, and the labels stay far from AWS's limit of 20."""
    secret = MemorySecret(now=lambda: float(NOW))
    secret.put("version-00", SecretDocument({"password": "old"}), CURRENT)
    store = MemoryStore(secret)
    for number in range(1, _ROTATIONS + 1):
        token, before = f"version-{number:02}", store.describe().current_id
        secret.put(token, SecretDocument({"password": f"new {number}"}), PENDING)
        store.mark(token, marks.intent(NOW + number))
        store.mark(token, marks.rejected(1, NOW + number))
        store.promote(token, current_id=before)
        store.settle(token)
        labels = [label for version in store.describe().versions.values() for label in version.labels]
        assert len(labels) <= 9
    count, latest = store.describe().wrong_logins(since=NOW)
    assert (count, latest) == (_ROTATIONS, NOW + _ROTATIONS)


def held(**stages: str) -> MemorySecret:
    """Return a secret whose versions have these stages."""
    secret = MemorySecret(now=lambda: float(NOW))
    for version, stage in stages.items():
        secret.put(version, SecretDocument({"password": "x"}), *filter(None, [stage]))
    return secret


@pytest.mark.parametrize("stage", [PENDING, ""], ids=["pending", "cancelled meanwhile"])
def test_a_promotion_that_was_confirmed_and_not_kept_is_found(stage: str) -> None:
    """Nothing is tidied up for a version that is not current, whether or not an operator has cancelled its rotation."""
    store = MemoryStore(held(v0=CURRENT, v1=stage))
    store.mark("v0", marks.intent(NOW - 9))
    store.mark("v1", marks.intent(NOW))
    with pytest.raises(StageConflict, match="not current"):
        store.settle("v1")
    assert store.describe().version("v0").intent is not None


def test_a_version_that_was_replaced_since_may_be_settled_again() -> None:
    """A late repetition of finishSecret raises nothing."""
    store = MemoryStore(held(v0=CURRENT, v1=PREVIOUS))
    store.mark("v0", marks.intent(NOW))
    store.mark("v1", marks.intent(NOW - 9))
    store.settle("v1")
    assert store.describe().version("v0").intent is not None


@pytest.mark.parametrize("end", ["released", "settled"])
def test_wrong_logins_packed_by_a_batch_outlast_their_candidate(end: str) -> None:
    """Each account goes on with as many as any one of them had, beside those that concern all; nothing doubles."""
    store = MemoryStore(held(v0=CURRENT, v1=PENDING, v2="mine"))
    over = "v1" if end == "released" else "v2"
    two = [marks.rejected(1, NOW - 9, run="ab"), marks.rejected(1, NOW - 3, run="cd")]
    store.mark(over, marks.member(0, [*two, marks.parked("too_soon", NOW)]))
    store.mark(over, marks.member(1, [marks.rejected(1, NOW - 5, run="ab")]))
    store.mark(over, marks.member(2, [marks.task("t1")]))
    store.mark(over, marks.rejected(1, NOW - 7, run="ef"))
    for _ in range(2):
        if end == "released":
            store.release(over)
        else:
            store.settle("v0")
    left = store.describe()
    assert {mark.kind for version in left.versions.values() for mark in version.marks} == {Kind.REJECTED}
    assert not left.version(over).marks
    assert left.wrong_logins(since=NOW - 100) == (3, NOW - 3)
    assert [_charged(left, number) for number in range(3)] == [3, 3, 3]


@pytest.mark.parametrize("moment", range(1, 8))
def test_a_crash_while_a_batchs_candidate_is_released_forgets_no_wrong_login(moment: int) -> None:
    """The note is on the current version before the labels that it stands for go."""
    secret = held(v0=CURRENT, v1=PENDING)
    for number in range(3):
        secret.attach(marks.member(number, [marks.rejected(number, NOW)]).on("v1"), "v1")
    fuse = Fuse(moment, Edge.BEFORE)
    with suppress(Crash):
        MemoryStore(fuse.wrap(secret, ("describe", "attach", "detach"))).release("v1")
    seen = secret.describe()
    assert max(_charged(seen, number) for number in range(3)) >= 2
    MemoryStore(secret).release("v1")
    assert secret.describe().wrong_logins(since=0)[0] == 2


def _charged(state: SecretState, number: int) -> int:
    own = {key: version.seen_by(number) for key, version in state.versions.items()}
    return SecretState(rotation_enabled=True, versions=own).wrong_logins(since=0)[0]
