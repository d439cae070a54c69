"""Every broken state that a rotation leaves is found, named and repaired."""

from __future__ import annotations

import pytest

from rotation.core.errors import StageConflict
from rotation.core.secret import Secret
from rotation.core.values import Lockout, Power
from rotation.doctor import Action, Condition, Content, Verb, examine, heal, repair
from rotation.state.stages import CURRENT, PENDING
from rotation_testkit.fault_lab.in_memory.fuse import Edge, Fuse

OUTSIDE = Secret("Unknown0Unknown0Unkn")
EVERY_KIND = ["admin", "admin-task", "machine", "self"]


@pytest.mark.parametrize("kind", EVERY_KIND)
def test_a_healthy_secret_is_left_alone(any_scenario, kind):
    """One login works, nothing is written, and a repair does nothing."""
    healthy = any_scenario(kind)
    healthy.rotated()
    before = healthy.snapshot()[0]
    found = examine(healthy.session())
    assert (found.condition, found.plan, found.live) == (Condition.HEALTHY, (), healthy.secret.describe().current_id)
    assert repair(healthy.session(), found).condition is Condition.HEALTHY
    assert healthy.snapshot()[0] == before
    assert healthy.vendor.wrong_logins == 0


@pytest.mark.parametrize("kind", EVERY_KIND)
def test_a_candidate_that_took_effect_is_made_current(any_scenario, kind):
    """W03: the reset's answer was lost. The candidate is tried first, so no login is wrong."""
    stale = any_scenario(kind)
    stale.rotated()
    token = stale.cut(applied=True)
    candidate = stale.secret.read(token).document.password
    found = examine(stale.session())
    assert (found.condition, found.plan) == (Condition.REPAIRABLE, (Action(Verb.PROMOTE, token),))
    assert not stale.in_step
    assert repair(stale.session(), found).condition is Condition.HEALTHY
    assert stale.password() == stale.vendor.live == candidate
    assert PENDING not in stale.secret.describe().versions[token].stages
    assert (stale.vendor.wrong_logins, stale.vendor.resets) == (0, 2)
    assert stale.secret.describe().holder(PENDING) is None
    stale.clock.sleep(1000.0)
    assert stale.rotate(stale.begin()) == []


@pytest.mark.parametrize("kind", EVERY_KIND)
def test_a_candidate_that_took_no_effect_is_sent_again(any_scenario, kind):
    """W03: the request was lost. The rotation is finished under its own token, with the same candidate."""
    stale = any_scenario(kind)
    stale.rotated()
    token = stale.cut(applied=False)
    candidate = stale.secret.read(token).document.password
    outcome = stale.healed()
    assert outcome.condition is Condition.HEALTHY
    assert Action(Verb.RESUME, token) in outcome.done
    assert stale.password() == stale.vendor.live == candidate
    assert stale.vendor.wrong_logins <= 4
    assert not stale.vendor.locked
    assert stale.secret.describe().holder(PENDING) is None
    stale.clock.sleep(1000.0)
    assert stale.rotate(stale.begin()) == []


def test_a_candidate_that_was_never_sent_is_dropped(any_scenario):
    """W03: an unsent candidate blocks every later rotation, and current is live."""
    stale = any_scenario()
    token = stale.created()
    assert examine(stale.session()).plan == (Action(Verb.RELEASE, token),)
    outcome = heal(stale.session())
    assert (outcome.condition, outcome.done) == (Condition.HEALTHY, (Action(Verb.RELEASE, token),))
    assert stale.secret.describe().holder(PENDING) is None
    assert stale.in_step
    fresh = stale.begin()
    assert fresh != token
    assert stale.rotate(fresh) == []


def test_an_empty_pending_version_is_dropped(scenario):
    """W04: the service left its label on a version without a value, which may take no other label."""
    stale = scenario()
    token = stale.begin()
    found = examine(stale.session())
    assert found.findings.pending.content is Content.EMPTY
    assert found.plan == (Action(Verb.RELEASE, token),)
    stale.fuse = Fuse(only="attach", at=1, edge=Edge.BEFORE, error=lambda _: StageConflict("no value"))
    assert repair(stale.session(), found).condition is Condition.HEALTHY
    assert stale.secret.describe().holder(PENDING) is None


@pytest.mark.parametrize("kind", EVERY_KIND)
def test_a_cancelled_rotation_whose_reset_took_effect_is_found(any_scenario, kind):
    """W38, W58: the pending label is gone, and the intent mark alone kept the live password."""
    cancelled = any_scenario(kind)
    cancelled.rotated()
    token = cancelled.cut(applied=True)
    cancelled.secret.detach(PENDING, token)
    assert heal(cancelled.session()).done == (Action(Verb.PROMOTE, token),)
    assert cancelled.in_step
    assert cancelled.vendor.wrong_logins == 1


