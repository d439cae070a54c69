"""A secret in memory with the label rules of Secrets Manager: for tests, dry runs and simulations."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, field

from rotation.core.document import SecretDocument
from rotation.core.errors import SecretDocumentError, StageConflict, StoreFull
from rotation.core.secret import Secret
from rotation.state.label_quota import MOST_LABELS
from rotation.state.marks import Mark
from rotation.state.stages import CURRENT, PENDING, PREVIOUS
from rotation.state.store import LabelStore, StoredValue
from rotation.state.versions import SecretState, Version

_LONGEST_LABEL = 256


@dataclass(slots=True)
class _Held:
    labels: set[str] = field(default_factory=set)
    text: Secret | None = None
    created: float = 0.0


class MemorySecret:
    """The state that several ``MemoryStore`` objects share. A label sits on one version at a time.

    Attributes:
        rotation_enabled: whether the service may rotate it.
        binding: the text of its binding.
        wishes: texts beside it, as tags are.
    """

    def __init__(self, *, now: Callable[[], float]) -> None:
        self.rotation_enabled = True
        self.binding: str | None = None
        self.wishes: dict[str, str] = {}
        self._now = now
        self._versions: dict[str, _Held] = {}
        self._lock = threading.RLock()

    def put(self, version_id: str, document: SecretDocument | None, *stages: str) -> None:
        """Put a version as an operator or the service would, taking its stages from wherever they are.

        As in Secrets Manager, AWSPENDING goes where a finished rotation left it on the version that was current.
        """
        with self._lock:
            if CURRENT in stages and self._owner(CURRENT) == self._owner(PENDING):
                self._take(PENDING, leaving=version_id)
            for stage in stages:
                self._take(stage, leaving=version_id)
            held = self._versions.setdefault(version_id, _Held())
            held.labels.update(stages)
            if document is not None:
                held.text, held.created = document.dump(), self._now()

    def describe(self) -> SecretState:
        """Return the labelled versions."""
        with self._lock:
            held, now = self._versions.items(), self._now()
            shown = {key: Version.from_labels(key, each.labels, as_of=now) for key, each in held if each.labels}
            return SecretState(self.rotation_enabled, shown, self.binding, dict(self.wishes))

    def read(self, version_id: str) -> StoredValue | None:
        """Return a version's value; one without labels may be purged at any time, but is readable until then."""
        with self._lock:
            held = self._versions.get(version_id)
            if held is None or held.text is None:
                return None
            return StoredValue(version_id, SecretDocument.parse(held.text.reveal()), held.created)

    def stage(self, version_id: str, document: SecretDocument, label: str = PENDING) -> None:
        """Put once under this version id."""
        with self._lock:
            held = self._versions.setdefault(version_id, _Held())
            if held.text is None:
                self.put(version_id, document, label)
            elif held.text != document.dump():
                raise StageConflict("another value sits under this token")

    def attach(self, label: str, version_id: str) -> None:
        """As ``lease.Labels.attach``."""
        with self._lock:
            owner = self._owner(label)
            if owner not in (None, version_id):
                raise StageConflict("the label sits on another version")
            self._add(label, version_id)

    def move(self, label: str, *, source: str, target: str) -> None:
        """As ``lease.Labels.move``."""
        with self._lock:
            if self._owner(label) != source or target not in self._versions:
                raise StageConflict("the label does not sit where it was expected")
            self._take(label, leaving=target)
            self._versions[target].labels.add(label)

    def detach(self, label: str, version_id: str) -> None:
        """As ``lease.Labels.detach``."""
        with self._lock:
            if version_id in self._versions:
                self._versions[version_id].labels.discard(label)

    def enroll(self, binding: str) -> None:
        """Bind the secret."""
        self.binding = binding

    def _owner(self, label: str) -> str | None:
        return next((key for key, held in self._versions.items() if label in held.labels), None)

    def _take(self, label: str, *, leaving: str) -> None:
        """Take a label from the version it sits on; AWSCURRENT leaves AWSPREVIOUS where it came from."""
        owner = self._owner(label)
        if owner is None:
            return
        self._versions[owner].labels.discard(label)
        if label == CURRENT and owner != leaving:
            for held in self._versions.values():
                held.labels.discard(PREVIOUS)
            self._versions[owner].labels.add(PREVIOUS)

    def _add(self, label: str, version_id: str) -> None:
        held = self._versions.get(version_id)
        if held is None:
            raise StageConflict("there is no such version")
        labels = {label}.union(*(each.labels for each in self._versions.values()))
        if len(label) > _LONGEST_LABEL or len(labels) > MOST_LABELS:
            raise StoreFull(f"a secret takes at most {MOST_LABELS} labels of at most {_LONGEST_LABEL} characters")
        held.labels.add(label)


class MemoryStore(LabelStore):
    """A ``Store`` over a ``MemorySecret``."""

    def __init__(self, secret: MemorySecret) -> None:
        super().__init__(secret)
        self._secret = secret

    def read(self, version_id: str) -> StoredValue | None:
        """See ``Store``."""
        return self._secret.read(version_id)

    def stage(self, token: str, document: SecretDocument, mark: Mark | None = None) -> None:
        """See ``Store``."""
        self._secret.stage(token, document, PENDING if mark is None else mark.on(token))

    def enroll(self, binding: str) -> None:
        """See ``Store``."""
        self._secret.enroll(binding)

    def promote(self, token: str, *, current_id: str | None) -> None:
        """See ``Store``."""
        if self.describe().current_id == token:
            return
        if current_id is None:
            raise SecretDocumentError("the secret has no current version to take over from")
        self._secret.move(CURRENT, source=current_id, target=token)
