"""``Backend`` of Vault's and OpenBao's KV version 2: the shipped store over the strict model of a mount."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any

from rotation.core.clock import StoreClock
from rotation.core.document import SecretDocument
from rotation.core.secret import Secret
from rotation.state.stages import PENDING
from rotation.state.store import Store
from rotation.state.versions import SecretState
from rotation.stores.vault_kv import BINDING_KEY, JOURNAL_SUFFIX, Entry, VaultKv
from rotation_testkit.doubles.vault.kv2 import Kv2, _Held, _Version
from rotation_testkit.fault_lab.in_memory.bind import memory_binding
from rotation_testkit.fault_lab.in_memory.clock import VirtualClock
from rotation_testkit.fault_lab.in_memory.effects import Effect, Passage, Port
from rotation_testkit.fault_lab.matrix.worlds.algorithm import Saved
from rotation_testkit.fault_lab.matrix.worlds.backends import DOCUMENT, Backend, Dated

_PATH = "matrix"


class VaultBackend(Backend):
    """``Backend``. A job begins a rotation instead of a service."""

    def __init__(self, clock: VirtualClock, document: SecretDocument = DOCUMENT) -> None:
        self._clock = clock
        self._kv = _SavedKv(now=clock.now)
        # No one reads older versions of the journal; without them, states that differ in nothing else are equal.
        self._kv.configure(_PATH + JOURNAL_SUFFIX, max_versions=1)
        self._kv.configure(_PATH, custom={BINDING_KEY: memory_binding(document)})
        self._kv.write(_PATH, document, cas=0)

    def _past_the_gate(self) -> VaultKv:
        return VaultKv(self._kv, _PATH, clock=self._clock)

    def begin(self, token: str) -> None:
        """See ``Backend``."""
        store = self._past_the_gate()
        store.attach(PENDING, store.begin(token))

    def cancel(self, token: str) -> None:
        """See ``Backend``."""
        self._past_the_gate().detach(PENDING, token)

    def store(self, passage: Passage, clock: StoreClock) -> Store:
        """See ``Backend``."""
        return VaultKv(_GatedKv(self._kv, Dated(passage, self._clock, clock)), _PATH, clock=clock)

    def state(self) -> SecretState:
        """See ``Backend``."""
        return self._past_the_gate().describe()

    def value(self, version_id: str) -> Secret | None:
        """See ``Backend``."""
        value = self._past_the_gate().read(version_id)
        return None if value is None else value.document.password

    def current(self) -> Secret | None:
        """See ``Backend``."""
        newest = self._kv.read(_PATH)
        return None if newest is None or newest.document is None else newest.document.password

    def save(self) -> Saved:
        """See ``Backend``."""
        return self._kv.save()

    def load(self, saved: Saved) -> None:
        """See ``Backend``."""
        self._kv.load(saved)

    def deliver(self, request: tuple[str, ...]) -> None:
        """See ``Backend``."""
        _verb, path, text, cas = request
        self._kv.write(path, SecretDocument.parse(text), cas=int(cas))


class _SavedKv(Kv2):
    """The model with a state that can be saved."""

    def __init__(self, *, now: Callable[[], float]) -> None:
        super().__init__(now=now)
        self._saved: Saved | None = None

    def write(self, path: str, document: SecretDocument, *, cas: int) -> Entry:
        self._saved = None
        return super().write(path, document, cas=cas)

    def save(self) -> Saved:
        if self._saved is None:
            self._saved = tuple(
                (
                    path,
                    held.newest,
                    held.max_versions,
                    tuple(held.custom.items()),
                    tuple((number, each.created, each.text.reveal()) for number, each in held.versions.items()),
                )
                for path, held in self._entries.items()
            )
        return self._saved

    def load(self, saved: Saved) -> None:
        if saved is self._saved:
            return
        self._saved = saved
        self._entries = {
            path: _Held(newest, _versions(versions), most, dict(custom))
            for path, newest, most, custom, versions in saved
        }


def _versions(saved: tuple[tuple[int, datetime, str], ...]) -> dict[int, Any]:
    return {number: _Version(created, Secret(text)) for number, created, text in saved}


class _GatedKv(Kv2):
    """Stands before a mount and makes each call an effect."""

    def __init__(self, kv: Kv2, passage: Passage) -> None:
        self._behind = kv
        self._passage = passage

    def read(self, path: str, *, version: int | None = None) -> Entry | None:
        effect = Effect(port=Port.READ, verb="read", target=path)
        return self._passage.call(effect, lambda: self._behind.read(path, version=version))

    def write(self, path: str, document: SecretDocument, *, cas: int) -> Entry:
        def late() -> tuple[str, ...]:
            return ("store", "write", path, document.dump().reveal(), str(cas))

        success = Entry(version=cas + 1, created="2026-11-22T00:00:00Z", document=document)
        effect = Effect(port=Port.LABEL, verb="write", target=path, late=late, success=success, shown=path == _PATH)
        return self._passage.call(effect, lambda: self._behind.write(path, document, cas=cas))
