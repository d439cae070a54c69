"""Without a login, a vendor's yes proves nothing against a newer current, and a machine is started within a week."""

from __future__ import annotations

import pytest

from rotation.core.errors import CannotVerify, InProgress
from rotation.core.secret import Secret
from rotation.core.values import Evidence, Power, Step
from rotation.doctor import Action, Condition, PasswordState, Verb, examine, heal
from rotation.state import marks
from rotation.state.lease import Claim
from rotation.state.stages import PENDING
from rotation_testkit.fault_lab.in_memory.fuse import Edge, Fuse

OUTSIDE = Secret("Unknown0Unknown0Unkn")
MONTH = 30 * 86_400.0


def accepted(scenario):
    """Return a secret without a login check, and a candidate that the vendor accepted before the run ended."""
    left = scenario("admin", oracle=False)
    token = left.sent()
    left.clock.sleep(7200.0)
    return left, token


def put_by_hand(subject, password, **changes):
    """Reset the account on the console and put its password into the secret, as an operator does."""
    assert subject.vendor.live
    subject.vendor.set_by_hand(password)
    subject.edit("by-hand", password=password.reveal(), **changes)
    subject.clock.sleep(MONTH)


@pytest.mark.parametrize("cancelled", [True, False])
def test_a_yes_from_before_current_was_put_is_no_proof(scenario, cancelled):
    """Current is live, and the vendor's yes to an abandoned candidate is a month old: nothing is moved."""
    left, token = accepted(scenario)
    put_by_hand(left, OUTSIDE)
    if cancelled:
        left.secret.detach(PENDING, token)
    found = examine(left.session())
    assert (found.condition, found.plan, found.live) == (Condition.HUMAN, (), None)
    assert token in found.advice
    assert heal(left.session()).done == ()
    assert left.in_step


def test_what_the_advice_says_ends_it(scenario):
    """Without AWSPENDING `lockstep rotate` sets a new password; without the labels nothing speaks against current."""
    left, token = accepted(scenario)
    put_by_hand(left, OUTSIDE)
    left.secret.detach(PENDING, token)
    for mark in left.secret.describe().versions[token].marks:
        left.secret.detach(mark.on(token), token)
    assert examine(left.session()).condition is Condition.HEALTHY
    other, token = accepted(scenario)
    put_by_hand(other, OUTSIDE)
    other.secret.detach(PENDING, token)
    assert other.rotate(other.begin()) == []
    assert other.in_step


def test_a_task_from_before_current_was_put_is_no_proof(scenario):
    """The task succeeded before an operator reset the account: resuming would take its end for a proof."""
    left = scenario("admin-task", oracle=False, delay_seconds=100.0)
    token = left.created()
    with pytest.raises(InProgress):
        left.step(Step.SET, token)
    left.clock.sleep(7200.0)
    put_by_hand(left, OUTSIDE)
    assert left.secret.describe().versions[token].task is not None
    found = examine(left.session())
    assert (found.condition, found.plan) == (Condition.HUMAN, ())
    assert left.in_step


def test_a_function_whose_clock_is_ahead_takes_no_older_task_for_a_proof(scenario):
    """By its clock the reset was sent after the operator's value was put; the labels know better."""
    left = scenario("admin-task", oracle=False, delay_seconds=100.0)
    left.ahead = 240.0
    token = left.created()
    with pytest.raises(InProgress):
        left.step(Step.SET, token)
    left.ahead = 0.0
    left.clock.sleep(120.0)
    put_by_hand(left, OUTSIDE)
    left.clock.sleep(7200.0)
    found = examine(left.session())
    assert (found.condition, found.plan) == (Condition.HUMAN, ())


def test_a_yes_from_before_current_was_proved_is_no_proof(scenario):
    """An older version that the doctor finds live and makes current outweighs a yes from before."""
    left, token = accepted(scenario)
    left.secret.detach(PENDING, token)
    left.secret.attach(marks.accepted(left.clock.now()).on(token), token)
    old = left.secret.read("version-0").document.password
    put_by_hand(left, OUTSIDE)
    left.vendor.set_by_hand(old)
    left.oracle = True
    assert heal(left.session()).done == (Action(Verb.PROMOTE, "version-0"),)
    assert not left.secret.describe().version(token).accepted


def test_a_login_that_was_turned_away_outweighs_an_earlier_yes(scenario):
    """Even where less proof is enough, a rejected login counts, although the second login got no answer."""
    left = scenario("admin")
    left.minimum = Evidence.ACCEPTED
    token = left.created()
    left.send_only(token)
    left.clock.sleep(7200.0)
    left.vendor.set_by_hand(OUTSIDE)
    left.fuse = Fuse(only="verify", at=2, edge=Edge.BEFORE, error=lambda _: CannotVerify("nobody answers"))
    found = examine(left.session())
    assert left.secret.describe().versions[token].proof is Evidence.ACCEPTED
    assert found.findings.version(token).password is PasswordState.DEAD
    assert (found.condition, found.plan) == (Condition.WAITING, ())


