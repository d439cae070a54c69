"""Sends one reset: prepare, send, and act on the answer.

The order keeps the live password known, at whatever moment a run dies:

1. the intent is in the labels since the lease was taken, see ``state.lease``;
2. every check that can fail is made before anything is sent, and a machine is brought into the state that it needs;
3. the marks of an earlier reset with this candidate are removed;
4. one request is made. A refusal either shows which password to ask about next, or ends the attempt.

Example. The vendor answers "old password wrong" to a first request. The request may have arrived twice, and the first
copy may have been applied. So only one thing is certain: current is dead. The loop asks about the candidate next.
"""

from __future__ import annotations

from dataclasses import replace

from rotation.core.errors import (
    InProgress,
    NotEnoughTime,
    OldPasswordRejected,
    PasswordRejected,
    PasswordReused,
    RotationError,
    StageConflict,
)
from rotation.core.process import stop
from rotation.core.secret import Secret
from rotation.core.values import Authority, Evidence, Power, Task
from rotation.engine.account.attempt import Attempt
from rotation.engine.account.login_budget import require_tries
from rotation.engine.account.power import bring_to, give_back
from rotation.engine.account.refusals import conclude, forget_intent, give_up, raise_if_hopeless
from rotation.engine.attempts import forget_put_off
from rotation.engine.tables.reconciliation import Finding, Move, Stored, TaskFinding
from rotation.state import marks
from rotation.state.marks import Kind
from rotation.state.parking import Reason
from rotation.state.stages import PENDING
from rotation.state.store import replace_marks

MOST_SENDS = 2
"""Per invocation: a second one happens only when the refusal of the first showed which password is live."""

_VOID = (Kind.TASK, Kind.ACCEPTED, Kind.PROOF, Kind.LEARNT)
"""Marks of an earlier reset that say nothing any more once another one is sent."""


def send(attempt: Attempt, move: Move) -> bool:
    """Send one reset.

    Returns:
        Whether the vendor took it; ``False`` means that its refusal shows what to ask next.

    Raises:
        RotationError: the attempt ends; a machine that was switched for it is given back.
    """
    old, state = _make_ready(attempt, move), attempt.state
    try:
        # A vendor that wants the old password counts a wrong one as a wrong login.
        task = _change(attempt, None) if old is None else attempt.budget.risk(state, lambda: _change(attempt, old))
    except OldPasswordRejected:
        _learn_old_is_wrong(attempt, move)
        return False
    except PasswordReused:
        _learn_it_was_live(attempt)
        return False
    except RotationError as refusal:
        if not isinstance(refusal, NotEnoughTime):
            # Before any conclusion: where the vendor refuses this, too, the intent stays and the next attempt comes by.
            give_back(attempt.bound, attempt.candidate.document)
        if isinstance(refusal, PasswordRejected) and _was_taken_before(attempt):
            return False
        if isinstance(refusal, InProgress) and move is not Move.SEND_FROM_PREVIOUS:
            attempt.remember_turned_away()
        conclude(attempt, refusal)
    if attempt.version.put_off:
        forget_put_off(attempt.session, attempt.session.token)
    if task is not None:
        attempt.follow(task)
        if attempt.facts.task is not TaskFinding.DONE:
            return False
    return True


def note_acceptance(attempt: Attempt) -> None:
    """Write the vendor's definitive yes down, once, if a later run may need it as the proof."""
    needed = attempt.bound.minimum is not Evidence.LOGIN or attempt.seen.power is Power.STOPPED
    known = attempt.version.accepted and not attempt.session.memory.sends
    if needed and not known:
        attempt.session.store.mark(attempt.session.token, marks.accepted(attempt.session.clock.now()))


