"""What the steps share: the secret as seen in this run, the bound account, and until when to wait.

The steps for one account take an ``AccountSession``. Where the account has a secret of its own, it is a ``Session``,
which also holds the lease and looks after the labels. For one account of a batch the batch does both.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext, suppress
from dataclasses import dataclass, field, replace
from typing import Protocol

from rotation.core.clock import Clock
from rotation.core.document import SecretDocument, takes_turns, turned
from rotation.core.errors import (
    CandidateForeign,
    ConfigError,
    IdentityChanged,
    InProgress,
    NotEnoughTime,
    NotYetVisible,
    SecretDocumentError,
    StoreError,
)
from rotation.core.event import Announce, announce_nothing
from rotation.core.values import Evidence
from rotation.drivers.guarded import RESERVE_SECONDS, Guarded
from rotation.engine.identity.named import Named, identity
from rotation.state import marks
from rotation.state.binding import of_batch
from rotation.state.label_quota import make_room
from rotation.state.lease import Claim
from rotation.state.store import Notes, Store, StoredValue, replace_marks
from rotation.state.versions import SecretState, Version


class Bind(Protocol):
    """Turns an account document into a guarded driver, by the deployment's rules."""

    def __call__(self, document: SecretDocument, batch: Sequence[SecretDocument] = ()) -> Guarded:
        """Bind.

        Args:
            document: one account.
            batch: the accounts of the batch that it belongs to, where its members are not known yet.

        Raises:
            RotationError: the document or the deployment is wrong, or the secret is bound to another account; nothing
                was called at the vendor.
        """
        ...

    def name(self, document: SecretDocument) -> Named:
        """Return the account that a document names, whatever the secret is bound to; only to compare accounts.

        Raises:
            ConfigError: the deployment is wrong.
            SecretDocumentError: the document is.
        """
        ...


@dataclass(slots=True)
class Memory:
    """What one invocation remembers.

    Attributes:
        values: what was read, by version id; a version's value never changes.
        sends: resets sent.
        sent_at: epoch of the latest one.
        open: whether one of them may have been applied, and no proof shows it yet.
        proved: how the candidate was proved.
        promoted: whether the candidate was made current.
        committed: whether any version was: of a batch also one of the proved accounts alone.
        switched: whether a machine had to be switched for the reset.
        task: the vendor's task that is followed, if it has not ended.
        leased: whether this run holds the lease.
        disproved: whether a login after the reset was rejected.
        unnoted: whether a wrong login could not be written down.
        put_off: whether this run is counted as one that the vendor put off.
        overspent: whether a wrong login was made; an operator allows no second one beyond the budget.
        accounts: of a batch, what each account's run remembers.
    """

    values: dict[str, StoredValue] = field(default_factory=dict)
    sends: int = 0
    sent_at: float | None = None
    open: bool = False
    proved: Evidence | None = None
    promoted: bool = False
    committed: bool = False
    switched: bool = False
    task: str | None = None
    leased: bool = False
    disproved: bool = False
    unnoted: bool = False
    put_off: bool = False
    overspent: bool = False
    accounts: dict[int, Memory] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountSession:
    """One invocation for one account and token.

    Attributes:
        ordered: whether a human asked for this run, so that it continues although rotation is switched off.
        spend: whether an operator lets it make one wrong login beyond the budget.
        memory: what this invocation has read and sent; of its own for each account of a batch.
    """

    store: Notes
    token: str
    bind: Bind
    clock: Clock
    time_left: Callable[[], float]
    holder: str
    ordered: bool = False
    spend: bool = False
    memory: Memory = field(default_factory=Memory, repr=False)

    @property
    def may_overspend(self) -> bool:
        """Whether the wrong login beyond the budget, which an operator allowed, is still to be made."""
        return self.spend and not self.memory.overspent

    def lease(self, state: SecretState) -> AbstractContextManager[SecretState]:
        """Return a context in which no other run acts at the vendor, with the labels as they are then.

        A batch holds the lease for all its accounts.
        """
        return nullcontext(state)

    def withdraw(self) -> None:
        """Take this run's intent away before the candidate is released. A batch does so for all its accounts."""

    def make_room(self, state: SecretState, bound: Guarded) -> None:
        """Make sure of this rotation's labels. A batch does so for all its accounts together."""

    def read(self, version_id: str) -> StoredValue | None:
        """As ``Notes.read``, but asks only once for a value that is there."""
        value = self.memory.values.get(version_id) or self.store.read(version_id)
        if value is not None:
            self.memory.values[version_id] = value
        return value

    def let_it_apply(self, version: Version, bound: Guarded) -> None:
        """Wait until the vendor's declared time has passed, so that no login fails because the reset is unfinished.

        Raises:
            InProgress: the time left does not suffice.
        """
        sent = self.memory.sent_at
        if sent is None:
            sent = max((each.sent_by for each in version.intents_of_others(self.holder)), default=None)
        # A mark holds whole seconds, so it may be almost one earlier than the reset.
        due = 0.0 if sent is None else sent + 1 + bound.spec.propagation_seconds
        pause = due - self.clock.now()
        if pause <= 0 or not bound.spec.propagation_seconds:
            return
        if self.time_left() < pause + bound.spec.call_seconds + RESERVE_SECONDS:
            raise InProgress("the vendor may still be applying the reset", not_before=due)
        self.clock.sleep(pause)

    def prove(self, evidence: Evidence) -> None:
        """Write down how the candidate was proved."""
        self.store.prove(self.token, evidence)
        self.memory.proved, self.memory.open = evidence, False

    def disprove(self, version: Version) -> None:
        """Forget what says that the candidate is live, since a login with it was rejected."""
        self.memory.disproved = True
        replace_marks(self.store, self.token, (), version.all(marks.Kind.PROOF) + version.all(marks.Kind.ACCEPTED))

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
            CandidateForeign: it was not made by Lockstep.
        """
        value = self.read(self.token)
        if value is None:
            raise NotYetVisible("the candidate is staged but not readable yet")
        return genuine(value)

    def of_the_same(self, state: SecretState, version_id: str, bound: Guarded) -> StoredValue | None:
        """Return a version's value if it is about that account, else ``None``, as for a candidate that is foreign."""
        try:
            value = self.read(version_id)
            if value is None or (not state.was_put(version_id) and value.is_foreign()):
                return None
            return value if self.is_of(bound, value.document) else None
        except (ConfigError, SecretDocumentError):
            return None

    def is_of(self, bound: Guarded, document: SecretDocument) -> bool:
        """Return whether a document names that account.

        Raises:
            ConfigError: the deployment is wrong.
            SecretDocumentError: the document is.
        """
        other = self.bind.name(document)
        return other.spec.code == bound.spec.code and identity(other) == identity(bound)

    def bind_pair(self, current: SecretDocument, candidate: SecretDocument) -> Guarded:
        """Bind the candidate's account, after making sure that it is the current one's (confused deputy).

        Of two accounts that take turns, it must be the one that current does not name first.

        Raises:
            IdentityChanged: names the fields that differ.
        """
        bound, due = self.bind(candidate), self.bind(turned(current))
        if bound.spec.code != due.spec.code:
            raise IdentityChanged("current and candidate name different drivers")
        _require_equal(identity(bound), identity(due))
        if takes_turns(current) or takes_turns(candidate):
            _require_equal(identity(self.bind.name(turned(candidate))), identity(self.bind.name(current)))
        return bound


