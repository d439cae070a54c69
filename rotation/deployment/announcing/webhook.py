"""Posts events to a web server, signed as the open specification "Standard Webhooks" 1.0.0 says (read 2026-11).

Receivers check a post with any library for that specification. The signature covers id, time and body::

    webhook-id: 5c1e…                       the event's id: the same when the event is repeated
    webhook-timestamp: 1764504008           seconds; a receiver refuses old ones, so that no post can be replayed
    webhook-signature: v1,<base64>          HMAC-SHA256 of "<id>.<timestamp>.<body>"
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
from collections.abc import Callable
from dataclasses import dataclass
from urllib.parse import urlsplit

from rotation.core.clock import Clock
from rotation.core.errors import SettingsError, UnexpectedReply
from rotation.core.secret import Secret
from rotation.drivers.network.http_door import HttpDoor
from rotation.drivers.network.http_messages import HttpRequest

SECONDS = 2.0
"""For one post. A receiver that needs longer must take the event first and work later."""
_PREFIX = "whsec_"
_LEAST, _MOST = 24, 64
"""Bytes of a key, by the specification."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Webhook:
    """One receiver.

    Attributes:
        url: its address, which the deployment names.
        key: returns the key that signs; called for each post.
        clock: the time of the signature.
        time_left: seconds until the run must have ended.
        ca_file: PEM file of the accepted authorities instead of the bundled ones.
    """

    url: str
    key: Callable[[], Secret]
    clock: Clock
    time_left: Callable[[], float]
    ca_file: str | None = None
    name: str = "webhook"

    def send(self, event_id: str, body: bytes) -> None:
        """Post one event.

        Raises:
            RotationError: the receiver has not taken it.
        """
        timestamp = int(self.clock.now())
        headers = {
            "Content-Type": "application/json",
            "webhook-id": event_id,
            "webhook-timestamp": str(timestamp),
            "webhook-signature": signature(self.key(), event_id, timestamp, body),
        }
        door = HttpDoor(
            frozenset({_host(self.url)}),
            time_left=self.time_left,
            call_seconds=SECONDS,
            request_id_header="",
            ca_file=self.ca_file,
        )
        reply = door.send(HttpRequest(method="POST", url=self.url, headers=headers, body=body))
        if not reply.ok:
            raise UnexpectedReply(f"the webhook answered {reply.status}")


def signature(key: Secret, event_id: str, timestamp: int, body: bytes) -> str:
    """Return the header's value for a post.

    Raises:
        SettingsError: the key has not the specification's form.
    """
    content = f"{event_id}.{timestamp}.".encode() + body
    return "v1," + base64.b64encode(hmac.new(_bytes_of(key), content, hashlib.sha256).digest()).decode()


def _bytes_of(key: Secret) -> bytes:
    text = key.reveal()
    try:
        found = base64.b64decode(text.removeprefix(_PREFIX), validate=True) if text.startswith(_PREFIX) else b""
    except binascii.Error:
        found = b""
    if not _LEAST <= len(found) <= _MOST:
        raise SettingsError("webhook key", (f"must be {_PREFIX} and the base64 of {_LEAST} to {_MOST} random bytes",))
    return found


def _host(url: str) -> str:
    """Return the host as the HTTP door's list names it: the port is left out for https on 443."""
    parts = urlsplit(url)
    name = f"[{parts.hostname}]" if ":" in (parts.hostname or "") else parts.hostname
    return f"{name}:{parts.port or (443 if parts.scheme == 'https' else 80)}"
