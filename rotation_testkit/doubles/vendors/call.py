"""What travels through a simulator: the request, the answer, a refusal, a line of the access log."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Protocol

from werkzeug.datastructures import Headers

from rotation_testkit.doubles.vendors.faults import Fault, FaultKind

_JSON = "application/json"


@dataclass(frozen=True, slots=True, repr=False)
class Captured:
    """A request as it arrived, secrets and all, for tests that look for leaks. ``repr`` shows the method only."""

    method: str
    url: str
    headers: tuple[tuple[str, str], ...]
    body: bytes

    def holds(self, text: str) -> bool:
        """Tell whether the text stands anywhere in the raw request."""
        head = self.url + "\n" + "\n".join(f"{name}: {value}" for name, value in self.headers)
        return text in head or text.encode() in self.body

    def __repr__(self) -> str:
        return f"Captured({self.method})"


@dataclass(frozen=True, slots=True)
class Access:
    """One line of the access log; holds no value from the request."""

    operation: str
    outcome: str
    time: float
    request_id: str


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer on its way out. ``outcome`` is what the access log says about it."""

    status: int = 200
    body: bytes = b""
    outcome: str = "ok"
    content_type: str = _JSON
    headers: tuple[tuple[str, str], ...] = ()

    @classmethod
    def of(cls, payload: object, *, status: int = 200, outcome: str = "ok", content_type: str = _JSON) -> Reply:
        """Return a JSON answer."""
        body = json.dumps(payload, ensure_ascii=False, separators=(",", ":")).encode()
        return cls(status, body, outcome, content_type)


class Refused(Exception):
    """A vendor's refusal on its way to the wire: the vendor's own code and what it complains about."""

    def __init__(self, code: str | int, detail: str = "", *, status: int | None = None) -> None:
        super().__init__(str(code))
        self.code = str(code)
        self.detail = detail
        self.status = status


class Vendor(Protocol):
    """The vendor's way to word an answer, as faults need it."""

    closing: threading.Event

    def refuse(self, call: Call, refusal: Refused) -> Reply:
        """Word a refusal."""

    def throttle(self, call: Call) -> Reply:
        """Word "too many requests"."""


@dataclass(slots=True)
class Call:
    """One request while it is being answered."""

    method: str
    path: str
    query: Mapping[str, str]
    headers: Headers
    body: bytes
    request_id: str
    later: Callable[[float, Callable[[], None]], None]
    operation: str = ""
    fault: Fault | None = None
    endings: list[Callable[[], None]] = field(default_factory=list)

    def commit(self, effect: Callable[[], None], *, pretence: Callable[[], None] | None = None) -> None:
        """Make the change that this request is about, unless a fault swallows or delays it.

        ``pretence`` is what a vendor that swallows the change still shows of it, such as a task that succeeds.
        """
        if self.fault and self.fault.kind is FaultKind.SILENT:
            if pretence:
                pretence()
            return
        if self.fault and self.fault.kind is FaultKind.LATE:
            self.later(self.fault.number("delay"), effect)
            return
        effect()

    def at_end(self, ending: Callable[[], None]) -> None:
        """Run this when the request is over, however it ends."""
        self.endings.append(ending)
