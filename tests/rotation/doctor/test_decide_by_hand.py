"""Every broken state that a person leaves is repaired, or left to a person with the version named."""

from __future__ import annotations

import pytest

from rotation.core.document import SecretDocument
from rotation.core.secret import Secret
from rotation.doctor import Action, Condition, Content, PasswordState, Verb
from rotation.doctor.heal import examine, heal
from rotation.state.stages import CURRENT, PENDING

OUTSIDE = Secret("Unknown0Unknown0Unkn")
EVERY_KIND = ["admin", "admin-task", "machine", "self"]


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
    """W51: the label blocks nothing at the vendor, and is removed."""
    odd = scenario()
    odd.secret.attach(PENDING, "version-0")
    assert heal(odd.session()).done == (Action(Verb.SETTLE, "version-0"),)
    assert odd.secret.describe().holder(PENDING) is None


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
