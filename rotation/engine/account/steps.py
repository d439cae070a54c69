"""The four steps for one account. Each one asks the guard table first and may run any number of times."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial
from typing import Literal

from rotation.core.document import Notes, SecretDocument, turned
from rotation.core.errors import (
    ConfigError,
    InProgress,
    NotReady,
    PolicyError,
    RotationError,
    RotationNotEnabled,
    SecretDocumentError,
    StageConflict,
    StageError,
)
from rotation.core.values import Evidence, Observation, Power, Step
from rotation.drivers.guarded import Guarded
from rotation.engine import preconditions
from rotation.engine.account import power
from rotation.engine.account.verify import check_current
from rotation.engine.attempts import next_attempt, raise_if_parked
from rotation.engine.outcome.announcing import commit
from rotation.engine.result import Result
from rotation.engine.session import AccountSession, Session, record_binding
from rotation.engine.tables.step_guard import GUARD, Cell, Standing, standing
from rotation.policy import Context
from rotation.state import parking
from rotation.state.stages import PENDING
from rotation.state.versions import SecretState


def admit(session: AccountSession, state: SecretState, step: Step) -> Cell:
    """Return the guard table's decision about a step.

    Raises:
        RotationNotEnabled: rotation is off, and no human ordered this run.
        StageError: this step must not run.
        NotReady: it came too early.
    """
    if not (state.rotation_enabled or session.ordered):
        raise RotationNotEnabled("rotation is not enabled for this secret")
    where = standing(state, session.token, has_value=_has_value(session, state, step))
    cell = GUARD[where, step]
    if cell is Cell.REFUSE:
        raise StageError(_REFUSALS[where])
    if cell is Cell.NOT_YET:
        raise NotReady(f"{step} came before createSecret's value is visible")
    return cell


def already_done(state: SecretState, token: str) -> Result:
    """Return the result of a step that has nothing left to do."""
    version = state.version(token)
    return Result(outcome="already_done", evidence=version.proof or min(version.proofs.values(), default=None))


def run(session: AccountSession, step: Literal[Step.SET, Step.TEST]) -> Result:
    """Run one of the two steps that a batch leaves to each of its accounts."""
    state = session.store.describe()
    cell = admit(session, state, step)
    if cell is Cell.DONE:
        return already_done(state, session.token)
    if cell is Cell.VERIFY_CURRENT:
        return check_current(session, state)
    from rotation.engine.account.set_secret import set_secret  # as in ``test``

    return set_secret(session, state) if step is Step.SET else test(session, state)


_REFUSALS = {
    Standing.ABSENT: "the token is no version of this secret",
    Standing.STALE: "the token's version is neither pending nor current, so this rotation is over; an earlier log line "
    "of its token may say why",
    Standing.STAGED: "finishSecret came for a candidate that was never sent to the vendor",
}


_PATIENCE = (0.2, 0.4, 0.8, 1.6)
"""Seconds between looks for a value that was put a moment ago and may not be visible yet."""


def _has_value(session: AccountSession, state: SecretState, step: Step) -> bool:
    """Return whether a pending version has a value. createSecret does not ask: it finds out by putting one."""
    version = state.versions.get(session.token)
    if version is None or PENDING not in version.stages or version.intent is not None:
        return True
    if step is Step.CREATE:
        return False
    for pause in _PATIENCE if step is Step.SET else ():
        if session.read(session.token) is not None:
            return True
        session.clock.sleep(pause)
    return session.read(session.token) is not None


def create_or_adopt(session: Session, create: Callable[[], Result]) -> Result:
    """Stage a candidate. If that fails although one is staged already, the step counts as done."""
    try:
        return create()
    except RotationError:
        if session.read(session.token) is None:
            raise
        session.candidate()
        return Result(outcome="already_done")


def create(session: Session, state: SecretState) -> Result:
    """Make a candidate and stage it."""
    document, result = prepare(session, state, session.current(state).document)
    try:
        session.store.stage(session.token, document)
    except StageConflict:
        # Another createSecret of this token staged its candidate first, so that one is used.
        session.candidate()
        return Result(outcome="adopted", driver=result.driver)
    return result


def prepare(session: AccountSession, state: SecretState, current: SecretDocument) -> tuple[SecretDocument, Result]:
    """Return the document to stage, with a candidate in it, and createSecret's result."""
    due = turned(current)
    bound = session.bind(due)
    if bound.spec.batch_key in current:
        raise SecretDocumentError(
            f"the secret holds a password beside {bound.spec.batch_key!r}; each entry has its own"
        )
    session.make_room(state, bound)
    wait = next_attempt(session, state, bound)
    if wait is not None:
        # No version has a value yet, so no label could carry this note.
        parking.raise_parked(wait.reason, wait.until)
    raise_if_parked(session, state, state.current_id)
    seen = _found(session, state, bound)
    knew = bound.host_key
    if not seen.obstacles:
        bound = bound.trusting(seen)
    try:
        preconditions.require(preconditions.of_the_target(bound, seen))
    except InProgress as busy:
        from rotation.engine.account.refusals import put_off_start  # what few rotations need

        put_off_start(session, bound, state.current_id, busy)
    document = with_candidate(bound, seen, due, state.wishes)
    learnt = None if bound.host_key == knew else bound.host_key
    return document, Result(outcome="staged", driver=bound.spec.code, trusted_host_key=learnt)


