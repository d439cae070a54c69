"""What the matrix asks of a store, and the store in memory. Another store joins by another ``Rig``."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol

from rotation.core.document import SecretDocument
from rotation.core.errors import StoreUnavailable
from rotation.core.secret import Secret
from rotation.state.stages import CURRENT, PENDING
from rotation.state.store import Store, StoredValue
from rotation.state.versions import SecretState
from rotation.stores.memory import MemorySecret, MemoryStore, _Held
from rotation_testkit.fault_lab.matrix.plan.faults import Kind, Port
from rotation_testkit.fault_lab.matrix.plan.gate import Effect, Gate
from rotation_testkit.fault_lab.matrix.plan.timeline import Timeline
from rotation_testkit.fault_lab.matrix.worlds.driver_classes import FIRST, USERNAME

Saved = Any
"""A state of a store as a value that can be compared and hashed."""
CURRENT_ID = "00000000-0000-4000-8000-000000000000"
DOCUMENT = SecretDocument({"driver": "memory", "username": USERNAME, "password": FIRST.reveal(), "note": "kept"})


class Rig(Protocol):
    """One secret in one kind of store. At first its version ``CURRENT_ID`` with ``DOCUMENT`` is current."""

    def begin(self, token: str) -> None:
        """Start a rotation as the store's service or job does."""
        ...

    def cancel(self, token: str) -> None:
        """Take the pending label from a version, as an operator who cancels a rotation does."""
        ...

    def store(self, gate: Gate, token: str) -> Store:
        """Return the store as a fresh process makes it, with each call to the outside passing the gate."""
        ...

    def state(self) -> SecretState:
        """Return the labels, past the gate."""
        ...

    def value(self, version_id: str) -> Secret | None:
        """Return a version's password, past the gate."""
        ...

    def current(self) -> Secret | None:
        """Return the password that readers get."""
        ...

    def stored(self) -> list[Secret]:
        """Return the passwords of all labelled versions."""
        ...

    def save(self) -> Saved:
        """Return everything that can change."""
        ...

    def load(self, saved: Saved) -> None:
        """Go back to a saved state."""
        ...

    def deliver(self, request: tuple[str, ...]) -> None:
        """Let a late request take effect."""
        ...

    def error(self, kind: Kind) -> Exception:
        """Return what the client of this store raises for a missing answer, or for ``Kind.THROTTLED``."""
        ...


class MemoryRig:
    """``Rig`` of ``stores.memory``."""

    def __init__(self, clock: Timeline) -> None:
        self._clock = clock
        self._secret = _KeptSecret(now=clock.now)
        self._secret.put(CURRENT_ID, DOCUMENT, CURRENT)

    def begin(self, token: str) -> None:
        """See ``Rig``."""
        self._secret.put(token, None, PENDING)

    def cancel(self, token: str) -> None:
        """See ``Rig``."""
        self._secret.detach(PENDING, token)

    def store(self, gate: Gate, token: str) -> Store:
        """See ``Rig``."""
        del token
        return MemoryStore(_GatedSecret(self._secret, gate))

    def state(self) -> SecretState:
        """See ``Rig``."""
        return self._secret.describe()

    def value(self, version_id: str) -> Secret | None:
        """See ``Rig``."""
        value = self._secret.read(version_id)
        return None if value is None else value.document.password

    def current(self) -> Secret | None:
        """See ``Rig``."""
        current = self._secret.describe().current_id
        return None if current is None else self.value(current)

    def stored(self) -> list[Secret]:
        """See ``Rig``."""
        values = (self.value(version_id) for version_id in self._secret.describe().versions)
        return [value for value in values if value is not None]

    def save(self) -> Saved:
        """See ``Rig``."""
        return self._secret.save()

    def load(self, saved: Saved) -> None:
        """See ``Rig``."""
        self._secret.load(saved)

    def deliver(self, request: tuple[str, ...]) -> None:
        """See ``Rig``."""
        verb, *words = request
        if verb == "stage":
            self._secret.stage(words[0], SecretDocument.parse(words[1]))
        elif verb == "move":
            self._secret.move(words[0], source=words[1], target=words[2])
        else:
            {"attach": self._secret.attach, "detach": self._secret.detach}[verb](*words)

    def error(self, kind: Kind) -> Exception:
        """See ``Rig``."""
        return StoreUnavailable("throttled" if kind is Kind.THROTTLED else "no answer")


