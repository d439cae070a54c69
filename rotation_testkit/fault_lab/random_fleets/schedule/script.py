"""Scripts: one line of JSON for the members' classes, then one line per action. What failed can be played again."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from rotation.core.errors import ConfigError
from rotation_testkit.fault_lab.in_memory.vendor_classes import FLEET_CLASSES
from rotation_testkit.fault_lab.invariants import Violation
from rotation_testkit.fault_lab.random_fleets.play.fleet import Fleet
from rotation_testkit.fault_lab.random_fleets.play.settle import settle
from rotation_testkit.fault_lab.random_fleets.schedule.grammar import problems

_MOST_PROBLEMS = 5
"""The most faults that are reported: the first one is often the reason of the others."""


class ScriptError(ConfigError):
    """A script cannot be played."""

    code = "script_error"
    default_hint = 'The first line is {"fleet": [classes]}; each other line is one action.'


@dataclass(frozen=True, slots=True)
class Script:
    """What is played: the members' classes and the actions."""

    kinds: Sequence[str]
    actions: Sequence[dict[str, Any]]

    def dump(self) -> str:
        """Return the lines."""
        lines: list[object] = [{"fleet": list(self.kinds)}, *self.actions]
        return "".join(json.dumps(line) + "\n" for line in lines)

    @classmethod
    def parse(cls, text: str) -> Script:
        """Read the lines.

        Raises:
            ScriptError: it is none; names the lines and the keys that are wrong.
        """
        lines = [(number, _json(number, line)) for number, line in enumerate(text.splitlines(), 1) if line.strip()]
        head = lines[0][1] if lines else None
        kinds = head.get("fleet") if isinstance(head, dict) else None
        if not isinstance(kinds, list) or not kinds or not set(map(str, kinds)) <= set(FLEET_CLASSES):
            raise ScriptError(f"the first line names no classes; there are {', '.join(FLEET_CLASSES)}")
        wrong = [
            f"line {number}: {problem.strip(' .')}" for number, action in lines[1:] for problem in problems(action)
        ]
        if wrong:
            raise ScriptError("; ".join(wrong[:_MOST_PROBLEMS]))
        return cls([str(kind) for kind in kinds], [action for _, action in lines[1:]])


def _json(number: int, line: str) -> Any:  # noqa: ANN401 - whatever the line says
    try:
        return json.loads(line)
    except (ValueError, RecursionError):
        failure = ScriptError(f"line {number}: is not JSON")
    raise failure


def play(script: Script, *, trace: list[str] | None = None) -> Violation | None:
    """Play a script from a fresh fleet to the end.

    Args:
        script: what happens.
        trace: takes one line per effect and event, when given.

    Returns:
        The first violation; ``None`` when every invariant held.
    """
    try:
        fleet = Fleet(script.kinds, trace=trace)
        for action in script.actions:
            fleet.apply(action)
        settle(fleet)
    except Violation as violation:
        if trace is not None:
            trace.append(str(violation))
        return violation
    return None


def shortest(script: Script, violation: Violation) -> Script:
    """Return a script with the same violation from which no action and no fault can be left out."""
    best = script
    shrunk = True
    while shrunk:
        shrunk = False
        for shorter in _shorter(best):
            again = play(shorter)
            if again is not None and again.invariant == violation.invariant:
                best, shrunk = shorter, True
                break
    return best


def _shorter(script: Script) -> Iterable[Script]:
    actions = list(script.actions)
    for index, action in enumerate(actions):
        yield Script(script.kinds, actions[:index] + actions[index + 1 :])
        for key in ("faults", "runs"):
            for number in range(len(action.get(key, ()))):
                kept = [each for place, each in enumerate(action[key]) if place != number]
                yield Script(script.kinds, [*actions[:index], {**action, key: kept}, *actions[index + 1 :]])
        if "skew" in action:
            plain = {key: value for key, value in action.items() if key != "skew"}
            yield Script(script.kinds, [*actions[:index], plain, *actions[index + 1 :]])
