"""Figures, the bounds that they are to keep, and the one table.

A figure is an exact count or a ratio within one run, unless its row has no bound and says a unit of time. Its key is
stable: it names the row in the JSON lines and in ``BOUNDS``.

A bound has one of three states: *kept*, *missed* or, where it is not required yet and not reached, *open*. To require
an open bound is one word: ``required=True`` in its row below. The program exits with 1 when a required one is missed.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """One row.

    Attributes:
        key: ``part/…``, by which machines and ``BOUNDS`` know it.
        name: the row for people.
        value: what was measured.
        unit: of the value.
        detail: how it came about, such as the counts of the four steps.
    """

    key: str
    name: str
    value: float
    unit: str
    detail: str = ""

    @property
    def state(self) -> str:
        """``kept``, ``missed``, ``open``, or nothing where there is no bound."""
        bound = BOUNDS.get(self.key)
        if bound is None:
            return ""
        return "kept" if bound.holds(self.value) else "missed" if bound.required else "open"

    def describe(self) -> dict[str, object]:
        """Return the fields of the JSON line."""
        bound = BOUNDS.get(self.key)
        return {
            "bench": self.key,
            "name": self.name,
            "value": round(self.value, 6),
            "unit": self.unit,
            "detail": self.detail,
            "bound": None if bound is None else str(bound),
            "state": self.state or None,
        }


@dataclass(frozen=True, slots=True)
class Bound:
    """What a figure is to keep: at most, or at least, so much."""

    limit: float
    least: bool = False
    required: bool = False

    def holds(self, value: float) -> bool:
        """Tell whether a value keeps it."""
        return value >= self.limit if self.least else value <= self.limit

    def __str__(self) -> str:
        return f"{'>=' if self.least else '<='} {self.limit:g}"


_ACCOUNTS = ("container", "machine", "device", "user", "meeting")
_TURNS = ("first", "later")

BOUNDS: dict[str, Bound] = {
    # One clean rotation over AWS Secrets Manager; a batch of n devices may write 6 + n times.
    **{f"aws/{account}/{turn}/writes": Bound(6, required=True) for account in _ACCOUNTS for turn in _TURNS},
    **{f"aws/{account}/{turn}/calls": Bound(19, required=True) for account in _ACCOUNTS for turn in _TURNS},
    **{f"aws/batch/{turn}/writes": Bound(6 + 3, required=True) for turn in _TURNS},
    # The stand-in must stay what it stands for.
    **{f"aws/template/{turn}/calls": Bound(14, required=True) for turn in _TURNS},
    **{f"aws/template/{turn}/writes": Bound(2, required=True) for turn in _TURNS},
    # One clean rotation over KV version 2, and the plug-in.
    # The first rotation of a job also reads the admin credential.
    **{f"kv/{account}/first/trips": Bound(13, required=True) for account in _ACCOUNTS},
    **{f"kv/{account}/{turn}/trips": Bound(12, required=True) for account in _ACCOUNTS for turn in ("later", "every")},
    **{f"kv/{account}/{turn}/journal": Bound(4, required=True) for account in _ACCOUNTS for turn in (*_TURNS, "every")},
    "plugin/store_calls": Bound(0, required=True),
    # From process start to the first answer, as a ratio to a function that describes the secret by boto3.
    "cold/no_vendor/wall": Bound(0.7),
    "cold/no_vendor/cpu": Bound(0.7),
    "cold/https/wall": Bound(1.0),
    "cold/https/cpu": Bound(1.0),
    "cold/ssh/wall": Bound(1.2),
    "cold/ssh/cpu": Bound(1.2),
    "memory/ssh": Bound(110, required=True),
    "package/with_ssh": Bound(12, required=True),
    "package/without_ssh": Bound(3, required=True),
    "package/same_bytes": Bound(1, least=True, required=True),
    # Passwords, and the plug-in on a real OpenBao.
    "passwords/recipe": Bound(6, least=True),
    "passwords/rare": Bound(1e-3),
    "rounds/launch": Bound(1.3),
    "rounds/processes": Bound(1),
    "rounds/memory": Bound(80),
    "rounds/in_memory": Bound(2.0),
    "rounds/ours": Bound(1.5),
    "rounds/processor": Bound(1.5),
    "rounds/slowest_read": Bound(1.0),
}


def table(figures: Iterable[Figure]) -> str:
    """Return the rows as text, in columns, a blank line between two parts."""
    rows = [("what", "value", "unit", "bound", "state", "detail")]
    part = ""
    for each in figures:
        if each.key.partition("/")[0] != part:
            part = each.key.partition("/")[0]
            rows.append(("",) * 6)
        bound = BOUNDS.get(each.key)
        rows.append((each.name, _spelled(each.value), each.unit, str(bound or ""), each.state, each.detail))
    widths = [max(len(row[column]) for row in rows) for column in range(6)]
    return "\n".join(_line(row, widths) for row in rows)


def lines(figures: Iterable[Figure]) -> str:
    """Return one JSON object per line."""
    return "\n".join(json.dumps(each.describe(), ensure_ascii=False) for each in figures)


def _line(row: tuple[str, ...], widths: list[int]) -> str:
    cells = [
        cell.rjust(width) if index == 1 else cell.ljust(width)
        for index, (cell, width) in enumerate(zip(row, widths, strict=True))
    ]
    return "  ".join(cells).rstrip()


def _spelled(value: float) -> str:
    return f"{value:,.0f}" if value == int(value) or abs(value) >= 1000 else f"{value:.3g}"  # noqa: PLR2004 - digits
