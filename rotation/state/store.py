"""The contract of a secret store, and the part of it that is the same for every store that keeps marks as labels.

Adapters implement ``Store``; the engine imports nothing else of them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Protocol, runtime_checkable

from rotation.core.document import SecretDocument
from rotation.core.errors import StageConflict
from rotation.core.values import Evidence
from rotation.state import cleanup, lease, marks
from rotation.state.lease import Claim, Labels
from rotation.state.marks import Mark
from rotation.state.versions import SecretState


@dataclass(frozen=True, slots=True)
class StoredValue:
    """A version's value.

    Attributes:
        created: when it was made, in epoch seconds.
        is_foreign: asks whether the store can tell that no createSecret of this deployment made it. A store whose
            candidates only Lockstep can write answers no.
    """

    version_id: str
    document: SecretDocument
    created: float
    is_foreign: Callable[[], bool] = field(default=lambda: False, compare=False, repr=False)


class Notes(Protocol):
    """What the steps for one account read and write; one account of a batch has only this."""

    def describe(self) -> SecretState:
        """Return every labelled version, or raise ``SecretNotFound``, ``StoreDenied`` or ``StoreUnavailable``."""
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
        """Record that a version's password was proved, by moving the proof's label to the version."""
        ...

    def release(self, token: str) -> None:
        """Drop the candidate: remove its pending stage and every mark."""
        ...


class Store(Notes, Protocol):
    """One secret in a store, seen through versions, stages and durable marks."""

    def seen(self) -> SecretState:
        """Return the labels as this store saw them last, without a request; it looks if it has not looked yet."""
        ...

    def enroll(self, binding: str) -> None:
        """Write the text of the secret's binding beside its value, or raise ``StoreDenied``."""
        ...

    def stage(self, token: str, document: SecretDocument, mark: Mark | None = None) -> None:
        """Put the candidate once; with a mark, put a version that has this mark in place of the pending stage.

        Raises:
            StageConflict: another value sits under this token.
        """
        ...

    def prove(self, version_id: str, evidence: Evidence, number: int | None = None) -> None:
        """As ``Notes.prove``; ``number`` is that of an account of a batch."""
        ...

    def acquire(self, token: str, state: SecretState, claim: Claim) -> SecretState:
        """Take the secret's lease for this token, and record that a reset may be sent from now on.

        This is a compare-and-swap against the state as seen before, and returns the labels under the lease; see
        ``lease.take``.

        Raises:
            InProgress: another run holds it; ``not_before`` says until when.
            NotYetVisible: what was written cannot be seen.
            StageConflict: the stages moved meanwhile.
        """
        ...

    def yield_lease(self, token: str, *, holder: str, sent: float | None = None) -> None:
        """Give the lease back; harmless when it is not held.

        ``sent`` is the epoch of a reset whose outcome is open; ``None`` when none was sent, so that the intent goes.
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
        """Remove all marks that are no longer needed after a promotion."""
        ...


@runtime_checkable
class Fits(Protocol):
    """A store that knows beforehand which values it would refuse."""

    def require_fits(self, document: SecretDocument) -> None:
        """Raise ``SecretDocumentError`` as ``stage`` would, without asking the store; it names the limit."""
        ...


def replace_marks(notes: Notes, version_id: str, new: Iterable[Mark], old: Iterable[Mark]) -> None:
    """Write new marks on a version before removing old ones, so that a crash leaves both and never neither."""
    new = tuple(new)
    for mark in new:
        notes.mark(version_id, mark)
    for mark in old:
        if mark not in new:
            notes.unmark(version_id, mark)


class LabelStore:
    """The methods of a ``Store`` that only move labels."""

    def __init__(self, labels: Labels) -> None:
        self._labels = labels
        self._seen: SecretState | None = None

    def describe(self) -> SecretState:
        """See ``Store``."""
        self._seen = self._labels.describe()
        return self._seen

    def seen(self) -> SecretState:
        """See ``Store``."""
        return self._seen or self.describe()

    def mark(self, version_id: str, mark: Mark) -> None:
        """See ``Store``."""
        self._labels.attach(mark.on(version_id), version_id)

    def unmark(self, version_id: str, mark: Mark) -> None:
        """See ``Store``."""
        self._labels.detach(mark.on(version_id), version_id)

    def prove(self, version_id: str, evidence: Evidence, number: int | None = None) -> None:
        """See ``Store``. The label's place as seen last is used first; if it has moved since, it is looked up."""
        label = marks.proof(evidence, number).on(version_id)
        try:
            self._attach_here(label, version_id, self.seen())
        except StageConflict:
            self._attach_here(label, version_id, self.describe())

    def _attach_here(self, label: str, version_id: str, state: SecretState) -> None:
        source = state.holder(label)
        if source is None:
            self._labels.attach(label, version_id)
        elif source != version_id:
            self._labels.move(label, source=source, target=version_id)

    def acquire(self, token: str, state: SecretState, claim: Claim) -> SecretState:
        """See ``Store``."""
        self._seen = lease.take(self._labels, state, token, claim)
        return self._seen

    def yield_lease(self, token: str, *, holder: str, sent: float | None = None) -> None:
        """See ``Store``. What was seen last is enough, unless it was read from a replica that lagged behind."""
        if not lease.give_back(self._labels, self.seen(), token, holder=holder, sent=sent):
            lease.give_back(self._labels, self.describe(), token, holder=holder, sent=sent)

    def end(self, token: str, *, holder: str) -> None:
        """See ``Store``. The proof has ended it."""

    def release(self, token: str) -> None:
        """See ``Store``."""
        cleanup.release(self._labels, self.describe(), token)

    def settle(self, token: str) -> None:
        """See ``Store``."""
        state = self.describe()
        cleanup.check_kept(state, token)
        cleanup.settle(self._labels, state, token)
