"""What the steps share: the secret as seen in this run, the bound account, and until when to wait.

The steps for one account take an ``AccountSession``. Where the account has a secret of its own, it is a ``Session``,
which also holds the lease and looks after the labels. For one account of a batch the batch does both.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext, suppress
from dataclasses import dataclass, field
from typing import Protocol

from rotation.core.clock import Clock
from rotation.core.document import SecretDocument
from rotation.core.errors import (
    ConfigError,
    IdentityChanged,
    InProgress,
    NotYetVisible,
    SecretDocumentError,
    StoreError,
)
from rotation.drivers.guarded import RESERVE_SECONDS, Guarded
from rotation.state import marks
from rotation.state.label_quota import make_room
from rotation.state.lease import Claim
from rotation.state.store import Notes, Store, StoredValue, replace_marks
from rotation.state.versions import SecretState


class Bind(Protocol):
    """Turns an account document into a guarded driver, by the deployment's rules."""

    def __call__(self, document: SecretDocument) -> Guarded:
        """Bind.

        Raises:
            RotationError: the document or the deployment is wrong; nothing was called at the vendor.
        """
        ...


@dataclass(slots=True)
class Memory:
    """What one invocation remembers.

    Attributes:
        values: what was read, by version id; a version's value never changes.
        sends: resets sent.
    """

    values: dict[str, StoredValue] = field(default_factory=dict)
    sends: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountSession:
    """One invocation for one account and token.

    Attributes:
        ordered: whether a human asked for this run, so that it goes on although rotation is switched off.
        memory: what this invocation has read and sent; of its own for each account of a batch.
    """

    store: Notes
    token: str
    bind: Bind
    clock: Clock
    time_left: Callable[[], float]
    holder: str
    ordered: bool = False
    memory: Memory = field(default_factory=Memory, repr=False)

    def lease(self, state: SecretState) -> AbstractContextManager[SecretState]:
        """Return a context in which no other run acts at the vendor, with the labels as they are then.

        A batch holds the lease for all its accounts.
        """
        return nullcontext(state)

    def make_room(self, state: SecretState, bound: Guarded) -> None:
        """Make sure of this rotation's labels. A batch does so for all its accounts together."""

    def read(self, version_id: str) -> StoredValue | None:
        """As ``Notes.read``, but asks only once for a value that is there."""
        value = self.memory.values.get(version_id) or self.store.read(version_id)
        if value is not None:
            self.memory.values[version_id] = value
        return value

    def let_it_apply(self, intent: float | None, bound: Guarded) -> None:
        """Wait until the vendor has had its declared time, so that a probe never blames a password that is under way.

        Raises:
            InProgress: the time left does not suffice.
        """
        # An intent mark holds whole seconds, so it may be almost one earlier than the reset.
        due = 0.0 if intent is None else intent + 1 + bound.spec.propagation_seconds
        pause = due - self.clock.now()
        if pause <= 0 or not bound.spec.propagation_seconds:
            return
        if self.time_left() < pause + bound.spec.call_seconds + RESERVE_SECONDS:
            raise InProgress("the vendor may still be applying the reset", not_before=due)
        self.clock.sleep(pause)

    def current(self, state: SecretState) -> StoredValue:
        """Return the current value.

        Raises:
            SecretDocumentError: there is none yet.
        """
        value = self.read(state.current_id) if state.current_id else None
        if value is None:
            raise SecretDocumentError(
                "the secret has no current value yet",
                hint="Put the account document, with the password that works now, before rotating.",
            )
        return value

    def candidate(self) -> StoredValue:
        """Return the candidate.

        Raises:
            NotYetVisible: it was staged, but cannot be read (yet).
        """
        value = self.read(self.token)
        if value is None:
            raise NotYetVisible("the candidate is staged but not readable yet")
        return value

    def of_the_same(self, version_id: str, bound: Guarded) -> StoredValue | None:
        """Return a version's value if it is about that account; whatever else a version may hold, it is not ours."""
        try:
            value = self.read(version_id)
            other = None if value is None else self.bind(value.document)
        except (ConfigError, SecretDocumentError):
            return None
        same = other is not None and other.spec.code == bound.spec.code and identity(other) == identity(bound)
        return value if same else None

    def distrust(self, state: SecretState) -> SecretState:
        """Take back what was proved about the candidate, where somebody has put another current value since.

        That person may have set the account's password, too, so that the candidate must be sent, or proved, again.
        """
        version = state.version(self.token)
        proofs = version.all(marks.Kind.VERIFIED) + version.all(marks.Kind.ACCEPTED)
        noted = [max(marks.charged(mark)) for mark in proofs]  # the only moment that each names
        if not noted or int(self.current(state).created) <= max(noted):
            return state
        replace_marks(self.store, self.token, (), proofs)
        return self.store.describe()

    def bind_pair(self, current: SecretDocument, candidate: SecretDocument) -> Guarded:
        """Bind the candidate's account, after making sure that it is the current one's (confused deputy).

        Raises:
            IdentityChanged: names the fields that differ.
        """
        bound, before = self.bind(candidate), self.bind(current)
        if bound.spec.code != before.spec.code:
            raise IdentityChanged("current and candidate name different drivers")
        now, then = identity(bound), identity(before)
        differ = sorted(name for name in now if now[name] != then[name])
        if differ:
            raise IdentityChanged(f"current and candidate differ in {', '.join(differ)}")
        return bound


@dataclass(frozen=True, slots=True, kw_only=True)
class Session(AccountSession):
    """One invocation for one secret and token."""

    store: Store

    @contextmanager
    def lease(self, state: SecretState) -> Iterator[SecretState]:
        """Hold the secret's lease.

        Raises:
            InProgress: another run holds it.
        """
        now = self.clock.now()
        held = self.store.acquire(self.token, state, Claim(self.holder, now, now + self.time_left()))
        try:
            yield held
        finally:
            with suppress(StoreError):  # It expires by itself, and the step's own outcome matters more.
                self.store.yield_lease(self.token, holder=self.holder)

    def make_room(self, state: SecretState, bound: Guarded) -> None:
        """Make sure of this rotation's labels; see ``label_quota.make_room``."""
        make_room(self.store, state, self.token, self.clock.now(), bound.lockout.window_seconds)


def identity(bound: Guarded) -> Mapping[str, object]:
    """Return the fields that tell an account from every other."""
    names = set(bound.account.__dataclass_fields__) - bound.spec.not_identity
    return {name: getattr(bound.account, name) for name in names} | {"username": bound.username}
