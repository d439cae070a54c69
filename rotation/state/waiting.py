"""When the next attempt may be made: one moment out of everything that asks for patience. Pure functions.

What asks: the vendor's minimum age, the lock-out window, the wrong-login budget, a back-off after refusals, and the
deployment's maintenance window. The latest decides, and the window moves it to its next opening.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from rotation.core.values import Lockout
from rotation.state.marks import SecretState
from rotation.state.parking import PARKING, Reason

_DAY = 86_400
_DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_FIRST_WEEKDAY = 3
"""1970-01-01 was a Thursday."""
_FORM = re.compile(r"(?:(?P<days>[A-Za-z,-]+) )?(?P<from>[0-9]{2}:[0-9]{2})-(?P<to>[0-9]{2}:[0-9]{2}) UTC")

ARRIVAL_SECONDS = 60.0
"""A request whose answer was lost has reached the vendor after this long, or never will. No vendor publishes a figure;
it is the longest that a function of this kind waits for one call."""
BACK_OFF_FIRST = 30.0
BACK_OFF_MOST = 900.0
RESEND_MOST = 21_600.0
"""Between resets that are taken and do not open the account: each may stop a machine and cost a wrong login."""


@dataclass(frozen=True, slots=True, order=True)
class Span:
    """A stretch of the week in UTC: weekday (Monday is 0) and seconds after its midnight; may end the next day."""

    weekday: int
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Windows:
    """A maintenance window: when a reset may begin. Without any span, at any time."""

    spans: tuple[Span, ...] = ()

    @classmethod
    def parse(cls, text: str) -> tuple[Windows, tuple[str, ...]]:
        """Read ``Sat,Sun 02:00-05:00 UTC; Mon-Fri 23:00-01:00 UTC``; without days it is every day.

        Returns:
            The window, and every fault found; with faults the window is not to be used.
        """
        spans: set[Span] = set()
        faults: list[str] = []
        for part in (each.strip() for each in text.split(";")):
            found, wrong = _parsed(part)
            spans.update(found)
            faults.extend(wrong)
        return cls(tuple(sorted(spans))), tuple(faults)

    def next_open(self, moment: float) -> float:
        """Return the first moment from ``moment`` on at which the window is open."""
        if not self.spans:
            return moment
        begins = [begin for begin, end in self._around(moment) if end > moment]
        return max(moment, min(begins))

    def _around(self, moment: float) -> Iterator[tuple[int, int]]:
        """Yield begin and end of every opening from yesterday to a week from now."""
        today = int(moment // _DAY)
        for day in range(today - 1, today + len(_DAYS) + 1):
            for span in self.spans:
                if (day + _FIRST_WEEKDAY) % len(_DAYS) == span.weekday:
                    yield day * _DAY + span.start, day * _DAY + span.end


ANYTIME = Windows()


@dataclass(frozen=True, slots=True)
class Wait:
    """Until when nothing may be tried, and why."""

    reason: str
    until: float


def earliest(now: float, waits: Iterable[Wait], window: Windows = ANYTIME) -> Wait | None:
    """Return the one wait that decides, or ``None`` when an attempt may be made now.

    Args:
        now: epoch seconds.
        waits: everything that asks for patience.
        window: when an attempt may begin.
    """
    last = max((wait for wait in waits if wait.until > now), key=lambda wait: wait.until, default=None)
    at = now if last is None else last.until
    opening = window.next_open(at)
    return Wait(Reason.OUTSIDE_WINDOW, opening) if opening > at else last


def noted(state: SecretState, token: str) -> list[Wait]:
    """Return what was written down: this version's parking, and others' where it is about the account."""
    found: list[Wait] = []
    for version in state.versions.values():
        if version.parked is None:
            continue
        reason, until = version.parked
        known = PARKING[Reason(reason)] if reason in tuple(Reason) else None
        holds = version.id == token or (known is not None and known.account_wide)
        if holds and not (known is not None and known.from_settings):
            found.append(Wait(reason, until))
    return found


def before_a_reset(
    state: SecretState, now: float, *, min_age_seconds: float, lockout: Lockout, token: str = ""
) -> list[Wait]:
    """Return what asks for patience before a first reset, by what the labels tell of earlier ones.

    A request of a rotation that was given up may still be on its way; arriving after this one, it would win. That of
    one that was promoted has arrived.
    """
    waits = []
    given_up = state.cancelled_id(token)
    if given_up is not None and given_up != state.previous_id:
        waits.append(Wait(Reason.TOO_SOON, (state.version(given_up).intent or 0.0) + ARRIVAL_SECONDS))
    current = state.versions.get(state.current_id or "")
    if current is not None and current.intent is not None:
        waits.append(Wait(Reason.TOO_SOON, current.intent + min_age_seconds))
    count, latest = state.wrong_logins(since=now - lockout.window_seconds)
    if count >= lockout.budget:
        waits.append(Wait(Reason.WRONG_LOGIN_BUDGET, latest + lockout.window_seconds))
    return waits


def back_off(failures: int, seed: str, most: float = BACK_OFF_MOST) -> float:
    """Return the pause in seconds after so many failures in a row: none after the first, then doubling up to a limit.

    Half of it is drawn from the seed, so that secrets which failed together do not come back together, and the same
    secret always gets the same.
    """
    if failures <= 1:
        return 0.0
    span = min(most, BACK_OFF_FIRST * 2.0 ** min(failures - 2, 16))
    drawn = int.from_bytes(hashlib.sha256(f"{seed}:{failures}".encode()).digest()[:4]) / 2**32
    return span * (1 + drawn) / 2


def _parsed(part: str) -> tuple[list[Span], list[str]]:
    match = _FORM.fullmatch(part)
    if match is None:
        return [], ["must look like 'Sat,Sun 02:00-05:00 UTC', several separated by ';'"]
    faults: list[str] = []
    start, end = (_seconds(match[name], faults) for name in ("from", "to"))
    days = range(len(_DAYS)) if match["days"] is None else list(_weekdays(match["days"], faults))
    if not faults and start == end:
        faults.append("begins and ends at the same time")
    if faults:
        return [], faults
    return [Span(day, start, end if end > start else end + _DAY) for day in days], []


def _seconds(text: str, faults: list[str]) -> int:
    hours, minutes = int(text[:2]), int(text[3:])
    if minutes >= 60 or hours * 60 + minutes > 24 * 60:  # noqa: PLR2004 - a clock's own numbers
        faults.append(f"names no time of day: {text}")
    return hours * 3600 + minutes * 60


def _weekdays(text: str, faults: list[str]) -> Iterator[int]:
    for each in text.split(","):
        first, dash, last = each.partition("-")
        if first not in _DAYS or (dash and last not in _DAYS):
            faults.append(f"names no weekday (Mon to Sun): {each or 'an empty one'}")
            continue
        begin, end = _DAYS.index(first), _DAYS.index(last or first)
        yield from (day % len(_DAYS) for day in range(begin, end + 1 if end >= begin else end + len(_DAYS) + 1))
