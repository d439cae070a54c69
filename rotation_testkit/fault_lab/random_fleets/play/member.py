"""A member of a fleet: one secret with its accounts, and the service that rotates it."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from rotation.core.document import SecretDocument
from rotation.core.errors import RotationError
from rotation.core.secret import Secret
from rotation.core.values import Lockout, PowerWish, Step
from rotation.drivers.contract import DriverSpec
from rotation.drivers.guarded import DEFAULT_LOCKOUT, Guarded
from rotation.engine.result import Result
from rotation.engine.run import run
from rotation.engine.session import Session
from rotation.state.lease import Claim
from rotation.state.stages import CURRENT, PENDING
from rotation.state.versions import SecretState
from rotation_testkit.fault_lab.in_memory.bind import MemoryBind, memory_account, memory_binding
from rotation_testkit.fault_lab.in_memory.clock import FUNCTION_SECONDS, Skewed, VirtualClock
from rotation_testkit.fault_lab.in_memory.driver import gated, memory_spec
from rotation_testkit.fault_lab.in_memory.effects import STORE_PORTS, Port
from rotation_testkit.fault_lab.in_memory.fuse import Crash
from rotation_testkit.fault_lab.in_memory.secret import GatedSecret, SealedStore
from rotation_testkit.fault_lab.in_memory.vendor_classes import FLEET_CLASSES, FLEET_POLICIES, VendorClass
from rotation_testkit.fault_lab.invariants import Violation
from rotation_testkit.fault_lab.random_fleets.play.driver import FleetDriver
from rotation_testkit.fault_lab.random_fleets.play.invocation import Invocation
from rotation_testkit.fault_lab.random_fleets.play.monitor import Monitor
from rotation_testkit.fault_lab.random_fleets.play.secret import BATCH, FleetSecret
from rotation_testkit.fault_lab.random_fleets.play.surroundings import Action, Surroundings
from rotation_testkit.fault_lab.random_fleets.play.vendor import FleetVendor

DONE = "done"
NOTHING = "nothing to do"


class _Store(SealedStore):
    """Sealed, and notes which run holds the lease."""

    def __init__(self, secret: FleetSecret, run: Invocation, acting: list[Invocation]) -> None:
        super().__init__(GatedSecret(secret, run.gate))
        self._run, self._acting = run, acting

    def acquire(self, token: str, state: SecretState, claim: Claim) -> SecretState:
        seen = super().acquire(token, state, claim)
        self._acting.append(self._run)
        return seen

    def yield_lease(self, token: str, *, holder: str, sent: float | None = None) -> None:
        self._over()
        super().yield_lease(token, holder=holder, sent=sent)

    def end(self, token: str, *, holder: str) -> None:
        self._over()
        super().end(token, holder=holder)

    def _over(self) -> None:
        if self._run in self._acting:
            self._acting.remove(self._run)


@dataclass(slots=True)
class Member:
    """One secret of a fleet, with its account, several in a batch, or two that take turns; an ``AccountView``.

    Attributes:
        fleet: what it belongs to.
        name: in traces.
        kind_name: its class, one of ``FLEET_CLASSES``.
        vendors: the vendor's side of each account; ``monitors`` are their invariants.
        wrong_logins: those of the run whose effect is under way.
        token: of the rotation that the service has in progress.
        tokens: every token ever used, the oldest first.
        vendor_down_until: epoch until which the vendor does not answer; ``store_down_until`` likewise.
        slow_seconds: after how many seconds the vendor works on the change that is being sent.
        touched: whether an outsider ever did anything.
        left_off: whether that was while the machine was off.
        planted: passwords that an outsider put in the place of a candidate.
        failure: of the last attempt.
    """

    fleet: Surroundings
    name: str
    kind_name: str
    token: str | None = None
    tokens: list[str] = field(default_factory=list)
    vendor_down_until: float = 0.0
    store_down_until: float = 0.0
    slow_seconds: float | None = None
    touched: bool = False
    left_off: bool = False
    planted: list[Secret] = field(default_factory=list)
    failure: RotationError | None = None
    clock: VirtualClock = field(init=False)
    kind: VendorClass = field(init=False)
    vendors: list[FleetVendor] = field(init=False)
    monitors: list[Monitor] = field(init=False)
    secret: FleetSecret = field(init=False)
    wrong_logins: list[tuple[int, float]] | None = None
    spec: DriverSpec = field(init=False)
    disturbed: bool = False
    _looked: tuple[float, int] | None = None
    _numbers: itertools.count[int] = field(default_factory=itertools.count)
    _holders: itertools.count[int] = field(default_factory=itertools.count)

    def __post_init__(self) -> None:
        self.clock = self.fleet.clock
        self.kind = FLEET_CLASSES[self.kind_name]
        first = Monitor(self)
        others = range(1, 2 if self.kind.in_turns else self.kind.accounts)
        self.monitors = [first, *(Monitor(self, each, stripped=first.stripped, acting=first.acting) for each in others)]
        self.vendors = [self._vendor(monitor) for monitor in self.monitors]
        if self.kind.in_turns:  # the first password of the account that readers do not have at first is in no store
            self.monitors[1].excused.append(self.vendors[1].initial)
        self.secret = FleetSecret(now=self.clock.now, monitors=self.monitors)
        document = self.document({"driver": "memory"})
        self.secret.binding = memory_binding(document)
        self.secret.put(self.next_id("first"), document, CURRENT)
        self.describe_vendor()

    def _vendor(self, monitor: Monitor) -> FleetVendor:
        initial = Secret(f"Initial0Initial0Ini{monitor.number}")
        return FleetVendor(
            now=self.clock.now,
            initial=initial,
            policy=FLEET_POLICIES[0],
            username=f"alice{monitor.number or ''}",
            ours=initial,
            on_wrong=monitor.wrong_login,
            **self.kind.vendor,
        )

    @property
    def vendor(self) -> FleetVendor:
        """The vendor's side of the only account, or of the first of a batch."""
        return self.vendors[0]

    @property
    def monitor(self) -> Monitor:
        """The invariants of the only account, or of the first of a batch."""
        return self.monitors[0]

    @property
    def found(self) -> Violation | None:
        """The first violation of any account."""
        return next((each.found for each in self.monitors if each.found is not None), None)

    @property
    def in_step(self) -> bool:
        """Whether the current password of every account that has one is live."""
        current = str(self.secret.holder(CURRENT))
        return all(
            held[current] == vendor.live
            for held, vendor in zip(self.secret.held, self.vendors, strict=True)
            if current in held
        )

    def look_around(self, *, harmless: bool = False) -> None:
        """Check what must hold at every moment; after a harmless look only if time or anything else moved on."""
        moment = self.clock.time, self.secret.changes
        if harmless and moment == self._looked:
            return
        self._looked = moment
        for monitor in self.monitors:
            monitor.after_effect()
        if self.kind.in_turns and not self.touched and not self.in_step:
            self.monitor.fail("turns", "readers hold a dead password although two accounts take turns")

    def document(self, kept: Mapping[str, object], *, password: str = "") -> SecretDocument:
        """Return the account document with every live password, or another, and with other keys as they were."""
        own = [{"username": each.username, "password": password or each.live.reveal()} for each in self.vendors]
        shared = {key: value for key, value in kept.items() if key not in ("lockstep", BATCH)}
        if self.kind.in_turns:
            first, other = sorted(own, key=lambda each: each["username"] == kept.get("alternate_username"))
            return SecretDocument({**shared, **first, "alternate_username": other["username"]})
        return SecretDocument({**shared, **(own[0] if len(own) == 1 else {BATCH: own})})

    @property
    def lockout(self) -> Lockout:
        """The lock-out rule that the engine goes by."""
        return self.spec.lockout or DEFAULT_LOCKOUT

    def describe_vendor(self) -> None:
        """Make the driver's record, which changes with the vendor's policy."""
        spec = memory_spec(self.vendor, oracle=self.kind.oracle, propagation_seconds=self.kind.propagation_seconds)
        self.spec = replace(spec, batch_key=BATCH if self.kind.accounts > 1 else None)

    def next_id(self, what: str) -> str:
        """Return a version id that was never used."""
        return f"{what}-{next(self._numbers):027d}"

    def is_down(self, port: Port) -> bool:
        """See ``AccountView``."""
        return self.clock.time < (self.store_down_until if port in STORE_PORTS else self.vendor_down_until)

    def interfere(self, action: Action) -> None:
        """See ``AccountView``."""
        self.fleet.apply(action)

    def hide(self, wrong_logins: Sequence[tuple[int, float]]) -> None:
        """See ``AccountView``."""
        for number, at in wrong_logins:
            self.monitors[number].hidden.append(at)

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
        wrong_before = [len(each.wrong) for each in self.monitors]
        first = all(token not in each.sent for each in self.monitors)
        late = any(vendor.late for vendor in self.vendors)
        clean = first and not self.disturbed and not faults and turn is None and not late
        seen: list[str] = []
        for step in Step:
            outcome = self.invoke(step, token, faults, skew=skew, turn=turn, seen=seen)
            if outcome != DONE:
                self.disturbed = True
                return outcome
        if self.token == token:
            self.token = None
        if clean and not skew and not self.touched and self.clock.now() >= self.fleet.calm_since:
            for monitor, wrong in zip(self.monitors, wrong_before, strict=True):
                monitor.clean(token, wrong)
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
        invocation = Invocation(
            member=self,
            token=token,
            faults=faults,
            started=self.clock.now(),
            deadline=self.clock.now() + FUNCTION_SECONDS,
            seen=[] if seen is None else seen,
            turn=turn,
            recalls=any(label.startswith("lockstep:learnt:") for label in self.secret.labels(token)),
        )
        self.failure = None
        try:
            result = run(self._session(invocation, token, skew), step)
        except RotationError as error:
            self.failure = error
            self.monitor.text((str(error), repr(error), str(error.describe())))
            outcome = error.code
            self.monitor.parked(invocation, getattr(error, "reason", ""))
        except Crash:
            outcome = "crash"
        except Exception as foreign:
            self.monitor.fail("typed", f"the engine raised {type(foreign).__name__}")
            raise
        else:
            outcome = self._ended_well(result)
        finally:
            self.wrong_logins = None
        if self.found:
            raise self.found
        for monitor in self.monitors:
            monitor.after_run(invocation)
        self.tell(f"{step} {token[-4:]}: {outcome}")
        return outcome

    def _ended_well(self, result: Result) -> str:
        self.monitor.text(
            (repr(result), " ".join(label for each in self.secret.version_ids for label in self.secret.labels(each)))
        )
        return DONE

    def _session(self, invocation: Invocation, token: str, skew: float) -> Session:
        def time_left() -> float:
            return invocation.deadline - self.clock.now()

        driver = gated(FleetDriver(self, self.monitors, invocation), invocation.gate, login=self.kind.oracle)

        def bind(document: SecretDocument) -> Guarded:
            return Guarded(
                spec=self.spec,
                driver=driver,
                account=memory_account(document),
                username=document.text("username"),
                minimum=self.kind.proof,
                time_left=time_left,
                power=PowerWish.AS_FOUND,
            )

        store = _Store(self.secret, invocation, self.monitor.acting)
        return Session(
            store=store,
            token=token,
            bind=MemoryBind(self.spec, store, bind),
            clock=Skewed(self.clock, skew),
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
