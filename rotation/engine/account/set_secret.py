"""Runs setSecret, the only dangerous step: wait, check what can be checked, take the lease, and reset the password.

Only a first reset waits for the maintenance window and the back-off. Once a reset may have been sent, the current
password may be dead, so a later run waits only where the vendor demands it.

Example, a clean first reset of an account that an administrator resets:

1. ``set_secret`` finds no intent mark, so it waits its time, makes sure of its labels, and looks at the target;
2. it takes the lease: from then on the intent is in the labels. It makes sure that they are still those of this
   rotation;
3. ``reconcile`` asks the table, which says "send first": one request, a yes, and a login that proves the candidate;
4. the proof ends the lease. testSecret finds the proof and has nothing to do.

Had the answer been lost in 3, the next run would find the intent mark and skip 1, and in 3 the table would say "probe
the candidate".
"""

from __future__ import annotations

from dataclasses import replace
from math import ceil

from rotation.core.errors import DriverError, InProgress, PasswordRejected, RotationError, StageConflict
from rotation.core.values import Observation, Power
from rotation.drivers.guarded import Guarded
from rotation.engine import preconditions
from rotation.engine.account.attempt import Attempt
from rotation.engine.account.power import give_back
from rotation.engine.account.reconciler import reconcile
from rotation.engine.account.refusals import NO_FAILURE, back_off, put_off
from rotation.engine.attempts import next_attempt, park, raise_if_parked
from rotation.engine.result import Result
from rotation.engine.session import AccountSession
from rotation.engine.tables.step_guard import Standing, standing
from rotation.state import parking
from rotation.state.lease import ever_taken
from rotation.state.store import StoredValue
from rotation.state.versions import SecretState


def set_secret(session: AccountSession, state: SecretState) -> Result:
    """Bring the vendor to the candidate, as far as this invocation can."""
    proof = state.proof(session.token)
    if proof is not None:
        session.candidate()  # a proof on one that Lockstep did not make is forged
        return Result(outcome="found_live", evidence=proof)
    raise_if_parked(session, state)
    current, candidate = session.current(state), session.candidate()
    bound = session.bind_pair(current.document, candidate.document)
    seen = None
    try:
        if not session.memory.open and state.version(session.token).before(session.holder).intent is None:
            _wait_its_time(session, state, bound, candidate)
            session.make_room(state, bound)
            seen = _preflight(session, bound, current, candidate)
        with session.lease(state) as held:
            if _is_current_already(session, held, current):
                return Result(outcome="already_done", driver=bound.spec.code)
            proof = held.proof(session.token)
            if proof is not None:  # another run has proved it between the first look and the lease
                return Result(outcome="found_live", driver=bound.spec.code, evidence=proof)
            return reconcile(Attempt(session, bound, held, current, candidate, seen or bound.observe()))
    except DriverError as refusal:
        if isinstance(refusal, NO_FAILURE):
            raise
        if isinstance(refusal, InProgress):
            put_off(session, bound, candidate.document, refusal)
        back_off(session, refusal)


def _wait_its_time(session: AccountSession, state: SecretState, bound: Guarded, candidate: StoredValue) -> None:
    """Park a first reset that comes too early.

    If an earlier attempt of this token may have left a machine stopped, the machine is started first, since the wait
    may be long. Otherwise the vendor is not called.

    Raises:
        Parked: until the time from which the reset may be sent.
    """
    wait = next_attempt(session, state, bound)
    if wait is None:
        return
    if state.version(session.token).parked == (wait.reason, float(ceil(wait.until))):
        parking.raise_parked(wait.reason, wait.until)
    if ever_taken(state, session.token):
        give_back(bound, candidate.document)
    park(session, session.token, wait.reason, wait.until)


def _preflight(session: AccountSession, bound: Guarded, current: StoredValue, candidate: StoredValue) -> Observation:
    """Return what the target looks like; refuse a first reset that would be refused, unsafe or impossible to prove.

    Whatever ends the attempt here, a machine that an earlier run switched is switched back.

    Raises:
        DriverError: an obstacle at the target.
        ConfigError: the demanded evidence can never be obtained.
        CannotVerify: the host that is to judge the password cannot be reached, or is another one.
        PasswordRejected: the candidate breaks the policy; it was released.
    """
    seen = bound.observe()
    try:
        afterwards = replace(seen, power=candidate.document.notes.power or seen.power)
        greet = seen.power is not Power.STOPPED
        preconditions.require(preconditions.of_the_target(bound, seen, afterwards=afterwards, greet=greet))
        preconditions.require(
            preconditions.of_the_candidate(bound, seen, candidate.document, current.document.password)
        )
    except RotationError as error:
        if not isinstance(error, InProgress):  # a machine that is changing its state is left to the next attempt
            give_back(bound, candidate.document)
        if isinstance(error, PasswordRejected):
            session.store.release(session.token)
        raise
    return seen


def _is_current_already(session: AccountSession, state: SecretState, current: StoredValue) -> bool:
    """Look at the labels under the lease, since other runs may have come and gone before it was ours.

    Raises:
        StageConflict: the labels no longer belong to this rotation.
    """
    where = standing(state, session.token, has_value=True)
    if where is Standing.CURRENT:
        return True
    if where not in (Standing.STAGED, Standing.ATTEMPTED) or state.current_id != current.version_id:
        raise StageConflict("the labels moved while this run waited for the lease")
    return False
