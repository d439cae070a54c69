"""Rotate one secret of a KV version 2 engine, from its first step to its last, with the engine of the AWS function.

``KvRotation.run`` does this:

1. Take the journal's unfinished rotation under its own token, or begin a new one. Nothing but the journal beside the
   secret is needed to resume a rotation whose process died. Of two jobs that begin at the same moment, the first to
   write its candidate has begun, and the other one continues that rotation.
2. Run the four steps: createSecret, setSecret, testSecret, finishSecret. Each begins with what the step before has
   read and written; see ``each_step``.
3. After a failure that passes by itself, wait and begin at 1 again: 5 s, 10 s, 20 s, or until the error's
   ``not_before``. Give up after ``attempts``, or when the pause would be longer than a minute.

Readers get a working password at all times except between the vendor's change and the commit. That gap is measured.
Example: the intent is noted at 12:00:00, the vendor changes the password at 12:00:02, its answer is lost. The second
attempt, at 12:00:07, finds the candidate live and commits at 12:00:08. The gap is reported as 8 s: it counts from the
note before the change, so it is never too short.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field, replace
from functools import partial
from shlex import quote

from rotation.core.clock import Clock, steady
from rotation.core.document import SecretDocument, takes_turns
from rotation.core.errors import (
    AdminRejected,
    IdentityChanged,
    InternalError,
    NotYetVisible,
    Parked,
    RotationError,
)
from rotation.core.process import stop
from rotation.core.values import Step
from rotation.deployment.announcing.announcer import Announcer
from rotation.deployment.binder import Binder, kept
from rotation.deployment.deployment import Deployment
from rotation.deployment.open_session import countdown, open_session, until_written_down
from rotation.drivers.guarded import Guarded
from rotation.engine.outcome.gap import with_gap
from rotation.engine.result import Result
from rotation.engine.run import run
from rotation.state.lease import Claim
from rotation.state.store import Store, StoredValue
from rotation.state.versions import SecretState
from rotation.stores.aws.deadline import within
from rotation.stores.vault_kv import Kv, VaultKv, read_current
from rotation.stores.wrapper import PassingStore
from vault_plugin.job.preconditions import preconditions
from vault_plugin.job.schedule import Wishes

STEP_SECONDS = 120.0
"""Seconds for one step. A killed run's lease lasts as long, so this is as short as a function's time-out."""
ATTEMPTS = 3
_FIRST_PAUSE, _LONGEST_PAUSE = 5.0, 60.0
_IDENTITY = (
    "An identifying field was edited while a rotation ran. Undo the edit and run the rotation again; or, to keep the "
    "edit, give the rotation up with `lockstep vault cancel {path}` and start a new one."
)

WrapStore = Callable[[Store, Wishes], Store]
"""Wraps a secret's store before the engine gets it, for example with a mirror."""


@dataclass(frozen=True, slots=True, kw_only=True)
class JobContext:
    """What every rotation of a job uses.

    Attributes:
        kv: the mount, through a client that nothing else uses at the same time.
        deployment: what is allowed.
        clock: the job's clock.
        step_seconds: the time of one step.
        wrap_store: wraps each store; ``None`` leaves the stores as they are.
        admins: the documents of admin credentials by path, kept from one rotation to the next while all goes well.
    """

    kv: Kv
    deployment: Deployment
    clock: Clock
    step_seconds: float = STEP_SECONDS
    wrap_store: WrapStore | None = None
    admins: dict[str, SecretDocument] = field(default_factory=dict, repr=False)

    def wrapped(self, store: Store, wishes: Wishes) -> Store:
        """Return the store that the engine gets."""
        return store if self.wrap_store is None else self.wrap_store(store, wishes)


@dataclass(slots=True, kw_only=True)
class Rotated:
    """How the rotation of one secret went.

    Attributes:
        path: the secret's path in the mount.
        token: the rotation's token.
        resumed: whether an earlier run had begun the rotation.
        outcome: ``promoted``, ``already_done`` or the error's code.
        driver: the driver's code, once known.
        evidence: how the new password was proved.
        gap_seconds: how long readers may have got a dead password; ``None`` when nothing was committed, or where two
            accounts take turns, so that there was no gap.
        seconds: the time of the whole run.
        attempts: how often the four steps were begun.
        vendor_request_id: the id of the vendor's latest answer.
        dead_since: epoch seconds since when readers hold, or may hold, a dead password after a failure.
        unheard: the targets that have not taken an event, and why.
        committed: whether a new password became current, also where the rotation failed in part or after that.
        error: why the rotation failed.
    """

    path: str
    token: str = ""
    resumed: bool = False
    outcome: str = ""
    driver: str | None = None
    evidence: str | None = None
    gap_seconds: float | None = None
    seconds: float = 0.0
    attempts: int = 0
    vendor_request_id: str | None = None
    dead_since: float | None = None
    unheard: dict[str, str] = field(default_factory=dict)
    committed: bool = False
    error: RotationError | None = None

    @classmethod
    def failed(cls, path: str, error: RotationError) -> Rotated:
        """Return the report of a rotation that failed before its first step."""
        return cls(path=path, outcome=error.code, error=error)

    def describe(self) -> dict[str, object]:
        """Return the fields that ``--json`` and log lines show."""
        gap = self.gap_seconds
        return {
            "path": self.path,
            "token": self.token,
            "resumed": self.resumed,
            "outcome": self.outcome,
            "driver": self.driver,
            "evidence": self.evidence,
            "gap_ms": None if gap is None else round(gap * 1000),
            "duration_ms": round(self.seconds * 1000),
            "attempts": self.attempts,
            "vendor_request_id": self.vendor_request_id,
            "dead_since": self.dead_since,
            "unheard": self.unheard or None,
            "error": None if self.error is None else self.error.describe(),
        }


