"""Lockstep's own engine as one of the matrix's algorithms."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TextIO, cast

from rotation.core.clock import Clock
from rotation.core.document import SecretDocument
from rotation.core.errors import Parked, RotationError
from rotation.core.event import Event, EventKind
from rotation.core.process import stop
from rotation.core.process.output import write_line
from rotation.core.values import Step
from rotation.deployment.announcing.announcer import Announcer
from rotation.drivers.guarded import Guarded
from rotation.engine.run import run
from rotation.engine.session import Session
from rotation.state.stages import PENDING
from rotation_testkit.fault_lab.in_memory.bind import MemoryBind, memory_account
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
        leaked: whether an error, an event or a line of an invocation showed a password.
        heard: tokens of commits that the target of the events has taken.
        holder: the name of the latest run.
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
        self.heard: frozenset[str] = frozenset()
        self.holder = ""
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
        """See ``Algorithm``: a step as a job runs it, with a line about its end."""
        name = STEPS[step]
        try:
            if name in (Step.CREATE, Step.SET):
                stop.refuse_new(name.value)
            done = run(self.session(world), name)
        except RotationError as error:
            reason = error.reason if isinstance(error, Parked) else ""
            self.leaked |= shows_a_password(f"{error} {error.describe()} {reason}")
            self._write(world, {"step": name.value, **error.describe()})
            raise
        self._write(world, {"step": name.value, "outcome": done.outcome})

    def _write(self, world: Run, fields: dict[str, object]) -> None:
        write_line(fields, cast("TextIO", _Screen(world.gate, self)))

    def _announcer(self, world: Run, clock: Clock) -> Announcer:
        def send(event: Event, body: bytes) -> None:
            effect = Effect(port=Port.WRITE, verb="announce", target=event.kind.value)
            world.gate.call(effect, lambda: self._hear(event, body))

        return Announcer(targets={"target": send}, secret=lambda: "matrix", driver=lambda: "memory", clock=clock)

    def _hear(self, event: Event, body: bytes) -> None:
        self.leaked |= shows_a_password(body.decode())
        if event.kind is EventKind.COMMITTED:
            self.heard |= {str(event.token)}

    def session(self, world: Run) -> Session:
        """Return what one invocation works with."""
        world.runs += 1
        machine, account, deadline = world.machine, world.account, world.deadline
        own = machine.own_clock()

        def time_left() -> float:
            return machine.time_left(deadline)

        def bind(document: SecretDocument) -> Guarded:
            return Guarded(
                spec=account.spec,
                driver=account.driver(world.gate),
                account=memory_account(document),
                username=document.text("username"),
                minimum=account.minimum,
                time_left=time_left,
                logins=account.logins(world.gate),
            )

        # Unique among invocations, but equal in runs that came to the same state in different ways.
        self.holder = f"{self.tokens:x}{world.attempt:x}{world.step:x}{world.runs:02x}"
        store = self.place.store(world.gate, own)
        return Session(
            store=store,
            token=self.token,
            bind=MemoryBind(account.spec, store, bind),
            clock=GatedClock(own, world.gate),
            time_left=time_left,
            early=self.early,
            holder=self.holder,
            announce=self._announcer(world, own),
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
        return (self.token, self.tokens, self.sent, self.leaked, self.heard)

    def load(self, saved: Saved) -> None:
        """See ``Algorithm``."""
        self.token, self.tokens, self.sent, self.leaked, self.heard = saved


class GatedClock(Clock):
    """The clock with each wait an effect."""

    def __init__(self, clock: Clock, passage: Passage) -> None:
        self._clock = clock
        self._passage = passage

    def now(self) -> float:
        """Return epoch seconds."""
        return self._clock.now()

    def sleep(self, seconds: float) -> None:
        """Wait."""
        effect = Effect(port=Port.SLEEP, verb="sleep", target=f"{seconds:g}")
        self._passage.call(effect, lambda: self._clock.sleep(seconds))


@dataclass(frozen=True, slots=True)
class _Screen:
    """Where the lines of a job go, with each line an effect."""

    passage: Passage
    ours: Lockstep

    def write(self, text: str) -> int:
        """Take a line."""
        return self.passage.call(Effect(port=Port.WRITE, verb="write", target="line"), lambda: self._take(text))

    def _take(self, text: str) -> int:
        self.ours.leaked |= shows_a_password(text)
        return len(text)

    def flush(self) -> None:
        """Do nothing: a line is there once it is written."""
