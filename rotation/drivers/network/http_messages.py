"""HTTP requests and replies as values, the protocol of the HTTP door, and how a driver reads a JSON reply."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Protocol

from rotation.core.errors import DriverError, OutcomeUnknown, RateLimited, UnexpectedReply, VendorUnavailable


@dataclass(frozen=True, slots=True, kw_only=True)
class HttpRequest:
    """One request to a vendor.

    Attributes:
        method: ``GET``, ``POST``, ...
        url: absolute; never holds a secret.
        headers: may hold credentials, so they are never shown.
        body: exact bytes to send.
        changes: whether the request may change something: then a lost reply is ``OutcomeUnknown`` and nothing is
            ever sent twice.
    """

    method: str
    url: str
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    body: bytes = field(default=b"", repr=False)
    changes: bool = False


@dataclass(frozen=True, slots=True)
class HttpReply:
    """One answer. ``headers`` has lower-case names; ``body`` is at most one MiB and may hold secrets."""

    status: int
    headers: Mapping[str, str] = field(repr=False)
    body: bytes = field(repr=False)
    request_id: str | None = None

    @property
    def ok(self) -> bool:
        """Whether the status refuses nothing: one below 300."""
        return self.status < 300  # noqa: PLR2004 - refusals start here


class Http(Protocol):
    """Sends requests to vendors; ``HttpDoor`` is the one that a rotation uses."""

    def send(self, request: HttpRequest) -> HttpReply:
        """Send once and return any answer that is no redirect; a 3xx without a Location may be the vendor's refusal.

        Raises:
            HostNotAllowed: outside the allow-list; nothing was sent.
            VendorUnavailable: nothing reached the vendor (or the request changes nothing).
            OutcomeUnknown: a changing request may have arrived.
            UnexpectedReply: a redirect, or an oversized answer.
            NotEnoughTime: too little time left; nothing was sent.
        """


def id_of(text: str | None, request: HttpRequest | None = None) -> str | None:
    """Return a text if it looks like a request id: hexadecimal digits, in groups like a UUID's or in one.

    A vendor may echo a credential where its id is expected, and ids go into log lines. Base64 of ``user:password`` does
    not look like an id. Its hexadecimal digits do, so they are compared with what the request said.
    """
    if not text or not re.fullmatch(r"(?=.{8,64}\Z)[0-9A-Fa-f]+(?:-[0-9A-Fa-f]+)*", text):
        return None
    return None if request is not None and _echoes(text, request) else text


def _echoes(text: str, request: HttpRequest) -> bool:
    """Return whether the digits spell something that the request contained, also inside Base64."""
    said = [request.body, *(value.encode(errors="replace") for value in request.headers.values())]
    for word in b" ".join(said).split():
        with suppress(ValueError):
            said.append(base64.b64decode(word, validate=True))
    try:
        spelled = bytes.fromhex(text.replace("-", ""))
    except ValueError:
        return False
    return any(spelled in each for each in said)


def parsed_object(reply: HttpReply) -> dict[str, object] | None:
    """Return the JSON object of an answer, or ``None`` where there is none."""
    try:
        value = json.loads(reply.body.decode())
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, dict) else None


def json_object(reply: HttpReply, *, changes: bool) -> dict[str, object]:
    """Return the JSON object of an answer.

    Raises:
        OutcomeUnknown: the answer to a change is no JSON object.
        UnexpectedReply: the same in answer to a read.
    """
    value = parsed_object(reply)
    if value is not None:
        return value
    kind = OutcomeUnknown if changes else UnexpectedReply
    raise kind(f"the vendor's answer (HTTP {reply.status}) is no JSON object", request_id=reply.request_id)


def check_status(reply: HttpReply, *, changes: bool, vendor_code: str | None = None) -> None:
    """Raise for the HTTP statuses that mean the same everywhere. Call it for a code that no table knows.

    Raises:
        RateLimited: 429.
        OutcomeUnknown: 5xx in answer to a change.
        VendorUnavailable: 5xx in answer to a read.
        UnexpectedReply: any other status from 300 on.
    """
    status, request_id = reply.status, reply.request_id
    if reply.ok:
        return
    kind: type[DriverError] = UnexpectedReply
    if status == 429:  # noqa: PLR2004 - Too Many Requests
        kind = RateLimited
    elif status >= 500:  # noqa: PLR2004 - server errors
        kind = OutcomeUnknown if changes else VendorUnavailable
    message = f"the vendor answered with HTTP {status} and no code that we know"
    raise kind(message, vendor_code=vendor_code, request_id=request_id)
