"""What a line of a script may say: every key of every action and fault, and which values it takes."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from typing import TypeAlias

from rotation.core.values import Step
from rotation.state import lease
from rotation_testkit.fault_lab.random_fleets.play.fleet import ACTIONS
from rotation_testkit.fault_lab.random_fleets.play.surroundings import MOST_SKEW

Problems: TypeAlias = Iterator[str]
Check: TypeAlias = Callable[[object], Problems]
"""Yields what is wrong with a value, each as it follows the key."""

_VENDOR_EFFECTS = ("set_password", "observe", "verify", "poll", "stop", "start")
_STORE_EFFECTS = ("describe", "read", "stage", "attach", "move", "detach")
_KINDS = ("crash", "crash-after", "lost", "unknown", "fail", "throttle", "twice", "slow", "lie", "stale", "pause")
_LONGEST = 1e9
"""Seconds; thirty years."""
_MOST = 1_000


def _number(least: float, most: float) -> Check:
    def check(value: object) -> Problems:
        if not isinstance(value, int | float) or isinstance(value, bool) or not least <= value <= most:
            yield f" must be a number from {least:g} to {most:g}"

    return check


def _count(least: int, most: int = _MOST) -> Check:
    def check(value: object) -> Problems:
        if not isinstance(value, int) or isinstance(value, bool) or not least <= value <= most:
            yield f" must be a whole number from {least} to {most}"

    return check


def _word(*words: str) -> Check:
    def check(value: object) -> Problems:
        if value not in words:
            yield f" must be one of {', '.join(words)}"

    return check


def _truth(value: object) -> Problems:
    if not isinstance(value, bool):
        yield " must be true or false"


def _effect(value: object) -> Problems:
    check = _word(*_VENDOR_EFFECTS, *_STORE_EFFECTS) if isinstance(value, str) else _count(1)
    yield from check(value)


def _each(check: Check) -> Check:
    def all_of(value: object) -> Problems:
        if not isinstance(value, list):
            yield " must be a list"
            return
        for number, each in enumerate(value):
            yield from (f"[{number}]{problem}" for problem in check(each))

    return all_of


def _fields(value: Mapping[str, object], known: Mapping[str, Check], needed: Collection[str]) -> Problems:
    yield from (f".{key} is missing" for key in needed if key not in value)
    for key, each in value.items():
        if key in known:
            yield from (f".{key}{problem}" for problem in known[key](each))
        else:
            yield f".{key} is no key here; there are {', '.join(known)}"


def _fault(value: object) -> Problems:
    """Check a fault, also one that has something else happen in the middle of the run."""
    if isinstance(value, dict) and value.get("kind") == "event":
        known = {"at": _effect, "nth": _count(1), "kind": _word("event"), "do": _inner}
        yield from _fields(value, known, ("at", "do"))
    else:
        yield from _plain_fault(value, "event")


def _plain_fault(value: object, *more: str) -> Problems:
    if not isinstance(value, dict):
        yield " must be an object with `at` and `kind`"
        return
    kind = value.get("kind")
    known: dict[str, Check] = {"at": _effect, "nth": _count(1), "kind": _word(*_KINDS, *more)}
    known |= {"seconds": _number(0, _LONGEST)} if kind in ("pause", "slow") else {}
    yield from _fields(value, known, ("at", "kind", *(["seconds"] if kind == "pause" else ())))


def _run(value: object) -> Problems:
    if not isinstance(value, dict) or value.get("do") not in ("attempt", "step"):
        yield " must be an object whose `do` is attempt or step"
        return
    known = {"do": _word("attempt", "step"), "faults": _each(_plain_fault)}
    known |= {"step": _STEP["step"], "back": _STEP["back"]} if value["do"] == "step" else {}
    yield from _fields(value, known, ("step",) if value["do"] == "step" else ())


_SECONDS: Mapping[str, Check] = {"seconds": _number(0, _LONGEST)}
_BACK: Mapping[str, Check] = {"back": _count(0)}
_ACCOUNT: Mapping[str, Check] = {"account": _count(0)}
_FAULTS: Mapping[str, Check] = {"faults": _each(_fault)}
_STEP: Mapping[str, Check] = {"step": _word(*map(str, Step)), "back": _count(1), **_FAULTS}

_KEYS: Mapping[str, Mapping[str, Check]] = {
    "wait": _SECONDS,
    "attempt": {**_FAULTS, "skew": _number(-MOST_SKEW, MOST_SKEW)},
    "parallel": {"runs": _each(_run), "turns": _count(0, 10**9)},
    "step": _STEP,
    "test-only": _FAULTS,
    "vendor-down": _SECONDS,
    "store-down": _SECONDS,
    "console": {"put": _truth, **_ACCOUNT},
    "twin": _ACCOUNT,
    "restore": _BACK,
    "snapshot": {**_BACK, **_ACCOUNT},
    "policy": {"to": _count(0)},
    "strip": {"what": _word("pending", "previous", "marks", "all"), **_BACK},
    "cancel": {"strip": _truth},
    "enable": {"yes": _truth},
    "typos": {"times": _count(0), **_ACCOUNT},
    "fail-tasks": {"yes": _truth},
    "plant": {"sent": _truth},
    "forge": {
        "what": _word("lease", "intent", "rejected", "parked"),
        "number": _count(1, lease.LAST_GENERATION),
        "seconds": _SECONDS["seconds"],
        **_BACK,
    },
}
_NEEDED: Mapping[str, Collection[str]] = {
    "wait": ("seconds",),
    "parallel": ("runs", "turns"),
    "step": ("step",),
    "vendor-down": ("seconds",),
    "store-down": ("seconds",),
    "strip": ("what",),
    "forge": ("what",),
}


def problems(action: object) -> Problems:
    """Yield what is wrong with an action, each with its key, such as ``.faults[0].kind must be one of ...``."""
    if not isinstance(action, dict) or "do" not in action:
        yield " is no object with `do`"
        return
    what = action["do"]
    if what not in ACTIONS:
        yield f".do must be one of {', '.join(ACTIONS)}"
        return
    everywhere: dict[str, Check] = {"do": _word(what)} | ({} if what == "wait" else {"on": _count(0)})
    yield from _fields(action, {**everywhere, **_KEYS[what]}, _NEEDED.get(what, ()))


def _inner(value: object) -> Problems:
    """Check what happens in the middle of a run: one thing, in the middle of which nothing else happens."""
    if isinstance(value, dict) and value.get("do") == "parallel":
        yield ".do cannot be parallel in the middle of a run"
    elif isinstance(value, dict) and "faults" in value:
        yield from problems({key: each for key, each in value.items() if key != "faults"})
        yield from (f".faults{problem}" for problem in _each(_plain_fault)(value["faults"]))
    else:
        yield from problems(value)
