"""The leak canary listens in every test; what costs most to set up runs first; the collector spares old objects."""

import gc
from collections.abc import Iterator

import pytest

from rotation_testkit.doubles.proxy import VARIABLES, EavesdroppingProxy

pytest_plugins = ["rotation_testkit.canary.plugin", "rotation_testkit.doubles.vault.fixtures"]
_SERVERS = frozenset({"openbao", "raft_server", "three_nodes"})


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Run tests with a Vault server first: idle workers steal from the end, and each would start its own server."""
    items.sort(key=lambda item: _SERVERS.isdisjoint(getattr(item, "fixturenames", ())))


def pytest_collection_finish() -> None:
    """Thousands of collected tests are no garbage: looking through them again and again cost a sixth of the suite."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 50)


@pytest.fixture
def proxy(monkeypatch: pytest.MonkeyPatch) -> Iterator[EavesdroppingProxy]:
    """Yield a proxy that every proxy variable of this process names."""
    with EavesdroppingProxy() as listening:
        for name in VARIABLES:
            monkeypatch.setenv(name, listening.url)
        for name in ("NO_PROXY", "no_proxy"):
            monkeypatch.delenv(name, raising=False)
        yield listening
