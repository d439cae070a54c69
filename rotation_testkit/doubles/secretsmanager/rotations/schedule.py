"""Rotation rules: what ``RotateSecret`` accepts and when the next rotation is due."""

from __future__ import annotations

import re
from typing import Any

from rotation_testkit.doubles.secretsmanager.protocol.errors import invalid_parameter

_DAY = 86_400
_HOUR = 3_600
_LEAST_HOURS = 4
_MOST_DAYS = 1_000
_RATE = re.compile(r"rate\((\d+) (hour|hours|day|days)\)")
_CRON = re.compile(r"cron\((?:\S+ ){5}\S+\)")


def check(rules: dict[str, Any]) -> None:
    """Refuse the rules that the service refuses; the service model limits the days.

    Raises:
        ServiceError: two schedules at once, a schedule out of range, or an unknown expression.
    """
    days = rules.get("AutomaticallyAfterDays")
    expression = rules.get("ScheduleExpression")
    if days is not None and expression is not None:
        raise invalid_parameter("You can't specify both AutomaticallyAfterDays and ScheduleExpression.")
    if expression is None or _CRON.fullmatch(expression):
        return
    seconds = _rate_seconds(expression)
    if seconds is None or not _LEAST_HOURS * _HOUR <= seconds <= _MOST_DAYS * _DAY:
        raise invalid_parameter("The ScheduleExpression is not valid; a secret rotates at most every four hours.")


def due_after(rules: dict[str, Any], moment: float) -> float | None:
    """Return when the next rotation is due, in epoch seconds.

    ``None`` for ``cron()``: this double accepts such a schedule and never starts it.
    """
    days = rules.get("AutomaticallyAfterDays")
    if days is not None:
        return moment + float(days) * _DAY
    seconds = _rate_seconds(rules.get("ScheduleExpression", ""))
    return None if seconds is None else moment + seconds


def _rate_seconds(expression: str) -> int | None:
    found = _RATE.fullmatch(expression)
    if found is None:
        return None
    return int(found[1]) * (_HOUR if found[2].startswith("hour") else _DAY)
