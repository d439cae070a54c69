"""Broken secrets to heal, in memory."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from rotation.core.document import SecretDocument
from rotation.core.errors import OutcomeUnknown, RotationError
from rotation.core.secret import Secret
from rotation.core.values import Authority, Lockout, Power, Step
from rotation.doctor import Condition, Outcome
from rotation.doctor.heal import heal
from rotation.engine.session import Session
from rotation.policy import Charset, PasswordPolicy
from rotation.stores.vault_kv import VaultKv
from rotation_testkit.doubles.vault.kv2 import Kv2
from rotation_testkit.fault_lab.in_memory.fuse import Edge, Fuse
from rotation_testkit.fault_lab.in_memory.scenario import Scenario, VirtualClock
from rotation_testkit.fault_lab.in_memory.vendor import MemoryVendor

POLICY = PasswordPolicy(
    length=20,
    charsets=(
        Charset("lower", "abcdefghijklmnopqrstuvwxyz", min_chars=1),
        Charset("upper", "ABCDEFGHIJKLMNOPQRSTUVWXYZ", min_chars=1),
        Charset("digit", "0123456789", min_chars=1),
    ),
    name="test",
)
# Made once: a scenario whose policy says another age than its vendor makes a new one in every invocation.
PATIENT = replace(POLICY, min_age_seconds=300)
KINDS = {
    "admin": {"authority": Authority.ADMIN},
    "admin-task": {"authority": Authority.ADMIN, "delay_seconds": 45.0, "asynchronous": True},
    "machine": {"authority": Authority.ADMIN, "power": Power.RUNNING},
    "self": {
        "authority": Authority.SELF,
        "min_age_seconds": 300,
        "policy": PATIENT,
        "history": 5,
        "lockout": Lockout(tries=5, window_seconds=300),
    },
}


class BreakableScenario(Scenario):
    """A scenario, and the ways to break it."""

    def cut(self, *, applied: bool, token: str | None = None) -> str:
        """Begin a rotation whose reset's answer is lost; return its token."""
        token = token or self.begin()
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
        """Heal, and again when the budget's window is over; return what was done in the end."""
        outcome = heal(self.session())
        if outcome.condition is Condition.WAITING:
            assert outcome.error.reason == "wrong_login_budget"
            self.clock.sleep(outcome.not_before - self.clock.now() + 1)
            outcome = heal(self.session())
        return outcome

    def snapshot(self) -> tuple[dict, dict]:
        """Every label and every value."""
        labels = {key: version.labels for key, version in self.secret.describe().versions.items()}
        return labels, {key: self.secret.read(key) for key in labels}

    @property
    def in_step(self) -> bool:
        """Whether current is live."""
        return self.password() == self.vendor.live


class KvScenario(BreakableScenario):
    """The same over the strict model of a KV version 2 mount; its first version is ``kv-1``."""

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
        return self.secret.begin(f"token-{next(self._tokens)}")

    def session(self, token: str = "") -> Session:
        """Return what one invocation runs over."""
        kv = self.fuse.wrap(self.kv, ("write",))
        return replace(super().session(token), store=VaultKv(kv, self.path, clock=self.clock))


def made(cls: type[BreakableScenario], kind: str, *, oracle: bool = True, **vendor: object) -> BreakableScenario:
    """Make a scenario of one vendor class."""
    clock = VirtualClock()
    settings = {"policy": POLICY, **KINDS[kind], **vendor}
    initial = Secret("Old0Password0Old0Pas")
    return cls(MemoryVendor(now=clock.now, initial=initial, **settings), clock, oracle=oracle)


@pytest.fixture
def kv_scenario() -> Callable[..., KvScenario]:
    """As ``scenario``, with the secret in KV version 2."""

    def make(kind: str = "self", **choices: object) -> KvScenario:
        return made(KvScenario, kind, **choices)

    return make


@pytest.fixture
def scenario() -> Callable[..., BreakableScenario]:
    """Make a scenario of one vendor class; keyword arguments go to the vendor."""

    def make(kind: str = "self", **choices: object) -> BreakableScenario:
        return made(BreakableScenario, kind, **choices)

    return make
