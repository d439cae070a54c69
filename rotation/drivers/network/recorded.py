"""The HTTP door with a memory for what log lines tell of the vendor's replies."""

from __future__ import annotations

from rotation.drivers.network.http_messages import Http, HttpReply, HttpRequest


class Recorded:
    """Passes requests on and remembers the vendor's latest request id, for the log line."""

    def __init__(self, http: Http) -> None:
        self._http = http
        self.request_id: str | None = None

    def send(self, request: HttpRequest) -> HttpReply:
        """As ``ports.Http.send``."""
        reply = self._http.send(request)
        self.request_id = reply.request_id or self.request_id
        return reply
