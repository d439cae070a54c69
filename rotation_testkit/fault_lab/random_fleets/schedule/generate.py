"""Random schedules. One number makes one schedule, on every machine and interpreter alike."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from random import Random  # noqa: TID251 - seeded, for schedules and never for a secret
from typing import Any, TypeAlias

from rotation.core.values import Step
from rotation.state.lease import LAST_GENERATION
from rotation_testkit.fault_lab.in_memory.vendor_classes import FLEET_CLASSES
from rotation_testkit.fault_lab.random_fleets.play.surroundings import MOST_SKEW

Schedule: TypeAlias = tuple[list[str], list[dict[str, Any]]]
"""The members' classes, and the actions."""

_SHARES = [1.0 if each.accounts == 1 else 0.25 for each in FLEET_CLASSES.values()]
"""A batch costs several times as much."""
_WAITS = (10, 60, 300, 600, 600, 3600, 86400)
_KINDS = (
    "crash",
    "crash",
    "crash-after",
    "crash-after",
    "lost",
    "lost",
    "unknown",
    "fail",
    "throttle",
    "twice",
    "slow",
    "lie",
    "stale",
    "pause",
    "event",
)
_TENDER = (
    ("set_password", 1),
    ("set_password", 1),
    ("set_password", 2),
    ("verify", 1),
    ("verify", 2),
    ("poll", 1),
    ("stop", 1),
    ("start", 1),
    ("move", 1),
    ("move", 2),
    ("stage", 1),
    ("attach", 3),
)
"""Effects that deserve more than their share of the faults."""


def schedule(seed: int, number: int) -> Schedule:
    """Return the schedule of that number in the run of that seed."""
    random = Random(f"{seed}/{number}")
    size = random.choices((1, 2, 3), (90, 8, 2))[0]
    kinds = random.choices(tuple(FLEET_CLASSES), _SHARES, k=size)
    actions = [action(random, size) for _ in range(random.randint(2, 6 + size))]
    return kinds, actions


def action(random: Random, size: int) -> dict[str, Any]:
    """Return one action."""
    make = random.choices(_MAKERS, _WEIGHTS)[0]
    made = make(random)
    if size > 1 and made["do"] != "wait":
        made["on"] = random.randrange(size)
    return made


def _attempt(random: Random) -> dict[str, Any]:
    made: dict[str, Any] = {"do": "attempt"}
    if faults := _faults(random):
        made["faults"] = faults
    if random.random() < 0.2:  # noqa: PLR2004 - one in five
        made["skew"] = random.choice((-MOST_SKEW, -1.0, 1.0, MOST_SKEW))
    return made


def _faults(random: Random) -> list[dict[str, Any]]:
    return [_fault(random) for _ in range(random.choices((0, 1, 2), (25, 55, 20))[0])]


def _fault(random: Random) -> dict[str, Any]:
    kind = random.choice(_KINDS)
    made: dict[str, Any] = {"kind": kind}
    if kind == "slow":
        return {"at": "set_password", "nth": 1, **made, "seconds": random.choice((1, 5, 14, 30))}
    if kind == "lie":
        return {"at": "verify", "nth": random.randint(1, 2), **made}
    if kind == "stale":
        return {"at": random.choice(("describe", "describe", "read")), "nth": random.randint(1, 14), **made}
    if random.random() < 0.5:  # noqa: PLR2004 - every other one
        name, nth = random.choice(_TENDER)
        made = {"at": name, "nth": nth, **made}
    else:
        made = {"at": random.randint(1, 45), **made}
    if kind == "pause":
        made["seconds"] = random.choice((5, 30, 61))
    if kind == "event":
        made["do"] = random.choice((_outside, _outside, _plain_attempt, _step))(random)
    return made


def _plain_attempt(_random: Random) -> dict[str, Any]:
    return {"do": "attempt"}


def _wait(random: Random) -> dict[str, Any]:
    return {"do": "wait", "seconds": random.choice(_WAITS)}


def _step(random: Random) -> dict[str, Any]:
    return {"do": "step", "step": str(random.choice(tuple(Step))), "back": random.randint(1, 3)}


def _parallel(random: Random) -> dict[str, Any]:
    runs = [_attempt(random) if random.random() < 0.7 else _step(random) for _ in range(2)]  # noqa: PLR2004 - mostly
    for run in runs:
        run.pop("skew", None)
        run["faults"] = [fault for fault in run.get("faults", ()) if fault["kind"] != "event"]
    return {"do": "parallel", "runs": runs, "turns": random.randrange(1_000_000)}


def _test_only(_random: Random) -> dict[str, Any]:
    return {"do": "test-only"}


def _outage(random: Random) -> dict[str, Any]:
    return {"do": random.choice(("vendor-down", "store-down")), "seconds": random.choice((20, 120, 1200))}


def _outside(random: Random) -> dict[str, Any]:
    return random.choice(_OUTSIDE)(random)


_OUTSIDE: Sequence[Callable[[Random], dict[str, Any]]] = (
    lambda random: {"do": "console", "put": random.random() < 0.5, "account": random.randint(0, 2)},  # noqa: PLR2004 - every other one
    lambda random: {"do": "twin", "account": random.randint(0, 2)},
    lambda random: {"do": "restore", "back": random.randint(0, 3)},
    lambda random: {"do": "snapshot", "back": random.randint(1, 3), "account": random.randint(0, 2)},
    lambda random: {"do": "policy", "to": random.randint(0, 2)},
    lambda random: {"do": "strip", "what": random.choice(("pending", "previous"))},
    lambda random: {"do": "strip", "what": random.choice(("marks", "all")), "back": random.randint(0, 2)},
    lambda random: {"do": "cancel", "strip": random.random() < 0.8},  # noqa: PLR2004 - mostly
    lambda random: {"do": "enable", "yes": random.random() < 0.6},  # noqa: PLR2004 - rather
    lambda random: {"do": "typos", "times": random.randint(1, 5), "account": random.randint(0, 2)},
    lambda random: {"do": "fail-tasks", "yes": random.random() < 0.6},  # noqa: PLR2004 - rather
    lambda random: {"do": "plant", "sent": random.random() < 0.5},  # noqa: PLR2004 - every other one
    lambda random: {
        "do": "forge",
        "what": random.choice(("lease", "lease", "intent", "rejected", "parked")),
        "number": random.choice((1, 2, 3, LAST_GENERATION)),
        "seconds": random.choice((10, 60, 3600)),
        "back": random.randint(0, 2),
    },
)

_MAKERS: Sequence[Callable[[Random], dict[str, Any]]] = (
    _attempt,
    _wait,
    _outside,
    _parallel,
    _step,
    _test_only,
    _outage,
)
_WEIGHTS = (50, 18, 16, 6, 4, 3, 3)
