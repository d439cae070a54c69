"""Wrong logins are counted durably, and no run locks the account or spends the tries of its humans."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from rotation.core.errors import (
    CannotVerify,
    HostNotAllowed,
    InProgress,
    LoginRejected,
    NotEnoughTime,
    OutcomeUnknown,
    Parked,
    RotationError,
    VendorUnavailable,
)
from rotation.core.secret import Secret
from rotation.core.values import Evidence, Lockout, Step
from rotation.doctor.dry_run import Status, rehearse
from rotation.doctor.heal import examine
from rotation.drivers import registry
from rotation.drivers.login_proof import LoginProof
from rotation.engine.account.login_budget import Budget
from rotation.engine.run import run, verify
from rotation.state import marks
from rotation.state.marks import Kind
from rotation.state.stages import PENDING
from rotation.state.waiting import ARRIVAL_SECONDS
from rotation_testkit.fault_lab.in_memory.fuse import Crash, Edge, Fuse
from rotation_testkit.fault_lab.in_memory.vendor import MemoryVendor

OUTSIDE = Secret("Unknown0Unknown0Unkn")
AT_ONCE = Lockout(tries=1, window_seconds=300)
LOST = CannotVerify("lost")
LOST.definite = False


def test_the_wrong_login_budget_outlasts_invocations_and_tokens(world):
    """Resets that never take effect cost logins; the count is durable, and the account is never locked."""
    scenario = world("self", min_age_seconds=0, history=0)
    scenario.vendor.set_by_hand(Secret("Unknown0Unknown0Unkn"))
    for _ in range(4):
        token = scenario.begin()
        scenario.rotate(token, attempts=3, spacing=5.0)
        scenario.strip_pending(token)
        scenario.clock.sleep(ARRIVAL_SECONDS)

    assert scenario.vendor.wrong_logins == scenario.vendor.lockout.budget
    assert not scenario.vendor.locked


def test_rejected_tests_are_charged(world):
    """TestSecret's own rejections count, too: a vendor that says yes and does nothing ends parked, not locked."""
    scenario = world("self", min_age_seconds=0, delay_seconds=10.0**9, history=0)
    token = scenario.created()
    scenario.send_only(token)
    for _ in range(scenario.vendor.lockout.budget):
        with pytest.raises(LoginRejected):
            scenario.step(Step.TEST, token)

    with pytest.raises(Parked) as parked:
        scenario.step(Step.TEST, token)

    assert parked.value.reason == "wrong_login_budget"
    assert scenario.vendor.wrong_logins == scenario.vendor.lockout.budget


def test_only_invocations_of_the_test_are_charged(world):
    """A test-only invocation against a dead current password costs one login; the label answers the others."""
    scenario = world("self")
    scenario.vendor.set_by_hand(Secret("Unknown0Unknown0Unkn"))
    codes = []
    for _ in range(scenario.vendor.lockout.budget + 2):
        token = scenario.begin()
        with pytest.raises(RotationError) as refused:
            scenario.step(Step.TEST, token)
        codes.append(refused.value.code)

    assert set(codes) == {"login_rejected"}
    assert scenario.vendor.wrong_logins == 1


def test_an_accepted_probe_costs_nothing(world):
    """What was charged before a login that worked is taken back."""
    scenario = world()
    token = scenario.created()
    scenario.reset_ends_with(token, OutcomeUnknown("lost"), Edge.AFTER)

    scenario.step(Step.SET, token)

    assert scenario.secret.describe().versions[token].all(Kind.REJECTED) == []


def test_probes_after_lost_replies_stop_at_the_budget(world):
    """Each reset is lost on its way, and each attempt finds the candidate dead by one wrong login, until it parks."""
    scenario = world(lockout=Lockout(tries=5, window_seconds=300))
    token = scenario.created()
    codes = []
    for _ in range(8):
        scenario.fuse = Fuse(only="set_password", at=1, edge=Edge.BEFORE, error=lambda _: OutcomeUnknown("lost"))
        with pytest.raises(RotationError) as refused:
            scenario.step(Step.SET, token)
        codes.append(refused.value.code)
        scenario.clock.sleep(5)

    budget = scenario.vendor.lockout.budget
    assert codes == ["outcome_unknown"] * budget + ["parked"] * (8 - budget)
    assert scenario.vendor.wrong_logins == budget


