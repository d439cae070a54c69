"""Every broken state that a rotation or a person leaves is found, and repaired or left to a person."""

from __future__ import annotations

import pytest

from rotation.core.document import SecretDocument
from rotation.core.errors import StageConflict
from rotation.core.secret import Secret
from rotation.core.values import Lockout, Power
from rotation.doctor import Action, Condition, Content, PasswordState, Verb, examine, heal, repair
from rotation.state import marks
from rotation.state.lease import CLOCK_MARGIN
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
    assert (stale.vendor.wrong_logins, stale.vendor.resets) == (0, 2)
    assert stale.secret.describe().holder(PENDING) in (None, stale.secret.describe().current_id)
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
    assert stale.secret.describe().holder(PENDING) in (None, stale.secret.describe().current_id)
    stale.clock.sleep(1000.0)
    assert stale.rotate(stale.begin()) == []


def test_a_candidate_that_was_never_sent_is_dropped(any_scenario):
    """W03: an unsent candidate blocks every later rotation, and current is live."""
    stale = any_scenario()
    token = stale.created()
    assert examine(stale.session()).plan == (Action(Verb.RELEASE, token),)
    outcome = heal(stale.session())
    assert (outcome.condition, outcome.done) == (Condition.HEALTHY, (Action(Verb.RELEASE, token),))
    assert stale.secret.describe().holder(PENDING) in (None, stale.secret.describe().current_id)
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
    assert stale.secret.describe().holder(PENDING) in (None, stale.secret.describe().current_id)


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
    busy.secret.attach(marks.intent(until - 60, until=until, run="ab", base="version-0").on(token), token)
    busy.fuse = Fuse()
    found = examine(busy.session())
    assert (found.condition, found.not_before) == (Condition.WAITING, until + CLOCK_MARGIN)
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
        notes = (":rejected:", ":learnt:")
        return {
            key: {each for each in labels if not any(note in each for note in notes)} for key, labels in found.items()
        }

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


def test_a_secret_without_a_current_version_needs_a_human(scenario):
    """W05: there is no current version to compare with, so nothing is moved."""
    broken = scenario()
    broken.secret.detach(CURRENT, "version-0")
    found = examine(broken.session())
    assert found.condition is Condition.HUMAN
    assert "first version" in found.advice
    assert heal(broken.session()).done == ()


def test_a_live_candidate_without_a_current_version_is_named(scenario):
    """W05: the advice names the version to attach AWSCURRENT to."""
    broken = scenario()
    token = broken.cut(applied=True)
    broken.secret.detach(CURRENT, "version-0")
    found = examine(broken.session())
    assert (found.condition, found.live) == (Condition.HUMAN, token)
    assert token in found.advice


def test_a_current_value_that_is_no_document_gives_way_to_the_live_one(scenario):
    """W06: somebody put plain text over the document; the version before it is still live."""
    broken = scenario()
    live = broken.rotated()
    broken.secret.put("by-hand", SecretDocument({"oops": 1}), CURRENT)
    found = examine(broken.session())
    assert found.findings.current.content is Content.UNUSABLE
    assert found.plan == (Action(Verb.PROMOTE, live),)
    assert heal(broken.session()).condition is Condition.HEALTHY
    assert broken.in_step


def test_a_candidate_for_another_account_is_never_tried_here(scenario):
    """W06: current was edited to name another account while a rotation ran: a human decides, with the version named."""
    broken = scenario()
    token = broken.cut(applied=False)
    broken.edit("edited", tenant="other")
    found = examine(broken.session())
    assert found.findings.version(token).content is Content.FOREIGN
    assert found.findings.version(token).password is PasswordState.NOT_ASKED
    assert (found.condition, found.plan) == (Condition.HUMAN, ())
    assert token in found.advice


def test_an_unsent_candidate_for_another_account_is_dropped(scenario):
    """W06: nothing was sent, so nothing can be lost."""
    broken = scenario()
    token = broken.created()
    broken.edit("edited", tenant="other")
    assert examine(broken.session()).plan == (Action(Verb.RELEASE, token),)


