"""Compute the earliest time of the next attempt from all reasons to wait. Pure functions.

The reasons: the vendor's minimum age, the lock-out window, the wrong-login budget, a back-off after refusals, and the
deployment's maintenance window. The latest time counts; if it is outside the maintenance window, the next opening does.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass

from rotation.core.maintenance_window import ANYTIME, Windows
from rotation.core.values import Lockout
from rotation.state.parking import Reason, known
from rotation.state.versions import SecretState

ARRIVAL_SECONDS = 60.0
"""A request whose answer was lost has reached the vendor after this long, or never will. No vendor publishes a figure;
it is the longest that a function of this kind waits for one call."""
BACK_OFF_FIRST = 30.0
BACK_OFF_MOST = 900.0
LONGEST_PAUSE = 21_600.0
"""Between attempts that need a human, or that stop a machine: each may cost wrong logins or an outage."""


@dataclass(frozen=True, slots=True)
class Wait:
    """A reason to wait, and the time until which nothing may be tried."""

    reason: str
    until: float


def earliest(now: float, waits: Iterable[Wait], window: Windows = ANYTIME) -> Wait | None:
    """Return the longest wait, or ``None`` if an attempt may be made now; it may begin in the window alone."""
    last = max((wait for wait in waits if wait.until > now), key=lambda wait: wait.until, default=None)
    at = now if last is None else last.until
    opening = window.next_open(at)
    return Wait(Reason.OUTSIDE_WINDOW, opening) if opening > at else last


def noted(state: SecretState, token: str) -> list[Wait]:
    """Return the waits in the labels: this version's parking, and other versions' if it concerns the account."""
    found: list[Wait] = []
    for version in state.versions.values():
        if version.parked is None:
            continue
        reason, until = version.parked
        parking = known(reason)
        holds = version.id == token or (parking is not None and parking.account_wide)
        if holds and not (parking is not None and parking.from_settings):
            found.append(Wait(reason, until))
    return found


def before_a_reset(state: SecretState, *, min_age_seconds: float, token: str = "") -> list[Wait]:
    """Return the reasons to wait before a first reset that follow from earlier resets in the labels.

    A request whose answer was lost may still be on its way; if it arrived after this one, its password would be the
    live one. Where the candidate was proved, the request of the latest run is none of these: a run that had an answer
    waits for none, and a request that was applied, as the login showed, does not arrive once more. Another reset takes
    the proof away first. So of a version with a proof only the runs before the latest count, whatever became of it: it
    was promoted, an operator put another value after that, or its rotation was cancelled. Its reset has changed the
    password, so the vendor counts the minimum age from it.
    """
    current, given_up = state.version(state.current_id or ""), state.version(state.cancelled_id(token) or "")
    waits = []
    for version in (current, given_up):
        proved = version is current or version.proof is not None
        if proved and version.intent is not None:
            waits.append(Wait(Reason.TOO_SOON, version.intent + min_age_seconds))
        lost = [each for each in version.intents if not proved or each.run != version.intents[-1].run]
        if lost:
            waits.append(Wait(Reason.TOO_SOON, max(each.sent_by for each in lost) + ARRIVAL_SECONDS))
    return waits


def for_wrong_logins(state: SecretState, now: float, lockout: Lockout, *, holder: str = "") -> list[Wait]:
    """Return the wait for the wrong-login budget, if runs other than the given one have used it up."""
    count, latest = state.wrong_logins(since=state.counts_since(now, lockout), but=holder)
    return [Wait(Reason.WRONG_LOGIN_BUDGET, latest + lockout.counts_seconds)] if count >= lockout.budget else []


def grown(times: int, window: float, seed: str) -> float:
    """Return the pause in seconds where waiting alone does not help: the lock-out window, then doubling."""
    return max(window, back_off(times + 1, seed, first=2 * window, most=LONGEST_PAUSE))


def back_off(failures: int, seed: str, *, first: float = BACK_OFF_FIRST, most: float = BACK_OFF_MOST) -> float:
    """Return the pause in seconds after so many failures in a row: none after the first, then doubling up to a limit.

    Half of it is drawn from the seed, so that secrets which failed together do not come back together, and the same
    secret always gets the same.
    """
    if failures <= 1:
        return 0.0
    span = min(most, first * 2.0 ** min(failures - 2, 16))
    drawn = int.from_bytes(hashlib.sha256(f"{seed}:{failures}".encode()).digest()[:4]) / 2**32
    return span * (1 + drawn) / 2
