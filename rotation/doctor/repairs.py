"""Carries a plan out: under the secret's lease, against the labels that the plan was made from."""

from __future__ import annotations

from collections.abc import Set as AbstractSet
from dataclasses import dataclass, replace

from rotation.core.errors import RotationError, StageConflict, StoreError, StoreFull
from rotation.core.values import Step
from rotation.doctor import labels
from rotation.doctor.case import Exhibit, Value
from rotation.doctor.diagnosis import Action, Condition, Diagnosis, Verb
from rotation.engine.account import power
from rotation.engine.run import run
from rotation.engine.session import Session
from rotation.state import marks
from rotation.state.lease import Claim
from rotation.state.marks import Kind
from rotation.state.parking import known
from rotation.state.versions import SecretState

_ROUNDS = 2
"""A resumed rotation may find in testSecret that its reset had no effect; one more round sends it again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What came of a repair.

    Attributes:
        condition: ``HEALTHY`` when current is live now; otherwise why not.
        done: what was carried out.
        error: what stopped it.
        advice: what a human must do.
        not_before: epoch seconds before which another attempt is of no use.
    """

    condition: Condition
    done: tuple[Action, ...] = ()
    error: RotationError | None = None
    advice: str = ""
    not_before: float | None = None


def carry_out(session: Session, diagnosis: Diagnosis) -> Outcome:
    """Carry out a diagnosis's plan.

    Every move names where the label must be, and nothing is moved when the labels are no longer those of the diagnosis.
    """
    done: list[Action] = []
    try:
        _move(session, diagnosis, done)
        for action in diagnosis.plan:
            if action.verb is Verb.RESUME:
                _resume(session, diagnosis, action)
                done.append(action)
    except RotationError as failure:
        error = _with_what_may_go(failure, diagnosis)
        condition = Condition.WAITING if error.retryable else Condition.HUMAN
        return Outcome(
            condition=condition, done=tuple(done), error=error, advice=error.hint, not_before=error.not_before
        )
    waiting = diagnosis.condition in (Condition.WAITING, Condition.HUMAN)
    return Outcome(
        condition=diagnosis.condition if waiting else Condition.HEALTHY,
        done=tuple(done),
        advice=diagnosis.advice,
        not_before=diagnosis.not_before,
    )


def _with_what_may_go(error: RotationError, diagnosis: Diagnosis) -> RotationError:
    """Name the very labels that a human may take away, where none was left for the lease."""
    hint = labels.may_go(diagnosis.case) if isinstance(error, StoreFull) else ""
    return StoreFull(error.message, hint=hint, not_before=error.not_before) if hint else error


def _move(session: Session, diagnosis: Diagnosis, done: list[Action]) -> None:
    """Do everything that only moves labels. What is left over goes first, since the lease itself needs labels."""
    settles = [action for action in diagnosis.plan if action.verb is Verb.SETTLE]
    moves = [action for action in diagnosis.plan if action.verb not in (Verb.SETTLE, Verb.RESUME)]
    if settles:
        _require_unmoved(session, diagnosis)
    for action in settles:
        _settle(session, diagnosis, action)
        done.append(action)
    if not moves:
        return
    touched = [_exhibit(diagnosis, action) for action in moves]
    # Nobody acts on an empty version, and it may not take labels.
    leased = next((each.id for each in touched if each.value is not Value.EMPTY), None)
    if leased is not None:
        now = session.clock.now()
        state = session.store.describe()
        session.store.acquire(leased, state, Claim(session.holder, now, now + session.time_left()))
    try:
        _require_unmoved(session, diagnosis, but={action.version_id for action in settles})
        for action in moves:
            _MOVES[action.verb](session, diagnosis, action)
            done.append(action)
    finally:
        if leased is not None:
            _yield_lease(session, leased)


def _require_unmoved(session: Session, diagnosis: Diagnosis, *, but: AbstractSet[str] = frozenset()) -> None:
    if _essence(session.store.describe(), but) != _essence(diagnosis.case.state, but):
        raise StageConflict("the labels moved since the examination; nothing is changed any more")


def _yield_lease(session: Session, version_id: str) -> None:
    try:
        session.store.yield_lease(version_id, holder=session.holder)
    except StoreError:
        return  # It expires by itself, and the repair's own outcome matters more.


def _essence(state: SecretState, but: AbstractSet[str]) -> dict[str, tuple[frozenset[str], float | None]]:
    """Return what a plan rests on: stages and intents. Charges and leases come and go."""
    return {
        version.id: (version.stages, version.intent)
        for version in state.versions.values()
        if version.id not in but and (version.stages or version.intent is not None)
    }


def _exhibit(diagnosis: Diagnosis, action: Action) -> Exhibit:
    found = diagnosis.case.exhibit(action.version_id)
    if found is None:
        raise StageConflict("the plan names a version that was not examined")
    return found


def _promote(session: Session, diagnosis: Diagnosis, action: Action) -> None:
    exhibit = _exhibit(diagnosis, action)
    if exhibit.evidence is not None:
        session.store.mark(exhibit.id, marks.verified(exhibit.evidence, session.clock.now()))
    session.store.promote(exhibit.id, current_id=diagnosis.case.state.current_id)
    session.store.settle(exhibit.id)


def _start(session: Session, diagnosis: Diagnosis, action: Action) -> None:
    del session
    exhibit, bound = _exhibit(diagnosis, action), diagnosis.case.bound
    if bound is not None and exhibit.stored is not None:
        power.give_back(bound, exhibit.stored.document)


def _release(session: Session, diagnosis: Diagnosis, action: Action) -> None:
    _start(session, diagnosis, action)
    session.store.release(action.version_id)


def _settle(session: Session, diagnosis: Diagnosis, action: Action) -> None:
    """Take labels away without the lease, for which none may be left.

    A version of an older reset that is not pending is no run's own any more, and the guard refuses its token.
    """
    if action.version_id == diagnosis.case.state.current_id:
        session.store.settle(action.version_id)
    else:
        session.store.release(action.version_id)


_MOVES = {Verb.PROMOTE: _promote, Verb.RELEASE: _release, Verb.START: _start}


def _resume(session: Session, diagnosis: Diagnosis, action: Action) -> None:
    """Run the remaining steps as the service would, whether rotation is enabled or not."""
    _lift(session, action.version_id)
    resumed = replace(session, token=action.version_id, ordered=True)
    last: RotationError | None = None
    for _ in range(_ROUNDS):
        try:
            for step in (Step.SET, Step.TEST, Step.FINISH):
                run(resumed, step)
        except RotationError as error:
            last = error
            if not error.retryable and error.code != "login_rejected":
                raise
        else:
            return
    del diagnosis
    if last is not None:
        raise last


def _lift(session: Session, token: str) -> None:
    """Take a parking away that waits for a human: one has just asked."""
    version = session.store.describe().versions.get(token)
    if version is None or version.parked is None:
        return
    parking = known(version.parked[0])
    if parking is not None and not parking.by_itself:
        for mark in version.all(Kind.PARKED):
            session.store.unmark(token, mark)
