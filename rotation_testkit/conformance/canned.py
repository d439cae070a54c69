"""A vendor that gives one answer to every request, for tests of how a driver reads answers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from rotation.drivers.contract import DriverSpec, Wiring
from rotation.drivers.network.http_messages import HttpReply, HttpRequest


@dataclass
class CannedVendor:
    """An HTTP door behind which one answer waits. ``requests`` holds what was sent."""

    body: bytes = b""
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    requests: list[HttpRequest] = field(default_factory=list)

    def send(self, request: HttpRequest) -> HttpReply:
        """See ``Http.send``."""
        self.requests.append(request)
        return HttpReply(self.status, self.headers, self.body)

    def driver(self, spec: DriverSpec, admin: object = None, *, endpoint: str | None = None) -> Any:  # noqa: ANN401 - any driver
        """Return a driver at this vendor, at second 0."""
        return spec.factory(Wiring(http=self, endpoint=endpoint or spec.endpoint, admin=admin, now=lambda: 0.0))