def test_an_operators_version_does_not_hide_the_live_candidate(scenario):
    """W50: somebody made a version current by hand while the candidate took effect."""
    taken = scenario()
    token = taken.cut(applied=True)
    taken.edit("by-hand", password=OUTSIDE.reveal())
    assert heal(taken.session()).done == (Action(Verb.PROMOTE, token),)
    assert taken.in_step


def test_an_operators_version_that_is_live_stays(scenario):
    """W50: it is current and live; the candidate was sent and had no effect, so its rotation goes on from there."""
    taken = scenario(min_age_seconds=0, history=0)
    token = taken.cut(applied=False)
    taken.edit("by-hand", password=OUTSIDE.reveal())
    taken.vendor.set_by_hand(OUTSIDE)
    outcome = taken.healed()
    assert (outcome.condition, outcome.done) == (Condition.HEALTHY, (Action(Verb.RESUME, token),))
    assert taken.in_step


@pytest.mark.parametrize("kind", EVERY_KIND)
def test_a_restored_previous_password_is_made_current(scenario, kind):
    """W63: a snapshot brought the previous password back."""
    restored = scenario(kind, min_age_seconds=0, history=0) if kind == "self" else scenario(kind)
    restored.rotated()
    restored.vendor.set_by_hand(restored.password("AWSPREVIOUS"))
    assert heal(restored.session()).done == (Action(Verb.PROMOTE, "version-0"),)
    assert restored.in_step
    assert restored.vendor.wrong_logins == 1


def test_an_older_labelled_version_is_found(scenario):
    """W63: any label keeps a version in the search, not only ours and the service's."""
    restored = scenario()
    old = restored.vendor.live
    restored.rotated()
    restored.rotated()
    restored.secret.attach("keep-for-audit", "version-0")
    restored.vendor.set_by_hand(old)
    assert heal(restored.session()).done == (Action(Verb.PROMOTE, "version-0"),)
    assert restored.in_step


def test_a_pending_label_on_the_current_version_is_cosmetic(scenario):
    """W51: every rotation leaves it there; on a former current version the service would try that rotation again."""
    odd = scenario()
    odd.secret.attach(PENDING, "version-0")
    assert (heal(odd.session()).condition, heal(odd.session()).done) == (Condition.HEALTHY, ())
    odd.edit("by-hand")
    odd.secret.attach(PENDING, "version-0")
    assert heal(odd.session()).done == (Action(Verb.SETTLE, "by-hand"),)
    assert odd.secret.describe().holder(PENDING) in (None, odd.secret.describe().current_id)


def test_an_outside_change_of_a_self_changing_account_needs_a_human(scenario):
    """No stored password is live; the advice says which password to put where."""
    lost = scenario()
    lost.rotated()
    lost.vendor.set_by_hand(OUTSIDE)
    found = examine(lost.session())
    assert (found.condition, found.plan) == (Condition.HUMAN, ())
    assert "put the live password into the secret" in found.advice
    lost.clock.sleep(301.0)
    document = lost.secret.read(lost.secret.describe().current_id).document
    lost.secret.put("by-hand", document.replaced(password=OUTSIDE.reveal()), CURRENT)
    assert examine(lost.session()).condition is Condition.HEALTHY


def test_an_outside_change_of_a_resettable_account_is_healed_by_its_rotation(scenario):
    """An unfinished rotation by an API key needs no old password; without one, the advice is to rotate."""
    lost = scenario("admin")
    token = lost.created()
    lost.vendor.set_by_hand(OUTSIDE)
    assert heal(lost.session()).done == (Action(Verb.RESUME, token),)
    assert lost.in_step
    lost.clock.sleep(1000.0)
    lost.vendor.set_by_hand(Secret("Another0Another0Anot"))
    found = examine(lost.session())
    assert (found.condition, "lockstep rotate" in found.advice) == (Condition.HUMAN, True)
