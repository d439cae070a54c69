"""Maintenance windows: the times of the week, in UTC, at which a reset may begin.

``Sat,Sun 02:00-05:00 UTC; Fri 23:00-01:00 UTC`` has three spans. The last one ends on Saturday at 01:00.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

_DAY = 86_400
_DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_FIRST_WEEKDAY = 3
"""1970-01-01 was a Thursday."""
_FORM = re.compile(r"(?:(?P<days>[A-Za-z,-]+) )?(?P<from>[0-9]{2}:[0-9]{2})-(?P<to>[0-9]{2}:[0-9]{2}) UTC")


@dataclass(frozen=True, slots=True, order=True)
class Span:
    """A weekday (Monday is 0), and start and end in seconds after its midnight; the end may be on the next day."""

    weekday: int
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Windows:
    """The spans of a maintenance window. Without any span a reset may begin at any time."""

    spans: tuple[Span, ...] = ()

    @classmethod
    def parse(cls, text: str) -> Windows:
        """Parse a text such as ``Sat,Sun 02:00-05:00 UTC; 23:00-01:00 UTC``; a span without days holds every day.

        Raises:
            ValueError: has all faults of the text as its arguments.
        """
        spans: set[Span] = set()
        faults: list[str] = []
        for part in text.split(";"):
            spans.update(_parsed(part.strip(), faults))
        if faults:
            raise ValueError(*faults)
        return cls(tuple(sorted(spans)))

    def next_open(self, moment: float) -> float:
        """Return the first moment, ``moment`` or later, at which the window is open."""
        if not self.spans:
            return moment
        begins = [begin for begin, end in self._around(moment) if end > moment]
        return max(moment, min(begins))

    def _around(self, moment: float) -> Iterator[tuple[int, int]]:
        """Yield begin and end of every opening between the day before ``moment`` and a week after it."""
        today = int(moment // _DAY)
        for day in range(today - 1, today + len(_DAYS) + 1):
            for span in self.spans:
                if (day + _FIRST_WEEKDAY) % len(_DAYS) == span.weekday:
                    yield day * _DAY + span.start, day * _DAY + span.end


ANYTIME = Windows()


def _parsed(part: str, faults: list[str]) -> list[Span]:
    match = _FORM.fullmatch(part)
    if match is None:
        faults.append("must look like 'Sat,Sun 02:00-05:00 UTC', several separated by ';'")
        return []
    before = len(faults)
    start, end = (_seconds(match[name], faults) for name in ("from", "to"))
    days = range(len(_DAYS)) if match["days"] is None else list(_weekdays(match["days"], faults))
    if len(faults) == before and start == end:
        faults.append("begins and ends at the same time")
    return [Span(day, start, end if end > start else end + _DAY) for day in days]


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
