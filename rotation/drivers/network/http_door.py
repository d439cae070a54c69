"""The one door to vendors: allow-listed hosts, bounded time, one attempt, and nothing secret in errors.

One call opens one connection of its own, sends once, and ends when its time is over (``deadline``). An exchange that
fails proves one of three things: nothing was sent, a change may have been made, or a read got no answer (``_failure``).
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

import requests  # noqa: TID251 - this is the one door
import requests.adapters  # noqa: TID251 - same
import requests.utils  # noqa: TID251 - same
from urllib3.exceptions import ProtocolError

from rotation.core.errors import (
    ConfigError,
    DriverError,
    HostNotAllowed,
    NotEnoughTime,
    OutcomeUnknown,
    UnexpectedReply,
    VendorUnavailable,
    Withheld,
)
from rotation.core.proxies import is_loopback
from rotation.drivers.network.deadline import Watch
from rotation.drivers.network.http_messages import HttpReply, HttpRequest, id_of

RESERVE_SECONDS = 1.0
"""Left to the caller after a call ends, to write down how it ended."""
LEAST_SECONDS = 1.0
"""With less than this a call that changes nothing is not started; one that does needs its full time."""
BODY_LIMIT = 1024 * 1024
REDIRECTS = frozenset({301, 302, 303, 307, 308})
LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})
_UNREACHED = (
    "Check the way to the vendor: DNS, routes, proxy and certificates of this function's network; then the vendor's "
    "status page. The rotation goes on by itself."
)


class HttpDoor:
    """Implements ``http_messages.Http`` with requests.

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
        self._verify = ca_file or True
        self.last_request_id: str | None = None

    def send(self, request: HttpRequest) -> HttpReply:
        """Send once; see ``http_messages.Http.send``."""
        loopback = self._check_address(request.url)
        seconds = min(self._call_seconds, self._time_left() - RESERVE_SECONDS)
        # A change gets its full time: cut short, it would only end as "outcome unknown".
        if seconds < (self._call_seconds if request.changes else min(LEAST_SECONDS, self._call_seconds)):
            raise NotEnoughTime("too little time is left to call the vendor; nothing was sent")
        # Each request has its own session: a process that was frozen would send on a connection that is long dead.
        with requests.Session() as session, Watch(seconds) as watch:
            session.trust_env = False  # requests would put a netrc login into Authorization
            session.headers.clear()
            adapter = _OneAttempt(watch)
            session.mount("https://", adapter)
            session.mount("http://", adapter)
            prepared = _prepared(session, request)
            proxies = {} if loopback or is_loopback(request.url) else requests.utils.get_environ_proxies(request.url)
            # Whatever fails after the start, the request may have arrived.
            with Withheld(Exception, by=lambda error: _failure(error, changes=request.changes, sent=watch.sending)):
                reply = session.send(
                    prepared,
                    timeout=seconds,
                    verify=self._verify,
                    proxies=proxies,
                    allow_redirects=False,
                    stream=True,
                )
                with reply:
                    body = _body(reply, watch)
        answer = self._checked(reply, body, request)
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

    def _checked(self, reply: requests.Response, body: bytes | None, request: HttpRequest) -> HttpReply:
        headers = {name.lower(): value for name, value in reply.headers.items()}
        request_id = id_of(headers.get(self._request_id_header.lower()), request)
        status = reply.status_code
        # Volcengine words a refusal with 300 (its page 7165/1505179, read 2026-11): not every 3xx is a redirect.
        if status in REDIRECTS or (300 <= status < 400 and "location" in headers):  # noqa: PLR2004 - the range
            raise UnexpectedReply(f"the vendor answered with a redirect ({status})", request_id=request_id)
        if body is None:
            raise UnexpectedReply("the vendor's answer is larger than one MiB", request_id=request_id)
        return HttpReply(status, headers, body, request_id)


class _OneAttempt(requests.adapters.HTTPAdapter):
    """Sends once only, and lets a ``Watch`` end each connection."""

    def __init__(self, watch: Watch) -> None:
        super().__init__(max_retries=0)
        self._kinds = watch.kinds()

    def get_connection_with_tls_context(self, *args: Any, **kwargs: Any) -> Any:  # noqa: ANN401 - requests' own signature
        pool: Any = super().get_connection_with_tls_context(*args, **kwargs)
        pool.ConnectionCls = self._kinds[pool.scheme]
        return pool


def _prepared(session: requests.Session, request: HttpRequest) -> requests.PreparedRequest:
    # No compression: a small compressed answer could unpack to more than the limit on the body.
    headers = {"User-Agent": "lockstep", "Accept-Encoding": "identity", "Connection": "close", **request.headers}
    try:
        for value in headers.values():
            value.encode("latin-1")  # http.client would only fail once it is connected
        return session.prepare_request(
            requests.Request(request.method, request.url, headers=headers, data=request.body or None)
        )
    except (requests.RequestException, ValueError):
        pass
    raise ConfigError("a request to the vendor cannot be built from these settings; nothing was sent")


def _body(reply: requests.Response, watch: Watch) -> bytes | None:
    # http.client reads an answer that ends within its headers as a complete one with an empty body.
    if getattr(reply.raw, "_original_response").msg.defects:  # noqa: B009 - requests itself reads this attribute
        raise ProtocolError
    body = bytearray()
    for chunk in reply.iter_content(65536):
        body += chunk
        if len(body) > BODY_LIMIT:
            return None
    if watch.over:  # a socket that was shut looks like the end of an answer without a length
        raise TimeoutError
    return bytes(body)


def _failure(error: Exception, *, changes: bool, sent: bool) -> DriverError:
    """Return what a failed exchange proves. The text of ``error`` is not read: it may hold the URL or a header."""
    kind = type(error).__name__
    if not sent:
        message = f"the vendor could not be reached ({kind}); nothing was sent"
        return VendorUnavailable(message, hint=_UNREACHED, unsent=True)
    if changes:
        return OutcomeUnknown(f"the vendor's answer was lost ({kind})")
    return VendorUnavailable(f"the vendor did not answer ({kind})")
