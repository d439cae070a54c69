"""A secret whose label moves are watched, with what operators can do to it and what the service does."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cached_property
from typing import TYPE_CHECKING

from rotation.core.document import SecretDocument, documents
from rotation.core.secret import Secret
from rotation.state.stages import CURRENT, PENDING
from rotation.state.store import StoredValue
from rotation.state.versions import SecretState, Version
from rotation.stores.memory import MemorySecret

if TYPE_CHECKING:
    from rotation_testkit.fault_lab.random_fleets.invariants import Watch
    from rotation_testkit.fault_lab.random_fleets.play.gate import Gate

BATCH = "accounts"
"""The key under which a secret holds several."""
LAG = 5.0
"""Seconds by which a replica lags behind at most."""
_LEASES = ("lockstep:lease:", "lockstep:until:")


class _Face(Version):
    """A version that works out only once what each account of a batch sees of it. The rules are the engine's own."""

    @cached_property
    def _views(self) -> dict[str, Version]:
        return {}

    def seen_by(self, number: int | str) -> Version:
        key = str(number)
        if key not in self._views:
            self._views[key] = super().seen_by(number)
        return self._views[key]


class FleetSecret(MemorySecret):
    """A ``MemorySecret`` that tells ``watch`` what the engine is about to do, and leaves operators alone.

    It is asked far more often than it changes, so what it answered is kept until then.

    Attributes:
        held: each account's password in every version ever made.
        changes: how often a label was moved or a value put.
    """

    def __init__(self, *, now: Callable[[], float], watches: Sequence[Watch]) -> None:
        super().__init__(now=now)
        self._watches = watches
        self.held: list[dict[str, Secret]] = [{} for _ in watches]
        self.changes = 0
        self._shown: tuple[int, bool, SecretState] | None = None
        self._shown_before: tuple[float, SecretState] | None = None
        self._over_since = 0.0
        self._faces: dict[str, Version] = {}
        self._values: dict[str, StoredValue] = {}
        self._owners: tuple[int, dict[str, str]] = (0, {})
        self._where: dict[str, list[str]] = {}

    @property
    def passwords(self) -> dict[str, Secret]:
        """Those of the only account, or of the first of a batch."""
        return self.held[0]

    def stale(self) -> SecretState | None:
        """Return the labels as a replica that lags behind shows them: as they were before the latest changes."""
        self.describe()
        if self._shown_before is None or self._shown_before[0] < self._now() - LAG:
            return None
        return self._shown_before[1]

    def describe(self) -> SecretState:
        """As ``MemorySecret.describe``."""
        if self._shown is None or self._shown[:2] != (self.changes, self.rotation_enabled):
            if self._shown is not None:
                self._shown_before = self._over_since, self._shown[2]
            shown = {key: self._face(key, held.labels) for key, held in self._versions.items() if held.labels}
            self._shown = self.changes, self.rotation_enabled, SecretState(self.rotation_enabled, shown)
        return self._shown[2]

    def _changed(self) -> None:
        if self._shown is not None and self._shown[0] == self.changes:
            self._over_since = self._now()
        self.changes += 1

    def _face(self, version_id: str, labels: set[str]) -> Version:
        face = self._faces.get(version_id)
        if face is None or face.labels != labels:
            face = self._faces[version_id] = _Face.from_labels(version_id, labels)
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
        self._changed()
        if document is not None:
            for held, account in zip(self.held, _accounts(document), strict=True):
                held[version_id] = account.password
                self._where.setdefault(account.password.reveal(), []).append(version_id)

    def stage(self, version_id: str, document: SecretDocument) -> None:
        """As ``MemorySecret.stage``."""
        super().stage(version_id, document)
        for watch in self._watches:
            watch.staged(version_id, watch.passwords[version_id])

    def attach(self, label: str, version_id: str) -> None:
        """As ``MemorySecret.attach``."""
        super().attach(label, version_id)
        self._changed()

    def move(self, label: str, *, source: str, target: str) -> None:
        """As ``MemorySecret.move``."""
        if label == CURRENT:
            for watch in self._watches:
                watch.committing(target)
        super().move(label, source=source, target=target)
        self._changed()

    def detach(self, label: str, version_id: str) -> None:
        """As ``MemorySecret.detach``."""
        if label == PENDING and self.holder(PENDING) == version_id != self.holder(CURRENT):
            for watch in self._watches:
                watch.releasing(version_id)
        super().detach(label, version_id)
        self._changed()

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
        self._changed()

    def restore(self, version_id: str) -> None:
        """Make an old version current, as an operator does on the console."""
        self._take(CURRENT, leaving=version_id)
        self._versions[version_id].labels.add(CURRENT)
        self._changed()


def _accounts(document: SecretDocument) -> list[SecretDocument]:
    return [document] if "password" in document else documents(document, BATCH)


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
