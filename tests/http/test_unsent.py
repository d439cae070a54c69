"""Until a connection is ready nothing has left the machine: such failures say so, and end in the call's own time."""

from __future__ import annotations

import socket
import ssl
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any

import pytest

from rotation.core.errors import OutcomeUnknown, VendorUnavailable
from rotation.drivers.network.http_messages import HttpRequest

PORT = 45678
REQUEST = HttpRequest(method="POST", url=f"https://vendor.example:{PORT}/", changes=True)
OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}"


@pytest.fixture
def silent() -> Iterator[int]:
    """The port of a host whose queue is full, so that it drops every greeting."""
    with ExitStack() as stack:
        listener = stack.enter_context(socket.socket())
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        for _ in range(4):
            waiting = stack.enter_context(socket.socket())
            waiting.settimeout(0)
            waiting.connect_ex(listener.getsockname())
        yield listener.getsockname()[1]


def resolve(monkeypatch: pytest.MonkeyPatch, *ports: int) -> None:
    """Have every name stand for these ports of this machine, in this order."""
    found = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", port)) for port in ports]
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: found)


def test_many_silent_addresses_take_no_longer_than_one(door: Any, silent: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """They share the call's time."""
    resolve(monkeypatch, *[silent] * 20)
    began = time.monotonic()
    with pytest.raises(VendorUnavailable, match="nothing was sent") as caught:
        door(f"vendor.example:{PORT}", call_seconds=1.0).send(REQUEST)
    assert caught.value.unsent
    assert time.monotonic() - began < 15


def test_a_silent_address_leaves_time_for_the_next(
    door: Any, peer: Any, silent: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As where a host has an IPv6 address that nobody can reach."""
    vendor = peer(OK)
    resolve(monkeypatch, silent, *[vendor.port] * 15)
    request = HttpRequest(method="POST", url=f"http://localhost:{PORT}/", changes=True)
    assert door(f"localhost:{PORT}", call_seconds=15.0).send(request).status == 200
    assert len(vendor.received) == 1


def test_a_resolver_that_hangs_does_not_hold_the_call(door: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """The call ends while the look-up still waits."""
    go, answered = threading.Event(), threading.Event()

    def hang(*_: object, **__: object) -> list[object]:
        go.wait(60)
        answered.set()
        return []

    monkeypatch.setattr(socket, "getaddrinfo", hang)
    with pytest.raises(VendorUnavailable, match="nothing was sent") as caught:
        door(f"vendor.example:{PORT}", call_seconds=0.3).send(REQUEST)
    waited_for = answered.is_set()
    go.set()
    for thread in threading.enumerate():
        if thread.name == "lockstep-look-up":
            thread.join(60)
    assert not waited_for
    assert caught.value.unsent
    assert caught.value.hint


def test_a_handshake_without_end_proves_that_nothing_was_sent(
    send: Any, peer: Any, certificate: tuple[ssl.SSLContext, str]
) -> None:
    """The request follows the handshake; what is lost after it may have arrived."""
    plain = peer(b"")  # it waits for the end of a request, of which the greeting of TLS has none, and says nothing
    with pytest.raises(VendorUnavailable, match="nothing was sent") as caught:
        send(plain.port, scheme="https", changes=True, call_seconds=0.5)
    assert caught.value.unsent
    context, authority = certificate
    lost = peer(b"", context)
    with pytest.raises(OutcomeUnknown) as after:
        send(lost.port, scheme="https", changes=True, ca_file=authority)
    assert not after.value.unsent
