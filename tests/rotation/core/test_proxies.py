"""Which addresses are never asked through a proxy."""

from __future__ import annotations

import socket
import threading

import pytest
import requests.utils  # noqa: TID251 - shows how requests reads the values

from rotation.core.proxies import is_loopback, without_proxy
from rotation_testkit.doubles.proxy import EavesdroppingProxy

OWN = (
    "http://localhost:8200",
    "http://LOCALHOST.:8200",
    "http://vault.localhost",
    "http://127.0.0.1:8200",
    "https://127.1.2.3",
    "http://127.1:8200",
    "http://2130706433",
    "http://[::1]:8200",
    "http://[::ffff:127.0.0.1]:8200",
    "http://0.0.0.0:8200",
)
OTHERS = ("https://10.0.0.1:8200", "https://[fd00::1]", "https://128.0.0.1", "https://localhost.example")


@pytest.mark.parametrize("url", OWN)
def test_every_spelling_of_this_machine_goes_direct(url: str, proxy: EavesdroppingProxy) -> None:
    """Names, IPv4, IPv6, and the forms that only a resolver reads."""
    assert is_loopback(url)
    own = without_proxy(url)
    assert own is not None
    assert requests.utils.get_environ_proxies(url, no_proxy=own["no_proxy"]) == {}
    assert proxy.heard == []


@pytest.mark.parametrize("url", OTHERS)
def test_other_machines_go_as_the_environment_says(
    url: str, proxy: EavesdroppingProxy, monkeypatch: pytest.MonkeyPatch
) -> None:
    """``NO_PROXY`` keeps its meaning for them."""
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: [(2, 1, 6, "", ("192.0.2.1", 0))])
    assert not is_loopback(url)
    assert without_proxy(url) is None
    assert requests.utils.get_environ_proxies(url)["https"] == proxy.url


def test_a_name_that_resolves_to_loopback_goes_direct(
    proxy: EavesdroppingProxy, monkeypatch: pytest.MonkeyPatch
) -> None:
    """All of its addresses must be loopback; without a proxy nothing is looked up."""
    found = ["127.0.0.1", "::1"]
    asked: list[str] = []

    def look_up(host: str, *_: object, **__: object) -> list[object]:
        asked.append(host)
        return [(2, 1, 6, "", (each, 0)) for each in found]

    monkeypatch.setattr(socket, "getaddrinfo", look_up)
    assert is_loopback("https://vault.internal:8200")
    found.append("192.0.2.1")
    assert not is_loopback("https://vault.internal:8200")
    assert proxy.heard == []
    asked.clear()
    monkeypatch.setattr("rotation.core.proxies.getproxies", dict)
    assert not is_loopback("https://vault.internal:8200")
    assert asked == []


def test_a_resolver_that_hangs_does_not_hold_the_call(
    proxy: EavesdroppingProxy, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A name that cannot be looked up in time is another machine's."""
    go = threading.Event()
    monkeypatch.setattr("rotation.core.proxies._LOOK_UP_SECONDS", 0.05)
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: go.wait(20) and [])
    assert not is_loopback("https://vault.internal")
    go.set()
    assert proxy.heard == []
