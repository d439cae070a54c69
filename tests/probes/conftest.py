"""A Windows host with one account, and clients that do not read the machine's authorities."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest

from rotation.secret import Secret
from rotation.testing.winrm_host import WinRmHost


@pytest.fixture(autouse=True)
def no_authorities(monkeypatch: pytest.MonkeyPatch) -> None:
    """Doubles sign for themselves; each connection over TLS spent 60 ms on reading authorities that it ignored."""
    monkeypatch.setenv("SSL_CERT_FILE", os.devnull)


@pytest.fixture
def winrm() -> Iterator[WinRmHost]:
    """The host."""
    with WinRmHost(lambda: {"Administrator": Secret("Canary-right/1+a:b")}) as host:
        yield host
