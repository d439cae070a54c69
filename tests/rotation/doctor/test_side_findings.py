"""Labels of cancelled rotations are removed once another password is proved live; else the advice names them."""

from __future__ import annotations

import pytest

from rotation.core.errors import RotationError, StoreFull
from rotation.core.values import Lockout, Step
from rotation.doctor import Action, Condition, Verb, examine, heal
from rotation.state import marks
from rotation.state.stages import CURRENT, PENDING
from rotation_testkit.fault_lab.in_memory.fuse import Edge, Fuse

MOST = 20
DAY = 86_400
WEEK = 7 * DAY


def cancelled(subject, *, times=1, applied=False):
    """Cut rotations short and take their pending labels away; return the tokens."""
    tokens = []
    for _ in range(times):
        tokens.append(subject.cut(applied=applied))
        subject.secret.detach(PENDING, tokens[-1])
        subject.clock.sleep(1000.0)
    return tokens


def labels(subject):
    """Return every label of the secret."""
    return {label for version in subject.secret.describe().versions.values() for label in version.labels}


def filled(subject, number, *, first=0):
    """Put an operator's labels on current until so many are in use."""
    current = subject.secret.describe().current_id
    for each in range(first, MOST):
        if len(labels(subject)) < number:
            subject.secret.attach(f"mine-{each}", current)
    assert len(labels(subject)) == number


def short(scenario, kind="admin", **choices):
    """Return a secret whose rotations end in store_full, and the tokens of two cancelled ones that are the cause."""
    subject = scenario(kind, **{"lockout": Lockout(tries=5, window_seconds=DAY), **choices})
    subject.rotated()
    tokens = cancelled(subject, times=2)
    filled(subject, 11)
    return subject, tokens


@pytest.mark.parametrize("kind", ["admin", "admin-task", "machine", "self"])
def test_labels_of_cancelled_rotations_go_once_current_is_proved_live(scenario, kind):
    """Every rotation ends in store_full until the doctor has removed left-over labels; the next one succeeds."""
    subject, tokens = short(scenario, kind)
    token = subject.begin()
    with pytest.raises(StoreFull):
        subject.step(Step.CREATE, token)
    found = examine(subject.session())
    settles = tuple(Action(Verb.SETTLE, each) for each in tokens)
    assert (found.condition, found.plan) == (Condition.REPAIRABLE, (*settles, Action(Verb.RELEASE, token)))
    assert heal(subject.session(), found).condition is Condition.HEALTHY
    assert not any(version.marks for key, version in subject.secret.describe().versions.items() if key in tokens)
    assert subject.rotate(subject.begin()) == []
    assert subject.in_step


def test_it_needs_no_free_label(scenario):
    """Labels are removed without the lease, for which there may be no label."""
    subject, tokens = short(scenario)
    filled(subject, MOST - 1, first=10)
    found = examine(subject.session())
    assert [action.verb for action in found.plan] == [Verb.SETTLE, Verb.SETTLE]
    subject.fuse = Fuse(only="attach", at=1, edge=Edge.BEFORE, error=lambda _: StoreFull("no label is left"))
    heal(subject.session(), found)
    assert not any(version.marks for key, version in subject.secret.describe().versions.items() if key in tokens)


def test_in_a_journal_it_is_the_same(kv_scenario):
    """A journal in KV version 2 has the same quota of labels."""
    subject, tokens = short(kv_scenario)
    assert heal(subject.session()).done == tuple(Action(Verb.SETTLE, each) for each in tokens)
    assert not any(version.marks for key, version in subject.secret.describe().versions.items() if key in tokens)
    assert subject.rotate(subject.begin()) == []
    assert subject.in_step


