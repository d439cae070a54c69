"""The part of a ``Store`` that is the same for every store that keeps marks and the lease as labels."""

from __future__ import annotations

from rotation.core.errors import StageConflict
from rotation.core.values import Evidence
from rotation.state import cleanup, lease, marks
from rotation.state.lease import Claim, Labels
from rotation.state.marks import Mark
from rotation.state.versions import SecretState


class LabelStore:
    """The methods of a ``Store`` that only move labels.

    Args:
        labels: where they are moved.
    """

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
        source = state.holder_of(label)
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
