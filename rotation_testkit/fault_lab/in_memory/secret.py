"""The secret in memory, as the fault machines need it: sealed, counting its changes, and behind a passage."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from rotation.core.document import SecretDocument
from rotation.core.secret import Secret
from rotation.state.marks import Mark
from rotation.state.stages import CURRENT, PENDING
from rotation.state.store import StoredValue
from rotation.state.versions import SecretState
from rotation.stores.aws.seal import Seal, SealKeys
from rotation.stores.memory import MemorySecret, MemoryStore
from rotation_testkit.fault_lab.in_memory.effects import Effect, Passage, Port

_ARN = "arn:aws:secretsmanager:eu-central-1:111122223333:secret:in-memory-AbCdEf"
_SEAL = Seal(lambda: SealKeys(key=Secret("in-memory-0123456789abcdef0123456789abcdef")))


class SealedStore(MemoryStore):
    """A ``MemoryStore`` that seals its candidates and tells them from others, as that of Secrets Manager does."""

    def read(self, version_id: str) -> StoredValue | None:
        """See ``Store``."""
        value = super().read(version_id)
        if value is None:
            return None
        document = value.document
        return replace(value, is_foreign=lambda: not _SEAL.holds(document, arn=_ARN, version_id=version_id))

    def stage(self, token: str, document: SecretDocument, mark: Mark | None = None) -> None:
        """See ``Store``."""
        super().stage(token, _SEAL.put_on(document, arn=_ARN, version_id=token), mark)


def store_of(secret: MemorySecret, *, sealed: bool) -> MemoryStore:
    """Return a store over a secret."""
    return SealedStore(secret) if sealed else MemoryStore(secret)


class CountedSecret(MemorySecret):
    """A ``MemorySecret`` that counts its changes.

    Attributes:
        changes: how often a label was moved or a value put.
    """

    def __init__(self, *, now: Callable[[], float]) -> None:
        super().__init__(now=now)
        self.changes = 0

    def _changed(self) -> None:
        self.changes += 1

    def put(self, version_id: str, document: SecretDocument | None, *stages: str) -> None:
        """As ``MemorySecret.put``."""
        super().put(version_id, document, *stages)
        self._changed()

    def attach(self, label: str, version_id: str) -> None:
        """As ``MemorySecret.attach``."""
        super().attach(label, version_id)
        self._changed()

    def move(self, label: str, *, source: str, target: str) -> None:
        """As ``MemorySecret.move``."""
        super().move(label, source=source, target=target)
        self._changed()

    def detach(self, label: str, version_id: str) -> None:
        """As ``MemorySecret.detach``."""
        super().detach(label, version_id)
        self._changed()


class GatedSecret(MemorySecret):
    """A ``MemorySecret`` each of whose label operations is an effect; the state is another one's."""

    def __init__(self, secret: MemorySecret, passage: Passage) -> None:
        self._behind = secret
        self._passage = passage

    def describe(self) -> SecretState:
        """As ``MemorySecret.describe``."""
        return self._passage.call(Effect(port=Port.READ, verb="describe"), self._behind.describe)

    def read(self, version_id: str) -> StoredValue | None:
        """As ``MemorySecret.read``."""
        return self._passage.call(Effect(port=Port.READ, verb="read"), lambda: self._behind.read(version_id))

    def stage(self, version_id: str, document: SecretDocument, label: str = PENDING) -> None:
        """As ``MemorySecret.stage``."""
        effect = Effect(
            port=Port.PUT, verb="stage", late=lambda: ("store", "stage", version_id, document.dump().reveal(), label)
        )
        self._passage.call(effect, lambda: self._behind.stage(version_id, document, label))

    def attach(self, label: str, version_id: str) -> None:
        """As ``MemorySecret.attach``."""
        self._label("attach", lambda: self._behind.attach(label, version_id), label, version_id)

    def move(self, label: str, *, source: str, target: str) -> None:
        """As ``MemorySecret.move``."""
        self._label("move", lambda: self._behind.move(label, source=source, target=target), label, source, target)

    def detach(self, label: str, version_id: str) -> None:
        """As ``MemorySecret.detach``."""
        self._label("detach", lambda: self._behind.detach(label, version_id), label, version_id)

    def _label(self, verb: str, call: Callable[[], None], label: str, *version_ids: str) -> None:
        effect = Effect(
            port=Port.LABEL,
            verb=verb,
            target=label,
            late=lambda: ("store", verb, label, *version_ids),
            shown=label == CURRENT,
        )
        self._passage.call(effect, call)
