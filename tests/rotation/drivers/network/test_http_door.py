"""The HTTP door: what it refuses, what a failure proves, and how it reads an answer."""

import logging
import socket
import traceback

import pytest

from rotation.core import errors
from rotation.core.secret import Secret
from rotation.drivers.network.http_exchange import BODY_LIMIT
from rotation.drivers.network.http_messages import HttpRequest, check_status
from rotation_testkit.canary.spellings import leaks

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nX-Request-Id: 0f8fad5b-d9cb-469f-a165-70867728950e\r\n\r\n{}"
CANARY = Secret("Canary-in-request/1+a")
"""What ``send`` sends."""


def test_a_request_goes_out_as_it_was_built(send, peer):
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
def test_any_other_address_is_refused_unsent(door, allowed, url):
    """A host alone allows https on 443; plain http works on loopback only; ambiguous URLs are refused."""
    with pytest.raises(errors.HostNotAllowed):
        door(allowed).send(HttpRequest(method="GET", url=url))


@pytest.mark.parametrize(
    ("allowed", "url"),
    [
        ("api.example", "https://api.example/x"),
        ("API.example", "https://api.EXAMPLE:443"),
        ("api.example:8443", "https://api.example:8443/?a=b"),
    ],
)
def test_an_allowed_address_is_tried(door, allowed, url, monkeypatch):
    """A name that does not resolve proves that nothing was sent."""

    def unresolved(*_, **__):
        raise socket.gaierror(socket.EAI_NONAME, "no such name")

    monkeypatch.setattr(socket, "getaddrinfo", unresolved)
    with pytest.raises(errors.VendorUnavailable, match="nothing was sent") as caught:
        door(allowed).send(HttpRequest(method="PUT", url=url, changes=True))
    assert caught.value.definite


@pytest.mark.parametrize(("place", "error"), [("closed", errors.ConfigError), ("silent", errors.VendorUnavailable)])
def test_a_host_that_takes_no_connection_gets_no_request(send, request, place, error):
    """Nobody listens on a port of this machine, which lasts, or the host drops the connection attempt."""
    with pytest.raises(error, match="nothing was sent"):
        send(request.getfixturevalue(place), changes=True, call_seconds=0.4)


def test_tls_needs_a_trusted_certificate(send, peer, certificate):
    """An untrusted certificate proves that nothing was sent; a trusted one lets the request through."""
    context, authority = certificate
    vendor = peer(OK, context)
    with pytest.raises(errors.ConfigError, match="nothing was sent"):
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
def test_a_lost_answer_leaves_a_change_open(send, peer, certificate, answer, tls):
    """A change is sent once and stays open; a lost read only shows that the vendor does not answer."""
    context, authority = certificate
    vendor = peer(answer, context if tls else None)
    options = {"scheme": "https", "ca_file": authority} if tls else {}
    with pytest.raises(errors.OutcomeUnknown):
        send(vendor.port, changes=True, **options)
    assert len(vendor.received) == 1
    with pytest.raises(errors.VendorUnavailable, match="did not answer"):
        send(vendor.port, **options)


@pytest.mark.parametrize(("left", "changes"), [(1.9, False), (0.0, False), (-5.0, False), (5.9, True)])
def test_without_enough_time_nothing_is_sent(send, peer, left, changes):
    """A read may be short; a change gets its full time or is not started. A second is kept for the caller."""
    vendor = peer(OK)
    with pytest.raises(errors.NotEnoughTime):
        send(vendor.port, left=left, changes=changes)
    assert not vendor.received
    assert send(vendor.port, left=6.0 if changes else 2.0, changes=changes).status == 200


def test_netrc_and_proxies_do_not_touch_loopback(send, peer, monkeypatch, tmp_path):
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


