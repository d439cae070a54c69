"""Which addresses are never asked through a proxy: those of this machine.

A plain request to a server on loopback carries a token or a password in clear, and ``HTTP_PROXY`` would hand it to
another machine. ``NO_PROXY`` often names neither ``localhost`` nor ``127.0.0.1``, so we do not wait for it. Example:
with ``HTTP_PROXY=http://proxy:3128``, ``http://127.0.0.1:8200`` is called directly, ``https://vault.example`` is
called as the environment says, and ``https://vault.local`` is called directly if /etc/hosts gives it 127.0.0.1.
"""

from __future__ import annotations

import ipaddress
import socket
import threading
from contextlib import suppress
from urllib.parse import urlsplit
from urllib.request import getproxies

_LOOK_UP_SECONDS = 3.0


def is_loopback(url: str) -> bool:
    """Return whether the URL's host is this machine.

    A name is looked up only if a proxy is set. One that cannot be looked up in time is another machine's.
    """
    host = (urlsplit(url).hostname or "").rstrip(".").lower()
    if host == "localhost" or host.endswith(".localhost"):
        return True
    address = _address(host)
    if address is not None:
        return _is_own(address)
    found = _looked_up(host) if host and getproxies() else []
    return bool(found) and all(_is_own(each) for each in found)


def without_proxy(url: str) -> dict[str, str] | None:
    """Return what ``requests`` takes as ``proxies``: no proxy for a URL on loopback, otherwise the environment's."""
    return {"no_proxy": urlsplit(url).hostname or ""} if is_loopback(url) else None


_Address = ipaddress.IPv4Address | ipaddress.IPv6Address


def _address(host: str) -> _Address | None:
    with suppress(ValueError):
        return ipaddress.ip_address(host.partition("%")[0])
    with suppress(OSError, ValueError):  # ``127.1`` and ``2130706433`` are addresses for the resolver, too
        return ipaddress.ip_address(socket.inet_aton(host))
    return None


def _is_own(address: _Address) -> bool:
    inner = getattr(address, "ipv4_mapped", None) or address
    return bool(inner.is_loopback or inner.is_unspecified)


def _looked_up(host: str) -> list[_Address]:
    """Return the host's addresses. A resolver that hangs cannot be interrupted, so its thread is left behind."""
    found: list[_Address] = []

    def ask() -> None:
        with suppress(OSError, UnicodeError, ValueError):
            for *_, place in socket.getaddrinfo(host, None, type=socket.SOCK_STREAM):
                found.append(ipaddress.ip_address(str(place[0]).partition("%")[0]))

    asking = threading.Thread(target=ask, daemon=True, name="lockstep-look-up")
    asking.start()
    asking.join(_LOOK_UP_SECONDS)
    return [] if asking.is_alive() else found
