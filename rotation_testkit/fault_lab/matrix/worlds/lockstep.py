"""Lockstep's own engine as one of the matrix's algorithms."""

from __future__ import annotations

from rotation.core.clock import Clock
from rotation.core.document import SecretDocument
from rotation.core.errors import Parked, RotationError
from rotation.drivers.guarded import Guarded
from rotation.engine.run import run
from rotation.engine.session import Session
from rotation.state.stages import PENDING
from rotation_testkit.fault_lab.in_memory.bind import MemoryBind, memory_account
from rotation_testkit.fault_lab.in_memory.clock import VirtualClock
from rotation_testkit.fault_lab.in_memory.effects import Effect, Passage, Port
from rotation_testkit.fault_lab.matrix.plan import OURS
from rotation_testkit.fault_lab.matrix.worlds.account import shows_a_password
from rotation_testkit.fault_lab.matrix.worlds.algorithm import Run, Saved
from rotation_testkit.fault_lab.matrix.worlds.backends import Backend
from rotation_testkit.fault_lab.matrix.worlds.snapshot import STEPS, Snapshot


class Lockstep:
    """The four steps over a store's backend.

    Attributes:
        token: of the running rotation.
        tokens: how many rotations were started.
        sent: every candidate that was staged or sent, with its token.
        leaked: whether an error of an invocation showed a password.
        early: whether a candidate becomes current in the invocation that proved it.
    """

    name = OURS
    steps = len(STEPS)
    queued = False

    def __init__(self, backend: Backend, *, early: bool = False) -> None:
        self.early = early
        self.place: Backend = backend
        self.token = ""
        self.tokens = 0
        self.sent: frozenset[tuple[str, str]] = frozenset()
        self.leaked = False
        self._seen: dict[Saved, Snapshot] = {}

    @property
    def seen(self) -> Snapshot:
        """What stands in the store now; each of the states, which recur, is looked at once."""
        key = self.place.save()
        if key not in self._seen:
            self._seen[key] = Snapshot.of(self.place)
        return self._seen[key]

    def begin(self) -> None:
        """See ``Algorithm``."""
        self.tokens += 1
        self.token = f"{self.tokens:08d}-0000-4000-8000-0000{self.tokens:08d}"
        self.place.begin(self.token)

    def run(self, world: Run, step: int) -> None:
        """See ``Algorithm``."""
        try:
            run(self.session(world), STEPS[step])
        except RotationError as error:
            reason = error.reason if isinstance(error, Parked) else ""
            self.leaked |= shows_a_password(f"{error} {error.describe()} {reason}")
            raise

    def session(self, world: Run) -> Session:
        """Return what one invocation works with."""
        world.runs += 1
        clock, account, deadline = world.clock, world.account, world.deadline

        def time_left() -> float:
            return deadline - clock.now()

        def bind(document: SecretDocument) -> Guarded:
            return Guarded(
                spec=account.spec,
                driver=account.driver(world.gate),
                account=memory_account(document),
                username=document.text("username"),
                minimum=account.minimum,
                time_left=time_left,
            )

        store = self.place.store(world.gate)
        return Session(
            store=store,
            token=self.token,
            bind=MemoryBind(account.spec, store, bind),
            clock=GatedClock(clock, world.gate),
            time_left=time_left,
            # Unique among invocations, but equal in runs that came to the same state in different ways.
            early=self.early,
            holder=f"{self.tokens:x}{world.attempt:x}{world.step:x}{world.runs:02x}",
        )

    def cancel(self) -> None:
        """See ``Algorithm``."""
        self.place.cancel(self.token)

    def note(self, effect: Effect) -> None:
        """See ``Algorithm``."""
        if effect.port is Port.RESET:
            self.sent |= {(self.token, effect.late()[2])}

    def over(self) -> bool:
        """See ``Algorithm``: the candidate was released, and the store takes a new rotation."""
        state = self.seen.state
        return state.current_id != self.token and state.holder(PENDING) is None

    def note_staged(self) -> None:
        """Note the candidate that stands under the running token."""
        staged = self.seen.values.get(self.token)
        if staged is not None:
            self.sent |= {(self.token, staged)}

    def parked(self) -> str | None:
        """See ``Algorithm``."""
        version = self.seen.state.versions.get(self.token)
        return None if version is None or version.parked is None else version.parked[0]

    def save(self) -> Saved:
        """See ``Algorithm``."""
        return (self.token, self.tokens, self.sent, self.leaked)

    def load(self, saved: Saved) -> None:
        """See ``Algorithm``."""
        self.token, self.tokens, self.sent, self.leaked = saved


class GatedClock(Clock):
    """The clock with each wait an effect."""

    def __init__(self, clock: VirtualClock, passage: Passage) -> None:
        self._clock = clock
        self._passage = passage

    def now(self) -> float:
        """Return epoch seconds."""
        return self._clock.now()

    def sleep(self, seconds: float) -> None:
        """Wait."""
        effect = Effect(port=Port.SLEEP, verb="sleep", target=f"{seconds:g}")
        self._passage.call(effect, lambda: self._clock.sleep(seconds))
