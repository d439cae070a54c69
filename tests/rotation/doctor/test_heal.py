"""A run dies at any effect and an operator may cancel it; the doctor alone makes current live again."""

from __future__ import annotations

import contextlib

import pytest

from rotation.core.errors import OutcomeUnknown, RotationError, StoreUnavailable, VendorUnavailable
from rotation.core.values import Step
from rotation.doctor import Condition
from rotation.doctor.heal import heal
from rotation.state.stages import PENDING
from rotation_testkit.fault_lab.in_memory.fuse import Crash, Edge, Fuse

CHANGING = {"stage", "attach", "move", "detach", "set_password", "verify", "stop", "start"}


def lost_answer(name):
    """Return what an adapter raises when the answer to this effect does not arrive."""
    if name == "set_password":
        return OutcomeUnknown("lost")
    return (
        VendorUnavailable("lost")
        if name in ("observe", "verify", "poll", "stop", "start")
        else StoreUnavailable("lost")
    )


def edges(name, error):
    """Return where a fault before or after this effect makes a difference."""
    after = [Edge.AFTER] if name in CHANGING else []
    return after if error is None else [Edge.BEFORE, *after]


def broken(scenario, kind, fuse):
    """Rotate until the fuse blows."""
    subject = scenario(kind)
    token = subject.begin()
    subject.fuse = fuse
    with contextlib.suppress(RotationError, Crash):
        for step in Step:
            subject.step(step, token)
    subject.fuse = Fuse()
    return subject, token


def healed(subject):
    """Heal, waiting as long as an outcome says; return the last outcome."""
    for _ in range(12):
        outcome = heal(subject.session())
        if outcome.condition is not Condition.WAITING:
            return outcome
        subject.clock.sleep(max(60.0, (outcome.not_before or 0.0) - subject.clock.now() + 1))
    raise AssertionError(outcome)


@pytest.mark.parametrize(("error", "cancelled"), [(None, True), (lost_answer, False)])
@pytest.mark.parametrize("kind", ["admin", "admin-task", "machine", "self"])
def test_the_doctor_alone_brings_them_back_in_step(scenario, kind, error, cancelled):
    """Nothing is lost, no account is locked, machines run, and the next rotation succeeds."""
    clean, _ = broken(scenario, kind, fuse := Fuse())
    assert clean.in_step
    assert CHANGING & set(fuse.effects)
    for number, name in enumerate(fuse.effects, 1):
        for edge in edges(name, error):
            where = f"{kind} {edge} {name} ({number})"
            subject, token = broken(scenario, kind, Fuse(number, edge, error=error))
            if cancelled:
                subject.secret.detach(PENDING, token)
            assert subject.vendor.live in subject.stored(), where
            outcome = healed(subject)
            assert outcome.condition is Condition.HEALTHY, f"{where}: {outcome}"
            assert subject.in_step, where
            assert subject.secret.describe().holder(PENDING) is None, where
            assert not subject.vendor.locked, where
            subject.clock.sleep(1000.0)
            assert subject.rotate(subject.begin()) == [], where
