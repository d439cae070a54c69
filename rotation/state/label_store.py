"""What every store does alike that keeps marks and the lease as labels."""

from __future__ import annotations

from rotation.state import cleanup, lease
from rotation.state.lease import Claim, Labels
from rotation.state.marks import Mark
from rotation.state.versions import SecretState


class LabelStore:
    """The verbs of a ``Store`` that are nothing but moves of labels.

    Args:
        labels: where they are moved.
    """

    def __init__(self, labels: Labels) -> None:
        self._labels = labels
        self._taken: SecretState | None = None

    def describe(self) -> SecretState:
        """See ``Store``."""
        return self._labels.describe()

    def mark(self, version_id: str, mark: Mark) -> None:
        """See ``Store``."""
        self._labels.attach(mark.on(version_id), version_id)

    def unmark(self, version_id: str, mark: Mark) -> None:
        """See ``Store``."""
        self._labels.detach(mark.on(version_id), version_id)

    def acquire(self, token: str, state: SecretState, claim: Claim) -> SecretState:
        """See ``Store``."""
        self._taken = lease.take(self._labels, state, token, claim)
        return self._taken

    def yield_lease(self, token: str, *, holder: str) -> None:
        """See ``Store``. What ``acquire`` saw is enough, unless it was read from a replica that lagged behind."""
        if self._taken is None or not lease.give_back(self._labels, self._taken, token, holder=holder):
            lease.give_back(self._labels, self.describe(), token, holder=holder)
        self._taken = None

    def release(self, token: str) -> None:
        """See ``Store``."""
        cleanup.release(self._labels, self.describe(), token)

    def settle(self, token: str) -> None:
        """See ``Store``."""
        cleanup.settle(self._labels, self.describe(), token)
