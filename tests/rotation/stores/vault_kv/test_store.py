"""``VaultKv`` keeps the contract of every store, on the model and on the real server, and has some rules of its own."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from rotation.core.errors import SecretNotFound, StageConflict
from rotation.stores.vault_kv import VaultKv, read_current
from rotation_testkit.conformance.kv_backdoor import KvDoor
from rotation_testkit.conformance.store_backdoor import FIRST, NEXT, OTHER, SECOND, Backdoor
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


def test_a_deleted_secret_is_said_to_be_deleted(door):
    """A deleted secret and a missing one have different messages; an admin credential raises, too."""
    door.kv.delete("app")
    with pytest.raises(SecretNotFound, match="deleted"):
        door.store().describe()
    with pytest.raises(SecretNotFound, match="does not exist"):
        VaultKv(door.kv, "nothing", clock=door.clock).describe()
    for path in ("app", "nothing"):
        with pytest.raises(SecretNotFound):
            read_current(door.kv, path)


def test_a_candidate_is_not_staged_over_another_rotation(door):
    """A second candidate is a conflict, although Secrets Manager would move the stage."""
    door.store().stage(FIRST, NEXT)
    with pytest.raises(StageConflict):
        door.store().stage(SECOND, OTHER)
    assert door.store().begin(SECOND) == FIRST


def test_the_journal_is_no_secret_to_rotate(door):
    """A journal's path and an empty path are refused."""
    for path in ("app.lockstep", "", "/"):
        with pytest.raises(Exception, match="no path"):
            VaultKv(door.kv, path, clock=door.clock)
