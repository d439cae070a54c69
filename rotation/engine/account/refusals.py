"""Handles a vendor's refusal of a reset: release the candidate, park the attempts, or let the next run try again.

``conclude`` chooses by the answer:

* The answer is ambiguous (time-out, 5xx): the intent mark stays, and the next run finds out whether the reset was
  applied.
* "Locked" or "too soon": the attempts are parked until the time that the vendor names.
* "The candidate breaks the policy": the candidate is released. If an earlier reset with it may have been applied, the
  attempts are parked instead.
* "At work": the intent mark stays, since the request may have come twice. The same request is sent again, and its
  answer shows what holds, so that no login is spent. ``put_off`` counts how often that happens in a row.
* Any other definite refusal: nothing was changed, so the intent mark is removed and the next run sends at once.

Example. The account's minimum password age is five minutes. The vendor answers a first reset with "changed too
recently, allowed again at 10:05", so the password was changed at 10:00. The intent is of 10:00, too: the request may
have arrived twice, and the first copy may have been applied. The intent stays, the attempts are parked until 10:05, and
then a login with the candidate shows whether it is live.
"""

from __future__ import annotations

from contextlib import suppress
from typing import NamedTuple, NoReturn

from rotation.core.document import SecretDocument
from rotation.core.errors import (
    AccountLocked,
    DriverError,
    InProgress,
    Parked,
    PasswordRejected,
    RequestRefused,
    RotationError,
    StoreError,
    TooSoon,
)
from rotation.drivers.guarded import RESERVE_SECONDS, Guarded
from rotation.engine.account.attempt import Attempt
from rotation.engine.account.power import give_back
from rotation.engine.attempts import count_failure, count_put_off, note_parking, park
from rotation.engine.session import AccountSession
from rotation.state import parking, waiting
from rotation.state.marks import Kind
from rotation.state.parking import Reason
from rotation.state.stages import PENDING
from rotation.state.store import replace_marks
from rotation.state.versions import Version

MOST_RESENDS = 2
LONGEST_TASK = 7200
"""Seconds after which a reset that the vendor still works on needs a human. It is asked about after each pause, and
never overtaken."""


class _Patience(NamedTuple):
    """How long attempts continue by themselves while the vendor is at work: see ``put_off``.

    Attributes:
        runs: in a row without a pause.
        pauses: before a human is asked for.
        longest: of them, in seconds.
    """

    runs: int
    pauses: int
    longest: float


_PATIENCE = _Patience(5, 13, waiting.BACK_OFF_MOST)
"""The pauses make one to two hours, and a machine may be slow to stop."""
_SWITCHING = _Patience(1, 9, waiting.LONGEST_PAUSE)
"""Where each attempt switches a machine: fewer in the same time."""

NO_FAILURE = (AccountLocked, PasswordRejected)
"""Refusals that do not count as failed attempts: they end the rotation, or have a waiting time of their own."""


def conclude(attempt: Attempt, refusal: RotationError) -> NoReturn:
    """Raise the vendor's refusal of a reset, after writing down what the next run must know."""
    attempt.maybe_applied |= refusal.definite and _may_be_our_own_doing(refusal, attempt.bound, attempt.sent_at)
    if not refusal.definite:
        raise refusal from None
    if isinstance(refusal, PasswordRejected):
        if attempt.maybe_applied:
            give_up(attempt, Reason.CANDIDATE_REFUSED)
        forget_intent(attempt)
        attempt.session.withdraw()
        attempt.session.store.release(attempt.session.token)
        raise refusal from None
    forget_intent(attempt)
    if isinstance(refusal, AccountLocked):
        attempt.budget.park_locked(refusal)
    if isinstance(refusal, TooSoon) and refusal.not_before is not None:
        park(attempt.session, attempt.session.token, Reason.TOO_SOON, refusal.not_before)
    raise refusal from None


def give_up(attempt: Attempt, reason: Reason) -> NoReturn:
    """Park the attempts for the lock-out window at least, and longer with each failure in a row."""
    forget_intent(attempt)
    _park_longer(attempt.session, attempt.bound, reason)


def forget_intent(attempt: Attempt) -> None:
    """Drop the intent if no attempt can have been applied, so that no later run spends a login on finding out."""
    if not attempt.maybe_applied:
        attempt.session.memory.open = False


def _may_be_our_own_doing(refusal: RotationError, bound: Guarded, intent: float) -> bool:
    """Return whether the request may have arrived twice: the first copy was applied, and the second was refused.

    ``intent`` is when that reset was written down, in seconds since 1970.
    """
    if isinstance(refusal, TooSoon) and refusal.not_before is not None:
        changed = refusal.not_before - bound.min_age_seconds
        return changed > intent - RESERVE_SECONDS
    return isinstance(refusal, (TooSoon, InProgress))


def back_off(session: AccountSession, refusal: DriverError) -> NoReturn:
    """Raise a refusal that changed nothing, and park the next attempts, longer with each refusal in a row.

    The first refusal causes no pause, since it may be temporary and the service retries soon. A request that the vendor
    refuses as such (``RequestRefused``) is parked for 15 minutes at once: it would be refused again. Where a machine
    was switched for the reset, pauses grow to hours, since each attempt stops it once more.
    """
    until = _noted_back_off(session, refusal)
    raise (refusal if until is None else refusal.changed(not_before=until)) from None


