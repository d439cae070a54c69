"""Reads ``LOCKSTEP_*`` variables: what each kind of value looks like, and every fault at once.

Parsers take a variable's text and raise ``ValueError`` with what is accepted, one sentence a fault; no text is quoted.
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TypeVar

from rotation.core import settings
from rotation.core.maintenance_window import Windows
from rotation.core.values import LoginTarget
from rotation.drivers.network.login_settings import PINS

T = TypeVar("T")

CODE = settings.matches(r"[a-z][a-z0-9_]{1,30}", "must list driver codes (lower-case letters, digits and _)")
HOST = settings.matches(
    r"(?:[A-Za-z0-9.-]{1,253}|\[[0-9A-Fa-f:.]{2,45}\])(?::[0-9]{1,5})?",
    "must list hosts of the form host[:port], without scheme, path or wildcard",
)
_LOGIN_URL = re.compile(r"(ssh|winrm)://([A-Za-z0-9.-]{1,253}|\[[0-9A-Fa-f:.]{2,45}\])(?::([1-9][0-9]{0,4}))?/?")
_PORTS = {"ssh": 22, "winrm": 5986}
_SWITCH = {"0": False, "false": False, "1": True, "true": True}


@dataclass(slots=True)
class Variables:
    """An environment that is being read. An empty variable is as good as none.

    Attributes:
        environment: the variables.
        faults: what was wrong so far, by the variable's name.
    """

    environment: Mapping[str, str]
    faults: list[str] = field(default_factory=list)

    def one(self, name: str, parse: Callable[[str], T]) -> T | None:
        """Return what a variable says; ``None`` where it says nothing, or nothing that makes sense."""
        text = self.environment.get(name)
        try:
            return parse(text) if text else None
        except ValueError as fault:
            self.faults.extend(f"{name} {each}" for each in fault.args)
            return None

    def each(self, drivers: tuple[str, ...], suffix: str, parse: Callable[[str], T]) -> dict[str, T]:
        """Return the same for ``LOCKSTEP_<CODE>_<suffix>``, by driver code."""
        found = {code: self.one(f"LOCKSTEP_{code.upper()}_{suffix}", parse) for code in drivers}
        return {code: value for code, value in found.items() if value is not None}

    def listed(self, name: str, check: settings.Check) -> tuple[str, ...]:
        """Return the parts of a comma list, each of which must pass a check."""
        parts = tuple(part for part in (part.strip() for part in self.environment.get(name, "").split(",")) if part)
        self.faults.extend(f"{name} {fault}" for fault in sorted({check(part) or "" for part in parts} - {""}))
        return parts

    def logins(self, drivers: tuple[str, ...]) -> dict[str, LoginTarget]:
        """Return where accounts can log in, by driver code, with what proves the host; no username yet."""
        targets = self.each(drivers, "LOGIN", _login)
        for code, target in targets.items():
            key = self.one(f"LOCKSTEP_{code.upper()}_LOGIN_HOST_KEY", checked(PINS[target.kind]))
            targets[code] = dataclasses.replace(target, host_key=key)
        return targets


def checked(check: settings.Check) -> Callable[[str], str]:
    """Return a parser that takes a text as it is, if it passes a check."""

    def parse(text: str) -> str:
        problem = check(text)
        if problem:
            raise ValueError(problem)
        return text

    return parse


def window(text: str) -> Windows:
    """Read when a reset may begin."""
    found, faults = Windows.parse(text)
    if faults:
        raise ValueError(*faults)
    return found


def seconds(text: str) -> int:
    """Read a number of seconds under a thousand."""
    return int(checked(settings.matches(r"[0-9]{1,3}", "must be 0 to 999"))(text))


def switch(text: str) -> bool:
    """Read yes or no."""
    if text.lower() not in _SWITCH:
        raise ValueError("must be 1 or 0")
    return _SWITCH[text.lower()]


def _login(text: str) -> LoginTarget:
    match = _LOGIN_URL.fullmatch(text)
    if match is None:
        raise ValueError("must be ssh://host[:port] or winrm://host[:port]")
    return LoginTarget(match[1], match[2].strip("[]"), int(match[3] or _PORTS[match[1]]), "", None)
