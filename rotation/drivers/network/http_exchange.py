"""One exchange with a vendor over HTTP: its own connection, one attempt, and a deadline.

A request is sent once, on a new connection that is closed afterwards, and the exchange ends when its time is over
(``deadline``). An exchange that fails proves one of three things: nothing was sent, a change may have been made, or a
read got no answer (``_failure``).

Only the TLS context is shared: reading the bundle of authorities takes longer than the rest of a call. A context holds
authorities and rules, and neither a connection nor a part of a request.
"""

from __future__ import annotations

import ssl
from collections.abc import Mapping
from functools import lru_cache
from typing import Any, NamedTuple

import requests  # noqa: TID251 - this is the one door
import requests.adapters  # noqa: TID251 - same
import requests.utils  # noqa: TID251 - same
from urllib3.exceptions import ProtocolError
from urllib3.util import create_urllib3_context

from rotation.core.errors import ConfigError, OutcomeUnknown, RotationError, VendorUnavailable, Withheld
from rotation.core.process.unreached import Server, lasting
from rotation.drivers.network.deadline import Watch
from rotation.drivers.network.http_messages import HttpRequest

BODY_LIMIT = 1024 * 1024
VENDOR = Server(
    "the vendor", address="LOCKSTEP_<CODE>_ENDPOINT", authorities="LOCKSTEP_CA_FILE or LOCKSTEP_<CODE>_CA_FILE"
)
_UNREACHED = (
    "Check the way to the vendor: DNS, routes, proxy and certificates of this function's network; then the vendor's "
    "status page. The rotation continues by itself."
)


class Received(NamedTuple):
    """What arrived.

    Attributes:
        status: the HTTP status.
        headers: by name in lower case.
        body: ``None`` when it is larger than ``BODY_LIMIT``.
    """

    status: int
    headers: Mapping[str, str]
    body: bytes | None


def exchange(request: HttpRequest, seconds: float, *, ca_file: str | None, through_proxy: bool) -> Received:
    """Send a request once and return what arrived.

    Args:
        request: what to send.
        seconds: until the exchange must have ended.
        ca_file: PEM file of the accepted authorities instead of the bundled ones.
        through_proxy: whether the environment's proxies apply.

    Raises:
        ConfigError: the request cannot be built, or a setting keeps it from the vendor.
        VendorUnavailable: nothing was sent, or a read got no answer.
        OutcomeUnknown: a change may have been made.
    """
    # Each request has its own session: a process that was frozen would send on a connection that is long dead.
    with requests.Session() as session, Watch(seconds) as watch:
        session.trust_env = False  # requests would put a netrc login into Authorization
        session.headers.clear()
        adapter = _OneAttempt(watch, ca_file or requests.utils.DEFAULT_CA_BUNDLE_PATH)
        session.mount("https://", adapter)
        session.mount("http://", adapter)
        prepared = _prepared(session, request)
        proxies = requests.utils.get_environ_proxies(request.url) if through_proxy else {}
        # Whatever fails after the start, the request may have arrived.
        with Withheld(Exception, by=lambda error: _failure(error, request, sent=watch.sending)):
            reply = session.send(prepared, timeout=seconds, proxies=proxies, allow_redirects=False, stream=True)
            with reply:
                body = _body(reply, watch)
    return Received(reply.status_code, {name.lower(): value for name, value in reply.headers.items()}, body)


@lru_cache(maxsize=4)
def _tls(ca_file: str) -> ssl.SSLContext:
    """Return the context that urllib3 makes for each connection that verifies, with these authorities."""
    context: ssl.SSLContext = create_urllib3_context()
    context.load_verify_locations(ca_file)
    return context


class _OneAttempt(requests.adapters.HTTPAdapter):
    """Sends once only, lets a ``Watch`` end each connection, and verifies servers by the shared TLS context."""

    def __init__(self, watch: Watch, ca_file: str) -> None:
        super().__init__(max_retries=0)
        self._kinds = watch.kinds()
        self._ca_file = ca_file

    def build_connection_pool_key_attributes(self, *args: Any, **kwargs: Any) -> Any:  # noqa: ANN401 - requests' own signature
        host, _ = super().build_connection_pool_key_attributes(*args, **kwargs)
        if host["scheme"] != "https":
            return host, {}
        return host, {"ssl_context": _tls(self._ca_file), "cert_reqs": "CERT_REQUIRED"}

    def cert_verify(self, *args: Any, **kwargs: Any) -> None:  # noqa: ANN401 - requests' own signature
        """Set nothing: requests would name its bundle here, and each connection would read it."""

    def proxy_manager_for(self, proxy: str, **kwargs: Any) -> Any:  # noqa: ANN401 - requests' own signature
        if proxy.lower().startswith("https:"):
            kwargs["proxy_ssl_context"] = _tls(self._ca_file)
        return super().proxy_manager_for(proxy, **kwargs)

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


def _failure(error: Exception, request: HttpRequest, *, sent: bool) -> RotationError:
    """Return what a failed exchange proves. The text of ``error`` is not shown: it may hold the URL or a header."""
    kind, changes = type(error).__name__, request.changes
    fault = None if sent else lasting(error, request.url, VENDOR)
    if fault is not None:
        return ConfigError(f"{fault[0]}; nothing was sent", hint=fault[1], unsent=True)
    if not sent:
        message = f"the vendor could not be reached ({kind}); nothing was sent"
        return VendorUnavailable(message, hint=_UNREACHED, unsent=True)
    if changes:
        return OutcomeUnknown(f"the vendor's answer was lost ({kind})")
    return VendorUnavailable(f"the vendor did not answer ({kind})")
