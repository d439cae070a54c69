"""What the matrix asks of a store, and the store in memory. Another store joins by another ``Backend``."""

from __future__ import annotations

from collections.abc import Callable
from email.utils import formatdate
from typing import Protocol, TypeVar

from rotation.core.clock import StoreClock
from rotation.core.document import SecretDocument
from rotation.core.secret import Secret
from rotation.state.stages import CURRENT, PENDING
from rotation.state.store import Store
from rotation.state.versions import SecretState
from rotation.stores.memory import _Held
from rotation_testkit.fault_lab.in_memory.bind import memory_binding
from rotation_testkit.fault_lab.in_memory.clock import VirtualClock
from rotation_testkit.fault_lab.in_memory.effects import STORE_PORTS, Effect, Passage
from rotation_testkit.fault_lab.in_memory.secret import CountedSecret, GatedSecret, SealedStore
from rotation_testkit.fault_lab.matrix.worlds.account import FIRST, OTHER, USERNAME
from rotation_testkit.fault_lab.matrix.worlds.algorithm import Place, Saved

T = TypeVar("T")

CURRENT_ID = "00000000-0000-4000-8000-000000000000"
DOCUMENT = SecretDocument({"driver": "memory", "username": USERNAME, "password": FIRST.reveal(), "note": "kept"})
IN_TURNS = DOCUMENT.replaced(alternate_username=OTHER)
"""That of two accounts that take turns."""


class Backend(Place, Protocol):
    """One secret in a store, sealed and bound to its account. At first its version ``CURRENT_ID`` is current."""

    def begin(self, token: str) -> None:
        """Start a rotation as the store's service or job does."""
        ...

    def cancel(self, token: str) -> None:
        """Take the pending label from a version, as an operator who cancels a rotation does."""
        ...

    def store(self, passage: Passage, clock: StoreClock) -> Store:
        """Return the store as a fresh process makes it, with each call to the outside passing the gate.

        The dates of its answers set ``clock``, which is that process's own.
        """
        ...

    def state(self) -> SecretState:
        """Return the labels, read without going through the gate."""
        ...

    def value(self, version_id: str) -> Secret | None:
        """Return a version's password, read without going through the gate."""
        ...

    def stored(self) -> list[Secret]:
        """See ``Place``: the passwords of all labelled versions."""
        values = (self.value(version_id) for version_id in self.state().versions)
        return [value for value in values if value is not None]


class MemoryBackend(Backend):
    """``Backend`` of ``stores.memory``."""

    def __init__(self, clock: VirtualClock, document: SecretDocument = DOCUMENT) -> None:
        self._secret = _SavedSecret(now=clock.now)
        self._clock = clock
        self._secret.put(CURRENT_ID, document, CURRENT)
        self._secret.binding = memory_binding(document)

    def begin(self, token: str) -> None:
        """See ``Backend``."""
        self._secret.put(token, None, PENDING)

    def cancel(self, token: str) -> None:
        """See ``Backend``."""
        self._secret.detach(PENDING, token)

    def store(self, passage: Passage, clock: StoreClock) -> Store:
        """See ``Backend``."""
        return SealedStore(GatedSecret(self._secret, Dated(passage, self._clock, clock)))

    def state(self) -> SecretState:
        """See ``Backend``."""
        return self._secret.describe()

    def value(self, version_id: str) -> Secret | None:
        """See ``Backend``."""
        value = self._secret.read(version_id)
        return None if value is None else value.document.password

    def current(self) -> Secret | None:
        """See ``Backend``."""
        current = self._secret.describe().current_id
        return None if current is None else self.value(current)

    def save(self) -> Saved:
        """See ``Backend``."""
        return self._secret.save()

    def load(self, saved: Saved) -> None:
        """See ``Backend``."""
        self._secret.load(saved)

    def deliver(self, request: tuple[str, ...]) -> None:
        """See ``Backend``."""
        verb, *words = request
        if verb == "stage":
            self._secret.stage(words[0], SecretDocument.parse(words[1]), words[2])
        elif verb == "move":
            self._secret.move(words[0], source=words[1], target=words[2])
        else:
            {"attach": self._secret.attach, "detach": self._secret.detach}[verb](*words)


class _SavedSecret(CountedSecret):
    """A secret in memory whose state can be saved and loaded."""

    def __init__(self, *, now: Callable[[], float]) -> None:
        super().__init__(now=now)
        self._saved: Saved | None = None

    def _changed(self) -> None:
        self._saved = None

    def save(self) -> Saved:
        if self._saved is None:
            self._saved = tuple(
                (key, frozenset(held.labels), None if held.text is None else held.text.reveal(), held.created)
                for key, held in self._versions.items()
            )
        return self._saved

    def load(self, saved: Saved) -> None:
        if saved is self._saved:
            return
        self._saved = saved
        self._versions = {
            key: _Held(set(labels), None if text is None else Secret(text), created)
            for key, labels, text, created in saved
        }


class Dated:
    """A passage to a store, each of whose answers has a date."""

    def __init__(self, passage: Passage, store: VirtualClock, own: StoreClock) -> None:
        self._passage, self._store, self._own = passage, store, own

    def call(self, effect: Effect, call: Callable[[], T]) -> T:
        """Make the call, and hear the date of its answer."""
        answer = self._passage.call(effect, call)
        if effect.port in STORE_PORTS:
            self._own.heard(date_header(self._store), 0.0)
        return answer


def date_header(clock: VirtualClock) -> str:
    """Return the header ``Date`` of an answer that is given now."""
    return formatdate(clock.now(), usegmt=True)
