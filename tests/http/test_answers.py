"""How the door reads an answer: redirects, size, request id, status, JSON."""

from __future__ import annotations

from typing import Any

import pytest

from rotation.core.errors import DriverError, OutcomeUnknown, RateLimited, UnexpectedReply, VendorUnavailable
from rotation.drivers.network.http_door import BODY_LIMIT
from rotation.drivers.network.http_messages import HttpReply, check_status, json_object

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nX-Request-Id: req-1\r\n\r\n{}"


@pytest.mark.parametrize("status", [301, 302, 303, 304, 307, 308])
def test_a_redirect_is_not_followed(send: Any, peer: Any, status: int) -> None:
    """A credential would go along."""
    elsewhere = peer(OK)
    target = f"http://127.0.0.1:{elsewhere.port}/".encode()
    vendor = peer(b"HTTP/1.1 %d Moved\r\nLocation: %s\r\nContent-Length: 0\r\n\r\n" % (status, target))
    with pytest.raises(UnexpectedReply, match=str(status)):
        send(vendor.port)
    assert not elsewhere.received


def test_a_three_hundred_that_leads_nowhere_is_an_answer(send: Any, peer: Any) -> None:
    """Volcengine words a refusal so; with a Location it would be a redirect."""
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
    """Nobody can tell what it says."""
    vendor = peer(b"HTTP/1.1 %d Moved\r\nContent-Length: 2\r\n\r\n{}" % status)
    with pytest.raises(UnexpectedReply):
        send(vendor.port)


@pytest.mark.parametrize("extra", [0, 1])
def test_an_answer_has_at_most_one_mib(send: Any, peer: Any, extra: int) -> None:
    """A larger one is not read to its end."""
    size = BODY_LIMIT + extra
    vendor = peer(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % size + b"a" * size)
    if extra:
        with pytest.raises(UnexpectedReply, match="one MiB"):
            send(vendor.port)
    else:
        assert len(send(vendor.port).body) == size


@pytest.mark.parametrize("value", ["", "a b", "x" * 129, '"><script>', "caf\xe9"])
def test_what_is_no_request_id_is_dropped(send: Any, peer: Any, value: str) -> None:
    """It would go into log lines."""
    vendor = peer(b"HTTP/1.1 200 OK\r\nX-Request-Id: %s\r\nContent-Length: 0\r\n\r\n" % value.encode("latin-1"))
    assert send(vendor.port).request_id is None


@pytest.mark.parametrize(
    "body",
    [b"", b"<html>", b'{"a":', b"[]", b"null", b"1", b'"{}"', b"\xff\xfe", b"[" * 100_000],
    ids=["empty", "html", "truncated", "list", "null", "number", "text", "binary", "deep"],
)
def test_only_a_json_object_is_an_answer(body: bytes) -> None:
    """In answer to a change anything else leaves the outcome open."""
    with pytest.raises(UnexpectedReply):
        json_object(HttpReply(200, {}, body, "id"), changes=False)
    with pytest.raises(OutcomeUnknown) as caught:
        json_object(HttpReply(200, {}, body, "id"), changes=True)
    assert caught.value.request_id == "id"
    assert caught.value.__context__ is None


def test_a_json_object_is_parsed() -> None:
    """As it is."""
    assert json_object(HttpReply(200, {}, b'{"a": 1}'), changes=True) == {"a": 1}


@pytest.mark.parametrize(
    ("status", "of_read", "of_change"),
    [
        (400, UnexpectedReply, UnexpectedReply),
        (401, UnexpectedReply, UnexpectedReply),
        (403, UnexpectedReply, UnexpectedReply),
        (429, RateLimited, RateLimited),
        (500, VendorUnavailable, OutcomeUnknown),
        (503, VendorUnavailable, OutcomeUnknown),
    ],
)
def test_statuses_mean_the_same_everywhere(
    status: int, of_read: type[DriverError], of_change: type[DriverError]
) -> None:
    """With the vendor's code and request id kept."""
    for changes, expected in ((False, of_read), (True, of_change)):
        with pytest.raises(expected) as caught:
            check_status(HttpReply(status, {}, b"", "id"), changes=changes, vendor_code="c")
        assert type(caught.value) is expected
        assert (caught.value.request_id, caught.value.vendor_code) == ("id", "c")


def test_a_good_status_passes() -> None:
    """Nothing is raised for it."""
    check_status(HttpReply(200, {}, b""), changes=True)