def test_a_proxy_that_lets_nothing_through_proves_that_nothing_was_sent(door, peer, monkeypatch):
    """Vendors are reached through the environment's proxy; nothing is sent before it opens the tunnel."""
    proxy = peer(b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n")
    monkeypatch.setenv("HTTPS_PROXY", f"http://127.0.0.1:{proxy.port}")
    request = HttpRequest(method="POST", url="https://api.example/", body=CANARY.reveal().encode(), changes=True)
    with pytest.raises(errors.VendorUnavailable, match="nothing was sent"):
        door("api.example").send(request)
    assert proxy.received[0].startswith(b"CONNECT api.example:443")
    assert CANARY.reveal().encode() not in proxy.received[0]


@pytest.mark.parametrize("value", ["a\r\nb", "caf\u2603", " lead"])
def test_a_header_that_cannot_be_sent_is_a_fault_of_the_settings(door, peer, value):
    """Nothing is sent, and the error does not quote the value."""
    vendor = peer(OK)
    request = HttpRequest(method="GET", url=f"http://127.0.0.1:{vendor.port}/", headers={"X": value}, changes=True)
    with pytest.raises(errors.ConfigError) as caught:
        door(f"127.0.0.1:{vendor.port}").send(request)
    assert value not in str(caught.value)
    assert caught.value.__context__ is None
    assert not vendor.received


def test_failures_carry_nothing_of_the_request(send, peer, certificate, caplog):
    """Message, traceback and cause hold no header, body or query; the log at DEBUG has addresses only."""
    caplog.set_level(logging.DEBUG)
    vendors = [*(peer(answer) for answer in LOST.values()), peer(OK, certificate[0])]
    shown = []
    for vendor in vendors:
        for changes in (True, False):
            with pytest.raises(errors.RotationError) as caught:
                send(vendor.port, changes=changes)
            error = caught.value
            assert error.__cause__ is None
            assert error.__context__ is None
            assert "page=1" not in str(error)
            shown += [repr(error), "".join(traceback.format_exception(error))]
    assert "127.0.0.1" in caplog.text
    assert not leaks(caplog.text + "".join(shown), [CANARY])


@pytest.mark.parametrize("place", [True, False], ids=["place", "no place"])
@pytest.mark.parametrize("status", [300, 301, 302, 303, 304, 307, 308])
def test_a_redirect_is_not_followed(send, peer, status, place):
    """It is refused, since the credential would be sent along; Volcengine's 300 without a Location is an answer."""
    elsewhere = peer(OK)
    location = f"Location: http://127.0.0.1:{elsewhere.port}/\r\n".encode() if place else b""
    vendor = peer(b"HTTP/1.1 %d Moved\r\n%sContent-Length: 4\r\n\r\nbody" % (status, location))
    if status in (300, 304) and not place:
        reply = send(vendor.port)
        assert (reply.status, reply.body) == (status, b"" if status == 304 else b"body")
        with pytest.raises(errors.UnexpectedReply):
            check_status(reply, changes=True)
        return
    with pytest.raises(errors.UnexpectedReply, match=str(status)):
        send(vendor.port)
    assert not elsewhere.received


@pytest.mark.parametrize("extra", [0, 1])
def test_an_answer_has_at_most_one_mib(send, peer, extra):
    """A larger answer is refused and not read to its end."""
    size = BODY_LIMIT + extra
    vendor = peer(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % size + b"a" * size)
    if extra:
        with pytest.raises(errors.UnexpectedReply, match="one MiB"):
            send(vendor.port)
    else:
        assert len(send(vendor.port).body) == size


@pytest.mark.parametrize(
    "value", ["", "a b", "a" * 65, '"><script>', "caf\xe9", "cm9vdDpodW50ZXIy", CANARY.reveal().encode().hex()]
)
def test_what_is_no_request_id_is_dropped(send, peer, value):
    """What is malformed, or echoes the request, is dropped, since ids go into log lines."""
    vendor = peer(b"HTTP/1.1 200 OK\r\nX-Request-Id: %s\r\nContent-Length: 0\r\n\r\n" % value.encode("latin-1"))
    assert send(vendor.port).request_id is None
