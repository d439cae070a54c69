"""Lockstep's own engine as one of the matrix's algorithms."""

from __future__ import annotations

from rotation.core.clock import Clock
from rotation.core.document import SecretDocument
from rotation.core.errors import Parked, RotationError
from rotation.drivers.guarded import Guarded
from rotation.engine.run import run
from rotation.engine.session import Session
from rotation.state.stages import PENDING
from rotation_testkit.fault_lab.in_memory.driver import MemoryAccount
from rotation_testkit.fault_lab.matrix.plan.faults import OURS, Port
from rotation_testkit.fault_lab.matrix.plan.gate import Effect, Gate
from rotation_testkit.fault_lab.matrix.plan.timeline import Timeline
from rotation_testkit.fault_lab.matrix.runs.invariants import broken_after_a_step
from rotation_testkit.fault_lab.matrix.worlds.algorithm import Saved
from rotation_testkit.fault_lab.matrix.worlds.driver_classes import shows_a_password
from rotation_testkit.fault_lab.matrix.worlds.rigs import Rig
from rotation_testkit.fault_lab.matrix.worlds.snapshot import STEPS, Seen
from rotation_testkit.fault_lab.matrix.worlds.world import World


class Lockstep:
    """The four steps over a rig.

    Attributes:
        token: of the running rotation.
        tokens: how many rotations were started.
        sent: every candidate that the vendor was sent or the store was given, with its token.
        told: whether an error of an invocation showed a password.
    """

    name = OURS
    steps = len(STEPS)
    queued = False

    def __init__(self, rig: Rig) -> None:
        self.place: Rig = rig
        self.token = ""
        self.tokens = 0
        self.sent: frozenset[tuple[str, str]] = frozenset()
        self.told = False
        self._seen: dict[Saved, Seen] = {}

    @property
    def seen(self) -> Seen:
        """What stands in the store now; the same states come again and again, so each is looked at once."""
        key = self.place.save()
        if key not in self._seen:
            self._seen[key] = Seen.of(self.place)
        return self._seen[key]

    def begin(self) -> None:
        """See ``Algorithm``."""
        self.tokens += 1
        self.token = f"{self.tokens:08d}-0000-4000-8000-0000{self.tokens:08d}"
        self.place.begin(self.token)

    def run(self, world: World, step: int) -> None:
        """See ``Algorithm``."""
        try:
            run(self.session(world), STEPS[step])
        except RotationError as error:
            reason = error.reason if isinstance(error, Parked) else ""
            self.told |= shows_a_password(f"{error} {error.describe()} {reason}")
            raise

    def session(self, world: World) -> Session:
        """Return what one invocation works with."""
        world.runs += 1
        clock, account, deadline = world.clock, world.account, world.deadline

        def time_left() -> float:
            return deadline - clock.now()

        def bind(document: SecretDocument) -> Guarded:
            return Guarded(
                spec=account.spec,
                driver=account.driver(world.gate),
                account=MemoryAccount(username=document.text("username")),
                username=document.text("username"),
                minimum=account.minimum,
                time_left=time_left,
            )

        return Session(
            store=self.place.store(world.gate, self.token),
            token=self.token,
            bind=bind,
            clock=GatedClock(clock, world.gate),
            time_left=time_left,
            # Unlike every other invocation's, but the same after runs that came here by other ways.
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

    def faults(self, world: World) -> list[str]:
        """See ``Algorithm``."""
        staged = self.seen.values.get(self.token)
        if staged is not None:
            self.sent |= {(self.token, staged)}
        return broken_after_a_step(self, self.seen, world)

    def parked(self) -> str | None:
        """See ``Algorithm``."""
        version = self.seen.state.versions.get(self.token)
        return None if version is None or version.parked is None else version.parked[0]

    def save(self) -> Saved:
        """See ``Algorithm``."""
        return (self.token, self.tokens, self.sent, self.told)

    def load(self, saved: Saved) -> None:
        """See ``Algorithm``."""
        self.token, self.tokens, self.sent, self.told = saved


class GatedClock(Clock):
    """The clock with each wait an effect."""

    def __init__(self, clock: Timeline, gate: Gate) -> None:
        self._clock = clock
        self._gate = gate

    def now(self) -> float:
        """Return epoch seconds."""
        return self._clock.now()

    def sleep(self, seconds: float) -> None:
        """Wait."""
        self._gate.call(Effect(port=Port.SLEEP, name=f"sleep {seconds:g}"), lambda: self._clock.sleep(seconds))