def _noted_back_off(session: AccountSession, refusal: DriverError) -> float | None:
    try:
        version = session.store.describe().versions.get(session.token)
        if version is None or PENDING not in version.stages:
            return None
        if session.memory.open or version.before(session.holder).intent is not None:
            return None
        failures = count_put_off(session, session.token)
        most = waiting.LONGEST_PAUSE if session.memory.switched else waiting.BACK_OFF_MOST
        pause = waiting.back_off(failures, session.token, most=most)
        if isinstance(refusal, RequestRefused):
            pause = max(pause, waiting.BACK_OFF_MOST)
        now = session.clock.now()
        until = max(now + pause, refusal.not_before or now)
        return note_parking(session, session.token, Reason.BACK_OFF, until) if until > now else None
    except StoreError:
        return None  # The next attempt then comes early, which does no harm; the refusal itself is what to report.


def put_off(session: AccountSession, bound: Guarded, candidate: SecretDocument, busy: InProgress) -> NoReturn:
    """Raise that the vendor is at work, or the machine not in its state; park once that is so too often, or too long.

    What this rotation has asked for may take ``LONGEST_TASK``, and nothing pauses meanwhile, since readers may wait.
    Anything else is counted, once for each run: pauses begin and grow, and then a human is asked for. A machine that
    was switched is given back before that. An error that says when it is over is not counted: another run has the
    lease, or a reset is still to take effect.
    """
    if busy.not_before is not None or session.memory.put_off:
        raise busy from None
    version = session.store.describe().versions.get(session.token)
    if version is None or PENDING not in version.stages:
        raise busy from None
    session.memory.put_off = True
    sent = _latest_reset(session, version)
    if sent is not None and not version.is_turned_away and session.clock.now() <= sent + LONGEST_TASK:
        raise busy from None
    switched = session.memory.switched and session.memory.sends > 0
    try:
        _wait_longer(session, bound, session.token, busy, _SWITCHING if switched else _PATIENCE)
    except Parked:
        with suppress(DriverError):  # a machine that cannot be started is what the human is to look at
            give_back(bound, candidate)
        raise


def put_off_start(session: AccountSession, bound: Guarded, current_id: str | None, busy: InProgress) -> NoReturn:
    """Raise that the vendor is at work before there is a candidate; the current version keeps count, as ``put_off``."""
    if busy.not_before is not None or session.memory.put_off or current_id is None:
        raise busy from None
    session.memory.put_off = True
    _wait_longer(session, bound, current_id, busy, _PATIENCE)


def _wait_longer(
    session: AccountSession, bound: Guarded, version_id: str, busy: InProgress, patience: _Patience
) -> NoReturn:
    try:
        times = count_put_off(session, version_id) - patience.runs
        pause = waiting.back_off(times + 1, version_id, most=patience.longest)
        reason = Reason.BACK_OFF
        if times > patience.pauses:
            reason = Reason.VENDOR_BUSY
            pause = waiting.grown(times - patience.pauses, bound.lockout.window_seconds, version_id)
        if not pause:
            raise busy from None
        until = note_parking(session, version_id, reason, session.clock.now() + pause)
    except StoreError:
        raise busy from None  # the next attempt then comes early, and counts
    if reason is Reason.BACK_OFF:
        raise busy.changed(not_before=until) from None
    parking.raise_parked(reason, until)


def raise_if_hopeless(session: AccountSession, bound: Guarded, candidate: SecretDocument) -> None:
    """Count the latest reset as one of no use, once; park after the third.

    Every such reset passes here, whatever showed it: a rejected login, a failed task, or that it has to be sent again.
    Each further one would cost wrong logins, and may stop a machine. If the latest one is older than the longest pause,
    nothing waits: the service has given up for this period of the schedule, and the next period sends one at once.

    Raises:
        Parked: longer with each one in a row. A machine that was stopped is started before.
        DriverError: the vendor refused that; nothing is counted yet.
    """
    version = session.store.describe().version(session.token)
    if version.counted:
        return
    sent = _latest_reset(session, version)
    rested = sent is not None and sent + waiting.LONGEST_PAUSE <= session.clock.now()
    if version.failed < MOST_RESENDS or rested:
        count_failure(session, session.token, of_a_reset=True)
        return
    give_back(bound, candidate)
    _park_longer(session, bound, Reason.RESET_FAILS, free=MOST_RESENDS)


def _latest_reset(session: AccountSession, version: Version) -> float | None:
    """Return when this rotation's latest reset was sent, in epoch seconds; ``None`` if none can have been applied."""
    return (session.memory.sent_at if session.memory.open else None) or version.before(session.holder).intent


def _park_longer(session: AccountSession, bound: Guarded, reason: Reason, *, free: int = 0) -> NoReturn:
    """Park for the lock-out window, and longer with each failure in a row beyond the free ones.

    Afterwards each stored password is asked about again, since a human may have set one of them.
    """
    times = count_failure(session, session.token, of_a_reset=reason is Reason.RESET_FAILS) - free
    replace_marks(session.store, session.token, (), session.store.describe().version(session.token).all(Kind.LEARNT))
    pause = waiting.grown(times, bound.lockout.window_seconds, session.token)
    park(session, session.token, reason, session.clock.now() + pause)
