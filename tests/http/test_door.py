"""The one door: what it refuses, what a failure proves, and that it never waits for ever."""

from __future__ import annotations

import logging
import socket
import ssl
import time
import traceback
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from rotation.core.errors import (
    ConfigError,
    HostNotAllowed,
    NotEnoughTime,
    OutcomeUnknown,
    RotationError,
    VendorUnavailable,
)
from rotation.core.secret import Secret
from rotation.drivers.network.http_messages import HttpRequest
from rotation_testkit.canary.spellings import leaks

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nX-Request-Id: req-1\r\n\r\n{}"
CANARY = Secret("Canary-in-request/1+a")
"""What ``send`` sends."""


def test_a_request_goes_out_as_it_was_built(send: Any, peer: Any) -> None:
    """Method, target, headers and body; the answer's headers are lower-case."""
    vendor = peer(OK)
    reply = send(vendor.port)
    (received,) = vendor.received
    head, _, body = received.partition(b"\r\n\r\n")
    lines = head.decode().split("\r\n")
    assert lines[0] == "PUT /path?page=1 HTTP/1.1"
    assert f"X-Key: {CANARY.reveal()}" in lines
    assert "Accept-Encoding: identity" in lines
    assert not [line for line in lines if line.lower().startswith(("authorization", "cookie"))]
    assert body == CANARY.reveal().encode()
    assert (reply.status, reply.body, reply.request_id) == (200, b"{}", "req-1")
    assert reply.headers["content-length"] == "2"


@pytest.mark.parametrize(
    ("allowed", "url"),
    [
        ("api.example", "http://api.example/"),
        ("api.example", "https://api.example:8443/"),
        ("api.example", "https://api.example.evil.example/"),
        ("api.example", "https://evil.example/?api.example"),
        ("api.example", "https://api.example@evil.example/"),
        ("api.example", "https://evil.example\\@api.example/"),
        ("api.example", "https://api.example:99999/"),
        ("api.example", "https://api.example./"),
        ("api.example", "ftp://api.example/"),
        ("api.example", "https://api.example/\r\nX: y"),
        ("api.example", "//api.example/"),
        ("127.0.0.1:1", "http://127.0.0.1:2/"),
        ("127.0.0.1", "http://127.0.0.1/"),
        ("127.0.0.1", "http://127.0.0.1:8080/"),
        ("10.0.0.1:80", "http://10.0.0.1:80/"),
        ("[::1]:1", "http://[::1]:2/"),
    ],
)
def test_any_other_address_is_refused_unsent(door: Any, allowed: str, url: str) -> None:
    """A host alone means https on 443; plain http only on loopback; nothing that parsers could read differently."""
    with pytest.raises(HostNotAllowed):
        door(allowed).send(HttpRequest(method="GET", url=url))