def dead_candidate(world, tries):
    """A candidate whose reset the vendor takes and never applies, so that each login with it is wrong."""
    lockout = Lockout(tries=tries, window_seconds=300)
    scenario = world("self", min_age_seconds=0, delay_seconds=10.0**9, history=0, lockout=lockout)
    token = scenario.created()
    scenario.send_only(token)
    return scenario, token


def charged(scenario):
    """Wrong logins that stand in the labels."""
    return scenario.secret.describe().wrong_logins(since=scenario.clock.now() - 300)[0]


def at_once(scenario, token):
    """Run testSecret, and another one right before the first writes its charge down."""
    met = []

    def other(_name):
        if not met:  # a fuse that raises nothing goes off on both sides of its effect
            met.append("other")
            scenario.fuse = Fuse()
            with pytest.raises(LoginRejected):
                scenario.step(Step.TEST, token)

    scenario.fuse = Fuse(only="attach", at=1, edge=Edge.BEFORE, error=other)
    try:
        scenario.step(Step.TEST, token)
    finally:
        assert met == ["other"]


def test_two_runs_at_one_moment_do_not_spend_the_same_try(world):
    """One may be spent and one run has: the other, which had not seen that, stands back and says when to come."""
    scenario, token = dead_candidate(world, tries=3)
    with pytest.raises(InProgress, match="another run"):
        at_once(scenario, token)
    assert (scenario.vendor.wrong_logins, charged(scenario), scenario.vendor.locked) == (1, 1, False)
    with pytest.raises(Parked) as parked:
        scenario.step(Step.TEST, token)
    assert parked.value.reason == "wrong_login_budget"
    assert scenario.vendor.wrong_logins == 1


def test_two_runs_at_one_moment_are_both_counted(world):
    """Two charges in the same second, on the same version, with the same count before, are two."""
    scenario, token = dead_candidate(world, tries=5)
    with pytest.raises(LoginRejected):
        at_once(scenario, token)
    assert scenario.vendor.wrong_logins == charged(scenario) == 2


def test_charges_of_many_runs_share_a_label(world):
    """Labels are few; those of runs that have had their answers are summed up, and what is over is dropped."""
    scenario, token = dead_candidate(world, tries=10)
    for number in range(1, 9):
        with pytest.raises(LoginRejected):
            scenario.step(Step.TEST, token)
        assert charged(scenario) == number
        assert len(scenario.secret.describe().versions[token].all(Kind.REJECTED)) <= 4
        scenario.clock.sleep(30.0)
    with pytest.raises(Parked):
        scenario.step(Step.TEST, token)
    scenario.clock.sleep(600.0)
    with pytest.raises(LoginRejected):
        scenario.step(Step.TEST, token)
    assert [mark.value.split(":")[0] for mark in scenario.secret.describe().versions[token].all(Kind.REJECTED)] == ["1"]


@pytest.mark.parametrize("kind", ["admin", "self"])
def test_an_account_that_the_first_wrong_login_locks_is_not_rotated_where_a_login_is_demanded(world, kind):
    """CreateSecret refuses and says what to do; nothing is staged, and the vendor hears of no password."""
    scenario = world(kind, lockout=AT_ONCE)
    token = scenario.begin()
    with pytest.raises(CannotVerify, match="first wrong login") as refused:
        scenario.step(Step.CREATE, token)
    assert "LOCKSTEP_MIN_EVIDENCE" in refused.value.hint
    assert scenario.secret.read(token) is None
    checks = {check.name: check.status for check in rehearse(scenario.session())}
    assert checks["wrong_login"] is Status.STOPS
    assert (scenario.vendor.resets, scenario.vendor.wrong_logins) == (0, 0)