class GapStore(PassingStore):
    """A store that measures the gap: from the mark before the first reset to the commit.

    A rotation that a dead run began counts from that run's mark. Where two accounts take turns there is no gap.
    """

    def __init__(self, store: Store, token: str, state: SecretState, *, clock: Clock) -> None:
        super().__init__(store)
        self._token, self._clock = token, clock
        self._sent = state.version(token).intent
        self._in_turns = False
        self.seconds: float | None = None

    def read(self, version_id: str) -> StoredValue | None:
        """Read, and note whether two accounts take turns; see ``Store``."""
        value = super().read(version_id)
        self._in_turns |= value is not None and takes_turns(value.document)
        return value

    def acquire(self, token: str, state: SecretState, claim: Claim) -> SecretState:
        """Take the lease and note the time of the first intent; see ``Store``."""
        held = super().acquire(token, state, claim)
        if token == self._token and self._sent is None:
            self._sent = self._clock.now()
        return held

    def promote(self, token: str, *, current_id: str | None) -> None:
        """Promote and measure the gap; see ``Store``."""
        super().promote(token, current_id=current_id)
        if self._sent is not None and not self._in_turns:
            self.seconds = max(0.0, self._clock.now() - self._sent)


class StepStore(PassingStore):
    """A store for one step; the step before passes it the labels for its first look."""

    def __init__(self, store: Store, first: SecretState | None) -> None:
        super().__init__(store)
        self._first = first

    def describe(self) -> SecretState:
        """Return the labels that the step before passed on, once; see ``Store``."""
        first, self._first = self._first, None
        return self._store.describe() if first is None else first


def each_step(plain: VaultKv, store: Store) -> Iterator[tuple[Step, Store]]:
    """Yield the four steps, each with its store.

    A step's last action on the journal is a check-and-set, which proves that what the store remembers is up to date, so
    the next step begins with that. It relies on that only for another check-and-set, and reads the entries before it
    calls the vendor.

    Args:
        plain: the secret.
        store: the same, with whatever is wrapped around it.
    """
    for step in Step:
        yield step, StepStore(store, plain.remembered())


def is_behind(plain: VaultKv, token: str, error: RotationError) -> bool:
    """Return whether createSecret failed because another job began a rotation at the same time with another token."""
    return isinstance(error, NotYetVisible) and plain.unfinished() not in (None, token)


