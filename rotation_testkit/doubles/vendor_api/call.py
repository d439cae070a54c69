"""What passes through a simulator: the request, the answer, a refusal, a line of the access log."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Protocol

from werkzeug.datastructures import Headers

from rotation_testkit.doubles.vendor_api.faults import Fault, FaultKind

_JSON = "application/json"


@dataclass(frozen=True, slots=True, repr=False)
class Captured:
    """A request as it arrived, with its secrets, for tests that look for leaks. ``repr`` shows the method only."""

    method: str
    url: str
    headers: tuple[tuple[str, str], ...]
    body: bytes

    def holds(self, text: str) -> bool:
        """Return whether the raw request holds the text."""
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
    """A vendor's refusal: the vendor's own code, and a detail that the message may name."""

    def __init__(self, code: str | int, detail: str = "", *, status: int | None = None) -> None:
        super().__init__(str(code))
        self.code = str(code)
        self.detail = detail
        self.status = status


class Vendor(Protocol):
    """How a vendor phrases an answer; faults need it."""

    closing: threading.Event

    def refuse(self, call: Call, refusal: Refused) -> Reply:
        """Phrase a refusal."""

    def throttle(self, call: Call) -> Reply:
        """Phrase "too many requests"."""


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

    def json_object(self, code: str, detail: str = "") -> dict[str, object]:
        """Return the body's JSON object.

        Raises:
            Refused: with ``code``; the body is no JSON object.
        """
        try:
            document = json.loads(self.body)
        except ValueError:
            document = None
        if not isinstance(document, dict):
            raise Refused(code, detail)
        return document

    def commit(self, effect: Callable[[], None], *, pretence: Callable[[], None] | None = None) -> None:
        """Apply this request's change, unless a fault drops or delays it.

        ``pretence`` is what a vendor that drops the change still shows of it, such as a task that succeeds.
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
        """Run ``ending`` when the request is over, however it ends."""
        self.endings.append(ending)
