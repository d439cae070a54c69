"""One secret that holds several accounts, a vendor for each, and a clock, with the engine between them."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from rotation.core.document import SecretDocument, documents
from rotation.core.errors import RotationError
from rotation.core.secret import Secret
from rotation.core.values import Evidence, Step
from rotation.drivers.contract import Driver, DriverSpec
from rotation.drivers.guarded import Guarded
from rotation.engine.result import Result
from rotation.engine.run import run
from rotation.engine.session import Session
from rotation.state.binding import BindingMode
from rotation.stores.memory import MemorySecret
from rotation_testkit.fault_lab.in_memory.bind import MemoryBind, memory_account, memory_binding
from rotation_testkit.fault_lab.in_memory.clock import FUNCTION_SECONDS, VirtualClock
from rotation_testkit.fault_lab.in_memory.driver import (
    MemoryDriver,
    MemoryLoginDriver,
    gated,
    memory_spec,
)
from rotation_testkit.fault_lab.in_memory.fuse import Fuse
from rotation_testkit.fault_lab.in_memory.scenario import LABEL_EFFECTS, Rotations
from rotation_testkit.fault_lab.in_memory.secret import store_of
from rotation_testkit.fault_lab.in_memory.vendor import MemoryVendor
from rotation_testkit.fault_lab.in_memory.vendor_classes import POLICY

KEY = "accounts"


@dataclass(slots=True)
class BatchScenario(Rotations):
    """A secret whose current version holds the live password of every account.

    Attributes:
        vendors: one for each account; their usernames tell them apart.
        clock: shared by the vendors, the secret and the engine.
        oracle: whether the driver has a login call.
        minimum: least evidence accepted; the driver's best when ``None``.
        propagation_seconds: what the driver declares.
        seconds: the function's time-out.
        binding: see ``Scenario``; likewise ``sealed``.
        fuse: what the next invocation runs over.
        results: what each step that ended well returned.
        errors: what each step that failed raised.
    """

    vendors: Sequence[MemoryVendor]
    clock: VirtualClock
    oracle: bool = True
    minimum: Evidence | None = None
    propagation_seconds: int = 0
    seconds: float = FUNCTION_SECONDS
    binding: BindingMode = BindingMode.REQUIRED
    sealed: bool = True
    fuse: Fuse = field(default_factory=Fuse)
    results: list[Result] = field(default_factory=list)
    errors: list[RotationError] = field(default_factory=list)
    secret: MemorySecret = field(init=False)
    _tokens: itertools.count[int] = field(default_factory=itertools.count)
    _runs: itertools.count[int] = field(default_factory=itertools.count)

    def __post_init__(self) -> None:
        self.secret = MemorySecret(now=self.clock.now)
        self.put(self.vendors)

    def put(self, vendors: Sequence[MemoryVendor], **changes: object) -> None:
        """Make a new current version by hand, with the live passwords of these accounts, and enrol them."""
        entries = [{"username": each.username, "password": each.live.reveal(), "note": "own"} for each in vendors]
        document = {"driver": "memory", "note": "kept", KEY: entries, **changes}
        self.secret.put(f"by-hand-{next(self._tokens):024d}", SecretDocument(document), "AWSCURRENT")
        if self.binding is not BindingMode.OFF:
            self.secret.binding = memory_binding(SecretDocument(document))

    def spec(self) -> DriverSpec:
        """Return the record of the driver of all these vendors, which are of one kind; the last one's rules count."""
        vendor = self.vendors[-1]
        spec = memory_spec(vendor, oracle=self.oracle, propagation_seconds=self.propagation_seconds)
        return replace(spec, batch_key=KEY)

    def session(self, token: str) -> Session:
        """Return one invocation's session, over the fuse."""
        fuse, start = self.fuse, self.clock.now()
        spec = self.spec()

        def time_left() -> float:
            return start + self.seconds - self.clock.now()

        def bind(document: SecretDocument) -> Guarded:
            return Guarded(
                spec=spec,
                driver=gated(self._driver(), fuse),
                account=memory_account(document),
                username=document.text("username"),
                minimum=spec.evidence if self.minimum is None else self.minimum,
                time_left=time_left,
            )

        store = store_of(fuse.wrap(self.secret, LABEL_EFFECTS), sealed=self.sealed)
        holder = f"{next(self._runs):x}"
        return Session(
            store=store,
            token=token,
            bind=MemoryBind(spec, store, bind, self.binding),
            clock=self.clock,
            time_left=time_left,
            holder=holder,
        )

    def step(self, step: Step, token: str) -> Result:
        """Run one invocation of the function."""
        try:
            result = run(self.session(token), step)
        except RotationError as error:
            self.errors.append(error)
            raise
        self.results.append(result)
        return result

    def document(self, stage: str = "AWSCURRENT") -> SecretDocument:
        """Return the batch's document under a stage. Raises ``LookupError`` when there is none."""
        holder = self.secret.describe().holder(stage)
        value = self.secret.read(holder) if holder else None
        if value is None:
            raise LookupError(stage)
        return value.document

    def labels(self) -> set[str]:
        """Return every label of the secret."""
        return {label for version in self.secret.describe().versions.values() for label in version.labels}

    def counts(self) -> list[tuple[int, int]]:
        """Return resets and wrong logins of each account."""
        return [(each.resets, each.wrong_logins) for each in self.vendors]

    def passwords(self, stage: str = "AWSCURRENT") -> list[Secret]:
        """Return the passwords under a stage, in order."""
        return [each.password for each in documents(self.document(stage), KEY)]

    def stored(self, number: int) -> list[Secret]:
        """Return one account's passwords in every labelled version."""
        values = (self.secret.read(version_id) for version_id in self.secret.describe().versions)
        lists = [documents(value.document, KEY) for value in values if value is not None]
        return [each[number].password for each in lists if number < len(each)]

    def live(self) -> list[Secret]:
        """Return what opens each account now."""
        return [each.live for each in self.vendors]

    def _driver(self) -> Driver:
        return MemoryLoginDriver(*self.vendors) if self.oracle else MemoryDriver(*self.vendors)


def make_batch(
    size: int = 3,
    *,
    oracle: bool = True,
    seconds: float = FUNCTION_SECONDS,
    **vendor: Any,  # noqa: ANN401 - the vendors' own fields
) -> BatchScenario:
    """Return a batch of so many accounts, ``user-0`` and so on. ``vendor`` goes to every ``MemoryVendor``."""
    clock = VirtualClock()
    vendors = [
        MemoryVendor(
            now=clock.now, initial=Secret(f"Old0Password0Old0P{n:02d}"), policy=POLICY, username=f"user-{n}", **vendor
        )
        for n in range(size)
    ]
    return BatchScenario(vendors, clock, oracle=oracle, seconds=seconds)


def outcomes(error: RotationError) -> dict[str, str]:
    """Return each account's outcome as logs show it with an error."""
    members: Any = error.describe().get("members", [])
    return {each["name"]: each["outcome"] for each in members}
