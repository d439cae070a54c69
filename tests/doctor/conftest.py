"""Broken secrets to heal, in memory."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from rotation.core.document import SecretDocument
from rotation.core.errors import OutcomeUnknown, RotationError
from rotation.core.values import Step
from rotation.doctor import Condition, Outcome
from rotation.doctor.heal import heal
from rotation.engine.session import Session
from rotation.stores.vault_kv import VaultKv
from rotation_testkit.doubles.vault.kv2 import Kv2
from rotation_testkit.fault_lab.in_memory.fuse import Edge, Fuse
from rotation_testkit.fault_lab.in_memory.scenario import Scenario
from rotation_testkit.fault_lab.in_memory.scenarios import make_scenario


class Bed(Scenario):
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


class KvBed(Bed):
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


@pytest.fixture
def kv_bed() -> Callable[..., KvBed]:
    """As ``bed``, with the secret in KV version 2."""

    def make(kind: str = "self", **choices: object) -> KvBed:
        return make_scenario(kind, cls=KvBed, **choices)

    return make


@pytest.fixture
def bed() -> Callable[..., Bed]:
    """Make a scenario of one vendor class; keyword arguments go to the vendor."""

    def make(kind: str = "self", **choices: object) -> Bed:
        return make_scenario(kind, cls=Bed, **choices)

    return make
