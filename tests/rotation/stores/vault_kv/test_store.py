"""The KV store keeps the contract of every store, on the model and on the real server."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from rotation_testkit.conformance.kv_backdoor import KvDoor
from rotation_testkit.conformance.store_backdoor import Backdoor
from rotation_testkit.conformance.store_suite import StoreConformance
from rotation_testkit.doubles.vault.kv2 import Kv2
from rotation_testkit.fault_lab.in_memory.scenario import VirtualClock


class TestVaultKvOnTheModel(StoreConformance):
    """``rotation.stores.vault_kv`` over ``rotation_testkit.doubles.vault.kv2``."""

    keeps_order = False

    @contextmanager
    def make(self) -> Iterator[Backdoor]:
        """Return a new secret."""
        clock = VirtualClock()
        yield KvDoor(Kv2(now=clock.now), "prod/app", clock)


class TestVaultKvOnOpenBao(StoreConformance):
    """``rotation.stores.vault_kv`` over a real server."""

    keeps_order = False

    @pytest.fixture(autouse=True)
    def _served(self, served: Any, corner: str) -> None:
        self._kv, self._corner, self._made = served, corner, 0

    @contextmanager
    def make(self) -> Iterator[Backdoor]:
        """Return a new secret."""
        self._made += 1
        yield KvDoor(self._kv, f"{self._corner}/app-{self._made}", VirtualClock())
