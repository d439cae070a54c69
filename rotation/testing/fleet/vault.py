"""A secret whose label moves are watched, with what operators can do to it and what the service does."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from rotation.machine import CURRENT, PENDING
from rotation.marks import SecretState, Version
from rotation.ports import StoredValue
from rotation.secret import Secret, SecretDocument
from rotation.stores.memory import MemorySecret

if TYPE_CHECKING:
    from rotation.testing.fleet.gate import Gate
    from rotation.testing.fleet.watch import Watch

_LEASES = ("lockstep:lease:", "lockstep:until:")


class FleetSecret(MemorySecret):
    """A ``MemorySecret`` that tells ``watch`` what the engine is about to do, and leaves operators alone.

    It is asked far more often than it changes, so what it answered is kept until then.

    Attributes:
        passwords: of every version ever made.
        changes: how often a label was moved or a value put.
    """

    def __init__(self, *, now: Callable[[], float], watch: Watch) -> None:
        super().__init__(now=now)
        self._watch = watch
        self.passwords: dict[str, Secret] = {}
        self.changes = 0
        self._shown: tuple[int, bool, SecretState] | None = None
        self._faces: dict[str, Version] = {}
        self._values: dict[str, StoredValue] = {}
        self._owners: tuple[int, dict[str, str]] = (0, {})
        self._where: dict[str, list[str]] = {}

    def describe(self) -> SecretState:
        """As ``MemorySecret.describe``."""
        if self._shown is None or self._shown[:2] != (self.changes, self.rotation_enabled):
            shown = {key: self._face(key, held.labels) for key, held in self._versions.items() if held.labels}
            self._shown = self.changes, self.rotation_enabled, SecretState(self.rotation_enabled, shown)
        return self._shown[2]

    def _face(self, version_id: str, labels: set[str]) -> Version:
        face = self._faces.get(version_id)
        if face is None or face.labels != labels:
            face = self._faces[version_id] = Version(version_id, frozenset(labels))
        return face

    def read(self, version_id: str) -> StoredValue | None:
        """As ``MemorySecret.read``."""
        value = self._values.get(version_id) or super().read(version_id)
        if value is not None:
            self._values[version_id] = value
        return value

    def put(self, version_id: str, document: SecretDocument | None, *stages: str) -> None:
        """As ``MemorySecret.put``."""
        super().put(version_id, document, *stages)
        self._values.pop(version_id, None)
        self.changes += 1
        if document is not None:
            self.passwords[version_id] = document.password
            self._where.setdefault(document.password.reveal(), []).append(version_id)

    def stage(self, version_id: str, document: SecretDocument) -> None:
        """As ``MemorySecret.stage``."""
        super().stage(version_id, document)
        self._watch.staged(version_id, self.passwords[version_id])

    def attach(self, label: str, version_id: str) -> None:
        """As ``MemorySecret.attach``."""
        super().attach(label, version_id)
        self.changes += 1

    def move(self, label: str, *, source: str, target: str) -> None:
        """As ``MemorySecret.move``."""
        if label == CURRENT:
            self._watch.committing(target)
        super().move(label, source=source, target=target)
        self.changes += 1

    def detach(self, label: str, version_id: str) -> None:
        """As ``MemorySecret.detach``."""
        if label == PENDING and self.holder(PENDING) == version_id != self.holder(CURRENT):
            self._watch.releasing(version_id)
        super().detach(label, version_id)
        self.changes += 1

    def holder(self, stage: str) -> str | None:
        """Return the version that carries a stage."""
        return self._owner(stage)

    def _owner(self, label: str) -> str | None:
        if self._owners[0] != self.changes:
            self._owners = self.changes, {each: key for key, held in self._versions.items() for each in held.labels}
        return self._owners[1].get(label)

    def is_readable(self, password: Secret) -> bool:
        """Tell whether it stands under a stage or a mark; a lease comes and goes and keeps nothing."""
        return any(
            any(not each.startswith(_LEASES) for each in self._versions[key].labels)
            for key in self._where.get(password.reveal(), ())
        )

    def labels(self, version_id: str) -> set[str]:
        """Return a version's labels."""
        held = self._versions.get(version_id)
        return set() if held is None else set(held.labels)

    @property
    def version_ids(self) -> list[str]:
        """Every version ever made, the oldest first."""
        return list(self._versions)

    def strip(self, version_id: str, labels: set[str]) -> None:
        """Take labels away as an operator or the service does; AWSCURRENT cannot be taken away."""
        self._versions[version_id].labels -= labels - {CURRENT}
        self.changes += 1

    def restore(self, version_id: str) -> None:
        """Make an old version current, as an operator does on the console."""
        self._take(CURRENT, leaving=version_id)
        self._versions[version_id].labels.add(CURRENT)
        self.changes += 1


class Gated:
    """A secret's label operations, each of which passes one invocation's gate."""

    def __init__(self, gate: Gate, secret: FleetSecret) -> None:
        self._pass, self._secret = gate.pass_through, secret

    def describe(self) -> SecretState:
        """As ``MemorySecret.describe``."""
        state: SecretState = self._pass("describe", self._secret.describe)
        return state

    def read(self, version_id: str) -> StoredValue | None:
        """As ``MemorySecret.read``."""
        value: StoredValue | None = self._pass("read", lambda: self._secret.read(version_id))
        return value

    def stage(self, version_id: str, document: SecretDocument) -> None:
        """As ``MemorySecret.stage``."""
        self._pass("stage", lambda: self._secret.stage(version_id, document))

    def attach(self, label: str, version_id: str) -> None:
        """As ``MemorySecret.attach``."""
        self._pass("attach", lambda: self._secret.attach(label, version_id))

    def move(self, label: str, *, source: str, target: str) -> None:
        """As ``MemorySecret.move``."""
        self._pass("move", lambda: self._secret.move(label, source=source, target=target))

    def detach(self, label: str, version_id: str) -> None:
        """As ``MemorySecret.detach``."""
        self._pass("detach", lambda: self._secret.detach(label, version_id))
