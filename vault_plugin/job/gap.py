"""How long readers may have got a dead password: from right before the reset to the commit."""

from __future__ import annotations

from rotation.core.clock import Clock
from rotation.state.marks import Kind, Mark
from rotation.state.store import Store
from rotation.stores.wrapper import PassingStore


class GapStore(PassingStore):
    """Notes when the first reset may have been sent and when the new value was current.

    The vendor changes the password some time after the note, so this is never too short. A rotation that was begun by
    a run that died counts from that run's intent.

    Args:
        store: the secret.
        token: of this rotation.
        clock: measures.
    """

    def __init__(self, store: Store, token: str, *, clock: Clock) -> None:
        super().__init__(store)
        self._token, self._clock = token, clock
        version = store.describe().versions.get(token)
        self._sent = None if version is None else version.intent
        self._committed: float | None = None

    @property
    def seconds(self) -> float | None:
        """The gap; ``None`` while the rotation is not committed."""
        if self._sent is None or self._committed is None:
            return None
        return max(0.0, self._committed - self._sent)

    def mark(self, version_id: str, mark: Mark) -> None:
        """See ``ports.Store``."""
        super().mark(version_id, mark)
        if mark.kind is Kind.INTENT and version_id == self._token and self._sent is None:
            self._sent = self._clock.now()

    def promote(self, token: str, *, current_id: str | None) -> None:
        """See ``ports.Store``."""
        super().promote(token, current_id=current_id)
        self._committed = self._clock.now()