def test_a_secret_that_nobody_can_check_is_told_so(scenario):
    """Without a login check the vendor's yes is the only proof, and a candidate without it is sent again."""
    blind = scenario("admin", oracle=False)
    blind.rotated()
    assert examine(blind.session()).findings.live.evidence.name == "ACCEPTED"
    token = blind.cut(applied=True)
    assert heal(blind.session()).done == (Action(Verb.RESUME, token),)
    assert blind.in_step


def test_a_readback_finds_the_live_version_without_a_login(scenario):
    """The password that the vendor's API returns is proof enough."""
    seen = scenario("admin", oracle=False, readback=True)
    seen.rotated()
    seen.vendor.set_by_hand(seen.password("AWSPREVIOUS"))
    assert heal(seen.session()).done == (Action(Verb.PROMOTE, "version-0"),)
    assert seen.in_step


def test_a_machine_left_stopped_is_given_back_when_its_candidate_is_dropped(scenario):
    """W31: the run died between stop and reset; the candidate is dropped, and the machine runs again."""
    stopped = scenario("machine")
    stopped.created()
    stopped.vendor.switch(Power.STOPPED)
    stopped.clock.sleep(60.0)
    outcome = heal(stopped.session())
    stopped.clock.sleep(60.0)
    assert outcome.condition is Condition.HEALTHY
    assert not stopped.vendor.busy
    assert stopped.vendor.power is Power.RUNNING
    assert stopped.in_step


def test_nothing_is_touched_while_a_run_holds_the_lease(scenario):
    """W55: another run acts at this moment, so an answer would be worthless."""
    busy = scenario()
    token = busy.created()
    until = int(busy.clock.now()) + 90
    busy.secret.attach(f"lockstep:until:{until}:ab:1:version-0", token)
    busy.fuse = Fuse()
    found = examine(busy.session())
    assert (found.condition, found.not_before) == (Condition.WAITING, until)
    assert {"verify", "observe"}.isdisjoint(busy.fuse.effects)


def test_labels_that_moved_meanwhile_stop_the_repair(scenario):
    """The plan was made from other labels: nothing is moved, and the next examination decides again."""
    raced = scenario()
    token = raced.cut(applied=True)
    found = examine(raced.session())
    raced.secret.put("by-hand", raced.secret.read("version-0").document, CURRENT)
    before = {key: version.marks | version.stages for key, version in raced.secret.describe().versions.items()}
    outcome = repair(raced.session(), found)
    assert isinstance(outcome.error, StageConflict)
    after = {key: version.marks | version.stages for key, version in raced.secret.describe().versions.items()}
    assert after == before
    assert heal(raced.session()).done == (Action(Verb.PROMOTE, token),)


def test_an_examination_changes_nothing_but_the_charges(scenario):
    """Stages, values and every mark but those of wrong logins are as they were."""
    looked = scenario()
    looked.rotated()
    looked.cut(applied=False)
    looked.vendor.set_by_hand(OUTSIDE)
    before = looked.snapshot()
    examine(looked.session())
    labels, values = looked.snapshot()

    def without_charges(found):
        return {key: {label for label in each if ":rejected:" not in label} for key, each in found.items()}

    assert without_charges(labels) == without_charges(before[0])
    assert {key: value.document["password"] for key, value in values.items()} == {
        key: value.document["password"] for key, value in before[1].items()
    }
    assert looked.secret.describe().wrong_logins(since=looked.clock.now() - 300)[0] == 3
    assert looked.vendor.wrong_logins == 2


def test_more_versions_than_the_budget_pays_for_are_tried_in_turn(scenario):
    """Each examination begins with the versions not tried yet, and the account is never locked."""
    many = scenario(lockout=Lockout(tries=5, window_seconds=300))
    oldest = many.vendor.live
    for number in range(4):
        many.rotated()
        many.secret.attach(f"keep-{number}", many.secret.describe().previous_id)
    many.vendor.set_by_hand(oldest)
    conditions = []
    for _ in range(3):
        found = examine(many.session())
        conditions.append(found.condition)
        assert not many.vendor.locked
        if found.live:
            break
        assert found.not_before == pytest.approx(many.clock.now() + 300, abs=2)
        many.clock.sleep(301.0)
    assert conditions == [Condition.WAITING, Condition.REPAIRABLE]
    assert found.live == "version-0"
