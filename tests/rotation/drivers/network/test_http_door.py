"""The HTTP door: what it refuses, what a failure proves, and how it reads an answer."""

from __future__ import annotations

import logging
import socket
import ssl
import traceback
from pathlib import Path
from typing import Any

import pytest

from rotation.core.errors import (
    ConfigError,
    HostNotAllowed,
    NotEnoughTime,
    OutcomeUnknown,
    RotationError,
    UnexpectedReply,
    VendorUnavailable,
)
from rotation.core.secret import Secret
from rotation.drivers.network.http_door import BODY_LIMIT
from rotation.drivers.network.http_messages import HttpRequest, check_status
from rotation_testkit.canary.spellings import leaks

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nX-Request-Id: 0f8fad5b-d9cb-469f-a165-70867728950e\r\n\r\n{}"
CANARY = Secret("Canary-in-request/1+a")
"""What ``send`` sends."""


def test_a_request_goes_out_as_it_was_built(send: Any, peer: Any) -> None:
    """Method, target, headers and body arrive unchanged; the names of the answer's headers are lower-case."""
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
    assert (reply.status, reply.body, reply.request_id) == (200, b"{}", "0f8fad5b-d9cb-469f-a165-70867728950e")
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
    """A host alone allows https on 443; plain http works on loopback only; ambiguous URLs are refused."""
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


def test_a_refused_connection_proves_that_nothing_was_sent(send: Any, closed: int) -> None:
    """A port on which nobody listens gets no request."""
    with pytest.raises(VendorUnavailable, match="nothing was sent"):
        send(closed, changes=True)


def test_a_connect_timeout_proves_that_nothing_was_sent(send: Any, silent: int) -> None:
    """A host that drops the connection attempt gets no request."""
    with pytest.raises(VendorUnavailable, match="nothing was sent"):
        send(silent, changes=True, call_seconds=0.4)


def test_tls_needs_a_trusted_certificate(send: Any, peer: Any, certificate: tuple[ssl.SSLContext, str]) -> None:
    """An untrusted certificate proves that nothing was sent; a trusted one lets the request through."""
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
    """A change is sent once and stays open; a lost read only shows that the vendor does not answer."""
    context, authority = certificate
    vendor = peer(answer, context if tls else None)
    options: dict[str, Any] = {"scheme": "https", "ca_file": authority} if tls else {}
    with pytest.raises(OutcomeUnknown):
        send(vendor.port, changes=True, **options)
    assert len(vendor.received) == 1
    with pytest.raises(VendorUnavailable, match="did not answer"):
        send(vendor.port, **options)


@pytest.mark.parametrize(("left", "changes"), [(1.9, False), (0.0, False), (-5.0, False), (5.9, True)])
def test_without_enough_time_nothing_is_sent(send: Any, peer: Any, left: float, changes: bool) -> None:  # noqa: FBT001 - a parametrised case
    """A read may be short; a change gets its full time or is not started."""
    vendor = peer(OK)
    with pytest.raises(NotEnoughTime):
        send(vendor.port, left=left, changes=changes)
    assert not vendor.received


def test_with_just_enough_time_it_is_sent(send: Any, peer: Any) -> None:
    """The reserve is the only time that must be left over."""
    vendor = peer(OK)
    assert send(vendor.port, left=6.0, changes=True).status == 200
    assert send(vendor.port, left=2.0).status == 200


def test_netrc_and_proxies_do_not_touch_loopback(
    send: Any, peer: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """A login in netrc never goes to a vendor, and loopback is reached without a proxy."""
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
    """Vendors are reached through the environment's proxy; nothing is sent before it opens the tunnel."""
    proxy = peer(b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n")
    monkeypatch.setenv("HTTPS_PROXY", f"http://127.0.0.1:{proxy.port}")
    request = HttpRequest(method="POST", url="https://api.example/", body=CANARY.reveal().encode(), changes=True)
    with pytest.raises(VendorUnavailable, match="nothing was sent"):
        door("api.example").send(request)
    assert proxy.received[0].startswith(b"CONNECT api.example:443")
    assert CANARY.reveal().encode() not in proxy.received[0]


@pytest.mark.parametrize("value", ["a\r\nb", "caf\u2603", " lead"])
def test_a_header_that_cannot_be_sent_is_a_fault_of_the_settings(door: Any, peer: Any, value: str) -> None:
    """Nothing is sent, and the error does not quote the value."""
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
    """Message, traceback and cause hold no header, body or query; the log at DEBUG has addresses only."""
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


@pytest.mark.parametrize("status", [301, 302, 303, 304, 307, 308])
def test_a_redirect_is_not_followed(send: Any, peer: Any, status: int) -> None:
    """A redirect is refused, since the credential would be sent along."""
    elsewhere = peer(OK)
    target = f"http://127.0.0.1:{elsewhere.port}/".encode()
    vendor = peer(b"HTTP/1.1 %d Moved\r\nLocation: %s\r\nContent-Length: 0\r\n\r\n" % (status, target))
    with pytest.raises(UnexpectedReply, match=str(status)):
        send(vendor.port)
    assert not elsewhere.received


def test_a_three_hundred_that_leads_nowhere_is_an_answer(send: Any, peer: Any) -> None:
    """Volcengine answers a refusal with 300; with a Location it would be a redirect."""
    vendor = peer(b"HTTP/1.1 300 Multiple Choices\r\nContent-Length: 4\r\n\r\nbody")
    reply = send(vendor.port)
    assert (reply.status, reply.body) == (300, b"body")
    with pytest.raises(UnexpectedReply):
        check_status(reply, changes=True)
    vendor = peer(b"HTTP/1.1 300 Multiple Choices\r\nLocation: http://127.0.0.1:9/\r\nContent-Length: 0\r\n\r\n")
    with pytest.raises(UnexpectedReply):
        send(vendor.port)


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_without_a_place_is_none_either(send: Any, peer: Any, status: int) -> None:
    """A redirect without a Location has no meaning and is refused."""
    vendor = peer(b"HTTP/1.1 %d Moved\r\nContent-Length: 2\r\n\r\n{}" % status)
    with pytest.raises(UnexpectedReply):
        send(vendor.port)


@pytest.mark.parametrize("extra", [0, 1])
def test_an_answer_has_at_most_one_mib(send: Any, peer: Any, extra: int) -> None:
    """A larger answer is refused and not read to its end."""
    size = BODY_LIMIT + extra
    vendor = peer(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % size + b"a" * size)
    if extra:
        with pytest.raises(UnexpectedReply, match="one MiB"):
            send(vendor.port)
    else:
        assert len(send(vendor.port).body) == size


@pytest.mark.parametrize(
    "value", ["", "a b", "a" * 65, '"><script>', "caf\xe9", "cm9vdDpodW50ZXIy", CANARY.reveal().encode().hex()]
)
def test_what_is_no_request_id_is_dropped(send: Any, peer: Any, value: str) -> None:
    """What is malformed, or echoes the request, is dropped, since ids go into log lines."""
    vendor = peer(b"HTTP/1.1 200 OK\r\nX-Request-Id: %s\r\nContent-Length: 0\r\n\r\n" % value.encode("latin-1"))
    assert send(vendor.port).request_id is None
