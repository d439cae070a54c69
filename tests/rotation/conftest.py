"""A driver's record for tests of the parts around drivers, and a fleet of secrets."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest

from rotation.core.secret import Secret
from rotation.core.settings import setting
from rotation.core.values import Authority, Evidence
from rotation.drivers.contract import DriverSpec
from rotation.policy import Charset, PasswordPolicy
from rotation_testkit.doubles.secretsmanager import SecretsManager
from rotation_testkit.doubles.secretsmanager.state import Schedule, SecretRecord, StoredValue, Version
from rotation_testkit.sandbox.clock import ShiftedClock


@dataclass(frozen=True, slots=True, kw_only=True)
class _Account:
    username: str = setting("Who.")


def _no_driver(wiring: object) -> Any:
    raise AssertionError(f"nobody asked for a driver with {wiring}")


@pytest.fixture
def make_spec() -> Callable[..., DriverSpec]:
    """A function that makes a record; keyword arguments replace its fields."""

    def make(**changes: Any) -> DriverSpec:
        fields: dict[str, Any] = {
            "code": "acme",
            "name": "Acme",
            "docs": "https://acme.example/docs",
            "authority": Authority.ADMIN,
            "evidence": Evidence.LOGIN,
            "endpoint": "https://api.acme.example",
            "endpoints": ("https://api.acme.example",),
            "account": _Account,
            "admin": None,
            "policies": {"any": PasswordPolicy(length=20, charsets=(Charset("lower", "abcdefghijklmnopqrstuvwxyz"),))},
            "factory": _no_driver,
            "source": "made up",
            "checked": "2026-11-01",
        }
        return DriverSpec(**{**fields, **changes})

    return make


DAY = 86_400.0
FUNCTION = "arn:aws:lambda:eu-central-1:111122223333:function:rotate"


class Fleet:
    """A double with many secrets, which are put straight into its state."""

    def __init__(self):
        self.clock = ShiftedClock()
        self.double = SecretsManager(clock=self.clock.now, sleep=self.clock.sleep)

    def add(self, name, labels=(), *, pending=None, age=10 * DAY, due=20 * DAY, **entry):
        """Add a secret with labels on its current version, and on a version of an unfinished rotation."""
        state, now = self.double._state, self.clock.now()
        current, waiting = str(uuid.uuid4()), str(uuid.uuid4())
        held = {"AWSCURRENT": current} | {label.replace("@ID", f"@{current[-8:]}"): current for label in labels}
        if pending is not None:
            held |= {"AWSPENDING": waiting} | {label.replace("@ID", f"@{waiting[-8:]}"): waiting for label in pending}
        secret = SecretRecord(arn=state.arn_for(name), name=name, created=now - age, changed=now, labels=held)
        secret.tags = entry.get("tags", {})
        secret.versions = {each: Version(each, now) for each in set(held.values())}
        secret.versions[current].value = StoredValue(Secret("old"), binary=False)
        secret.schedule = Schedule(FUNCTION, {}, last=now - age, next=now + due) if due is not None else None
        state.add(secret)
        return secret

    def add_many(self, number, **how):
        """Add proved secrets, half of them bound to another driver."""
        for each in range(number):
            driver = "ucloud_compshare" if each % 2 else "tencent_bm"
            tags = {"lockstep:account": f"1 {driver} {'0' * 32} - - note"}
            self.add(f"app/{each:03}", ["lockstep:proof:login"], tags=tags, **how)

    def asked(self):
        """Return the names of the secrets whose rotation was asked for, and accepted."""
        return [each.secret for each in self.double.calls if each.operation == "RotateSecret" and each.applied]


@pytest.fixture
def fleet(monkeypatch):
    """An empty fleet, served."""
    made = Fleet()
    with made.double.serve():
        for name, value in made.double.environment().items():
            monkeypatch.setenv(name, value)
        yield made
