"""What the engine needs from a secret store. Adapters implement ``Store``; the engine imports nothing else of them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Protocol

from rotation.core.document import SecretDocument
from rotation.core.values import Evidence
from rotation.state.lease import Claim
from rotation.state.marks import Mark
from rotation.state.versions import SecretState


@dataclass(frozen=True, slots=True)
class StoredValue:
    """A version's value and when it was made (epoch seconds)."""

    version_id: str
    document: SecretDocument
    created: float


class Notes(Protocol):
    """What the steps for one account read and write down; one account of a batch has no more than this."""

    def describe(self) -> SecretState:
        """Return every labelled version.

        Raises:
            StoreError: ``SecretNotFound``, ``StoreDenied``, ``StoreUnavailable``.
        """
        ...

    def read(self, version_id: str) -> StoredValue | None:
        """Return a version's value, or ``None`` when it has none (yet).

        Raises:
            SecretDocumentError: the value is no usable document.
            StoreError: as ``describe``.
        """
        ...

    def mark(self, version_id: str, mark: Mark) -> None:
        """Attach a durable mark; attaching it twice is harmless."""
        ...

    def unmark(self, version_id: str, mark: Mark) -> None:
        """Take a mark away; harmless when it is not there."""
        ...

    def prove(self, version_id: str, evidence: Evidence) -> None:
        """Write down that a version's password was proved: move the proof's label to it."""
        ...

    def release(self, token: str) -> None:
        """Drop the candidate: take its pending stage and every mark."""
        ...


class Store(Notes, Protocol):
    """One secret in a store, seen through versions, stages and durable marks."""

    def stage(self, token: str, document: SecretDocument) -> None:
        """Put the candidate once.

        Raises:
            StageConflict: another value sits under this token.
        """
        ...

    def prove(self, version_id: str, evidence: Evidence, number: int | None = None) -> None:
        """As ``Notes.prove``; ``number`` is that of an account of a batch."""
        ...

    def acquire(self, token: str, state: SecretState, claim: Claim) -> SecretState:
        """Take the secret's lease for this token, and write down that a reset may be sent from now on.

        It is a compare-and-swap against the state seen a moment ago; see ``lease.take``.

        Returns:
            The labels as they are under the lease.

        Raises:
            InProgress: somebody else holds it; ``not_before`` tells until when.
            NotYetVisible: what was written cannot be seen.
            StageConflict: the stages moved meanwhile.
        """
        ...

    def yield_lease(self, token: str, *, holder: str, sent: float | None = None) -> None:
        """Give the lease back; harmless when it is not held.

        Args:
            token: the version that it was taken for.
            holder: the run.
            sent: epoch of a reset whose outcome is open; ``None`` when none was sent, so that the intent goes.
        """
        ...

    def end(self, token: str, *, holder: str) -> None:
        """Give the lease back after the candidate was proved; the intent stays."""
        ...

    def promote(self, token: str, *, current_id: str | None) -> None:
        """Make the token's version current, naming the version it is taken from. Success if it already is.

        Raises:
            StageConflict: current sits elsewhere than ``current_id``.
        """
        ...

    def settle(self, token: str) -> None:
        """After a promotion: take all marks from where they are no longer needed."""
        ...


def replace_marks(notes: Notes, version_id: str, new: Iterable[Mark], old: Iterable[Mark]) -> None:
    """Write new marks on a version, and only then take old ones away: after a crash both are there, never neither."""
    new = tuple(new)
    for mark in new:
        notes.mark(version_id, mark)
    for mark in old:
        if mark not in new:
            notes.unmark(version_id, mark)