def test_a_promotion_finds_labels_for_its_lease(scenario):
    """The candidate is live, so older ones are dead: their labels go before the lease is taken."""
    subject = scenario("admin")
    subject.rotated()
    tokens = cancelled(subject, times=2)
    live = subject.cut(applied=True)
    filled(subject, MOST - 1)
    found = examine(subject.session())
    assert found.plan == (*(Action(Verb.SETTLE, each) for each in tokens), Action(Verb.PROMOTE, live))
    outcome = heal(subject.session(), found)
    assert (outcome.done, outcome.error) == (found.plan, None)
    assert subject.in_step


def test_wrong_logins_outlast_the_versions_they_were_charged_on(scenario):
    """The wrong-login budget stays the same when labels are removed."""
    subject, tokens = short(scenario, "self", lockout=Lockout(tries=5, window_seconds=300))
    subject.clock.sleep(1000.0)
    now = subject.clock.now()
    for each in tokens:
        subject.secret.attach(f"lockstep:rejected:1:{int(now) - 10}@{each[-8:]}", each)
    before = subject.secret.describe().wrong_logins(since=now - 300)
    assert before[0] == 2
    assert Action(Verb.SETTLE, tokens[0]) in heal(subject.session()).done
    assert subject.secret.describe().wrong_logins(since=now - 300) == before


def test_what_was_sent_lately_stays(scenario):
    """A reset sent lately may still take effect: the doctor says until when to wait, then removes the labels."""
    subject = scenario("admin")
    subject.rotated()
    token = subject.cut(applied=False)
    subject.secret.detach(PENDING, token)
    filled(subject, 12)
    found = examine(subject.session())
    sent = subject.secret.describe().versions[token].intent
    assert (found.condition, found.plan, found.not_before) == (Condition.WAITING, (), sent + 900)
    subject.clock.sleep(900.0)
    assert examine(subject.session()).plan == (Action(Verb.SETTLE, token),)


def test_where_there_is_room_nothing_is_touched(scenario):
    """With enough free labels, cleaning up is left to the next rotation."""
    subject = scenario("admin")
    subject.rotated()
    cancelled(subject)
    found = examine(subject.session())
    assert (found.condition, found.plan) == (Condition.HEALTHY, ())


def test_labels_that_a_rotation_takes_away_by_itself_leave_room(scenario):
    """An old charge, a wait that is over and a count are removed by the rotation itself."""
    subject = scenario("admin")
    subject.rotated()
    (token,) = cancelled(subject)
    filled(subject, 9)
    old = int(subject.clock.now()) - 90_000
    for mark in (f"rejected:1:{old}", f"parked:back_off:{old}", "failed:3"):
        subject.secret.attach(f"lockstep:{mark}@{token[-8:]}", token)
    assert examine(subject.session()).condition is Condition.HEALTHY
    assert subject.rotate(subject.begin()) == []


@pytest.mark.parametrize("readback", [True, False])
def test_without_a_login_nothing_goes_and_a_human_is_told_which_labels(scenario, readback):
    """Neither the vendor's yes nor what its API shows is proof enough that a cancelled candidate is dead."""
    subject, tokens = short(scenario, oracle=False, readback=readback)
    found = examine(subject.session())
    assert (found.condition, found.plan) == (Condition.HUMAN, ())
    for token in tokens:
        (mark,) = subject.secret.describe().versions[token].marks
        assert f"`{mark.on(token)}` of version {token}, once its password does not open the account" in found.advice


def test_the_candidate_of_another_account_stays(scenario):
    """Current's login proves nothing about another account; the advice says what to keep elsewhere first."""
    subject, tokens = short(scenario)
    document = subject.secret.read(subject.secret.describe().current_id).document
    subject.secret.put("edited", document.replaced(tenant="other"), CURRENT)
    found = examine(subject.session())
    assert (found.condition, found.plan) == (Condition.HUMAN, ())
    assert f"of version {tokens[0]}, once its password is kept elsewhere" in found.advice


