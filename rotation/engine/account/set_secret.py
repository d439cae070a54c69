"""setSecret, the only dangerous step: wait its time, check what can be checked, take the lease, look again, reconcile.

Waiting holds for a first reset only. Where one may have been sent, current may be dead already, so that only the vendor
can ask for patience: neither the maintenance window nor the back-off keeps a begun rotation from being healed.
"""

from __future__ import annotations

from math import ceil

from rotation.core.errors import (
    AccountLocked,
    DriverError,
    InProgress,
    PasswordRejected,
    RequestRefused,
    StageConflict,
    StoreError,
)
from rotation.drivers.guarded import Guarded
from rotation.engine.account.power import give_back
from rotation.engine.account.preflight import preflight
from rotation.engine.account.reconciler import Reconciliation
from rotation.engine.session import Result, Session, count_failure, next_attempt, park, raise_if_parked
from rotation.engine.tables.reconciliation import PENDING, Standing, standing
from rotation.state import parking, waiting
from rotation.state.label_quota import make_room
from rotation.state.lease import Claim, ever_taken
from rotation.state.marks import SecretState
from rotation.state.parking import Reason
from rotation.state.store import StoredValue

MOST_RESENDS = 2


def set_secret(session: Session, state: SecretState) -> Result:
    """Bring the vendor to the candidate, as far as this invocation can."""
    raise_if_parked(session, state)
    current, candidate = session.current(state), session.candidate()
    bound = session.bind_pair(current.document, candidate.document)
    try:
        return _attempt(session, state, bound, current, candidate)
    except DriverError as refusal:
        if not isinstance(refusal, _NO_FAILURE):
            _back_off(session, refusal)
        raise


_NO_FAILURE = (AccountLocked, InProgress, PasswordRejected)
"""Refusals that end the token, or that have a time of their own."""


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


def _back_off(session: Session, refusal: DriverError) -> None:
    """After a refusal that changed nothing: let the next attempts wait, longer with each one in a row.

    The first is free, since it may be a mere hiccup and the service's own retry is near; but a request that was itself
    refused would be so again, which is known at once.
    """
    try:
        version = session.store.describe().versions.get(session.token)
        if version is None or version.intent is not None or PENDING not in version.stages:
            return
        failures = count_failure(session, session.token)
        certain = isinstance(refusal, RequestRefused)
        pause = waiting.BACK_OFF_MOST if certain else waiting.back_off(failures, session.token)
        now = session.clock.now()
        until = max(now + pause, refusal.not_before or now)
        if until > now:
            park(session, session.token, Reason.BACK_OFF, until)
            refusal.not_before = until
    except StoreError:
        return  # The next attempt comes early, which costs patience only; the refusal itself matters more.


def raise_if_hopeless(session: Session, bound: Guarded, reset: float) -> None:
    """Count a reset that was taken and whose password does not open the account; park once sending again is no help.

    Each further one costs wrong logins, and a machine its running time.

    Raises:
        Parked: longer with each one in a row.
    """
    failures = count_failure(session, session.token, reset)
    if failures > MOST_RESENDS:
        pause = waiting.back_off(failures, session.token, waiting.RESEND_MOST)
        until = session.clock.now() + max(pause, bound.lockout.window_seconds)
        raise park(session, session.token, Reason.RESET_FAILS, until) from None


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