def _require_equal(now: Mapping[str, object], due: Mapping[str, object]) -> None:
    differ = sorted(name for name in now if now[name] != due[name])
    if differ:
        raise IdentityChanged(f"current and candidate differ in {', '.join(differ)}")


def genuine(candidate: StoredValue) -> StoredValue:
    """Return a candidate.

    Raises:
        CandidateForeign: it was not made by Lockstep, so that its password must not be used.
    """
    if candidate.is_foreign():
        raise CandidateForeign(f"Lockstep did not make the candidate under {candidate.version_id}")
    return candidate


@dataclass(frozen=True, slots=True, kw_only=True)
class Session(AccountSession):
    """One invocation for one secret and token.

    Attributes:
        early: whether a candidate becomes current in the invocation that proved it.
        identify: binds accounts without their admin credentials, where they are only compared; ``bind`` if ``None``.
        announce: announces what happens to the secret.
    """

    store: Store
    early: bool = False
    identify: Bind | None = None
    announce: Announce = announce_nothing

    def to_commit(self) -> Session:
        """Return this session for a proved candidate: nothing is asked at the vendor and no admin key read."""
        return self if self.identify is None else replace(self, bind=self.identify)

    def claim(self) -> Claim:
        """Return what this run claims the secret's lease with.

        Raises:
            NotEnoughTime: no time is left, so that the lease would be over when it begins, and bind no other run.
        """
        now, left = self.clock.now(), self.time_left()
        if left <= 0:
            raise NotEnoughTime("no time is left in this run to act at the vendor")
        return Claim(self.holder, now, now + left)

    @contextmanager
    def lease(self, state: SecretState) -> Iterator[SecretState]:
        """Hold the secret's lease.

        Raises:
            InProgress: another run holds it.
            NotEnoughTime: as ``claim``.
        """
        held = self.store.acquire(self.token, state, self.claim())
        self.memory.leased = True
        try:
            yield held
        finally:
            self.memory.leased = False
            with suppress(StoreError):  # It expires by itself, and the step's own outcome matters more.
                self._give_back()

    def _give_back(self) -> None:
        """End the lease. If a wrong login could not be written down, the intent stays and counts as one."""
        memory = self.memory
        if memory.task is not None:
            self.store.mark(self.token, marks.task(memory.task))
        if memory.unnoted:
            return
        if memory.open or memory.proved is None:
            self.store.yield_lease(self.token, holder=self.holder, sent=memory.sent_at if memory.open else None)
        else:
            self.store.end(self.token, holder=self.holder)

    def withdraw(self) -> None:
        """Take this run's intent away before the candidate is released: nothing was applied."""
        self.store.yield_lease(self.token, holder=self.holder)

    def make_room(self, state: SecretState, bound: Guarded) -> None:
        """Make sure of this rotation's labels; see ``label_quota.make_room``."""
        make_room(self.store, state, self.token, self.clock.now(), bound.lockout.counts_seconds)


def record_binding(session: Session, bounds: Sequence[Guarded]) -> str | None:
    """Bind the secret to the accounts that were proved and have become current, where nothing binds it yet.

    Returns:
        ``recorded``, or the error's code: the rotation is done, so a binding that cannot be written does not fail it.
    """
    found = [bound.enrols for bound in bounds if bound.enrols is not None]
    if not found:
        return None
    try:
        session.store.enroll(of_batch(found).text())
    except StoreError as error:
        return error.code
    return "recorded"
