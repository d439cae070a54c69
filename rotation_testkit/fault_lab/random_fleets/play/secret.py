"""A secret whose label moves are monitored, with what operators and the service can do to it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol

from rotation.core.document import SecretDocument, documents, takes_turns
from rotation.core.secret import Secret
from rotation.state.stages import CURRENT, PENDING
from rotation.state.versions import SecretState
from rotation_testkit.fault_lab.in_memory.secret import CountedSecret

BATCH = "accounts"
"""The key under which a secret holds several."""
LAG = 5.0
"""Seconds by which a replica lags behind at most."""
_LEASES = ("lockstep:lease:", "lockstep:until:")


class LabelMonitor(Protocol):
    """What one account's monitor wants to know of the engine's writes."""

    @property
    def username(self) -> str:
        """The account's name."""
        ...

    def staged(self, version_id: str, value: Secret) -> None:
        """Note a candidate that was put."""
        ...

    def committing(self, target: str) -> None:
        """Note that AWSCURRENT is about to move."""
        ...

    def releasing(self, version_id: str) -> None:
        """Note that AWSPENDING is about to be taken off."""
        ...


class FleetSecret(CountedSecret):
    """A secret that lets the monitors see what the engine is about to do; operators are not monitored.

    It is asked far more often than it changes, so each answer is kept until the next change.

    Attributes:
        held: each account's password in every version ever made that has one.
    """

    def __init__(self, *, now: Callable[[], float], monitors: Sequence[LabelMonitor]) -> None:
        super().__init__(now=now)
        self._monitors = monitors
        self.held: list[dict[str, Secret]] = [{} for _ in monitors]
        self._shown: tuple[int, bool, SecretState] | None = None
        self._shown_before: tuple[float, SecretState] | None = None
        self._over_since = 0.0
        self._where: dict[str, list[str]] = {}

    @property
    def passwords(self) -> dict[str, Secret]:
        """The passwords of the only account, or of the first of a batch."""
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
            self._shown = self.changes, self.rotation_enabled, super().describe()
        return self._shown[2]

    def _changed(self) -> None:
        if self._shown is not None and self._shown[0] == self.changes:
            self._over_since = self._now()
        super()._changed()

    def put(self, version_id: str, document: SecretDocument | None, *stages: str) -> None:
        """As ``MemorySecret.put``."""
        super().put(version_id, document, *stages)
        if document is not None:
            for held, account in zip(self._held_in(document), _accounts(document), strict=True):
                held[version_id] = account.password
                self._where.setdefault(account.password.reveal(), []).append(version_id)

    def stage(self, version_id: str, document: SecretDocument, label: str = PENDING) -> None:
        """As ``MemorySecret.stage``."""
        super().stage(version_id, document, label)
        for monitor, held in zip(self._monitors, self.held, strict=True):
            if version_id in held:
                monitor.staged(version_id, held[version_id])

    def _held_in(self, document: SecretDocument) -> list[dict[str, Secret]]:
        """Return the passwords of the accounts of which a document has one: of two that take turns, the first."""
        if not takes_turns(document):
            return self.held
        names = [each.username for each in self._monitors]
        return [self.held[names.index(document.text("username"))]]

    def move(self, label: str, *, source: str, target: str) -> None:
        """As ``MemorySecret.move``."""
        if label == CURRENT:
            for monitor in self._monitors:
                monitor.committing(target)
        super().move(label, source=source, target=target)

    def detach(self, label: str, version_id: str) -> None:
        """As ``MemorySecret.detach``."""
        if label == PENDING and self.holder(PENDING) == version_id != self.holder(CURRENT):
            for monitor in self._monitors:
                monitor.releasing(version_id)
        super().detach(label, version_id)

    def holder(self, stage: str) -> str | None:
        """Return the version that carries a stage."""
        return self._owner(stage)

    def is_readable(self, password: Secret) -> bool:
        """Return whether a stage or a mark keeps a password; a lease does not count, since it moves on."""
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

    def overwrite(self, label: str, version_id: str) -> None:
        """Put a label on a version, from wherever it is, as putting a value with it does."""
        self._take(label, leaving=version_id)
        self._versions[version_id].labels.add(label)
        self._changed()

    def restore(self, version_id: str) -> None:
        """Make an old version current, as an operator does on the console."""
        self._take(CURRENT, leaving=version_id)
        self._versions[version_id].labels.add(CURRENT)
        self._changed()


def _accounts(document: SecretDocument) -> list[SecretDocument]:
    return [document] if "password" in document else documents(document, BATCH)