@dataclass(slots=True, kw_only=True)
class KvRotation:
    """The rotation of one secret.

    Attributes:
        context: what every rotation of the job uses.
        path: the secret's path in the mount.
        wishes: what the secret's custom metadata ask for.
        ordered: whether a human asked for this run; then neither schedule nor switch holds it back.
        spend: whether an operator lets it make one wrong login beyond the budget.
        on_step: called with the name and outcome of every step that has ended.
        token: of the latest attempt.
        committed: as in ``Rotated``.
    """

    context: JobContext
    path: str
    wishes: Wishes = field(default_factory=Wishes)
    ordered: bool = False
    spend: bool = False
    on_step: Callable[[str, str], None] = lambda step, outcome: None  # noqa: ARG005 - the default does nothing
    token: str = field(default="", init=False)
    committed: bool = field(default=False, init=False)

    def run(self, *, attempts: int = ATTEMPTS) -> Rotated:
        """Rotate, and try again after failures that pass by themselves. Never raise a ``RotationError``."""
        clock, machine = self.context.clock, steady(self.context.clock)
        started, done = machine.now(), Rotated(path=self.path)
        while True:
            done.error = self._tried(done)
            pause = _pause(done.error, done.attempts, clock.now())
            if done.error is None or pause is None or done.attempts >= attempts or self._is_over():
                break
            stop.pause(clock, pause)
            if stop.requested():
                break
        if done.error is not None:
            done.outcome = done.error.code
            self._say_whether_readers_suffer(done, done.error)
        done.seconds = machine.now() - started
        return done

    def _is_over(self) -> bool:
        """Return whether the failed rotation made new passwords current and ended: another would change them again."""
        if self.committed:
            with suppress(RotationError):
                return VaultKv(self.context.kv, self.path, clock=self.context.clock).unfinished() is None
        return False

    def _tried(self, done: Rotated) -> RotationError | None:
        """Try once. Where a credential of an earlier rotation is refused, it may have been replaced: try a new one."""
        admins = self.context.admins
        is_kept = bool(admins)
        error = self._guarded(done)
        if is_kept and isinstance(error, AdminRejected) and not self._is_over() and not stop.requested():
            admins.clear()
            error = self._guarded(done)
        if error is not None:
            admins.clear()
        else:
            admins.pop(self.path, None)  # an account with a secret of its own may be another's admin credential
        return error

    def _say_whether_readers_suffer(self, done: Rotated, error: RotationError) -> None:
        """Add to the report since when readers may hold a dead password: a reset was sent, and nothing committed."""
        with suppress(RotationError):  # The store cannot be asked, which the report says already.
            store = VaultKv(self.context.kv, self.path, clock=self.context.clock)
            done.error = with_gap(error, store.read, store.describe(), done.token)
        done.dead_since = done.error.dead_since if done.error else None

    def _guarded(self, done: Rotated) -> RotationError | None:
        done.attempts += 1
        try:
            self._attempt(done)
        except IdentityChanged as error:
            return error.with_hint(_IDENTITY.format(path=quote(self.path)))
        except RotationError as error:
            return error
        except Exception as foreign:  # noqa: BLE001 - its text may hold a value, so only its type gets out
            return InternalError.of(foreign)
        return None

    def _attempt(self, done: Rotated) -> None:
        context = self.context
        plain = VaultKv(context.kv, self.path, clock=context.clock)
        wrapped = context.wrapped(plain, self.wishes)
        fresh = str(uuid.uuid4())
        done.token = self.token = plain.begin(fresh)
        done.resumed = done.resumed or (done.token != fresh and done.attempts == 1)
        state = plain.remembered() or plain.describe()
        for each in preconditions(context.kv, self.path, wrapped):
            each.require()
        store = GapStore(wrapped, done.token, state, clock=context.clock)
        fetch = kept(context.admins, partial(read_current, context.kv), context.clock.now)
        for step, handed in each_step(plain, store):
            try:
                result = self._step(handed, step, done, fetch)
            except RotationError as error:
                if step is Step.CREATE and is_behind(plain, done.token, error):
                    self._attempt(done)
                    return
                self.on_step(step.value, error.code)
                raise
            self.on_step(step.value, result.outcome)
        done.outcome, done.gap_seconds = result.outcome, store.seconds
        done.evidence = result.evidence.name if result.evidence else None

    def _step(self, store: Store, step: Step, done: Rotated, fetch: Callable[[str], SecretDocument]) -> Result:
        context = self.context
        binder = Binder(
            deployment=context.deployment,
            fetch=fetch,
            clock=context.clock,
            time_left=countdown(context.step_seconds, steady(context.clock).now),
        )
        announcer = Announcer.of(binder, lambda: self.path)
        session = open_session(
            store,
            binder,
            token=done.token,
            narrow=lambda bound: wished(bound, self.wishes, ordered=self.ordered),
            ordered=self.ordered,
            announce=announcer,
        )
        session = replace(session, spend=self.spend)
        try:
            if step in (Step.CREATE, Step.SET):
                stop.refuse_new(step.value)
            with within(until_written_down(session.time_left)):  # of AWS, where the mirror is there
                return run(session, step)
        finally:
            done.driver = binder.driver or done.driver
            done.vendor_request_id = binder.vendor_request_id or done.vendor_request_id
            done.unheard |= announcer.unheard
            self.committed |= session.memory.committed
            done.committed = self.committed


def wished(bound: Guarded, wishes: Wishes, *, ordered: bool) -> Guarded:
    """Return the account with the window that the secret's custom metadata ask for.

    Args:
        bound: the account.
        wishes: what the custom metadata ask for.
        ordered: whether a human asked for this run; then the schedule's window does not hold.
    """
    return replace(bound, window=wishes.window) if wishes.window.spans and not ordered else bound


def _pause(error: RotationError | None, attempts: int, now: float) -> float | None:
    """Return how long to wait before another attempt; ``None`` if this run makes none."""
    if error is None or not error.retryable or isinstance(error, Parked):
        return None
    pause = max(_FIRST_PAUSE * 2.0 ** (attempts - 1), (error.not_before or now) - now)
    return pause if pause <= _LONGEST_PAUSE else None
