"""Reads ``LOCKSTEP_*`` variables and collects every fault, so that all of them are reported at once.

A parser takes a variable's text and raises ``ValueError`` with one sentence per fault, which says what is accepted and
never quotes the text: ``seconds("x")`` raises "must be 0 to 999", which is reported after the name of the variable.
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
    """An environment that is being read, and its faults so far, by variable. An empty variable counts as missing."""

    environment: Mapping[str, str]
    faults: list[str] = field(default_factory=list)

    def value(self, name: str, parse: Callable[[str], T]) -> T | None:
        """Return a variable's parsed value; ``None`` where it is missing or wrong."""
        text = self.environment.get(name)
        try:
            return parse(text) if text else None
        except ValueError as fault:
            self.faults.extend(f"{name} {each}" for each in fault.args)
            return None

    def by_driver(self, drivers: tuple[str, ...], suffix: str, parse: Callable[[str], T]) -> dict[str, T]:
        """Return the values of ``LOCKSTEP_<CODE>_<suffix>`` by driver code, without missing and wrong ones."""
        found = {code: self.value(f"LOCKSTEP_{code.upper()}_{suffix}", parse) for code in drivers}
        return {code: value for code, value in found.items() if value is not None}

    def items(self, name: str, check: settings.Check = lambda _: None) -> tuple[str, ...]:
        """Return the items of a comma-separated list, each of which must pass a check."""
        parts = tuple(filter(None, (part.strip() for part in self.environment.get(name, "").split(","))))
        self.faults.extend(f"{name} {fault}" for fault in sorted({check(part) or "" for part in parts} - {""}))
        return parts

    def logins(self, drivers: tuple[str, ...]) -> dict[str, LoginTarget]:
        """Return where accounts can log in, by driver code, with the host's key; without a username."""
        targets = self.by_driver(drivers, "LOGIN", _login)
        for code, target in targets.items():
            key = self.value(f"LOCKSTEP_{code.upper()}_LOGIN_HOST_KEY", parser(PINS[target.kind]))
            targets[code] = dataclasses.replace(target, host_key=key)
        return targets


def parser(check: settings.Check) -> Callable[[str], str]:
    """Return a parser that returns a text unchanged if it passes a check."""

    def parse(text: str) -> str:
        problem = check(text)
        if problem:
            raise ValueError(problem)
        return text

    return parse


def window(text: str) -> Windows:
    """Parse a maintenance window."""
    found, faults = Windows.parse(text)
    if faults:
        raise ValueError(*faults)
    return found


def seconds(text: str) -> int:
    """Parse a number of seconds below 1000."""
    return int(parser(settings.matches(r"[0-9]{1,3}", "must be 0 to 999"))(text))


def switch(text: str) -> bool:
    """Parse a switch that is on or off."""
    if text.lower() not in _SWITCH:
        raise ValueError("must be 1 or 0")
    return _SWITCH[text.lower()]


def _login(text: str) -> LoginTarget:
    match = _LOGIN_URL.fullmatch(text)
    if match is None:
        raise ValueError("must be ssh://host[:port] or winrm://host[:port]")
    return LoginTarget(match[1], match[2].strip("[]"), int(match[3] or _PORTS[match[1]]), "", None)