def test_a_yes_that_nothing_has_overtaken_counts(scenario):
    """Current is older than the reset: the candidate is made current."""
    left, token = accepted(scenario)
    left.secret.detach(PENDING, token)
    left.clock.sleep(MONTH)
    assert not left.in_step
    assert heal(left.session()).done == (Action(Verb.PROMOTE, token),)
    assert left.in_step


@pytest.mark.parametrize("cancelled", [True, False])
def test_current_with_the_accepted_password_stays(scenario, cancelled):
    """An operator's version with the candidate's password is live; the candidate is dropped."""
    left, token = accepted(scenario)
    put_by_hand(left, left.vendor.live, note="edited")
    if cancelled:
        left.secret.detach(PENDING, token)
    outcome = heal(left.session())
    assert (outcome.condition, outcome.done) == (
        Condition.HEALTHY,
        () if cancelled else (Action(Verb.RELEASE, token),),
    )
    assert left.secret.describe().current_id == "by-hand"
    assert left.in_step


def test_an_edit_that_keeps_the_password_stays_where_the_vendor_shows_it(scenario):
    """Of several versions with the live password, current is the live one."""
    edited = scenario("admin", oracle=False, readback=True)
    edited.rotated()
    put_by_hand(edited, edited.vendor.live, note="edited")
    found = examine(edited.session())
    assert [each.password for each in found.findings.versions].count(PasswordState.LIVE) == 2
    assert (found.condition, found.plan, found.live) == (Condition.HEALTHY, (), "by-hand")


@pytest.mark.parametrize("kind", ["admin", "admin-task", "machine", "self"])
def test_an_edit_that_keeps_the_candidates_password_stays(scenario, kind):
    """One login shows the state of candidate and edit: the candidate is dropped, and the edit stays."""
    edited = scenario(kind)
    token = edited.cut(applied=True)
    put_by_hand(edited, edited.secret.read(token).document.password, note="edited")
    assert heal(edited.session()).done == (Action(Verb.RELEASE, token),)
    assert edited.secret.read(edited.secret.describe().current_id).document["note"] == "edited"
    assert edited.in_step
    assert edited.vendor.wrong_logins == 0
    assert edited.rotate(edited.begin()) == []


HOUR = 3600.0
WEEK = 7 * 24 * HOUR


def given_up(scenario, *, after):
    """Return a machine that was stopped so many seconds after its rotation was abandoned, and the token."""
    subject = scenario("machine")
    token = subject.created()
    now = subject.clock.now()
    subject.secret.acquire(token, subject.secret.describe(), Claim("ab", now, now + 60))
    subject.secret.yield_lease(token, holder="ab")
    subject.secret.detach(PENDING, token)
    subject.clock.sleep(after)
    subject.vendor.switch(Power.STOPPED)
    subject.clock.sleep(60.0)
    assert not subject.vendor.busy
    return subject, token


@pytest.mark.parametrize("after", [0.0, WEEK - HOUR])
def test_within_a_week_a_cancelled_rotation_has_left_it_so(kv_scenario, after):
    """The rotation found the machine running, so the machine is started."""
    subject, token = given_up(kv_scenario, after=after)
    assert heal(subject.session()).done == (Action(Verb.START, token),)
    subject.clock.sleep(60.0)
    assert (subject.vendor.busy, subject.vendor.power) == (False, Power.RUNNING)


@pytest.mark.parametrize("after", [WEEK, 4 * WEEK])
def test_later_its_owner_may_have_stopped_it(kv_scenario, after):
    """The machine is left alone, and the summary says that it is off."""
    subject, _ = given_up(kv_scenario, after=after)
    found = examine(subject.session())
    assert found.plan == ()
    assert "the machine is stopped, and is left alone" in found.summary
    assert "start it at the vendor" in found.advice
    heal(subject.session())
    subject.clock.sleep(60.0)
    assert (subject.vendor.busy, subject.vendor.power) == (False, Power.STOPPED)


def test_a_reset_sent_lately_counts_as_a_sign_of_life(scenario):
    """The week counts from the reset of a candidate that waited long for its window."""
    subject = scenario("machine")
    token = subject.created()
    subject.clock.sleep(2 * WEEK)
    subject.cut(applied=False, token=token)
    subject.secret.detach(PENDING, token)
    assert not subject.vendor.busy
    subject.vendor.switch(Power.STOPPED)
    subject.clock.sleep(60.0)
    assert (subject.vendor.busy, subject.vendor.power) == (False, Power.STOPPED)
    assert examine(subject.session()).plan == (Action(Verb.START, token),)


def test_a_machine_that_is_given_back_is_not_said_to_be_left_alone(scenario):
    """An unfinished rotation is resumed and starts the machine."""
    subject = scenario("machine")
    subject.created()
    subject.vendor.switch(Power.STOPPED)
    subject.clock.sleep(60.0)
    found = examine(subject.session())
    assert [action.verb for action in found.plan] == [Verb.RESUME]
    assert "left alone" not in found.summary
    assert heal(subject.session()).condition is Condition.HEALTHY
