"""One account, its secret and the service that rotates it."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from rotation import engine
from rotation.errors import RotationError
from rotation.guard import DEFAULT_LOCKOUT, Guarded
from rotation.lease import Claim
from rotation.machine import CURRENT, PENDING
from rotation.marks import SecretState
from rotation.model import DriverSpec, Lockout, PowerWish, Step, Task
from rotation.secret import Secret, SecretDocument
from rotation.session import Result, Session
from rotation.stores.memory import MemoryStore
from rotation.testing.fleet.gate import Action, Gate
from rotation.testing.fleet.kinds import KINDS, Kind
from rotation.testing.fleet.vault import FleetSecret, Gated
from rotation.testing.fleet.vendor import FleetVendor
from rotation.testing.fleet.watch import Watch
from rotation.testing.fuse import Crash
from rotation.testing.memory_driver import MemoryAccount, MemoryDriver, MemoryLoginDriver, counted, memory_spec
from rotation.testing.scenario import FUNCTION_SECONDS, VirtualClock

if TYPE_CHECKING:
    from rotation.testing.fleet.world import Fleet

DONE = "done"
NOTHING = "nothing to do"


@dataclass(slots=True)
class _SkewedClock:
    clock: VirtualClock
    skew: float

    def now(self) -> float:
        return self.clock.now() + self.skew

    def sleep(self, seconds: float) -> None:
        self.clock.sleep(seconds)


class _Store(MemoryStore):
    """Tells the watch who holds the lease."""

    def __init__(self, secret: FleetSecret, gate: Gate) -> None:
        super().__init__(Gated(gate, secret))  # type: ignore[arg-type]  # has every operation that a store needs
        self._gate = gate

    def acquire(self, token: str, state: SecretState, claim: Claim) -> None:
        super().acquire(token, state, claim)
        self._gate.member.watch.acting.append(self._gate)

    def yield_lease(self, token: str, *, holder: str) -> None:
        if self._gate in self._gate.member.watch.acting:
            self._gate.member.watch.acting.remove(self._gate)
        super().yield_lease(token, holder=holder)


@dataclass(slots=True)
class Member:
    """One account of a fleet.

    Attributes:
        fleet: what it belongs to.
        name: in traces.
        kind_name: its class, one of ``KINDS``.
        token: of the rotation that the service has in progress.
        tokens: every token ever used, the oldest first.
        vendor_down_until: epoch until which the vendor does not answer; ``store_down_until`` likewise.
        slow_next: seconds after which the vendor works on the change that is being sent.
        touched: whether an outsider did anything, ever.
        left_off: whether he did it while the machine was off.
        failure: of the last attempt.
    """

    fleet: Fleet
    name: str
    kind_name: str
    token: str | None = None
    tokens: list[str] = field(default_factory=list)
    vendor_down_until: float = 0.0
    store_down_until: float = 0.0
    slow_next: float | None = None
    touched: bool = False
    left_off: bool = False
    failure: RotationError | None = None
    clock: VirtualClock = field(init=False)
    kind: Kind = field(init=False)
    vendor: FleetVendor = field(init=False)
    secret: FleetSecret = field(init=False)
    watch: Watch = field(init=False)
    spec: DriverSpec = field(init=False)
    disturbed: bool = False
    _numbers: itertools.count[int] = field(default_factory=itertools.count)
    _holders: itertools.count[int] = field(default_factory=itertools.count)

    def __post_init__(self) -> None:
        self.clock = self.fleet.clock
        self.kind = KINDS[self.kind_name]
        self.watch = Watch(self)
        self.vendor = self.kind.make(self.clock.now, Secret("Initial0Initial0Init"))
        self.vendor.ours = self.vendor.initial
        self.vendor.on_wrong = self.watch.wrong_login
        self.secret = FleetSecret(now=self.clock.now, watch=self.watch)
        document = {"driver": "memory", "username": self.vendor.username, "password": self.vendor.initial.reveal()}
        self.secret.put(self.next_id("first"), SecretDocument(document), CURRENT)
        self.describe_vendor()

    @property
    def lockout(self) -> Lockout:
        """The lock-out rule that the engine goes by."""
        return self.spec.lockout or DEFAULT_LOCKOUT

    def describe_vendor(self) -> None:
        """Make the driver's record, which changes with the vendor's policy."""
        self.spec = memory_spec(self.vendor, oracle=self.kind.oracle, propagation_seconds=self.kind.propagation_seconds)

    def next_id(self, what: str) -> str:
        """Return a version id that was never used."""
        return f"{what}-{next(self._numbers):027d}"

    def tell(self, text: str) -> None:
        """Add a line to the trace."""
        if self.fleet.trace is not None:
            self.fleet.trace.append(f"{self.clock.now() - self.fleet.started:.0f} {self.name} {text}")

    def attempt(
        self, faults: Sequence[Action] = (), *, skew: float = 0.0, turn: Callable[[], None] | None = None
    ) -> str:
        """Rotate as the service does: go on with the rotation in progress, from its first step, or begin one.

        Returns:
            ``done``, ``nothing to do`` where the service would not even call, or the code of the failure.
        """
        token = self._continued() or self.begun()
        if token is None:
            return NOTHING
        wrong_before, first = len(self.watch.wrong), token not in self.watch.sent
        clean = first and not self.disturbed and not faults and turn is None and not self.vendor.late
        seen: list[str] = []
        for step in Step:
            outcome = self.invoke(step, token, faults, skew=skew, turn=turn, seen=seen)
            if outcome != DONE:
                self.disturbed = True
                return outcome
        if self.token == token:
            self.token = None
        if clean and not skew and not self.touched and self.clock.now() >= self.fleet.calm_since:
            self.watch.clean(token, wrong_before)
        self.disturbed = bool(faults) or turn is not None
        return DONE

    def invoke(  # noqa: PLR0913 - an invocation has that many sides
        self,
        step: Step,
        token: str,
        faults: Sequence[Action] = (),
        *,
        skew: float = 0.0,
        turn: Callable[[], None] | None = None,
        seen: list[str] | None = None,
    ) -> str:
        """Run one step as the function would. Return ``done``, ``crash`` or the failure's code."""
        gate = Gate(
            member=self,
            token=token,
            faults=faults,
            started=self.clock.now(),
            deadline=self.clock.now() + FUNCTION_SECONDS,
            seen=[] if seen is None else seen,
            turn=turn,
            recalls=any(label.startswith("lockstep:dead:") for label in self.secret.labels(token)),
        )
        self.failure = None
        try:
            result = engine.run(self._session(gate, token, skew), step)
        except RotationError as error:
            self.failure = error
            self.watch.text((str(error), repr(error), str(error.describe())))
            outcome = error.code
            self.watch.parked(gate, getattr(error, "reason", ""))
        except Crash:
            outcome = "crash"
        except Exception as foreign:
            self.watch.fail("typed", f"the engine raised {type(foreign).__name__}")
            raise
        else:
            outcome = self._ended_well(result)
        if self.watch.found:
            raise self.watch.found
        self.watch.after_run(gate)
        self.tell(f"{step} {token[-4:]}: {outcome}")
        return outcome

    def _ended_well(self, result: Result) -> str:
        self.watch.text(
            (repr(result), " ".join(label for each in self.secret.version_ids for label in self.secret.labels(each)))
        )
        return DONE

    def _session(self, gate: Gate, token: str, skew: float) -> Session:
        def time_left() -> float:
            return gate.deadline - self.clock.now()

        def bind(document: SecretDocument) -> Guarded:
            driver = _Driver(self, gate) if not self.kind.oracle else _LoginDriver(self, gate)
            return Guarded(
                spec=self.spec,
                driver=counted(driver, gate),
                account=MemoryAccount(username=document.text("username"), tenant=str(document.get("tenant", "main"))),
                username=document.text("username"),
                minimum=self.kind.proof,
                time_left=time_left,
                power=PowerWish.AS_FOUND,
            )

        return Session(
            store=_Store(self.secret, gate),
            token=token,
            bind=bind,
            clock=_SkewedClock(self.clock, skew),
            time_left=time_left,
            holder=f"{next(self._holders):x}",
        )

    def _continued(self) -> str | None:
        """Return the token in progress. Without its stage, the service takes the rotation for abandoned."""
        if self.token is not None and self.secret.holder(PENDING) != self.token != self.secret.holder(CURRENT):
            self.token = None
        return self.token if self.secret.rotation_enabled else None

    def begun(self) -> str | None:
        """Begin a rotation as the service does, by an empty pending version; ``None`` when it refuses to."""
        pending = self.secret.holder(PENDING)
        if not self.secret.rotation_enabled or pending not in {None, self.secret.holder(CURRENT)}:
            return None
        self.token = self.next_id("token")
        self.tokens.append(self.token)
        self.secret.put(self.token, None, PENDING)
        return self.token


class _Driver(MemoryDriver):
    """Shows the watch what is sent, and lets a request linger on its way."""

    def __init__(self, member: Member, gate: Gate) -> None:
        super().__init__(member.vendor)
        self._member, self._gate = member, gate

    def set_password(self, account: MemoryAccount, new: Secret, *, current: Secret | None) -> Task | None:
        """See ``ports.Driver``."""
        member = self._member
        member.watch.sending(self._gate, new)
        if member.slow_next is not None:
            seconds, member.slow_next = member.slow_next, None
            member.vendor.put_off(new, current, seconds)
            return None
        return super().set_password(account, new, current=current)


class _LoginDriver(_Driver, MemoryLoginDriver):
    """The same with a login call."""
