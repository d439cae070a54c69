"""A store that passes everything on; what wraps a store for one purpose overrides one verb."""

from __future__ import annotations

from rotation.core.document import SecretDocument
from rotation.core.values import Evidence
from rotation.state.lease import Claim
from rotation.state.marks import Mark
from rotation.state.store import Store, StoredValue
from rotation.state.versions import SecretState


class PassingStore:
    """``Store`` over another one."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def describe(self) -> SecretState:
        """See ``Store``."""
        return self._store.describe()

    def seen(self) -> SecretState:
        """See ``Store``."""
        return self._store.seen()

    def enroll(self, binding: str) -> None:
        """See ``Store``."""
        self._store.enroll(binding)

    def read(self, version_id: str) -> StoredValue | None:
        """See ``Store``."""
        return self._store.read(version_id)

    def stage(self, token: str, document: SecretDocument, mark: Mark | None = None) -> None:
        """See ``Store``."""
        self._store.stage(token, document, mark)

    def mark(self, version_id: str, mark: Mark) -> None:
        """See ``Store``."""
        self._store.mark(version_id, mark)

    def unmark(self, version_id: str, mark: Mark) -> None:
        """See ``Store``."""
        self._store.unmark(version_id, mark)

    def acquire(self, token: str, state: SecretState, claim: Claim) -> SecretState:
        """See ``Store``."""
        return self._store.acquire(token, state, claim)

    def prove(self, version_id: str, evidence: Evidence, number: int | None = None) -> None:
        """See ``Store``."""
        self._store.prove(version_id, evidence, number)

    def yield_lease(self, token: str, *, holder: str, sent: float | None = None) -> None:
        """See ``Store``."""
        self._store.yield_lease(token, holder=holder, sent=sent)

    def end(self, token: str, *, holder: str) -> None:
        """See ``Store``."""
        self._store.end(token, holder=holder)

    def promote(self, token: str, *, current_id: str | None) -> None:
        """See ``Store``."""
        self._store.promote(token, current_id=current_id)

    def release(self, token: str) -> None:
        """See ``Store``."""
        self._store.release(token)

    def settle(self, token: str) -> None:
        """See ``Store``."""
        self._store.settle(token)
