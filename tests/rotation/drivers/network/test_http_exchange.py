"""What calls share, the TLS context, and what they never share. ``test_http_door`` holds the facts of one exchange."""

from __future__ import annotations

import ssl
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from rotation.core.errors import ConfigError, OutcomeUnknown, VendorUnavailable
from rotation.core.secret import Secret
from rotation.drivers.network import http_exchange
from rotation.drivers.network.http_messages import HttpRequest

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nX-Request-Id: req-1\r\n\r\n{}"
KEPT_ALIVE = OK.replace(b"\r\n\r\n", b"\r\nConnection: keep-alive\r\nSet-Cookie: id=canary-cookie\r\n\r\n")
CANARY = Secret("Canary-in-request/1+a")
"""What ``send`` sends."""


def test_the_authorities_are_read_once(
    send: Any, peer: Any, certificate: tuple[ssl.SSLContext, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Calls with the same authorities share one context, which verifies certificate and host name."""
    context, authority = certificate
    read: list[object] = []
    load = ssl.SSLContext.load_verify_locations

    def count(self: ssl.SSLContext, *args: Any, **kwargs: Any) -> None:
        read.append(args)
        load(self, *args, **kwargs)

    monkeypatch.setattr(ssl.SSLContext, "load_verify_locations", count)
    vendor = peer(OK, context)
    for _ in range(3):
        assert send(vendor.port, scheme="https", ca_file=authority).status == 200
    assert read == [(authority,)]
    shared = http_exchange._tls(authority)
    assert (shared.verify_mode, shared.check_hostname) == (ssl.CERT_REQUIRED, True)
    assert shared.minimum_version >= ssl.TLSVersion.TLSv1_2


def test_a_connection_serves_one_call(send: Any, peer: Any, certificate: tuple[ssl.SSLContext, str]) -> None:
    """A later call opens its own connection, resumes no TLS session and sends no cookie, whatever the vendor offers."""
    context, authority = certificate
    resumed: list[bool] = []

    def answer(connection: Any) -> None:
        resumed.append(connection.session_reused)
        connection.sendall(KEPT_ALIVE)

    vendor = peer(answer, context)
    for _ in range(3):
        send(vendor.port, scheme="https", ca_file=authority)
    assert resumed == [False] * 3
    assert len(vendor.received) == 3
    assert b"canary-cookie" not in b"".join(vendor.received)


def test_a_call_after_a_lost_answer_opens_a_new_connection(
    send: Any, peer: Any, certificate: tuple[ssl.SSLContext, str]
) -> None:
    """Nothing of an exchange whose outcome is unknown reaches the next one."""
    context, authority = certificate
    answers = [b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{", OK]
    vendor = peer(lambda connection: connection.sendall(answers.pop(0)), context)
    with pytest.raises(OutcomeUnknown):
        send(vendor.port, scheme="https", ca_file=authority, changes=True)
    assert send(vendor.port, scheme="https", ca_file=authority).body == b"{}"
    assert len(vendor.received) == 2


def test_authorities_of_one_door_count_for_no_other(
    send: Any, peer: Any, certificate: tuple[ssl.SSLContext, str]
) -> None:
    """A door with the bundled authorities refuses what another door has just accepted."""
    context, authority = certificate
    vendor = peer(OK, context)
    assert send(vendor.port, scheme="https", ca_file=authority).status == 200
    with pytest.raises(ConfigError, match="nothing was sent") as refused:
        send(vendor.port, scheme="https", changes=True)
    assert (refused.value.retryable, refused.value.unsent) == (False, True)
    assert "LOCKSTEP_<CODE>_CA_FILE" in refused.value.hint
    assert len([each for each in vendor.received if each]) == 1


def test_a_file_of_authorities_that_is_not_there_proves_that_nothing_was_sent(send: Any, peer: Any) -> None:
    """The server's certificate cannot be judged, so the request does not go out."""
    vendor = peer(OK)
    with pytest.raises(ConfigError, match="nothing was sent"):
        send(vendor.port, scheme="https", ca_file="/nowhere/authorities.pem", changes=True)


def test_threads_share_the_context_and_nothing_else(
    peer: Any, door: Any, certificate: tuple[ssl.SSLContext, str]
) -> None:
    """Each of many calls at once gets the answer to its own request."""
    context, authority = certificate
    http_exchange._tls.cache_clear()

    def call(number: int) -> tuple[int, bytes]:
        vendor = peer(b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\n%03d" % number, context)
        request = HttpRequest(method="POST", url=f"https://127.0.0.1:{vendor.port}/", body=b"%03d" % number)
        return number, door(f"127.0.0.1:{vendor.port}", ca_file=authority).send(request).body

    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(call, range(24)))
    assert answers == [(number, b"%03d" % number) for number in range(24)]


@pytest.mark.parametrize("trusted", [True, False])
def test_a_proxy_over_tls_is_verified_by_the_same_authorities(
    peer: Any,
    door: Any,
    certificate: tuple[ssl.SSLContext, str],
    monkeypatch: pytest.MonkeyPatch,
    trusted: bool,  # noqa: FBT001 - a parametrised case
) -> None:
    """A proxy with an untrusted certificate is shown nothing, not even the vendor's name."""
    context, authority = certificate
    proxy = peer(b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n", context)
    monkeypatch.setenv("HTTPS_PROXY", f"https://127.0.0.1:{proxy.port}")
    request = HttpRequest(method="POST", url="https://api.example/", body=CANARY.reveal().encode(), changes=True)
    with pytest.raises(VendorUnavailable if trusted else ConfigError, match="nothing was sent"):
        door("api.example", ca_file=authority if trusted else None).send(request)
    assert [each.partition(b" HTTP")[0] for each in proxy.received if each] == [b"CONNECT api.example:443"] * trusted
