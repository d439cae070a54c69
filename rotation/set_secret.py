"""setSecret, the only dangerous step: check what can be checked, take the lease, look again, reconcile."""

from __future__ import annotations

from rotation.errors import StageConflict, StoreError
from rotation.lease import Claim
from rotation.machine import Standing, standing
from rotation.marks import SecretState
from rotation.ports import StoredValue
from rotation.preflight import preflight
from rotation.reconcile import Reconciliation
from rotation.session import Result, Session, raise_if_parked


def set_secret(session: Session, state: SecretState) -> Result:
    """Bring the vendor to the candidate, as far as this invocation can."""
    raise_if_parked(session, state)
    current, candidate = session.current(state), session.candidate()
    bound = session.bind_pair(current.document, candidate.document)
    seen = None
    if state.versions[session.token].intent is None:
        seen = preflight(session, state, bound, current, candidate)
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