@pytest.mark.parametrize(
    ("allowed", "url"),
    [
        ("api.example", "https://api.example/x"),
        ("API.example", "https://api.EXAMPLE:443"),
        ("api.example:8443", "https://api.example:8443/?a=b"),
    ],
)
def test_an_allowed_address_is_tried(door: Any, allowed: str, url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A name that does not resolve proves that nothing was sent."""

    def unresolved(*_: object, **__: object) -> None:
        raise socket.gaierror(socket.EAI_NONAME, "no such name")

    monkeypatch.setattr(socket, "getaddrinfo", unresolved)
    with pytest.raises(VendorUnavailable, match="nothing was sent") as caught:
        door(allowed).send(HttpRequest(method="PUT", url=url, changes=True))
    assert caught.value.definite


def test_a_refused_connection_proves_that_nothing_was_sent(send: Any) -> None:
    """Nobody listens."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    with pytest.raises(VendorUnavailable, match="nothing was sent"):
        send(port, changes=True)


def test_a_connect_timeout_proves_that_nothing_was_sent(send: Any) -> None:
    """The host's queue is full, so that it drops the greeting."""
    with ExitStack() as stack:
        listener = stack.enter_context(socket.socket())
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        for _ in range(4):
            waiting = stack.enter_context(socket.socket())
            waiting.settimeout(0)
            waiting.connect_ex(listener.getsockname())
        with pytest.raises(VendorUnavailable, match="nothing was sent"):
            send(listener.getsockname()[1], changes=True, call_seconds=0.4)


def test_tls_needs_a_trusted_certificate(send: Any, peer: Any, certificate: tuple[ssl.SSLContext, str]) -> None:
    """An untrusted one proves that nothing was sent; a trusted one lets the request through."""
    context, authority = certificate
    vendor = peer(OK, context)
    with pytest.raises(VendorUnavailable, match="nothing was sent"):
        send(vendor.port, scheme="https", changes=True)
    assert not any(vendor.received)
    assert send(vendor.port, scheme="https", ca_file=authority).status == 200


LOST = {
    "no answer": b"",
    "half a status line": b"HTTP/1.",
    "no http": b"SSH-2.0-x\r\n\r\n",
    "half a header": b"HTTP/1.1 200 OK\r\nContent-Le",
    "half a body": b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{",
    "half a chunk": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n10\r\n{",
    "a wrong chunk": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n{",
}


@pytest.mark.parametrize("tls", [False, True], ids=["http", "https"])
@pytest.mark.parametrize("answer", LOST.values(), ids=LOST.keys())
def test_a_lost_answer_leaves_a_change_open(
    send: Any,
    peer: Any,
    certificate: tuple[ssl.SSLContext, str],
    answer: bytes,
    tls: bool,  # noqa: FBT001 - a parametrised case
) -> None:
    """Sent once; of a read it only says that the vendor is away."""
    context, authority = certificate
    vendor = peer(answer, context if tls else None)
    options: dict[str, Any] = {"scheme": "https", "ca_file": authority} if tls else {}
    with pytest.raises(OutcomeUnknown):
        send(vendor.port, changes=True, **options)
    assert len(vendor.received) == 1
    with pytest.raises(VendorUnavailable, match="did not answer"):
        send(vendor.port, **options)


TRICKLES = {
    "status": b"",
    "headers": b"HTTP/1.1 200 OK\r\n",
    "header": b"HTTP/1.1 200 OK\r\nX-Long: ",
    "body": b"HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n",
    "body without length": b"HTTP/1.1 200 OK\r\n\r\n",
    "chunk": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nf000\r\n",
}


@pytest.mark.parametrize("tls", [False, True], ids=["http", "https"])
@pytest.mark.parametrize("start", TRICKLES.values(), ids=TRICKLES.keys())
def test_a_peer_that_trickles_is_cut_off_in_time(
    send: Any,
    peer: Any,
    certificate: tuple[ssl.SSLContext, str],
    start: bytes,
    tls: bool,  # noqa: FBT001 - a parametrised case
) -> None:
    """Each byte would restart a plain read time-out; the whole call has one end."""

    def trickle(connection: socket.socket) -> None:
        connection.sendall(start)
        while not vendor.stop.wait(0.05):
            connection.sendall(b"a")

    context, authority = certificate
    vendor = peer(trickle, context if tls else None)
    cut_off(send, vendor.port, **({"scheme": "https", "ca_file": authority} if tls else {}))


def cut_off(send: Any, port: int, **options: Any) -> None:
    """Have a sent request cut off; a busy machine may need more time until one is sent at all."""
    for seconds in (0.5, 2.0, 8.0):
        began = time.monotonic()
        with pytest.raises((OutcomeUnknown, VendorUnavailable)) as caught:
            send(port, changes=True, call_seconds=seconds, **options)
        assert time.monotonic() - began < seconds + 10
        if caught.type is OutcomeUnknown:
            return
        assert caught.value.unsent
    pytest.fail("no request was sent in 8 s")


def test_a_silent_peer_is_given_up_in_time(send: Any, peer: Any) -> None:
    """It took the request and says nothing."""
    vendor = peer(lambda _: vendor.stop.wait(60))
    cut_off(send, vendor.port)


@pytest.mark.parametrize(("left", "changes"), [(1.9, False), (0.0, False), (-5.0, False), (5.9, True)])
def test_without_enough_time_nothing_is_sent(send: Any, peer: Any, left: float, changes: bool) -> None:  # noqa: FBT001 - a parametrised case
    """A read may be short; a change gets its full time or is not started."""
    vendor = peer(OK)
    with pytest.raises(NotEnoughTime):
        send(vendor.port, left=left, changes=changes)
    assert not vendor.received


def test_with_just_enough_time_it_is_sent(send: Any, peer: Any) -> None:
    """The reserve is the only margin."""
    vendor = peer(OK)
    assert send(vendor.port, left=6.0, changes=True).status == 200
    assert send(vendor.port, left=2.0).status == 200


def test_netrc_and_proxies_do_not_touch_loopback(
    send: Any, peer: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """A login of netrc never goes to a vendor, and a simulator is not looked for behind a proxy."""
    netrc = tmp_path / "netrc"
    netrc.write_text("machine 127.0.0.1 login canary password canary\n")
    netrc.chmod(0o600)
    monkeypatch.setenv("NETRC", str(netrc))
    proxy, vendor = peer(OK), peer(OK)
    monkeypatch.setenv("HTTP_PROXY", f"http://127.0.0.1:{proxy.port}")
    monkeypatch.setenv("http_proxy", f"http://127.0.0.1:{proxy.port}")
    send(vendor.port)
    assert not proxy.received
    assert b"uthorization" not in vendor.received[0]


def test_a_proxy_that_lets_nothing_through_proves_that_nothing_was_sent(
    door: Any, peer: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The environment's proxy is used for vendors; the request stays here until it opens the tunnel."""
    proxy = peer(b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n")
    monkeypatch.setenv("HTTPS_PROXY", f"http://127.0.0.1:{proxy.port}")
    request = HttpRequest(method="POST", url="https://api.example/", body=CANARY.reveal().encode(), changes=True)
    with pytest.raises(VendorUnavailable, match="nothing was sent"):
        door("api.example").send(request)
    assert proxy.received[0].startswith(b"CONNECT api.example:443")
    assert CANARY.reveal().encode() not in proxy.received[0]


@pytest.mark.parametrize("value", ["a\r\nb", "caf\u2603", " lead"])
def test_a_header_that_cannot_be_sent_is_a_fault_of_the_settings(door: Any, peer: Any, value: str) -> None:
    """Nothing is sent, and the value is not quoted."""
    vendor = peer(OK)
    request = HttpRequest(method="GET", url=f"http://127.0.0.1:{vendor.port}/", headers={"X": value}, changes=True)
    with pytest.raises(ConfigError) as caught:
        door(f"127.0.0.1:{vendor.port}").send(request)
    assert value not in str(caught.value)
    assert caught.value.__context__ is None
    assert not vendor.received


def test_failures_carry_nothing_of_the_request(
    send: Any, peer: Any, certificate: tuple[ssl.SSLContext, str], caplog: pytest.LogCaptureFixture
) -> None:
    """No header, body or query in message, traceback or cause; the log at DEBUG has addresses only."""
    caplog.set_level(logging.DEBUG)
    vendors = [*(peer(answer) for answer in LOST.values()), peer(OK, certificate[0])]
    shown = []
    for vendor in vendors:
        for changes in (True, False):
            with pytest.raises(RotationError) as caught:
                send(vendor.port, changes=changes)
            error = caught.value
            assert error.__cause__ is None
            assert error.__context__ is None
            assert "page=1" not in str(error)
            shown += [repr(error), "".join(traceback.format_exception(error))]
    assert "127.0.0.1" in caplog.text
    assert not leaks(caplog.text + "".join(shown), [CANARY])
