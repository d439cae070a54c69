"""Puts events on a bus of Amazon EventBridge, whose rules pass them on to Lambda, ECS, SNS and others.

EventBridge itself repeats a delivery for a day and keeps what fails in a dead-letter queue, so that here only the way
to the bus has to succeed.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from rotation.core.errors import NotEnoughTime, StoreDenied, StoreError, StoreUnavailable
from rotation.core.scrub import printable
from rotation.stores.aws.client import client

SOURCE = "lockstep"
SECONDS = 3.0
"""For one put: one second to connect and two for the answer."""
_RESERVE_SECONDS = 1.0
_KINDS: dict[str, type[StoreError]] = {
    **dict.fromkeys(
        ("AccessDenied", "AccessDeniedException", "NotAuthorized", "NotAuthorizedForSourceException"), StoreDenied
    ),
    **dict.fromkeys(("ExpiredToken", "ExpiredTokenException", "UnrecognizedClientException"), StoreDenied),
    **dict.fromkeys(
        ("ResourceNotFoundException", "ValidationException", "InvalidArgument", "MalformedDetail"), StoreError
    ),
}
_HINT = "The bus is a setting of the deployment (events.bus); the caller needs events:PutEvents on it."


@dataclass(frozen=True, slots=True, kw_only=True)
class EventBus:
    """One bus.

    Attributes:
        bus: its name or ARN.
        time_left: seconds until the run must have ended.
    """

    bus: str
    time_left: Callable[[], float]
    name: str = "bus"

    def put(self, *, kind: str, secret: str, body: bytes) -> None:
        """Put one event. The source is ``lockstep``, the detail type is the kind, and the detail is the event.

        Raises:
            NotEnoughTime: too little time is left; nothing was sent.
            StoreError: the bus has not taken it; all but ``StoreUnavailable`` lasts until somebody mends it.
        """
        if self.time_left() < SECONDS + _RESERVE_SECONDS:
            raise NotEnoughTime("too little time is left to put an event on the bus")
        entry = {"Source": SOURCE, "DetailType": kind, "Detail": body.decode(), "EventBusName": self.bus}
        if secret.startswith("arn:"):
            entry |= {"Resources": [secret]}  # type: ignore[dict-item]  # botocore has no types
        try:
            answer = _client().put_events(Entries=[entry])
        except ClientError as error:
            code = str(error.response.get("Error", {}).get("Code", ""))
        except BotoCoreError as error:
            code = type(error).__name__
        else:
            code = str(answer["Entries"][0].get("ErrorCode")) if answer["FailedEntryCount"] else ""
        if code:
            error_kind = _KINDS.get(code, StoreUnavailable)
            raise error_kind(f"the bus has not taken an event ({printable(code)})", hint=_HINT)


@lru_cache(maxsize=1)
def _client() -> Any:  # noqa: ANN401 - botocore has no types
    return client("events", connect_seconds=1, read_seconds=2, attempts=1)