def _found(session: AccountSession, state: SecretState, bound: Guarded) -> Observation:
    """Return what is seen; a machine that an abandoned rotation stopped counts as running."""
    seen = bound.observe()
    if seen.power is not Power.STOPPED:
        return seen
    since = session.clock.now() - power.OWNERS_WISH_AFTER
    kept = {session.token, state.current_id, state.previous_id}
    for version_id in sorted(set(state.versions) - kept):
        abandoned = session.of_the_same(state, version_id, bound)
        if abandoned is None or abandoned.created < since:
            continue
        if abandoned.document.notes.power is Power.RUNNING:
            return replace(seen, power=Power.RUNNING)
    return seen


def with_candidate(bound: Guarded, seen: Observation, due: SecretDocument, wishes: Mapping[str, str]) -> SecretDocument:
    """Return the document to stage, with a generated candidate in it, given the one of the account whose turn it is.

    Raises:
        PolicyError: the target's rules cannot meet what is asked for.
        SettingsError: one of the ``wishes``, which stand beside the secret, is wrong.
    """
    policy, context = bound.policy_of_new(seen, wishes), Context(username=bound.username, previous=due.password)
    candidate = policy.generate(context)
    # A staged value cannot be replaced under its token, so the policy is checked before staging.
    problems = policy.problems(candidate, context)
    if problems:
        raise PolicyError(f"the generator broke its own policy: {', '.join(problem.code for problem in problems)}")
    return due.replaced(password=candidate).noting(Notes(power=seen.power, host_key=bound.host_key))


def test(session: AccountSession, state: SecretState) -> Result:
    """Prove the candidate, unless a label says that setSecret did so; finishSecret also asks who made the candidate."""
    proof = state.proof(session.token)
    if proof is not None:
        return Result(outcome="found_proved", evidence=proof)
    # Most cold starts meet createSecret, which proves nothing.
    from rotation.engine.account.proof import prove

    raise_if_parked(session, state)
    candidate = session.candidate()
    bound = session.bind(candidate.document)
    accepted = state.version(session.token).accepted
    evidence = prove(session, state, bound, candidate.document, accepted=accepted)
    return Result(outcome="verified", driver=bound.spec.code, evidence=evidence)


def finish(session: Session, state: SecretState) -> Result:
    """Make the candidate current, if it is proved."""
    bound, proof = proof_of(session, state)
    settle = partial(session.store.settle, session.token)
    commit(session, session.token, proof, state=state, settle=settle)
    recorded = record_binding(session, [bound])
    return Result(outcome="promoted", driver=bound.spec.code, evidence=proof, binding=recorded)


def proof_of(session: AccountSession, state: SecretState) -> tuple[Guarded, Evidence]:
    """Return the account, compared with current's, and the candidate's proof; prove it now if there is no proof yet."""
    proof = test(session, state).evidence
    bound = session.bind_pair(session.current(state).document, session.candidate().document)
    if proof is None or proof < bound.minimum:
        raise ConfigError("the proof on this version is weaker than the deployment now demands")
    return bound, proof
