"""For every reason for parking the doctor has advice, and does what the advice says."""

from __future__ import annotations

from dataclasses import replace

import pytest

from rotation.core.errors import InProgress, OutcomeUnknown, Parked, PermissionDenied, RotationError
from rotation.core.maintenance_window import Windows
from rotation.core.secret import Secret
from rotation.core.values import Lockout, Power, Step
from rotation.doctor import ANSWERS, Action, Condition, Verb, examine, heal
from rotation.state import marks
from rotation.state.parking import PARKING, Next, Reason, who_acts
from rotation_testkit.fault_lab.in_memory.fuse import Edge, Fuse

OUTSIDE = Secret("Unknown0Unknown0Unkn")


def parked(scenario, token):
    """Run setSecret and return why and until when it parked."""
    scenario.fuse = Fuse()
    with pytest.raises(Parked) as error:
        scenario.step(Step.SET, token)
    return error.value.reason, error.value.not_before


def closed(scenario):
    """Close the maintenance window for an hour."""
    hour = int(scenario.clock.now() // 3600 + 1) % 24
    scenario.window = Windows.parse(f"{hour:02}:00-{hour:02}:30 UTC")


def make_wrong_login_budget(scenario):
    """Return a vendor with three tries, of which a lost change may have taken one."""
    subject = scenario(min_age_seconds=0, history=0, lockout=Lockout(tries=3, window_seconds=300))
    return subject, subject.cut(applied=False)


def make_account_locked(scenario):
    """Return an account that a person has locked."""
    subject = scenario(min_age_seconds=0, history=0)
    token = subject.cut(applied=False)
    for _ in range(5):
        subject.vendor.log_in(OUTSIDE)
    return subject, token


def make_too_soon(scenario):
    """Return an account whose minimum age counts from a change that Lockstep does not know."""
    subject = scenario()
    subject.vendor.changed_at = subject.clock.now() - 10
    token = subject.created()
    return subject, token


def make_outside_window(scenario):
    """Return a rotation whose window closed after createSecret."""
    subject = scenario()
    token = subject.created()
    closed(subject)
    return subject, token


def make_back_off(scenario):
    """Return a rotation that was refused twice in a row."""
    subject = scenario()
    token = subject.created()
    for _ in range(2):
        subject.fuse = Fuse(only="set_password", at=1, error=lambda _: PermissionDenied("no"))
        with pytest.raises(PermissionDenied):
            subject.step(Step.SET, token)
    return subject, token


def make_external_change(scenario):
    """Return an account that no stored password opens, with a budget that suffices to find out."""
    subject = scenario(min_age_seconds=0, history=0, lockout=Lockout(tries=12, window_seconds=300))
    token = subject.cut(applied=False)
    subject.vendor.set_by_hand(OUTSIDE)
    return subject, token


def make_reset_fails(scenario):
    """Return a vendor that accepts the task and fails, after the first run has sent two resets."""
    subject = scenario("admin-task", task_fails=True)
    token = subject.created()
    with pytest.raises(InProgress):
        subject.step(Step.SET, token)
    return subject, token


def make_candidate_refused(scenario):
    """Return a rotation with a lost request and then a policy that the candidate breaks."""
    subject = scenario()
    token = subject.cut(applied=False)
    subject.vendor.policy = replace(subject.vendor.policy, length=24, min_length=24, max_length=24)
    subject.clock.sleep(600)
    return subject, token


def make_vendor_busy(scenario):
    """Return a rotation whose vendor has been at work for hours."""
    subject = scenario()
    token = subject.created()
    for _ in range(18):
        subject.vendor.obstacles = (InProgress("a lock on the account hangs"),)
        with pytest.raises(InProgress):
            subject.step(Step.SET, token)
        subject.clock.sleep(900)
    return subject, token


MAKE = {
    Reason.WRONG_LOGIN_BUDGET: make_wrong_login_budget,
    Reason.ACCOUNT_LOCKED: make_account_locked,
    Reason.TOO_SOON: make_too_soon,
    Reason.OUTSIDE_WINDOW: make_outside_window,
    Reason.BACK_OFF: make_back_off,
    Reason.EXTERNAL_CHANGE: make_external_change,
    Reason.RESET_FAILS: make_reset_fails,
    Reason.CANDIDATE_REFUSED: make_candidate_refused,
    Reason.VENDOR_BUSY: make_vendor_busy,
}


def test_every_reason_is_described_answered_and_tried_here():
    """A new reason cannot be added without advice and a test here."""
    assert set(PARKING) == set(Reason) == set(MAKE)
    assert set(ANSWERS) == {reason for reason, parking in PARKING.items() if parking.by_itself}
    assert all(parking.hint for parking in PARKING.values())
    assert all(ANSWERS.values())


@pytest.mark.parametrize("reason", list(Reason))
def test_the_engine_parks_with_it(scenario, reason):
    """Error and label say until when, and the vendor is not called before."""
    subject, token = MAKE[reason](scenario)
    word, until = parked(subject, token)
    assert (word, until > subject.clock.now()) == (reason, True)
    labelled = [version.parked for version in subject.secret.describe().versions.values() if version.parked]
    assert (reason, int(until)) in [(why, int(at)) for why, at in labelled]
    assert parked(subject, token) == (reason, pytest.approx(until, abs=1))
    assert {"set_password", "verify", "observe", "poll"}.isdisjoint(subject.fuse.effects)


BY_ITSELF = [reason for reason in Reason if PARKING[reason].by_itself]


@pytest.mark.parametrize("reason", BY_ITSELF)
def test_what_goes_on_by_itself_is_left_alone_until_then(scenario, reason):
    """The doctor says until when to wait; after that the rotation succeeds by itself."""
    subject, token = MAKE[reason](scenario)
    _, until = parked(subject, token)
    found = examine(subject.session())
    assert (found.condition, found.plan) == (Condition.WAITING, ())
    assert int(found.not_before) >= int(until)
    assert heal(subject.session()).done == ()
    subject.clock.sleep(until - subject.clock.now() + 1)
    failures = subject.rotate(token, spacing=301.0)
    assert failures[-1:] != ["gave up"]
    assert subject.in_step
    assert not subject.vendor.locked or reason is Reason.ACCOUNT_LOCKED


def test_a_reason_of_another_release_counts_as_one_for_a_human(scenario):
    """Nobody knows here whether it passes by itself: a human looks, and the doctor's repair does not wait for it."""
    subject = scenario()
    token = subject.cut(applied=False)
    subject.clock.sleep(600)
    subject.session().store.mark(token, marks.parked("of_another_release", subject.clock.now() + 7200))
    with pytest.raises(Parked) as held:
        subject.step(Step.SET, token)
    assert who_acts(held.value) is Next.NEEDS_HUMAN
    assert examine(subject.session()).condition is Condition.REPAIRABLE
    assert heal(subject.session()).condition is Condition.HEALTHY
    assert subject.in_step


def test_an_outside_change_ends_with_a_human(scenario):
    """After the window every stored password has been tried, and the advice says what to put where."""
    subject, token = MAKE[Reason.EXTERNAL_CHANGE](scenario)
    parked(subject, token)
    found = examine(subject.session())
    assert (found.condition, found.plan) == (Condition.HUMAN, ())
    assert "put the live password" in found.advice
    subject.vendor.set_by_hand(subject.password())
    subject.clock.sleep(301)
    assert heal(subject.session()).condition is Condition.HEALTHY
    assert subject.in_step


def test_a_reset_that_fails_is_sent_once_more(scenario):
    """While the vendor still fails, the doctor says when to look again; then the same candidate goes through."""
    subject, token = MAKE[Reason.RESET_FAILS](scenario)
    parked(subject, token)
    subject.clock.sleep(60)
    still = heal(subject.session())
    assert (still.condition, still.error.reason) == (Condition.WAITING, Reason.RESET_FAILS)
    subject.vendor.task_fails = False
    outcomes = [still]
    while outcomes[-1].condition is Condition.WAITING and len(outcomes) < 15:
        subject.clock.sleep(max(60, (outcomes[-1].not_before or 0) - subject.clock.now()))
        outcomes.append(heal(subject.session()))
    assert outcomes[-1].condition is Condition.HEALTHY
    assert subject.secret.describe().current_id == token
    assert subject.in_step
    assert not subject.vendor.locked


def test_a_refused_candidate_is_dropped_once_it_cannot_take_effect_any_more(scenario):
    """The candidate is kept while a late vendor might still apply it; afterwards a fitting one is made."""
    subject, token = MAKE[Reason.CANDIDATE_REFUSED](scenario)
    parked(subject, token)
    found = examine(subject.session())
    assert found.condition is Condition.WAITING
    done = ()
    for _ in range(3):  # each look may ask once more whether the candidate is live
        subject.clock.sleep(found.not_before - subject.clock.now() + 1)
        done = heal(subject.session()).done
        if done:
            break
        found = examine(subject.session())
    assert done == (Action(Verb.RELEASE, token),)
    assert subject.in_step


def test_giving_up_again_and_again_waits_longer_and_longer(scenario):
    """An outside change that nobody mends costs fewer and fewer attempts, never more than the budget in a window."""
    subject, token = MAKE[Reason.EXTERNAL_CHANGE](scenario)
    pauses = []
    for _ in range(8):
        _, until = parked(subject, token)
        pauses.append(until - subject.clock.now())
        subject.clock.sleep(pauses[-1] + 1)
    assert pauses == sorted(pauses)
    assert 300 <= pauses[0] <= 360
    assert 1200 <= pauses[-1] <= 6 * 3600


def test_a_candidate_may_always_be_healed_outside_the_window(scenario):
    """A sent candidate is handled at once: its reset may have been applied, and current may be dead."""
    subject = scenario()
    token = subject.cut(applied=True)
    closed(subject)
    assert not subject.in_step
    assert subject.rotate(token) == []
    assert subject.in_step


def test_a_closed_window_stops_a_new_rotation_before_the_vendor_hears_of_it(scenario):
    """CreateSecret is parked already, and says when the window opens."""
    subject = scenario()
    closed(subject)
    token = subject.begin()
    subject.fuse = Fuse()
    with pytest.raises(Parked) as stopped:
        subject.step(Step.CREATE, token)
    assert (stopped.value.reason, stopped.value.not_before % 3600) == ("outside_window", 0)
    assert {"set_password", "verify", "observe"}.isdisjoint(subject.fuse.effects)
    subject.clock.sleep(stopped.value.not_before - subject.clock.now())
    assert subject.rotate(token) == []


def test_a_window_that_was_opened_by_hand_is_believed(scenario):
    """The label of an earlier wait does not outlive the setting that it came from."""
    subject, token = MAKE[Reason.OUTSIDE_WINDOW](scenario)
    parked(subject, token)
    subject.window = Windows()
    assert subject.rotate(token) == []


def test_a_machine_is_given_back_before_a_long_wait(scenario):
    """An attempt that stopped it ran out of time as the window closed: the next one starts it, then waits."""
    subject = scenario("machine", switch_seconds=58.0)
    token = subject.created()
    with pytest.raises(RotationError):
        subject.step(Step.SET, token)
    subject.clock.sleep(60)
    assert not subject.vendor.busy
    assert subject.vendor.power is Power.STOPPED
    closed(subject)
    assert parked(subject, token)[0] == "outside_window"
    subject.clock.sleep(60)
    assert not subject.vendor.busy
    assert subject.vendor.power is Power.RUNNING
    parked(subject, token)
    assert {"start", "stop", "observe"}.isdisjoint(subject.fuse.effects)


def test_a_refusal_says_when_the_next_attempt_is(scenario):
    """The second attempt waits, the third longer; the refusal itself carries the time."""
    subject, token = MAKE[Reason.BACK_OFF](scenario)
    waits = []
    for _ in range(3):
        reason, until = parked(subject, token)
        assert reason == "back_off"
        waits.append(until - subject.clock.now())
        subject.clock.sleep(waits[-1] + 1)
        subject.fuse = Fuse(only="set_password", at=1, edge=Edge.BEFORE, error=lambda _: PermissionDenied("no"))
        with pytest.raises(PermissionDenied) as refused:
            subject.step(Step.SET, token)
        assert refused.value.not_before > subject.clock.now()
    assert waits == sorted(waits)
    assert 15 <= waits[0] <= 30
    subject.clock.sleep(1000)
    assert subject.rotate(token) == []


def test_an_unclear_answer_is_never_backed_off_from(scenario):
    """An attempt after a lost answer may come at once, since current may be dead."""
    subject = scenario("admin")
    token = subject.created()
    for _ in range(3):
        subject.fuse = Fuse(only="set_password", at=1, edge=Edge.BEFORE, error=lambda _: OutcomeUnknown("lost"))
        with pytest.raises(OutcomeUnknown):
            subject.step(Step.SET, token)
    assert subject.secret.describe().versions[token].parked is None
