"""Connecting has one deadline: the addresses of a host share it, and the look-up counts."""

import socket
import time

import pytest

from rotation.core.errors import VendorUnavailable
from rotation.drivers.network.http_messages import HttpRequest

PORT = 45678
REQUEST = HttpRequest(method="POST", url=f"https://vendor.example:{PORT}/", changes=True)
OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}"


def resolve(monkeypatch, *ports):
    """Have every name stand for these ports of this machine, in this order."""
    found = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", port)) for port in ports]
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: found)


def test_many_silent_addresses_take_no_longer_than_one(door, silent, monkeypatch):
    """All addresses of a name share the call's time."""
    resolve(monkeypatch, *[silent] * 20)
    began = time.monotonic()
    with pytest.raises(VendorUnavailable, match="nothing was sent") as caught:
        door(f"vendor.example:{PORT}", call_seconds=1.0).send(REQUEST)
    assert caught.value.unsent
    assert time.monotonic() - began < 15


def test_a_silent_address_leaves_time_for_the_next(door, peer, silent, monkeypatch):
    """A host may have an IPv6 address that cannot be reached from here."""
    vendor = peer(OK)
    resolve(monkeypatch, silent, *[vendor.port] * 15)
    request = HttpRequest(method="POST", url=f"http://localhost:{PORT}/", changes=True)
    assert door(f"localhost:{PORT}", call_seconds=15.0).send(request).status == 200
    assert len(vendor.received) == 1


def test_a_resolver_that_hangs_does_not_hold_the_call(door, resolver):
    """The call ends while the look-up still waits."""
    with pytest.raises(VendorUnavailable, match="nothing was sent") as caught:
        door(f"vendor.example:{PORT}", call_seconds=0.3).send(REQUEST)
    assert not resolver.is_set()
    assert caught.value.unsent
    assert caught.value.hint
