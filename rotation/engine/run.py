"""The engine's two verbs: run one step of a rotation, and check the current password.

Both find out first whether the secret holds one account or a batch of them.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from rotation.core.document import SecretDocument, list_key, size
from rotation.core.errors import InternalError, LoginRejected, RotationError, Withheld
from rotation.core.values import Step
from rotation.engine.account import steps
from rotation.engine.account.verify import check_current
from rotation.engine.outcome.announcing import (
    announce_drift,
    announce_end,
    announce_failure,
    repeat_commit,
    repeat_owed,
)
from rotation.engine.outcome.gap import with_gap
from rotation.engine.result import Result
from rotation.engine.session import Session
from rotation.engine.tables.step_guard import Cell
from rotation.state import parking
from rotation.state.label_quota import settle
from rotation.state.stages import PENDING
from rotation.state.versions import SecretState, Version

if TYPE_CHECKING:
    from rotation.engine.batch.batch import Batch


def run(session: Session, step: Step) -> Result:
    """Run one step.

    Raises:
        RotationError: the step failed; ``retryable`` tells whether the same step may succeed later, and ``dead_since``
            since when readers may hold a dead password.
    """
    state = session.store.describe()

    def failed(error: RotationError) -> RotationError:
        failure = with_gap(error, session.read, state, session.token, session.memory)
        announce_failure(session, state, step, failure)
        return failure

    if step is Step.CREATE:
        repeat_owed(session, state)
    with Withheld(RotationError, by=failed):
        done = _step(session, state, step)
    proved_before = state.is_proved(session.token, len(done.members) or 1)
    announce_end(session, state, step, done, proved_before=proved_before)
    return done


def _step(session: Session, state: SecretState, step: Step) -> Result:
    cell = steps.admit(session, state, step)
    if cell is Cell.DONE:
        return _done(session, state, step)
    if step is Step.TEST and state.proof(session.token) is not None:
        return steps.test(session, state)
    return _run(session, state, step, trial=cell is Cell.VERIFY_CURRENT)


def _run(session: Session, state: SecretState, step: Step, *, trial: bool) -> Result:
    document = (session.candidate() if step is Step.TEST and not trial else session.current(state)).document
    if step is not Step.CREATE and state.is_proved(session.token, size(document)):
        session = session.to_commit()
    batch = _batch(session, document)
    if trial:
        return _checked(session, state, batch)
    if step is Step.CREATE:
        create = partial(steps.create, session, state) if batch is None else partial(batch.create, state, document)
        return steps.create_or_adopt(session, create)
    if step is Step.SET:
        # Most cold starts meet createSecret, which sends nothing.
        from rotation.engine.account.set_secret import set_secret

        done = set_secret(session, state) if batch is None else batch.set_secret(state)
        return _commit(session, done) if session.early else done
    if step is Step.TEST:
        return steps.test(session, state) if batch is None else batch.test(state)
    return steps.finish(session, state) if batch is None else batch.finish(state)


def _batch(session: Session, document: SecretDocument) -> Batch | None:
    """Return the batch that a document holds; see ``Batch.of``. Most secrets hold none, and none of it is imported."""
    if list_key(document) is None:
        return None
    from rotation.engine.batch.batch import Batch

    return Batch.of(session, document)


def verify(session: Session) -> Result:
    """Check a secret's current password, every account's of a batch; reset nothing, and move no stage.

    Args:
        session: as for a step; its token is not used.

    Raises:
        LoginRejected: the password was changed outside Lockstep, or a rotation is half done.
        Parked: no login may be tried now.
        RotationError: could not tell.
    """
    state = session.store.describe()
    repeat_owed(session, state)
    return _checked(session, state, _batch(session, session.current(state).document))


def _checked(session: Session, state: SecretState, batch: Batch | None) -> Result:
    def failed(error: RotationError) -> RotationError:
        announce_drift(session, state, error)
        return error.changed()

    with Withheld(RotationError, by=failed):
        return check_current(session, state) if batch is None else batch.verify_current(state)


@dataclass(frozen=True, slots=True)
class Checked:
    """How the check of one secret's current password ended.

    Attributes:
        ended: ``verified``; ``not_checkable`` where the vendor has no login check; ``drifted`` where the password does
            not open the account; ``waits`` where no login may be tried now; ``needs_human``; ``failed`` where it could
            not be found out.
        evidence: how the password was proved.
        driver: the driver's code, if the check came to an end.
        error: why it is none of the first two.
    """

    ended: str
    evidence: str | None = None
    driver: str | None = None
    error: RotationError | None = None


def check(open_session: Callable[[], Session]) -> Checked:
    """Check one secret's current password. Never raise an ``Exception``."""
    try:
        result = verify(open_session())
    except LoginRejected as error:
        return Checked("drifted", error=error)
    except RotationError as error:
        return Checked(parking.who_acts(error).value, error=error)
    except Exception as foreign:  # noqa: BLE001 - its text may hold a value, so only its type gets out
        return Checked("failed", error=InternalError.of(foreign))
    if result.evidence is None:
        return Checked("not_checkable", driver=result.driver)
    return Checked("verified", result.evidence.name, result.driver)


def _commit(session: Session, done: Result) -> Result:
    """Make the candidate current in the invocation that proved it, so that readers wait as briefly as possible."""
    if done.evidence is None:
        return done
    state = session.store.describe()
    batch = _batch(session, session.current(state).document)
    return steps.finish(session, state) if batch is None else batch.finish(state)


def _done(session: Session, state: SecretState, step: Step) -> Result:
    # Without PENDING the token is finished and cleaned up; in a late event, other versions may have newer labels.
    # One that an operator made current before it was proved says nothing about them.
    version = state.version(session.token)
    unfinished = step is Step.FINISH and PENDING in version.stages
    if unfinished and _is_proved(version, session.current(state).document):
        settle(session.store, session.token)
        state = session.store.describe()
    done = steps.already_done(state, session.token)
    # The step that commits finds its work done only if it is repeated, since its run may have died.
    if step is (Step.SET if session.early else Step.FINISH) and done.evidence is not None:
        repeat_commit(session, state, done.evidence)
    return done


def _is_proved(version: Version, document: SecretDocument) -> bool:
    if not version.members and not version.proofs:
        return version.proof is not None
    return all(version.seen_by(number).proof is not None for number in range(size(document)))
