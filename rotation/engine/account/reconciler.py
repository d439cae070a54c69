"""Carries out what ``RECONCILIATION`` decides: send the candidate once, or find out what became of it.

The loop asks the table for the next move, makes it, notes the finding, and asks again until the candidate is live or
nothing more can be done now.

Example. A self-service account: an earlier run sent the candidate and died before the answer. This run finds the
intent mark, so the table says

1. "probe the candidate": rejected, and that costs one wrong login;
2. "probe current": accepted, so the reset was not applied;
3. "send the same candidate again", from current: the vendor says yes, and the step is done.

If step 2 is rejected, the next move is "probe previous"; if that is rejected, too, it is "park: none of the stored
passwords is live". If step 1 could not tell, nothing is decided: the run ends, and a later one asks again.
"""

from __future__ import annotations

from typing import NoReturn

from rotation.core.errors import CannotVerify, ConfigError, InProgress, NotReady
from rotation.core.values import Evidence, Task
from rotation.drivers.guarded import RESERVE_SECONDS
from rotation.engine.account.attempt import Attempt
from rotation.engine.account.power import bring_to
from rotation.engine.account.proof import prove
from rotation.engine.account.refusals import LONGEST_TASK, give_up
from rotation.engine.account.sender import note_acceptance, send
from rotation.engine.result import Result
from rotation.engine.tables.reconciliation import PROBES, SENDS, Finding, Move, TaskFinding, next_move
from rotation.state.marks import Kind
from rotation.state.parking import Reason
from rotation.state.store import replace_marks


def reconcile(attempt: Attempt) -> Result:
    """Make moves until the candidate is live as far as this step can tell."""
    if attempt.facts.intent:
        _wait_for_the_vendor(attempt)
    while True:
        move = next_move(attempt.facts).move
        if move is Move.DONE:
            return _result(attempt, "found_live")
        if move in SENDS:
            if send(attempt, move):
                return _result(attempt, "sent")
        elif move is Move.POLL:
            attempt.follow(Task(str(attempt.task)))
        elif move in PROBES:
            attempt.probe(PROBES[move])
        else:
            _stop(attempt, move)


def _wait_for_the_vendor(attempt: Attempt) -> None:
    """Raise while the vendor is still at work, since a login would fail for that reason; a task can be polled."""
    if attempt.facts.task is TaskFinding.NOT_POLLED:
        return
    for obstacle in attempt.seen.obstacles:
        if isinstance(obstacle, InProgress):
            raise obstacle


def _result(attempt: Attempt, outcome: str) -> Result:
    """Bring the machine into the wanted state, prove the candidate, and remove the marks of earlier runs.

    If this run cannot prove the candidate, it writes down that the vendor accepted the reset.
    """
    session, bound = attempt.session, attempt.bound
    wanted = bound.wanted_power(attempt.candidate.document.notes.power)
    evidence = None
    try:
        if attempt.seen.reset_needs is not None and wanted is not None:
            attempt.seen = bring_to(session, bound, wanted, bound.observe())
        evidence = _proof(attempt)
    finally:
        if evidence is None and not session.memory.disproved:
            note_acceptance(attempt)
    # A reset that is sent again after its password was found not to open the account still counts as of no use.
    over = (Kind.PARKED,) if outcome == "sent" and attempt.again else (Kind.PARKED, Kind.FAILED)
    replace_marks(session.store, session.token, (), [mark for kind in over for mark in attempt.version.all(kind)])
    return Result(outcome=outcome, driver=bound.spec.code, evidence=evidence)


def _proof(attempt: Attempt) -> Evidence | None:
    """Prove the candidate now; return ``None`` if there is no time or no host for a login."""
    session, bound = attempt.session, attempt.bound
    if attempt.facts.pending is Finding.ACCEPTED:
        session.prove(Evidence.LOGIN)
        return Evidence.LOGIN
    if bound.time_left() < bound.spec.call_seconds + RESERVE_SECONDS:
        return None
    try:
        return prove(session, attempt.state, bound, attempt.candidate.document, accepted=True)
    except (CannotVerify, ConfigError, InProgress, NotReady):
        return None


def _stop(attempt: Attempt, move: Move) -> NoReturn:
    if move is Move.KEEP_POLLING:
        if attempt.session.clock.now() > attempt.sent_at + LONGEST_TASK:
            give_up(attempt, Reason.RESET_FAILS)
        raise InProgress("the vendor's task is still running")
    if move is Move.PARK_EXTERNAL:
        give_up(attempt, Reason.EXTERNAL_CHANGE)
    # PARK_LOCKED and RETRY_LATER: a probe said why it could not tell.
    raise attempt.unclear or InProgress("could not tell which password is live")
