"""The leak canary listens in every test; what costs most to set up runs first; the collector spares old objects."""

import gc

import pytest

pytest_plugins = ["rotation_testkit.canary.plugin"]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Those with a Vault server go first: idle workers steal from the end, and each thief would start a server anew."""
    items.sort(key=lambda item: "vault" not in item.path.parts)


def pytest_collection_finish() -> None:
    """Thousands of collected tests are no garbage: looking through them again and again cost a sixth of the suite."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 50)