def _make_ready(attempt: Attempt, move: Move) -> Secret | None:
    """Do what must be done before the intent. Return the old password, where one is needed."""
    stop.refuse_new("the reset")  # before anything is written down for it
    if attempt.must_log_in:
        require_tries(attempt.bound)
    if move is not Move.SEND_FIRST and not attempt.facts.turned_away:
        raise_if_hopeless(attempt.session, attempt.bound, attempt.candidate.document)
        attempt.state = attempt.session.store.describe()
    if attempt.session.memory.sends >= MOST_SENDS:
        raise InProgress("two resets were sent in this run; the next one looks again")
    for obstacle in attempt.seen.obstacles:
        raise obstacle
    if attempt.seen.reset_needs is not None:
        stop.refuse_new("the reset")  # a signal may have come meanwhile, and the machine is still as it was
        attempt.session.memory.switched = attempt.candidate.document.notes.power is not attempt.seen.reset_needs
        attempt.seen = bring_to(attempt.session, attempt.bound, attempt.seen.reset_needs, attempt.seen)
    if attempt.bound.spec.authority is Authority.ADMIN:
        return None
    return attempt.password(_old(move))


def _old(move: Move) -> Stored:
    return Stored.PREVIOUS if move is Move.SEND_FROM_PREVIOUS else Stored.CURRENT


def _change(attempt: Attempt, old: Secret | None) -> Task | None:
    _require_same_stages(attempt)
    _forget_earlier(attempt)
    memory = attempt.session.memory
    memory.sends, memory.sent_at, memory.open = memory.sends + 1, attempt.session.clock.now(), True
    attempt.facts = replace(attempt.facts, intent=True, turned_away=False, task=TaskFinding.NONE)
    task = attempt.bound.set_password(attempt.candidate.document.password, current=old)
    attempt.maybe_applied = True
    return task


def _require_same_stages(attempt: Attempt) -> None:
    if PENDING not in attempt.version.stages or attempt.state.current_id != attempt.current.version_id:
        forget_intent(attempt)
        raise StageConflict("the labels moved while this rotation ran; nothing was sent")


def _forget_earlier(attempt: Attempt) -> None:
    """Remove the marks of an earlier reset before another one is sent, which is not counted yet."""
    version = attempt.version
    void = [mark for mark in sorted(version.marks) if mark.kind in _VOID]
    counted = version.all(Kind.FAILED) if version.counted else []
    uncounted = [marks.failed(version.failed, put_off=version.put_off)] if counted else []
    replace_marks(attempt.session.store, attempt.session.token, uncounted, [*void, *counted])
    attempt.session.memory.task = None


def _learn_old_is_wrong(attempt: Attempt, move: Move) -> None:
    attempt.state = attempt.session.store.describe()
    # Even the first request may have arrived twice, and the second was refused: the candidate is the most likely one.
    attempt.maybe_applied = True
    attempt.facts = attempt.facts.learned(Stored.PENDING, Finding.NOT_ASKED).learned(_old(move), Finding.REJECTED)
    attempt.remember(_old(move), Finding.REJECTED)


def _learn_it_was_live(attempt: Attempt) -> None:
    # A rejected login from before this answer proves nothing: a slow reset of an earlier run may have arrived since.
    attempt.maybe_applied = True
    if attempt.facts.pending is Finding.REJECTED and attempt.reused:
        give_up(attempt, Reason.CANDIDATE_REFUSED)
    attempt.reused = True
    attempt.facts = replace(attempt.facts, accepted=True, pending=Finding.NOT_ASKED)


def _was_taken_before(attempt: Attempt) -> bool:
    """Log in with a refused candidate, if possible.

    One copy of the request may be applied and another refused. Or an earlier one arrived after it was asked about, and
    the vendor calls a password that was used before one that breaks its policy.
    """
    if not attempt.facts.oracle or attempt.seen.reset_needs is not None:
        return False
    attempt.probe(Stored.PENDING)
    attempt.maybe_applied |= attempt.facts.pending is not Finding.REJECTED
    return attempt.facts.pending is Finding.ACCEPTED
