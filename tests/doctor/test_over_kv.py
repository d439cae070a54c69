"""The same doctor over KV version 2: what a rotation leaves in secret and journal is found and put right."""

from __future__ import annotations

import pytest

from rotation.core.errors import LoginRejected, StageConflict
from rotation.core.secret import Secret
from rotation.core.values import Power, Step
from rotation.doctor import Action, Condition, Verb
from rotation.doctor.dry_run import Status, rehearse
from rotation.doctor.heal import examine, heal, repair
from rotation.engine.run import verify
from rotation.state.lease import Claim
from rotation.state.stages import PENDING

EVERY_KIND = ["admin", "admin-task", "machine", "self"]
OUTSIDE = Secret("Unknown0Unknown0Unkn")


@pytest.mark.parametrize("kind", EVERY_KIND)
def test_a_healthy_secret_is_left_alone(kv_bed, kind):
    """Nothing is planned, nothing is left in the journal, and readers get what they got."""
    healthy = kv_bed(kind)
    healthy.rotated()
    before = healthy.snapshot()[0], healthy.kv.read(healthy.path).version
    found = examine(healthy.session())
    assert (found.condition, found.plan, found.live) == (Condition.HEALTHY, (), healthy.secret.describe().current_id)
    assert (healthy.snapshot()[0], healthy.kv.read(healthy.path).version) == before
    assert healthy.vendor.wrong_logins == 0


@pytest.mark.parametrize("kind", EVERY_KIND)
@pytest.mark.parametrize("applied", [True, False])
def test_an_unfinished_rotation_is_finished(kv_bed, kind, applied):
    """W03: made current where it took effect, sent again with the same candidate where it did not."""
    stale = kv_bed(kind)
    stale.rotated()
    token = stale.cut(applied=applied)
    candidate = stale.secret.read(token).document.password
    outcome = stale.healed()
    assert outcome.condition is Condition.HEALTHY
    assert Action(Verb.PROMOTE if applied else Verb.RESUME, token) in outcome.done
    assert stale.password() == stale.vendor.live == candidate
    assert stale.secret.describe().holder(PENDING) is None
    assert not stale.vendor.locked
    stale.clock.sleep(1000.0)
    assert stale.rotate(stale.begin()) == []


def test_a_candidate_that_was_never_sent_is_dropped(kv_bed):
    """Current is live; the next rotation begins afresh."""
    stale = kv_bed()
    token = stale.begin()
    stale.step(Step.CREATE, token)
    assert heal(stale.session()).done == (Action(Verb.RELEASE, token),)
    assert stale.begin() != token


def test_a_cancelled_rotation_whose_reset_took_effect_is_found(kv_bed):
    """W58: the journal's intent mark alone kept the live password."""
    cancelled = kv_bed()
    cancelled.rotated()
    token = cancelled.cut(applied=True)
    cancelled.secret.detach(PENDING, token)
    assert heal(cancelled.session()).done == (Action(Verb.PROMOTE, token),)
    assert cancelled.in_step


def test_an_old_password_that_was_restored_at_the_target_becomes_current(kv_bed):
    """W63: it is the version before, and is written once more as the newest."""
    restored = kv_bed()
    restored.rotated()
    restored.vendor.set_by_hand(Secret("Old0Password0Old0Pas"))
    assert not restored.in_step
    assert heal(restored.session()).done == (Action(Verb.PROMOTE, "kv-1"),)
    assert (restored.in_step, restored.kv.read(restored.path).version) == (True, 3)
    assert examine(restored.session()).condition is Condition.HEALTHY


def test_an_edit_by_hand_beside_a_live_candidate_is_set_right(kv_bed):
    """Somebody wrote the secret while a reset was under way, with a password that opens nothing."""
    edited = kv_bed()
    edited.rotated()
    token = edited.cut(applied=True)
    edited.put_by_hand(edited.secret.read(token).document.replaced(password="Foreign0Foreign0Fore"))
    assert heal(edited.session()).done == (Action(Verb.PROMOTE, token),)
    assert edited.in_step


def test_an_outside_change_needs_a_human_and_the_budget_is_kept(kv_bed):
    """None of the stored passwords is live; the tries are in the journal, where the next run finds them."""
    drifted = kv_bed()
    drifted.rotated()
    drifted.vendor.set_by_hand(OUTSIDE)
    outcome = heal(drifted.session())
    assert outcome.condition is Condition.HUMAN
    assert (
        drifted.secret.describe().wrong_logins(since=drifted.clock.now() - 300)[0] == drifted.vendor.wrong_logins == 2
    )
    with pytest.raises(LoginRejected):
        verify(drifted.session())
    assert drifted.vendor.wrong_logins == 3


def test_nothing_is_asked_while_a_job_holds_the_lease(kv_bed):
    """W55: the journal's lease is seen by doctor and rehearsal alike, and is over when it says so."""
    busy = kv_bed()
    busy.rotated()
    token = busy.cut(applied=True)
    now = busy.clock.now()
    busy.secret.acquire(token, busy.secret.describe(), Claim("ab", now, now + 90))
    until = busy.kv.read(busy.path + ".lockstep").document["lease"]["until"]
    found = examine(busy.session())
    assert (found.condition, found.not_before, busy.vendor.wrong_logins) == (Condition.WAITING, until, 0)
    waits = {check.name for check in rehearse(busy.session()) if check.status is Status.WAITS}
    assert "lease" in waits
    busy.clock.sleep(100.0)
    assert heal(busy.session()).done == (Action(Verb.PROMOTE, token),)


def test_a_machine_that_a_cancelled_rotation_left_stopped_is_started(kv_bed):
    """W31: the journal remembers which candidate's run had come as far as the lease."""
    stopped = kv_bed("machine")
    token = stopped.begin()
    stopped.step(Step.CREATE, token)
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


def test_a_journal_that_moved_meanwhile_stops_the_repair(kv_bed):
    """The plan was made from another look: nothing is written, and the next look decides anew."""
    raced = kv_bed()
    token = raced.cut(applied=True)
    found = examine(raced.session())
    raced.put_by_hand(raced.secret.read("kv-1").document)
    outcome = repair(raced.session(), found)
    assert isinstance(outcome.error, StageConflict)
    assert raced.kv.read(raced.path).version == 2
    assert heal(raced.session()).done == (Action(Verb.PROMOTE, token),)


def test_the_note_of_the_lease_sits_on_one_version(kv_bed):
    """The next rotation takes it along, so that versions which are over are forgotten."""
    twice = kv_bed("admin")
    first, second = twice.rotated(), twice.rotated()
    labels = twice.snapshot()[0]
    assert [key for key, each in labels.items() if "lockstep:lease:1:journal" in each] == [second]
    assert labels[first] == {"AWSPREVIOUS"}
