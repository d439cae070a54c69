"""Every row of the reconciliation table, against what is written out here."""

from __future__ import annotations

from dataclasses import fields, replace
from itertools import product
from typing import Any

import pytest

from rotation.core.values import Authority
from rotation.engine.tables.reconciliation import (
    RECONCILIATION,
    Facts,
    Finding,
    Move,
    Row,
    Stored,
    TaskFinding,
    next_move,
)

Decided = list[tuple[Facts, Row]]


@pytest.fixture(scope="module")
def decided() -> Decided:
    """All combinations of facts, each with the row that decides."""
    domains: dict[str, list[Any]] = {
        "intent": [False, True],
        "authority": list(Authority),
        "oracle": [False, True],
        "accepted": [False, True],
        "reachable": [False, True],
        "cancelled": [False, True],
        "recalled": [False],
        "turned_away": [False],
        "task": list(TaskFinding),
        "pending": list(Finding),
        "current": list(Finding),
        "previous": list(Finding),
    }
    assert set(domains) == {column.name for column in fields(Facts)}
    fresh = [Facts(**dict(zip(domains, values, strict=True))) for values in product(*domains.values())]
    every = [*fresh, *(replace(each, recalled=True) for each in fresh if each.pending is Finding.REJECTED)]
    every += [replace(each, turned_away=True) for each in fresh if each.pending is Finding.NOT_ASKED]
    return [(facts, next_move(facts)) for facts in every]


def test_every_row_decides_something_and_every_case_is_decided_by_one_row(decided: Decided) -> None:
    """The first match decides, so a row that is never first would be dead, and a case without one an error."""
    assert {id(row) for _, row in decided} == {id(row) for row in RECONCILIATION}


def test_every_row_says_why() -> None:
    """The reason goes into the docs."""
    assert all(len(row.why) > 15 for row in RECONCILIATION)


A, S = Authority.ADMIN, Authority.SELF
NOT_ASKED, YES, NO, UNKNOWN, LOCKED, ABSENT = (
    Finding.NOT_ASKED,
    Finding.ACCEPTED,
    Finding.REJECTED,
    Finding.UNKNOWN,
    Finding.LOCKED,
    Finding.ABSENT,
)
NONE, NOT_POLLED, RUNNING, FAILED, DONE = (
    TaskFinding.NONE,
    TaskFinding.NOT_POLLED,
    TaskFinding.RUNNING,
    TaskFinding.FAILED,
    TaskFinding.DONE,
)

# intent, authority, task, pending, current, previous -> move; with a login oracle
WITH_LOGIN = [
    (False, A, NONE, NOT_ASKED, NOT_ASKED, NOT_ASKED, Move.SEND_FIRST),
    (False, S, NONE, NOT_ASKED, NOT_ASKED, ABSENT, Move.SEND_FIRST),
    (True, A, NOT_POLLED, NOT_ASKED, NOT_ASKED, NOT_ASKED, Move.POLL),
    (True, A, RUNNING, NOT_ASKED, NOT_ASKED, NOT_ASKED, Move.KEEP_POLLING),
    (True, A, FAILED, NOT_ASKED, NOT_ASKED, NOT_ASKED, Move.SEND_AGAIN),
    (True, A, DONE, NOT_ASKED, NOT_ASKED, NOT_ASKED, Move.PROBE_PENDING),
    (True, A, NONE, NOT_ASKED, NOT_ASKED, NOT_ASKED, Move.PROBE_PENDING),
    (True, A, DONE, YES, NOT_ASKED, NOT_ASKED, Move.DONE),
    (True, S, NONE, YES, NOT_ASKED, NOT_ASKED, Move.DONE),
    (True, A, NONE, NO, NOT_ASKED, NOT_ASKED, Move.SEND_AGAIN),
    (True, S, NONE, NO, NOT_ASKED, NOT_ASKED, Move.PROBE_CURRENT),
    (True, S, NONE, NO, YES, NOT_ASKED, Move.SEND_AGAIN),
    (True, S, NONE, NO, NO, NOT_ASKED, Move.PROBE_PREVIOUS),
    (True, S, NONE, NO, NO, YES, Move.SEND_FROM_PREVIOUS),
    (True, S, NONE, NO, NO, NO, Move.PARK_EXTERNAL),
    (True, S, NONE, NO, NO, ABSENT, Move.PARK_EXTERNAL),
    (True, A, NONE, UNKNOWN, NOT_ASKED, NOT_ASKED, Move.RETRY_LATER),
    (True, S, NONE, NO, UNKNOWN, NOT_ASKED, Move.RETRY_LATER),
    (True, S, NONE, NO, NO, UNKNOWN, Move.RETRY_LATER),
    (True, A, NOT_POLLED, UNKNOWN, NOT_ASKED, NOT_ASKED, Move.RETRY_LATER),
    (True, A, NONE, LOCKED, NOT_ASKED, NOT_ASKED, Move.PARK_LOCKED),
    (True, S, NONE, NO, LOCKED, NOT_ASKED, Move.PARK_LOCKED),
    (False, S, NONE, LOCKED, NOT_ASKED, NOT_ASKED, Move.PARK_LOCKED),
    (True, S, NONE, LOCKED, UNKNOWN, NOT_ASKED, Move.PARK_LOCKED),
]