class _KeptSecret(MemorySecret):
    """A ``MemorySecret`` whose state can be kept, and that sorts out the same state and value only once."""

    def __init__(self, *, now: Callable[[], float]) -> None:
        super().__init__(now=now)
        self._parsed: dict[tuple[str, str, float], StoredValue | None] = {}
        self._saved: Saved = None
        self._shown: dict[Saved, SecretState] = {}

    def describe(self) -> SecretState:
        saved = self.save()
        if saved not in self._shown:
            self._shown[saved] = super().describe()
        return self._shown[saved]

    def put(self, version_id: str, document: SecretDocument | None, *stages: str) -> None:
        self._saved = None
        super().put(version_id, document, *stages)

    def stage(self, version_id: str, document: SecretDocument) -> None:
        self._saved = None
        super().stage(version_id, document)

    def attach(self, label: str, version_id: str) -> None:
        self._saved = None
        super().attach(label, version_id)

    def move(self, label: str, *, source: str, target: str) -> None:
        self._saved = None
        super().move(label, source=source, target=target)

    def detach(self, label: str, version_id: str) -> None:
        self._saved = None
        super().detach(label, version_id)

    def read(self, version_id: str) -> StoredValue | None:
        held = self._versions.get(version_id)
        if held is None or held.text is None:
            return None
        key = (version_id, held.text.reveal(), held.created)
        if key not in self._parsed:
            self._parsed[key] = super().read(version_id)
        return self._parsed[key]

    def save(self) -> Saved:
        if self._saved is None:
            self._saved = tuple(
                (key, frozenset(held.labels), None if held.text is None else held.text.reveal(), held.created)
                for key, held in self._versions.items()
            )
        return self._saved

    def load(self, saved: Saved) -> None:
        if saved is self._saved:
            return
        self._saved = saved
        self._versions = {
            key: _Held(set(labels), None if text is None else Secret(text), created)
            for key, labels, text, created in saved
        }


class _GatedSecret(MemorySecret):
    """Stands before a ``MemorySecret`` and makes each call an effect."""

    def __init__(self, secret: MemorySecret, gate: Gate) -> None:
        self._behind = secret
        self._gate = gate

    def describe(self) -> SecretState:
        return self._gate.call(Effect(port=Port.READ, name="describe"), self._behind.describe)

    def read(self, version_id: str) -> StoredValue | None:
        return self._gate.call(Effect(port=Port.READ, name="read"), lambda: self._behind.read(version_id))

    def stage(self, version_id: str, document: SecretDocument) -> None:
        effect = Effect(
            port=Port.PUT, name="stage", late=lambda: ("store", "stage", version_id, document.dump().reveal())
        )
        self._gate.call(effect, lambda: self._behind.stage(version_id, document))

    def attach(self, label: str, version_id: str) -> None:
        self._label("attach", lambda: self._behind.attach(label, version_id), label, version_id)

    def move(self, label: str, *, source: str, target: str) -> None:
        self._label("move", lambda: self._behind.move(label, source=source, target=target), label, source, target)

    def detach(self, label: str, version_id: str) -> None:
        self._label("detach", lambda: self._behind.detach(label, version_id), label, version_id)

    def _label(self, verb: str, call: Callable[[], None], *words: str) -> None:
        shown = words[0] == CURRENT
        effect = Effect(port=Port.LABEL, name=f"{verb} {words[0]}", late=lambda: ("store", verb, *words), shown=shown)
        self._gate.call(effect, call)
