"""Broken secrets to heal, in memory."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial

import pytest

from rotation.core.document import SecretDocument
from rotation.core.errors import OutcomeUnknown, RotationError
from rotation.core.secret import Secret
from rotation.core.values import Authority, Lockout, Power, Step
from rotation.doctor import Condition, Outcome, heal
from rotation.engine.session import Session
from rotation.state.stages import CURRENT, PENDING
from rotation.stores.vault_kv import VaultKv
from rotation_testkit.doubles.vault.kv2 import Kv2
from rotation_testkit.fault_lab.in_memory.batch_scenario import POLICY
from rotation_testkit.fault_lab.in_memory.fuse import Edge, Fuse
from rotation_testkit.fault_lab.in_memory.scenario import Scenario, VirtualClock
from rotation_testkit.fault_lab.in_memory.vendor import MemoryVendor

KINDS = {
    "admin": {"authority": Authority.ADMIN},
    "admin-task": {"authority": Authority.ADMIN, "delay_seconds": 45.0, "asynchronous": True},
    "machine": {"authority": Authority.ADMIN, "power": Power.RUNNING},
    "self": {
        "authority": Authority.SELF,
        "min_age_seconds": 300,
        "policy": replace(POLICY, min_age_seconds=300),
        "history": 5,
        "lockout": Lockout(tries=5, window_seconds=300),
    },
}


class BreakableScenario(Scenario):
    """A scenario without binding and seals, and the ways to break it."""

    first = "version-0"

    def __post_init__(self) -> None:
        super().__post_init__()
        self.unguarded()

    def created(self) -> str:
        """Begin a rotation and run createSecret; return its token."""
        token = self.begin()
        self.step(Step.CREATE, token)
        return token

    def sent(self) -> str:
        """Begin a rotation and run createSecret and setSecret; return its token."""
        token = self.created()
        self.step(Step.SET, token)
        return token

    def edit(self, version_id: str, **changes: object) -> None:
        """Put the first document with changes as the current version, as an operator does."""
        self.secret.put(version_id, self.secret.read(self.first).document.replaced(**changes), CURRENT)

    def cut(self, *, applied: bool, token: str | None = None) -> str:
        """Begin a rotation whose reset's answer is lost; return its token."""
        if token is None:
            token = self.created()
        else:
            self.step(Step.CREATE, token)
        edge = Edge.AFTER if applied else Edge.BEFORE
        self.fuse = Fuse(only="set_password", at=1, edge=edge, error=lambda _: OutcomeUnknown("lost"))
        with pytest.raises(RotationError):
            self.step(Step.SET, token)
        self.fuse = Fuse()
        self.clock.sleep(100.0)
        return token

    def rotated(self) -> str:
        """Rotate once, and let the minimum age pass."""
        token = self.begin()
        assert self.rotate(token) == []
        self.clock.sleep(1000.0)
        return token

    def healed(self) -> Outcome:
        """Heal, and again when the budget's window is over; return the last outcome."""
        outcome = heal(self.session())
        if outcome.condition is Condition.WAITING:
            assert outcome.error.reason == "wrong_login_budget"
            self.clock.sleep(outcome.not_before - self.clock.now() + 1)
            outcome = heal(self.session())
        return outcome

    def snapshot(self) -> tuple[dict, dict]:
        """Return every label and every value."""
        labels = {key: version.labels for key, version in self.secret.describe().versions.items()}
        return labels, {key: self.secret.read(key) for key in labels}

    @property
    def in_step(self) -> bool:
        """Whether current is live."""
        return self.password() == self.vendor.live


class KvScenario(BreakableScenario):
    """The same over the strict model of a KV version 2 mount."""

    first = "kv-1"
    path = "apps/db"

    def __post_init__(self) -> None:
        super().__post_init__()
        self.kv = Kv2(now=self.clock.now)
        self.put_by_hand(self.secret.read("version-0").document)
        self.secret = VaultKv(self.kv, self.path, clock=self.clock)

    def put_by_hand(self, document: SecretDocument) -> None:
        """Write the secret as an operator does."""
        newest = self.kv.read(self.path)
        self.kv.write(self.path, document, cas=0 if newest is None else newest.version)

    def begin(self) -> str:
        """Begin as the job does."""
        token = self.secret.begin(f"token-{next(self._tokens)}")
        self.secret.attach(PENDING, token)
        return token

    def session(self, token: str = "") -> Session:
        """Return what one invocation runs over."""
        kv = self.fuse.wrap(self.kv, ("write",))
        return replace(super().session(token), store=VaultKv(kv, self.path, clock=self.clock))


def make(cls: type[BreakableScenario], kind: str = "self", *, oracle: bool = True, **vendor: object) -> object:
    """Make a scenario of one vendor class; other arguments are the vendor's."""
    clock = VirtualClock()
    settings = {"policy": POLICY, **KINDS[kind], **vendor}
    initial = Secret("Old0Password0Old0Pas")
    return cls(MemoryVendor(now=clock.now, initial=initial, **settings), clock, oracle=oracle)


@pytest.fixture
def scenario() -> Callable[..., BreakableScenario]:
    """Return a function that makes a scenario over labels; its arguments are those of ``make``."""
    return partial(make, BreakableScenario)


@pytest.fixture
def kv_scenario() -> Callable[..., KvScenario]:
    """Return the same for a secret in KV version 2."""
    return partial(make, KvScenario)


@pytest.fixture(params=[BreakableScenario, KvScenario], ids=["labels", "kv"])
def any_scenario(request: pytest.FixtureRequest) -> Callable[..., BreakableScenario]:
    """Return ``scenario`` and ``kv_scenario`` in turn."""
    return partial(make, request.param)
