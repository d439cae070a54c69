"""``Rig`` of Vault's and OpenBao's KV version 2: the shipped store over the strict model of a mount."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any

from rotation.core.document import SecretDocument
from rotation.core.errors import StoreUnavailable
from rotation.core.secret import Secret
from rotation.state.stages import PENDING
from rotation.state.store import Store
from rotation.state.versions import SecretState
from rotation.stores.vault_kv import JOURNAL_SUFFIX, Entry, VaultKv
from rotation_testkit.doubles.vault.kv2 import Kv2, _Held, _Version
from rotation_testkit.fault_lab.matrix.plan.faults import Kind, Port
from rotation_testkit.fault_lab.matrix.plan.gate import Effect, Gate
from rotation_testkit.fault_lab.matrix.plan.timeline import Timeline
from rotation_testkit.fault_lab.matrix.worlds.rigs import DOCUMENT, Saved

_PATH = "matrix"


class VaultRig:
    """``Rig``. A job begins a rotation instead of a service."""

    def __init__(self, clock: Timeline) -> None:
        self._clock = clock
        self._kv = _KeptKv(now=clock.now)
        # Nobody reads what the journal was before, and states that differ in that alone would be followed twice.
        self._kv.configure(_PATH + JOURNAL_SUFFIX, max_versions=1)
        self._kv.write(_PATH, DOCUMENT, cas=0)

    def _past_the_gate(self) -> VaultKv:
        return VaultKv(self._kv, _PATH, clock=self._clock)

    def begin(self, token: str) -> None:
        """See ``Rig``."""
        self._past_the_gate().begin(token)

    def cancel(self, token: str) -> None:
        """See ``Rig``."""
        self._past_the_gate().detach(PENDING, token)

    def store(self, gate: Gate, token: str) -> Store:
        """See ``Rig``."""
        del token
        return VaultKv(_GatedKv(self._kv, gate), _PATH, clock=self._clock)

    def state(self) -> SecretState:
        """See ``Rig``."""
        return self._past_the_gate().describe()

    def value(self, version_id: str) -> Secret | None:
        """See ``Rig``."""
        value = self._past_the_gate().read(version_id)
        return None if value is None else value.document.password

    def current(self) -> Secret | None:
        """See ``Rig``."""
        newest = self._kv.read(_PATH)
        return None if newest is None or newest.document is None else newest.document.password

    def stored(self) -> list[Secret]:
        """See ``Rig``."""
        values = (self.value(version_id) for version_id in self.state().versions)
        return [value for value in values if value is not None]

    def save(self) -> Saved:
        """See ``Rig``."""
        return self._kv.save()

    def load(self, saved: Saved) -> None:
        """See ``Rig``."""
        self._kv.load(saved)

    def deliver(self, request: tuple[str, ...]) -> None:
        """See ``Rig``."""
        _verb, path, text, cas = request
        self._kv.write(path, SecretDocument.parse(text), cas=int(cas))

    def error(self, kind: Kind) -> Exception:
        """See ``Rig``."""
        return StoreUnavailable("throttled" if kind is Kind.THROTTLED else "no answer")


class _KeptKv(Kv2):
    """The model with a state that can be kept. Nothing is deleted in the matrix, so a version is parsed only once."""

    def __init__(self, *, now: Callable[[], float]) -> None:
        super().__init__(now=now)
        self._parsed: dict[tuple[str, int, datetime, str], Entry | None] = {}
        self._saved: Saved = None

    def write(self, path: str, document: SecretDocument, *, cas: int) -> Entry:
        self._saved = None
        return super().write(path, document, cas=cas)

    def read(self, path: str, *, version: int | None = None) -> Entry | None:
        held = self._entries.get(path)
        found = None if held is None else held.versions.get(version or held.newest)
        if held is None or found is None:
            return None
        key = (path, version or held.newest, found.created, found.text.reveal())
        if key not in self._parsed:
            self._parsed[key] = super().read(path, version=version)
        return self._parsed[key]

    def save(self) -> Saved:
        if self._saved is None:
            self._saved = tuple(
                (
                    path,
                    held.newest,
                    held.max_versions,
                    tuple((number, each.created, each.text.reveal()) for number, each in held.versions.items()),
                )
                for path, held in self._entries.items()
            )
        return self._saved

    def load(self, saved: Saved) -> None:
        if saved is self._saved:
            return
        self._saved = saved
        self._entries = {path: _Held(newest, _versions(versions), most) for path, newest, most, versions in saved}


def _versions(saved: tuple[tuple[int, datetime, str], ...]) -> dict[int, Any]:
    return {number: _Version(created, Secret(text)) for number, created, text in saved}


class _GatedKv(Kv2):
    """Stands before a mount and makes each call an effect."""

    def __init__(self, kv: Kv2, gate: Gate) -> None:
        self._behind = kv
        self._gate = gate

    def read(self, path: str, *, version: int | None = None) -> Entry | None:
        effect = Effect(port=Port.READ, name=f"read {path}")
        return self._gate.call(effect, lambda: self._behind.read(path, version=version))

    def write(self, path: str, document: SecretDocument, *, cas: int) -> Entry:
        def late() -> tuple[str, ...]:
            return ("store", "write", path, document.dump().reveal(), str(cas))

        success = Entry(version=cas + 1, created="2026-11-22T00:00:00Z", document=document)
        effect = Effect(port=Port.LABEL, name=f"write {path}", late=late, success=success, shown=path == _PATH)
        return self._gate.call(effect, lambda: self._behind.write(path, document, cas=cas))
