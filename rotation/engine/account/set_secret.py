"""setSecret, the only dangerous step: wait its time, check what can be checked, take the lease, look again, reconcile.

Waiting holds for a first reset only. Where one may have been sent, current may be dead already, so that only the vendor
can ask for patience: neither the maintenance window nor the back-off keeps a begun rotation from being healed.
"""

from __future__ import annotations

from math import ceil

from rotation.core.errors import (
    DriverError,
    StageConflict,
    StoreError,
)
from rotation.drivers.guarded import Guarded
from rotation.engine.account.power import give_back
from rotation.engine.account.preflight import preflight
from rotation.engine.account.reconciler import Reconciliation
from rotation.engine.account.refusals import NO_FAILURE, back_off_after
from rotation.engine.attempts import next_attempt, park, raise_if_parked
from rotation.engine.result import Result
from rotation.engine.session import Session
from rotation.engine.tables.step_guard import Standing, standing
from rotation.state import parking
from rotation.state.label_quota import make_room
from rotation.state.lease import Claim, ever_taken
from rotation.state.store import StoredValue
from rotation.state.versions import SecretState


def set_secret(session: Session, state: SecretState) -> Result:
    """Bring the vendor to the candidate, as far as this invocation can."""
    raise_if_parked(session, state)
    current, candidate = session.current(state), session.candidate()
    bound = session.bind_pair(current.document, candidate.document)
    try:
        return _attempt(session, state, bound, current, candidate)
    except DriverError as refusal:
        if not isinstance(refusal, NO_FAILURE):
            back_off_after(session, refusal)
        raise


def _attempt(
    session: Session, state: SecretState, bound: Guarded, current: StoredValue, candidate: StoredValue
) -> Result:
    seen = None
    if state.version(session.token).intent is None:
        _wait_its_time(session, state, bound, candidate)
        if not session.of_batch:  # The batch made sure of its labels before it staged anything.
            make_room(session.store, state, session.token, session.clock.now(), bound.lockout.window_seconds)
        seen = preflight(session, bound, current, candidate)
    now = session.clock.now()
    claim = Claim(session.holder, now, now + session.time_left())
    session.store.acquire(session.token, state, claim)
    try:
        state = _look_again(session, current)
        if standing(state, session.token, has_value=True) is Standing.CURRENT:
            return Result(outcome="already_done", driver=bound.spec.code)
        return Reconciliation(session, bound, state, current, candidate, seen or bound.observe()).run()
    finally:
        _yield_lease(session)


def _wait_its_time(session: Session, state: SecretState, bound: Guarded, candidate: StoredValue) -> None:
    """Park a first reset that comes too early.

    The vendor is not called, but for a machine that an earlier attempt of this token may have left stopped: that one
    is given back first, since the wait may be long.

    Raises:
        Parked: until the one moment from which on it may be sent.
    """
    wait = next_attempt(session, state, bound)
    if wait is None:
        return
    if state.version(session.token).parked == (wait.reason, float(ceil(wait.until))):
        raise parking.error(wait.reason, wait.until)
    if ever_taken(state, session.token):
        give_back(bound, candidate.document)
    raise park(session, session.token, wait.reason, wait.until)


def _look_again(session: Session, current: StoredValue) -> SecretState:
    """Read the labels under the lease, since other runs may have come and gone before it was ours."""
    state = session.store.describe()
    where = standing(state, session.token, has_value=True)
    moved = where not in (Standing.STAGED, Standing.ATTEMPTED) or state.current_id != current.version_id
    if moved and where is not Standing.CURRENT:
        raise StageConflict("the labels moved while this run waited for the lease")
    return state


def _yield_lease(session: Session) -> None:
    try:
        session.store.yield_lease(session.token, holder=session.holder)
    except StoreError:
        return  # It expires by itself, and the step's own outcome matters more.