def test_such_an_account_rotates_without_a_login_where_the_vendors_yes_is_enough(world):
    """Neither the doctor nor the drift check tries a login, through lost answers and an outside change."""
    scenario = world("admin", lockout=AT_ONCE)
    scenario.minimum = Evidence.ACCEPTED
    assert scenario.rotate(scenario.begin()) == []
    scenario.vendor.set_by_hand(OUTSIDE)
    scenario.fuse = Fuse()
    examine(scenario.session())
    with pytest.raises(CannotVerify):
        verify(scenario.session())
    assert "verify" not in scenario.fuse.effects
    scenario.fuse = Fuse(only="set_password", at=1, edge=Edge.AFTER, error=lambda _: OutcomeUnknown("lost"))
    assert scenario.rotate(scenario.begin()) == ["outcome_unknown"]
    assert (scenario.password(), scenario.vendor.wrong_logins) == (scenario.vendor.live, 0)


def test_a_login_that_is_demanded_later_is_refused_before_the_reset(world):
    """The deployment asked for less in createSecret; a reset that could never be proved is not sent."""
    scenario = world("admin", lockout=AT_ONCE)
    scenario.minimum = Evidence.ACCEPTED
    token = scenario.created()
    scenario.minimum = Evidence.LOGIN
    with pytest.raises(CannotVerify):
        scenario.step(Step.SET, token)
    assert (scenario.vendor.resets, scenario.password()) == (0, scenario.vendor.live)


def test_the_window_of_a_slow_login_counts_from_its_answer(world):
    """The vendor counted it when it arrived, half a minute after the charge; until its window is over none is tried."""
    scenario, token = dead_candidate(world, tries=3)
    scenario.fuse = Fuse(only="verify", at=1, edge=Edge.BEFORE, error=lambda _: scenario.clock.sleep(15.0))
    with pytest.raises(LoginRejected):
        scenario.step(Step.TEST, token)
    scenario.fuse = Fuse()
    answered = scenario.clock.now()
    scenario.clock.sleep(290.0)
    with pytest.raises(Parked) as parked:
        scenario.step(Step.TEST, token)
    assert parked.value.not_before == answered + 300


@pytest.mark.parametrize(
    ("failure", "charged"),
    [
        (VendorUnavailable("refused", unsent=True), False),
        (VendorUnavailable("lost"), True),
        (CannotVerify("closed", unsent=True), False),
        (CannotVerify("a captcha is asked for"), False),
        (LOST, True),
        (NotEnoughTime("late"), False),
        (HostNotAllowed("elsewhere"), False),
    ],
)
def test_what_a_failed_login_costs(world: Any, failure: RotationError, charged: bool) -> None:  # noqa: FBT001 - a column of the table
    """A failed login costs a label unless the vendor certainly judged no password."""
    scenario = world("self", min_age_seconds=0, history=0)
    token = scenario.created()
    scenario.send_only(token)
    scenario.fuse = Fuse(only="verify", at=1, edge=Edge.BEFORE, error=lambda _: failure)
    with pytest.raises(type(failure)):
        scenario.step(Step.TEST, token)
    state = scenario.secret.describe()
    assert PENDING in state.versions[token].stages
    assert state.wrong_logins(since=0)[0] == int(charged)


def counting_in_a_row(monkeypatch):
    """Make vendors count wrong logins until a right one, however far apart. Return the locks."""
    locks = []

    def locked_until(vendor):
        if len(vendor._wrong_at) < vendor.lockout.tries:
            return 0.0
        until = vendor._wrong_at[-1] + vendor.lockout.window_seconds
        if until not in locks:
            locks.append(until)
        if until <= vendor.now():
            vendor._wrong_at.clear()
        return until

    monkeypatch.setattr(MemoryVendor, "_locked_until", locked_until)
    return locks


