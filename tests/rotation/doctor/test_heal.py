"""The doctor alone makes current live again after any crash, over labels and over KV version 2."""

from __future__ import annotations

import contextlib
from dataclasses import replace

import pytest

from rotation.core.errors import (
    LoginRejected,
    OutcomeUnknown,
    RotationError,
    StageConflict,
    StoreUnavailable,
    VendorUnavailable,
)
from rotation.core.secret import Secret
from rotation.core.values import Power, Step
from rotation.doctor import Action, Condition, Verb, examine, heal, repair
from rotation.doctor.dry_run import Status, rehearse
from rotation.engine.run import verify
from rotation.state.lease import CLOCK_MARGIN, Claim
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
            assert subject.secret.describe().holder(PENDING) in (None, subject.secret.describe().current_id), where
            assert not subject.vendor.locked, where
            subject.clock.sleep(1000.0)
            assert subject.rotate(subject.begin()) == [], where


def test_a_run_without_time_changes_nothing(scenario):
    """Its lease would be over when it begins, so that another run could act at the same moment."""
    subject, token = broken(scenario, "admin", Fuse(only="verify", at=1))
    subject.secret.detach(PENDING, token)
    subject.clock.sleep(200.0)
    diagnosis = examine(subject.session())
    assert diagnosis.plan == (Action(Verb.PROMOTE, token),)
    outcome = repair(replace(subject.session(), time_left=lambda: -1.0), diagnosis)
    assert (outcome.condition, outcome.error.code, outcome.done) == (Condition.WAITING, "not_enough_time", ())
    assert repair(subject.session(), diagnosis).done == diagnosis.plan
    assert subject.in_step


EVERY_KIND = ["admin", "admin-task", "machine", "self"]
OUTSIDE = Secret("Unknown0Unknown0Unkn")


def test_an_old_password_that_was_restored_at_the_target_becomes_current(kv_scenario):
    """W63: the version before is written once more as the newest."""
    restored = kv_scenario()
    restored.rotated()
    restored.vendor.set_by_hand(Secret("Old0Password0Old0Pas"))
    assert not restored.in_step
    assert heal(restored.session()).done == (Action(Verb.PROMOTE, "kv-1"),)
    assert (restored.in_step, restored.kv.read(restored.path).version) == (True, 3)
    assert examine(restored.session()).condition is Condition.HEALTHY


def test_an_edit_by_hand_beside_a_live_candidate_is_set_right(kv_scenario):
    """An operator wrote a dead password while a reset was under way: the live candidate replaces it."""
    edited = kv_scenario()
    edited.rotated()
    token = edited.cut(applied=True)
    edited.put_by_hand(edited.secret.read(token).document.replaced(password="Foreign0Foreign0Fore"))
    assert heal(edited.session()).done == (Action(Verb.PROMOTE, token),)
    assert edited.in_step


def test_an_outside_change_needs_a_human_and_the_budget_is_kept(kv_scenario):
    """No stored password is live; the journal keeps the tries, and the next run finds them."""
    drifted = kv_scenario()
    drifted.rotated()
    drifted.vendor.set_by_hand(OUTSIDE)
    outcome = heal(drifted.session())
    assert outcome.condition is Condition.HUMAN
    assert (
        drifted.secret.describe().wrong_logins(since=drifted.clock.now() - 300)[0] == drifted.vendor.wrong_logins == 2
    )
    with pytest.raises(LoginRejected):
        verify(drifted.session())
    assert drifted.vendor.wrong_logins == 2, "the label of the examination answers"


def test_nothing_is_asked_while_a_job_holds_the_lease(kv_scenario):
    """W55: doctor and dry run both see the journal's lease, which ends at its own time."""
    busy = kv_scenario()
    busy.rotated()
    token = busy.cut(applied=True)
    now = busy.clock.now()
    busy.secret.acquire(token, busy.secret.describe(), Claim("ab", now, now + 90))
    until = busy.kv.read(busy.path + ".lockstep").document["lease"]["until"]
    found = examine(busy.session())
    assert (found.condition, found.not_before, busy.vendor.wrong_logins) == (Condition.WAITING, until + CLOCK_MARGIN, 0)
    waits = {check.name for check in rehearse(busy.session()) if check.status is Status.WAITS}
    assert "lease" in waits
    busy.clock.sleep(700.0)
    assert heal(busy.session()).done == (Action(Verb.PROMOTE, token),)


def test_a_machine_that_a_cancelled_rotation_left_stopped_is_started(kv_scenario):
    """W31: the journal keeps which candidate's run got as far as the lease."""
    stopped = kv_scenario("machine")
    token = stopped.created()
    now = stopped.clock.now()
    stopped.secret.acquire(token, stopped.secret.describe(), Claim("ab", now, now + 60))
    stopped.secret.yield_lease(token, holder="ab")
    stopped.vendor.switch(Power.STOPPED)
    stopped.clock.sleep(60.0)
    stopped.secret.detach(PENDING, token)
    assert examine(stopped.session()).plan == (Action(Verb.START, token),)
    heal(stopped.session())
    stopped.clock.sleep(60.0)
    assert (stopped.vendor.busy, stopped.vendor.power) == (False, Power.RUNNING)


def test_a_journal_that_moved_meanwhile_stops_the_repair(kv_scenario):
    """The plan was made from an older state: nothing is written, and the next examination decides again."""
    raced = kv_scenario()
    token = raced.cut(applied=True)
    found = examine(raced.session())
    raced.put_by_hand(raced.secret.read("kv-1").document)
    outcome = repair(raced.session(), found)
    assert isinstance(outcome.error, StageConflict)
    assert raced.kv.read(raced.path).version == 2
    assert heal(raced.session()).done == (Action(Verb.PROMOTE, token),)


def test_the_note_of_the_lease_sits_on_one_version(kv_scenario):
    """The next rotation moves the note, so that old versions are forgotten."""
    twice = kv_scenario("admin")
    first, second = twice.rotated(), twice.rotated()
    labels = twice.snapshot()[0]
    assert [key for key, each in labels.items() if "lockstep:lease:1" in each] == [second]
    assert labels[first] == {"AWSPREVIOUS"}