def test_labels_of_ones_own_are_named(scenario):
    """Where Lockstep has no labels, the advice names the operator's own; with one fewer the secret is healthy."""
    subject = scenario("admin")
    subject.rotated()
    filled(subject, 12)
    found = examine(subject.session())
    current = subject.secret.describe().current_id
    assert (found.condition, found.plan) == (Condition.HUMAN, ())
    assert f"`mine-0` of version {current}" in found.advice
    assert "lockstep:" not in found.advice
    subject.secret.detach("mine-0", current)
    assert examine(subject.session()).condition is Condition.HEALTHY


def test_without_a_label_for_the_charge_no_login_is_tried(scenario):
    """The advice names the labels that may be removed."""
    subject, _ = short(scenario)
    filled(subject, MOST, first=10)
    subject.fuse = Fuse()
    found = examine(subject.session())
    assert (found.condition, found.plan) == (Condition.HUMAN, ())
    assert "verify" not in subject.fuse.effects
    assert "`mine-0` of version" in found.advice


def test_a_promotion_without_labels_for_the_lease_says_which_may_go(scenario):
    """Nothing is moved while labels are missing; with two fewer in use the promotion succeeds."""
    subject = scenario("admin")
    subject.rotated()
    token = subject.cut(applied=True)
    filled(subject, MOST - 1)
    current = subject.secret.describe().current_id
    outcome = heal(subject.session())
    assert (outcome.condition, outcome.done) == (Condition.HUMAN, ())
    assert isinstance(outcome.error, StoreFull)
    assert f"`mine-0` of version {current}" in outcome.advice == outcome.error.hint
    for number in range(2):
        subject.secret.detach(f"mine-{number}", current)
    assert Action(Verb.PROMOTE, token) in heal(subject.session()).done
    assert subject.in_step


def test_labels_that_moved_meanwhile_stop_it(scenario):
    """Nothing is removed when a rotation has begun since the examination."""
    subject, tokens = short(scenario)
    found = examine(subject.session())
    subject.begin()
    outcome = heal(subject.session(), found)
    assert isinstance(outcome.error, RotationError)
    assert outcome.done == ()
    assert all(subject.secret.describe().versions[each].marks for each in tokens)


@pytest.mark.parametrize(("window", "condition"), [(WEEK, Condition.HUMAN), (900, Condition.HEALTHY)])
def test_a_wrong_login_is_over_by_the_window_of_the_account(scenario, window, condition):
    """The doctor counts as createSecret does: a label of two days ago is freed, or is still needed."""
    subject = scenario("admin", lockout=Lockout(tries=5, window_seconds=window))
    charge = marks.rejected(1, subject.clock.now() - 2 * DAY)
    subject.secret.attach(charge.on("version-0"), "version-0")
    filled(subject, 9)
    assert examine(subject.session()).condition is condition


def test_what_the_doctor_takes_away_leaves_the_wrong_logins(scenario):
    """Charges move to current, also when they are two days old and the window is a week."""
    subject = scenario("admin", lockout=Lockout(tries=5, window_seconds=WEEK))
    subject.rotated()
    tokens = cancelled(subject, times=2)
    charge = marks.rejected(1, subject.clock.now())
    subject.secret.attach(charge.on(tokens[0]), tokens[0])
    subject.clock.sleep(2 * DAY)
    before = subject.secret.describe().wrong_logins(since=subject.clock.now() - WEEK)
    filled(subject, 14)
    assert Verb.SETTLE in [action.verb for action in heal(subject.session()).done]
    assert subject.secret.describe().wrong_logins(since=subject.clock.now() - WEEK) == before
    assert not any(version.marks for key, version in subject.secret.describe().versions.items() if key in tokens)


def test_a_long_lock_out_is_no_clock_that_was_ahead(scenario):
    """An account may wait for as long as the window that an operator stated."""
    subject = scenario("admin", lockout=Lockout(tries=5, window_seconds=20 * DAY))
    note = marks.parked("wrong_login_budget", subject.clock.now() + 19 * DAY)
    subject.secret.attach(note.on("version-0"), "version-0")
    assert "clock" not in examine(subject.session()).summary
