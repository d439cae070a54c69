"""One secret, one vendor and a clock, all in memory, with the engine between them; most fault tests use it."""

from __future__ import annotations

import itertools
from dataclasses import dataclass, field, replace
from typing import Self

from rotation.core.document import SecretDocument
from rotation.core.errors import CannotVerify, RotationError
from rotation.core.event import Announce, announce_nothing
from rotation.core.maintenance_window import ANYTIME, Windows
from rotation.core.secret import Secret
from rotation.core.values import Evidence, PowerWish, Step
from rotation.drivers.contract import Wiring
from rotation.drivers.guarded import Guarded
from rotation.engine.result import Result
from rotation.engine.run import run
from rotation.engine.session import Session
from rotation.policy import PasswordWishes
from rotation.policy.wishes import NO_WISHES
from rotation.state.binding import BindingMode
from rotation.state.marks import Kind
from rotation.state.stages import PENDING
from rotation.stores.memory import MemorySecret
from rotation_testkit.fault_lab.in_memory.bind import MemoryBind, memory_account, memory_binding
from rotation_testkit.fault_lab.in_memory.clock import FUNCTION_SECONDS, Skewed, VirtualClock
from rotation_testkit.fault_lab.in_memory.driver import gated, memory_spec
from rotation_testkit.fault_lab.in_memory.fuse import Crash, Edge, Fuse
from rotation_testkit.fault_lab.in_memory.secret import store_of
from rotation_testkit.fault_lab.in_memory.vendor import MemoryVendor

LABEL_EFFECTS = ("describe", "read", "stage", "attach", "move", "detach")


class Rotations:
    """What the service and operators do with one secret, whatever it holds."""

    secret: MemorySecret
    clock: VirtualClock
    fuse: Fuse
    binding: BindingMode
    sealed: bool
    _tokens: itertools.count[int]

    def step(self, step: Step, token: str) -> Result:
        """Run one invocation of the function."""
        raise NotImplementedError

    def unguarded(self) -> Self:
        """Return this, with no binding and no seal, so that what stands behind them is met."""
        self.secret.binding, self.binding, self.sealed = None, BindingMode.OFF, False
        return self

    def begin(self) -> str:
        """Start a rotation as the service does: an empty pending version. Return its token."""
        token = f"token-{next(self._tokens):026d}"
        self.secret.put(token, None, PENDING)
        return token

    def created(self) -> str:
        """Start a rotation and run createSecret. Return its token."""
        token = self.begin()
        self.step(Step.CREATE, token)
        return token

    def run_to(self, last: Step) -> str:
        """Start a rotation and run its steps up to this one. Return its token."""
        token = self.begin()
        for step in list(Step)[: list(Step).index(last) + 1]:
            self.step(step, token)
        return token

    def send_only(self, token: str) -> None:
        """Run setSecret while no login is possible, so that the proof is left to testSecret."""
        before, closed = self.fuse, CannotVerify("closed", unsent=True)
        self.fuse = Fuse(only="verify", at=1, error=lambda _: closed)
        try:
            self.step(Step.SET, token)
        finally:
            self.fuse = before

    def forget_proof(self, token: str) -> None:
        """Set the labels as a run leaves them that ended in order before it proved the candidate."""
        version = self.secret.describe().version(token)
        for mark in version.all(Kind.PROOF):
            self.secret.detach(mark.on(token), token)
        for each in version.intents:
            self.secret.detach(each.mark.on(token), token)
            self.secret.attach(replace(each, until=0).mark.on(token), token)

    def reset_ends_with(self, token: str, error: RotationError, edge: Edge = Edge.BEFORE) -> RotationError:
        """Run setSecret with its reset answered by ``error``, before or after its effect. Return what was raised.

        Raises:
            AssertionError: nothing was, or something of another kind.
        """
        self.fuse = Fuse(only="set_password", at=1, edge=edge, error=lambda _: error)
        try:
            self.step(Step.SET, token)
        except type(error) as raised:
            return raised
        finally:
            self.fuse = Fuse()
        raise AssertionError

    def rotate(self, token: str, *, attempts: int = 12, spacing: float = 600.0) -> list[str]:
        """Run the whole rotation as the service does, from the first step again after every failure.

        Returns:
            The codes of the failures on the way; ``["..."]`` ends with ``gave up`` when attempts ran out.
        """
        failures: list[str] = []
        for _ in range(attempts):
            try:
                for step in Step:
                    self.step(step, token)
            except RotationError as error:
                failures.append(error.code)
            except Crash:
                failures.append("crash")
            else:
                return failures
            self.fuse = Fuse()
            self.clock.sleep(spacing)
        return [*failures, "gave up"]

    def strip_pending(self, token: str) -> None:
        """Take the pending stage away, as cancelling a rotation does."""
        self.secret.detach(PENDING, token)


