"""A secret whose label moves are watched, with what operators can do to it and what the service does."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from rotation.machine import CURRENT, PENDING
from rotation.secret import Secret, SecretDocument
from rotation.stores.memory import MemorySecret

if TYPE_CHECKING:
    from rotation.testing.fleet.watch import Watch

_LEASES = ("lockstep:lease:", "lockstep:until:")


class FleetSecret(MemorySecret):
    """A ``MemorySecret`` that tells ``watch`` what the engine is about to do, and leaves operators alone."""

    def __init__(self, *, now: Callable[[], float], watch: Watch) -> None:
        super().__init__(now=now)
        self._watch = watch
        self.passwords: dict[str, Secret] = {}
        self.changes = 0

    def put(self, version_id: str, document: SecretDocument | None, *stages: str) -> None:
        """As ``MemorySecret.put``."""
        super().put(version_id, document, *stages)
        self.changes += 1
        if document is not None:
            self.passwords[version_id] = document.password

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

    def labelled(self) -> list[Secret]:
        """Return the passwords that are readable under a stage or a mark; a lease comes and goes and keeps nothing."""
        kept = (
            key for key, held in self._versions.items() if any(not each.startswith(_LEASES) for each in held.labels)
        )
        return [self.passwords[key] for key in kept if key in self.passwords]

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