def test_a_vendor_that_counts_in_a_row_is_not_locked_by_a_day_of_attempts(world, monkeypatch):
    """The rule is not published, so wrong logins count for a day, although the account is dead for us all the time."""
    locks = counting_in_a_row(monkeypatch)
    scenario = world("self", min_age_seconds=0, lockout=Lockout(5, 900, in_a_row=True))
    scenario.vendor.set_by_hand(OUTSIDE)
    token, end = scenario.begin(), scenario.clock.now() + 86_400
    while scenario.clock.now() < end:
        error = refused(lambda: [scenario.step(step, token) for step in Step])
        scenario.clock.move_to(max(error.not_before or 0, scenario.clock.now() + 60))

    assert scenario.vendor.wrong_logins <= scenario.vendor.lockout.budget + 1
    assert locks == []


def test_a_login_that_was_accepted_ends_the_count_in_a_row(world):
    """The wrong logins before a proof are over once the window has passed."""
    scenario = world("self", min_age_seconds=0, lockout=Lockout(5, 900, in_a_row=True))
    token = scenario.created()
    scenario.secret.attach(marks.rejected(2, scenario.clock.now() - 1000).on(token), token)
    assert scenario.rotate(token) == []
    scenario.clock.sleep(1000)
    state, now = scenario.secret.describe(), scenario.clock.now()
    assert state.wrong_logins(since=state.counts_since(now, scenario.vendor.lockout)) == (0, 0)
    assert state.wrong_logins(since=now - 86_400)[0] == 2


def test_a_slow_yes_costs_nothing(world):
    """While two logins wait 25 s for their answers, a third run sums up finished charges; theirs are taken back."""
    scenario = world()
    token = scenario.created()
    logins = LoginProof(probes={"ssh": registry.login_probe("ssh", time_left=lambda: 60.0)}, seconds=40)

    def budget():
        session = scenario.session(token)
        bound = replace(session.bind(session.candidate().document), logins=logins)
        return Budget(session=session, bound=bound, version_id=token)

    slow, before = (budget(), budget()), scenario.secret.describe()
    written = [each.charge(scenario.secret.describe()) for each in slow]
    scenario.clock.sleep(25)
    budget().charge(scenario.secret.describe())
    for each, charge in zip(slow, written, strict=True):
        each.refund(before, charge)

    assert scenario.secret.describe().wrong_logins(since=0.0)[0] == 1


def spending(scenario, token=""):
    """Return a session in which an operator spends a try."""
    return replace(scenario.session(token), spend=True)


def rotated(scenario):
    """Rotate once, and let the minimum age pass."""
    assert scenario.rotate(scenario.begin()) == []
    scenario.clock.sleep(2000)


def refused(act):
    """Return the error of an act that must fail."""
    with pytest.raises(RotationError) as caught:
        act()
    return caught.value


@pytest.mark.parametrize("kind", ["self", "admin"])
def test_a_check_does_not_ask_what_a_label_already_says(world, kind):
    """The rejection is shown with its time and costs no second login, as long as the wrong login counts."""
    scenario = world(kind, lockout=Lockout(tries=5, window_seconds=300))
    scenario.vendor.set_by_hand(OUTSIDE)
    for _ in range(5):
        error = refused(lambda: verify(scenario.session()))
        assert error.code == "login_rejected"
    assert "UTC found that, and none was made now" in error.message
    assert "--spend-a-try" in error.hint
    assert scenario.vendor.wrong_logins == 1
    scenario.clock.sleep(scenario.vendor.lockout.window_seconds + 1)
    assert "none was made" not in refused(lambda: verify(scenario.session())).message


def test_a_login_that_is_accepted_ends_the_labels_word(world):
    """A password that was restored is found live by an operator's try, and from then on by everybody."""
    scenario = world("self")
    before = scenario.vendor.live
    scenario.vendor.set_by_hand(OUTSIDE)
    refused(lambda: verify(scenario.session()))
    scenario.vendor.set_by_hand(before)
    assert refused(lambda: verify(scenario.session())).code == "login_rejected"
    assert verify(spending(scenario)).evidence is Evidence.LOGIN
    assert verify(scenario.session()).evidence is Evidence.LOGIN