@dataclass(slots=True)
class Scenario(Rotations):
    """A secret whose current version holds the vendor's live password.

    Attributes:
        vendor: the vendor's side.
        clock: shared by the vendor, the secret and the engine.
        oracle: whether the driver has a login call.
        minimum: least evidence accepted; the driver's best when ``None``.
        propagation_seconds: what the driver declares.
        fuse: what the next invocation runs over.
        window: when a reset may begin.
        wishes: what the deployment asks of new passwords.
        early: whether a candidate becomes current in the invocation that proved it.
        other: the side of the account that readers have at first, if it takes turns with the vendor's.
        ahead: seconds by which the function's own clock is ahead of the vendor's and the store's, as set last.
        binding: what is demanded; the secret is bound to its account.
        sealed: whether candidates carry a seal, as they do in Secrets Manager and need not in KV.
        announce: gets the events of every invocation.
    """

    vendor: MemoryVendor
    clock: VirtualClock
    oracle: bool = True
    minimum: Evidence | None = None
    propagation_seconds: int = 0
    fuse: Fuse = field(default_factory=Fuse)
    window: Windows = ANYTIME
    wishes: PasswordWishes = NO_WISHES
    early: bool = False
    ahead: float = 0.0
    other: MemoryVendor | None = None
    binding: BindingMode = BindingMode.REQUIRED
    sealed: bool = True
    announce: Announce = announce_nothing
    secret: MemorySecret = field(init=False)
    _tokens: itertools.count[int] = field(default_factory=itertools.count)
    _runs: itertools.count[int] = field(default_factory=itertools.count)

    def __post_init__(self) -> None:
        self.secret = MemorySecret(now=self.clock.now)
        first = self.other or self.vendor
        document = {"driver": "memory", "username": first.username, "password": first.live.reveal(), "note": "kept"}
        if self.other is not None:
            document["alternate_username"] = self.vendor.username
        self.secret.put("version-0", SecretDocument(document), "AWSCURRENT")
        self.secret.binding = memory_binding(SecretDocument(document))

    def step(self, step: Step, token: str) -> Result:
        """Run one invocation of the function."""
        return run(self.session(token), step)

    def session(self, token: str = "") -> Session:
        """Return what one invocation runs over."""
        fuse, start, own = self.fuse, self.clock.now(), Skewed(self.clock, self.ahead)
        spec = memory_spec(self.vendor, self.other, oracle=self.oracle, propagation_seconds=self.propagation_seconds)
        store = store_of(fuse.wrap(self.secret, LABEL_EFFECTS), sealed=self.sealed)

        def time_left() -> float:
            return start + FUNCTION_SECONDS - self.clock.now()

        def bind(document: SecretDocument) -> Guarded:
            wiring = Wiring(http=None, endpoint=spec.endpoint, admin=None, now=own.now)  # type: ignore[arg-type]  # the memory driver sends no requests
            return Guarded(
                spec=spec,
                driver=gated(spec.factory(wiring), fuse),
                account=memory_account(document),
                username=document.text("username"),
                minimum=spec.evidence if self.minimum is None else self.minimum,
                time_left=time_left,
                power=PowerWish(str(document.get("power", "as_found"))),
                window=self.window,
                wishes=self.wishes,
            )

        holder = f"{next(self._runs):x}"
        return Session(
            store=store,
            token=token,
            bind=MemoryBind(spec, store, bind, self.binding),
            clock=own,
            time_left=time_left,
            holder=holder,
            early=self.early,
            announce=self.announce,
        )

    def put_by_hand(self, **changes: object) -> None:
        """Put another current version, as an operator does, and leave a pending one alone."""
        state = self.secret.describe()
        current = self.secret.read(str(state.current_id))
        if current is None:
            raise LookupError
        pending = state.holder(PENDING)
        self.secret.put(f"by-hand-{next(self._tokens):024d}", current.document.replaced(**changes), "AWSCURRENT")
        if pending not in (None, state.current_id):
            self.secret.attach(PENDING, str(pending))

    def password(self, stage: str = "AWSCURRENT") -> Secret | None:
        """Return the password under a stage."""
        holder = self.secret.describe().holder(stage)
        value = self.secret.read(holder) if holder else None
        return None if value is None else value.document.password

    def stored(self) -> list[Secret]:
        """Return the passwords of every labelled version."""
        values = (self.secret.read(version_id) for version_id in self.secret.describe().versions)
        return [value.document.password for value in values if value is not None]