@pytest.mark.parametrize("case", WITH_LOGIN, ids=lambda case: " ".join(str(part) for part in case))
def test_reconciliation_with_a_login_check(case: tuple[Any, ...]) -> None:
    """The rows of the reconciliation rule (rotation-systems.md G.3)."""
    *known, move = case
    names = ("intent", "authority", "task", "pending", "current", "previous")
    assert next_move(Facts(oracle=True, **dict(zip(names, known, strict=True)))).move is move


# pending, current, previous -> move, after the first reset was refused beside a cancelled rotation's version
BESIDE_A_CANCELLED_ONE = [
    (NOT_ASKED, NO, NOT_ASKED, Move.PROBE_PREVIOUS),
    (NOT_ASKED, NO, YES, Move.SEND_FROM_PREVIOUS),
    (NOT_ASKED, NO, NO, Move.PROBE_PENDING),
    (NOT_ASKED, NO, ABSENT, Move.PROBE_PENDING),
    (NOT_ASKED, NO, UNKNOWN, Move.RETRY_LATER),
    (NO, NO, NO, Move.PARK_EXTERNAL),
    (NOT_ASKED, NOT_ASKED, NOT_ASKED, Move.PROBE_PENDING),
]


@pytest.mark.parametrize("case", BESIDE_A_CANCELLED_ONE, ids=lambda case: " ".join(str(part) for part in case))
def test_a_cancelled_rotations_password_is_asked_about_before_the_candidates(case: tuple[Any, ...]) -> None:
    """Its reset may have been applied, while the candidate's only one was refused; an administrator needs neither."""
    *known, move = case
    found = dict(zip(("pending", "current", "previous"), known, strict=True))
    assert next_move(Facts(intent=True, authority=S, oracle=True, cancelled=True, **found)).move is move
    by_admin = Facts(intent=True, authority=A, oracle=True, cancelled=True, **found)
    assert next_move(by_admin) is next_move(Facts(intent=True, authority=A, oracle=True, **found))


# intent, accepted, task -> move; nobody can tell whether a password is live
WITHOUT_LOGIN = [
    (False, False, NONE, Move.SEND_FIRST),
    (True, False, NONE, Move.SEND_AGAIN),
    (True, True, NONE, Move.DONE),
    (True, False, NOT_POLLED, Move.POLL),
    (True, False, RUNNING, Move.KEEP_POLLING),
    (True, True, RUNNING, Move.KEEP_POLLING),
    (True, False, FAILED, Move.SEND_AGAIN),
    (True, False, DONE, Move.DONE),
]


@pytest.mark.parametrize("authority", Authority)
@pytest.mark.parametrize("case", WITHOUT_LOGIN, ids=lambda case: " ".join(str(part) for part in case))
def test_reconciliation_without_a_login_check(case: tuple[Any, ...], authority: Authority) -> None:
    """The same candidate is replayed until a definitive yes that is newer than the intent."""
    intent, accepted, task, move = case
    facts = Facts(oracle=False, authority=authority, intent=intent, accepted=accepted, task=task)
    assert next_move(facts).move is move


def test_a_reset_is_never_decided_by_what_is_unknown(decided: Decided) -> None:
    """With anything unknown or locked, nothing is sent and nothing is done, over all combinations."""
    careful = {Move.RETRY_LATER, Move.PARK_LOCKED}
    unsure = [row for facts, row in decided if {UNKNOWN, LOCKED} & {facts.pending, facts.current, facts.previous}]
    assert {row.move for row in unsure} == careful


def test_nothing_is_probed_before_anything_was_sent(decided: Decided) -> None:
    """No wrong login in a clean run."""
    clean = {row.move for facts, row in decided if not facts.intent}
    assert not {Move.PROBE_PENDING, Move.PROBE_CURRENT, Move.PROBE_PREVIOUS} & clean


def test_an_admin_reset_never_probes_the_old_passwords(decided: Decided) -> None:
    """It converges without, and each probe could be a wrong login."""
    admin = {row.move for facts, row in decided if facts.authority is A}
    assert not {Move.PROBE_CURRENT, Move.PROBE_PREVIOUS, Move.SEND_FROM_PREVIOUS} & admin


def test_an_outside_change_is_concluded_only_once_this_run_has_asked_about_the_candidate() -> None:
    """A slow reset may have arrived since an earlier run asked, so the candidate is asked about again, and last."""
    recalled = Facts(intent=True, authority=S, oracle=True, previous=ABSENT).remembered(
        {Stored.PENDING: "rejected", Stored.CURRENT: "rejected"}
    )
    assert next_move(recalled).move is Move.PROBE_PENDING
    assert next_move(recalled.learned(Stored.PENDING, NO)).move is Move.PARK_EXTERNAL
    assert next_move(recalled.learned(Stored.PENDING, YES)).move is Move.DONE


def test_no_label_makes_a_candidate_accepted() -> None:
    """What a label says of other passwords only chooses what to ask next; a text of another form says nothing."""
    fresh = Facts(intent=True, authority=S, oracle=True)
    assert fresh.remembered({Stored.PENDING: "accepted", Stored.CURRENT: "locked"}) == fresh
    assert fresh.remembered({Stored.CURRENT: "accepted"}).current is YES


@pytest.mark.parametrize("which", Stored)
def test_a_finding_is_filled_in_beside_the_others(which: Stored) -> None:
    """The new facts hold the finding, and the facts before it stay as they were."""
    before = Facts(intent=True, authority=S, oracle=True)
    after = before.learned(which, NO)
    assert getattr(after, which.value) is NO
    assert [getattr(after, each.value) for each in Stored if each is not which] == [NOT_ASKED, NOT_ASKED]
    assert getattr(before, which.value) is NOT_ASKED
