"""The plan of faults that every simulator follows: what goes wrong, in which operation, in which order."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

ANY = "*"


class FaultKind(StrEnum):
    """What goes wrong. "Applied" says whether the request took effect at the vendor."""

    DROP_BEFORE = "drop_before"  # connection closed, not applied
    DROP_AFTER = "drop_after"  # applied, connection closed without a reply
    ERROR_BEFORE = "error_before"  # HTTP `status` (500), not applied
    ERROR_AFTER = "error_after"  # applied, HTTP `status` (502)
    VENDOR_CODE = "vendor_code"  # the vendor's error `code`, not applied
    VENDOR_CODE_AFTER = "vendor_code_after"  # applied, the vendor's error `code`
    THROTTLE = "throttle"  # the vendor's own throttling answer, or HTTP `status`; not applied
    HTML = "html"  # 200 with an HTML page, not applied
    TRUNCATED = "truncated"  # applied, reply cut in the middle; `claimed`: Content-Length of the whole
    EMPTY = "empty"  # 200 without a body; `applied`
    REDIRECT = "redirect"  # `status` (302) to `location`, not applied
    HANG = "hang"  # waits `seconds` or for `event`; `applied`: then the true reply, else the connection closes
    SILENT = "silent"  # success is answered, not applied
    LATE = "late"  # applied `delay` seconds of the clock later; answers success, vendor `code`, `status` or `drop`


_NEEDED: Mapping[FaultKind, frozenset[str]] = {
    FaultKind.VENDOR_CODE: frozenset({"code"}),
    FaultKind.VENDOR_CODE_AFTER: frozenset({"code"}),
    FaultKind.EMPTY: frozenset({"applied"}),
    FaultKind.REDIRECT: frozenset({"location"}),
    FaultKind.HANG: frozenset({"applied"}),
    FaultKind.LATE: frozenset({"delay"}),
}
_OPTIONAL: Mapping[FaultKind, frozenset[str]] = {
    FaultKind.ERROR_BEFORE: frozenset({"status"}),
    FaultKind.ERROR_AFTER: frozenset({"status"}),
    FaultKind.VENDOR_CODE: frozenset({"status"}),
    FaultKind.VENDOR_CODE_AFTER: frozenset({"status"}),
    FaultKind.THROTTLE: frozenset({"status"}),
    FaultKind.TRUNCATED: frozenset({"claimed"}),
    FaultKind.REDIRECT: frozenset({"status"}),
    FaultKind.HANG: frozenset({"seconds", "event", "reached"}),
    FaultKind.LATE: frozenset({"code", "status", "drop"}),
}
_BEFORE = frozenset(
    {
        FaultKind.DROP_BEFORE,
        FaultKind.ERROR_BEFORE,
        FaultKind.VENDOR_CODE,
        FaultKind.THROTTLE,
        FaultKind.HTML,
        FaultKind.REDIRECT,
    }
)


@dataclass(frozen=True, slots=True)
class Fault:
    """One fault that was applied to a request."""

    kind: FaultKind
    details: Mapping[str, object] = field(default_factory=dict)

    @property
    def before(self) -> bool:
        """True when the vendor never gets to act on the request."""
        return self.kind in _BEFORE or self.details.get("applied") is False

    def text(self, name: str, default: str = "") -> str:
        """Return a detail as text."""
        return str(self.details.get(name, default))

    def number(self, name: str, default: float = 0) -> float:
        """Return a detail as a number."""
        return float(self.text(name, str(default)))

    def flag(self, name: str) -> bool:
        """Return a detail as a switch; a missing one is off."""
        return bool(self.details.get(name, False))

    def event(self, name: str) -> threading.Event | None:
        """Return a detail that is a ``threading.Event``."""
        value = self.details.get(name)
        return value if isinstance(value, threading.Event) else None


@dataclass(slots=True)
class _Entry:
    operation: str
    fault: Fault
    left: int
    skip: int


class FaultPlan:
    """Faults to come, consumed in the order in which they were added. Safe for use from many threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._entries: list[_Entry] = []
        self._met: list[tuple[str, FaultKind]] = []

    def add(self, operation: str, kind: FaultKind, *, times: int = 1, skip: int = 0, **details: object) -> None:
        """Plan a fault.

        Args:
            operation: the vendor's own name of the call (an action, or "METHOD /path"); "*" is any call.
            kind: what goes wrong.
            times: how many matching calls it applies to.
            skip: how many matching calls pass first.
            **details: what the kind needs; see ``FaultKind``.

        Raises:
            TypeError: a detail that this kind needs is missing, or one that it does not know was given.
            ValueError: ``times`` is below 1 or ``skip`` below 0.
        """
        needed, optional = _NEEDED.get(kind, frozenset()), _OPTIONAL.get(kind, frozenset())
        if missing := needed - details.keys():
            raise TypeError(f"{kind} needs {', '.join(sorted(missing))}")
        if unknown := details.keys() - needed - optional:
            raise TypeError(f"{kind} does not know {', '.join(sorted(unknown))}")
        if times < 1 or skip < 0:
            raise ValueError("times starts at 1, skip at 0")
        with self._lock:
            self._entries.append(_Entry(operation, Fault(kind, dict(details)), times, skip))

    def take(self, operation: str) -> Fault | None:
        """Return the fault that applies to this call, if any, and count it as applied."""
        with self._lock:
            for entry in self._entries:
                if entry.operation not in {operation, ANY}:
                    continue
                if entry.skip:
                    entry.skip -= 1
                    continue
                entry.left -= 1
                if not entry.left:
                    self._entries.remove(entry)
                self._met.append((operation, entry.fault.kind))
                return entry.fault
        return None

    @property
    def met(self) -> tuple[tuple[str, FaultKind], ...]:
        """The faults applied so far: operation and kind, in order."""
        with self._lock:
            return tuple(self._met)

    @property
    def pending(self) -> int:
        """How many faults are still to come."""
        with self._lock:
            return sum(entry.left for entry in self._entries)

    def clear(self) -> None:
        """Drop every fault that is still to come."""
        with self._lock:
            self._entries.clear()
