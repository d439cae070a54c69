"""Puts events on a bus of Amazon EventBridge, whose rules pass them on to Lambda, ECS, SNS and others.

EventBridge itself repeats a delivery for a day and keeps what fails in a dead-letter queue, so that here only the way
to the bus has to succeed.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from rotation.core.errors import NotEnoughTime, StoreUnavailable
from rotation.core.scrub import printable
from rotation.stores.aws.client import client

SOURCE = "lockstep"
SECONDS = 3.0
"""For one put: one second to connect and two for the answer."""
_RESERVE_SECONDS = 1.0


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
            StoreUnavailable: the bus has not taken it.
        """
        if self.time_left() < SECONDS + _RESERVE_SECONDS:
            raise NotEnoughTime("too little time is left to put an event on the bus")
        entry = {"Source": SOURCE, "DetailType": kind, "Detail": body.decode(), "EventBusName": self.bus}
        if secret.startswith("arn:"):
            entry |= {"Resources": [secret]}  # type: ignore[dict-item]  # botocore has no types
        answer = _client().put_events(Entries=[entry])
        if answer["FailedEntryCount"]:
            raise StoreUnavailable(
                f"the bus refused an event ({printable(str(answer['Entries'][0].get('ErrorCode')))})"
            )


@lru_cache(maxsize=1)
def _client() -> Any:  # noqa: ANN401 - botocore has no types
    return client("events", connect_seconds=1, read_seconds=2, attempts=1)