def test_an_unanswered_login_is_no_rejection(world):
    """It stays charged, and the next check asks; an older rejection does not answer in its place."""
    scenario = world("self")
    scenario.fuse = Fuse(only="verify", at=1, error=lambda _: LOST)
    assert refused(lambda: verify(scenario.session())).code == "cannot_verify"
    scenario.fuse = Fuse()
    assert verify(scenario.session()).evidence is Evidence.LOGIN


def drifted_and_restored(scenario):
    """Return a scenario whose password was found dead, was restored, and whose wrong login counts no more."""
    before = scenario.vendor.live
    scenario.vendor.set_by_hand(OUTSIDE)
    refused(lambda: verify(scenario.session()))
    scenario.vendor.set_by_hand(before)
    scenario.clock.sleep(scenario.vendor.lockout.window_seconds + 1)
    return scenario


@pytest.mark.parametrize("edge", list(Edge))
def test_no_crash_turns_an_unanswered_login_into_a_rejection(world, edge):
    """Once the window is over, a check that dies anywhere leaves no label that answers for a password that is live."""
    for at in range(1, 12):
        scenario = drifted_and_restored(world("self"))
        scenario.fuse = Fuse(at, edge)
        try:
            verify(scenario.session())
        except Crash:
            scenario.fuse = Fuse()
            assert verify(scenario.session()).evidence is Evidence.LOGIN, f"{edge} {at}"
        else:
            break


def test_an_operator_spends_one_try_beyond_the_budget(world):
    """Knowingly, and one only: of the tries that are left to people one is gone, and the next run waits."""
    scenario = world("self", min_age_seconds=0, history=0)
    rotated(scenario)
    scenario.vendor.set_by_hand(OUTSIDE)
    scenario.rotate(scenario.begin(), attempts=3, spacing=1.0)
    budget = scenario.vendor.lockout.budget
    assert scenario.vendor.wrong_logins == budget
    assert refused(lambda: verify(scenario.session())).code == "parked"
    assert refused(lambda: verify(spending(scenario))).code == "login_rejected"
    assert scenario.vendor.wrong_logins == budget + 1
    assert not scenario.vendor.locked


@pytest.mark.parametrize("kind", ["admin", "machine"])
def test_diagnosis_leaves_the_cure_a_login(world, kind):
    """After a drift, verify and doctor as often as you like: the rotation that resets the account is not parked."""
    scenario = world(kind, min_age_seconds=0, history=0, lockout=Lockout(tries=4, window_seconds=900))
    rotated(scenario)
    scenario.vendor.set_by_hand(OUTSIDE)
    for _ in range(3):
        refused(lambda: verify(scenario.session()))
        found = examine(scenario.session())
    assert scenario.vendor.wrong_logins == 1 < scenario.vendor.lockout.budget
    assert "older passwords were not tried" in found.summary
    assert "lockstep rotate" in found.advice
    rotated(scenario)
    assert scenario.password() == scenario.vendor.live
    assert scenario.vendor.wrong_logins == 1


def test_what_an_operator_repaired_goes_on_at_once(world):
    """A rotation that waits for a human is parked; the live password is put, and a try or two end the wait."""
    scenario = world("self", min_age_seconds=0, history=0)
    rotated(scenario)
    scenario.vendor.set_by_hand(OUTSIDE)
    token = scenario.begin()
    scenario.rotate(token, attempts=3, spacing=1.0)
    assert scenario.secret.describe().version(token).parked[0] == "external_change"
    scenario.put_by_hand(password=OUTSIDE)
    assert refused(lambda: run(scenario.session(token), Step.SET)).code == "parked"
    assert refused(lambda: run(spending(scenario, token), Step.SET)).code == "parked", "the candidate was asked first"
    run(spending(scenario, token), Step.SET)
    assert scenario.vendor.live == scenario.secret.read(token).document.password
    assert not scenario.vendor.locked
