"""A library's HTTP session ends at a deadline and takes no answer without an end, whatever the peer does."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import pytest
import requests  # noqa: TID251 - the libraries' own session

from rotation.drivers.network.bounded import AnswerTooLargeError, bound
from rotation.drivers.network.deadline import Watch

HEADS = {
    "length": b"HTTP/1.1 401 Unauthorized\r\nContent-Length: 9000000\r\n\r\n",
    "no length": b"HTTP/1.1 401 Unauthorized\r\n\r\n",
    "headers": b"HTTP/1.1 401 Unauthorized\r\nX: ",
    "chunk": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nf000\r\n",
}


@pytest.fixture
def get() -> Callable[..., Any]:
    """Return a function that gets from a port with a bounded session."""

    def ask(port: int, *, seconds: float, times: int = 1, limit: int = 100_000) -> Any:
        with requests.Session() as session, Watch(seconds) as watch:
            bound(session, watch, limit=limit, seconds=seconds if times > 1 else None)
            for _ in range(times):
                reply = session.get(f"http://127.0.0.1:{port}/", timeout=5)
            return reply

    return ask


@pytest.mark.parametrize("head", HEADS.values(), ids=HEADS.keys())
def test_a_peer_that_drips_is_cut_off_in_time(get: Any, peer: Any, head: bytes) -> None:
    """Each byte is in time for the library; the deadline holds for all of them."""

    def drip(connection: Any) -> None:
        connection.sendall(head)
        while not slow.stop.wait(0.05):
            connection.sendall(b"a")

    slow = peer(drip)
    began = time.monotonic()
    with pytest.raises((OSError, requests.RequestException)):
        get(slow.port, seconds=0.6)
    assert time.monotonic() - began < 5


def test_a_peer_that_floods_is_left(get: Any, peer: Any) -> None:
    """Not much more than the limit is read."""
    sent = 0

    def flood(connection: Any) -> None:
        nonlocal sent
        connection.sendall(HEADS["no length"])
        while not source.stop.is_set():
            connection.sendall(b"a" * 65536)
            sent += 65536

    source = peer(flood)
    with pytest.raises(AnswerTooLargeError):
        get(source.port, seconds=20)
    assert sent < 30_000_000


def test_each_request_of_a_session_has_its_own_time(get: Any, peer: Any) -> None:
    """A session of many requests may take longer than one of them."""

    def serve(connection: Any) -> None:
        server.stop.wait(0.4)
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok")

    server = peer(serve)
    assert get(server.port, seconds=1.5, times=5).text == "ok"
