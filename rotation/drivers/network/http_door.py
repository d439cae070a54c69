"""The only way to send HTTP requests to vendors: allow-listed hosts, limited time, one attempt, no secret in errors.

The door decides whether a request may be sent, and what its answer may be. ``http_exchange`` sends it; that module is
imported with the first call, because it brings requests, and many invocations call no vendor.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from rotation.core.errors import HostNotAllowed, NotEnoughTime, UnexpectedReply
from rotation.core.proxies import is_loopback
from rotation.drivers.network.http_messages import HttpReply, HttpRequest, id_of

if TYPE_CHECKING:
    from rotation.drivers.network.http_exchange import Received

RESERVE_SECONDS = 1.0
"""Left to the caller after a call ends, to write down how it ended."""
LEAST_SECONDS = 1.0
"""With less than this a call that changes nothing is not started; one that does needs its full time."""
REDIRECTS = frozenset({301, 302, 303, 307, 308})
LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})


class HttpDoor:
    """Implements ``http_messages.Http``.

    Args:
        allowed_hosts: ``host`` means https on port 443; any other port is named, as in ``127.0.0.1:8080``.
        time_left: seconds until the process may be stopped.
        call_seconds: the longest one call may take.
        request_id_header: response header with the vendor's request id.
        ca_file: PEM file of the accepted authorities instead of the bundled ones.

    Attributes:
        last_request_id: the vendor's request id in the latest reply that had one, for the log line.
    """

    def __init__(
        self,
        allowed_hosts: frozenset[str],
        *,
        time_left: Callable[[], float],
        call_seconds: float,
        request_id_header: str,
        ca_file: str | None = None,
    ) -> None:
        self._allowed = frozenset(host.lower() for host in allowed_hosts)
        self._time_left = time_left
        self._call_seconds = call_seconds
        self._request_id_header = request_id_header
        self._ca_file = ca_file
        self.last_request_id: str | None = None

    def send(self, request: HttpRequest) -> HttpReply:
        """Send once; see ``http_messages.Http.send``."""
        loopback = self._check_address(request.url)
        seconds = min(self._call_seconds, self._time_left() - RESERVE_SECONDS)
        # A change gets its full time: cut short, it would only end as "outcome unknown".
        if seconds < (self._call_seconds if request.changes else min(LEAST_SECONDS, self._call_seconds)):
            raise NotEnoughTime("too little time is left to call the vendor; nothing was sent")
        from rotation.drivers.network.http_exchange import exchange

        through_proxy = not (loopback or is_loopback(request.url))
        received = exchange(request, seconds, ca_file=self._ca_file, through_proxy=through_proxy)
        answer = self._checked(received, request)
        self.last_request_id = answer.request_id or self.last_request_id
        return answer

    def _check_address(self, url: str) -> bool:
        # URL parsers disagree on backslashes, blanks and user parts. What passes here means the same to all of them.
        if not re.fullmatch(r"https?://[A-Za-z0-9.:\[\]-]+(?:[/?][!-\[\]-~]*)?", url):
            raise HostNotAllowed("the vendor's address is malformed")
        try:
            parts = urlsplit(url)
            port = parts.port
        except ValueError:
            raise HostNotAllowed("the vendor's address is malformed") from None
        host = parts.hostname or ""
        loopback = host in LOOPBACK
        if parts.scheme != "https" and not loopback:
            raise HostNotAllowed(f"plain http to {host} is refused")
        name = f"[{host}]" if ":" in host else host
        number = port or (443 if parts.scheme == "https" else 80)
        if f"{name}:{number}" in self._allowed or (number == 443 and name in self._allowed):  # noqa: PLR2004 - the port of https
            return loopback
        raise HostNotAllowed(f"{name}:{number} is not on the allow-list")

    def _checked(self, received: Received, request: HttpRequest) -> HttpReply:
        status, headers, body = received.status, received.headers, received.body
        request_id = id_of(headers.get(self._request_id_header.lower()), request)
        # Volcengine words a refusal with 300 (its page 7165/1505179, read 2026-11): not every 3xx is a redirect.
        if status in REDIRECTS or (300 <= status < 400 and "location" in headers):  # noqa: PLR2004 - the range
            raise UnexpectedReply(f"the vendor answered with a redirect ({status})", request_id=request_id)
        if body is None:
            raise UnexpectedReply("the vendor's answer is larger than one MiB", request_id=request_id)
        return HttpReply(status, headers, body, request_id)
