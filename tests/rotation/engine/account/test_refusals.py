"""What a refusal leads to, and that it never costs the live password, a lock or a needless login."""

from dataclasses import replace

import pytest

from rotation.core.errors import (
    AccountUnusable,
    AdminRejected,
    LoginRejected,
    OutcomeUnknown,
    Parked,
    PasswordRejected,
    PermissionDenied,
    PreconditionFailed,
    RateLimited,
    RequestRefused,
    StageError,
    VendorUnavailable,
)
from rotation.core.secret import Secret
from rotation.core.values import Power, Step, Verdict
from rotation.engine.account.refusals import MOST_RESENDS
from rotation.state.parking import Reason
from rotation.state.waiting import BACK_OFF_MOST
from rotation_testkit.fault_lab.in_memory.fuse import Edge, Fuse
from rotation_testkit.fault_lab.in_memory.vendor import MemoryVendor

DEFINITE = [
    PermissionDenied("no right"),
    AdminRejected("bad key"),
    AccountUnusable("gone"),
    PreconditionFailed("running"),
    RateLimited("slow down"),
    VendorUnavailable("not reached"),
]
OLD = Secret("Old0Password0Old0Pas")
CALLS = {"set_password", "verify", "observe"}
DAY = 86_400


def _stages(scenario, token):
    return scenario.secret.describe().versions[token].stages


@pytest.mark.parametrize("error", DEFINITE, ids=lambda error: error.code)
@pytest.mark.parametrize("kind", ["admin", "self"])
def test_a_definite_refusal_leaves_nothing_to_probe(world, kind, error):
    """Nothing was applied, so the intent mark goes and the next attempt sends without a single login."""
    scenario = world(kind)
    token = scenario.created()

    scenario.reset_ends_with(token, error)

    assert scenario.secret.describe().versions[token].intent is None
    assert scenario.rotate(token) == []
    assert scenario.vendor.wrong_logins == 0
    assert scenario.vendor.resets == 1
    assert scenario.password() == scenario.vendor.live


def test_a_policy_refusal_ends_the_token(world):
    """A value cannot be replaced under its token: the candidate is released and the next rotation starts afresh."""
    scenario = world("admin")
    token = scenario.created()

    scenario.reset_ends_with(token, PasswordRejected("too plain"))

    assert token not in scenario.secret.describe().versions or "AWSPENDING" not in _stages(scenario, token)
    with pytest.raises(StageError):
        scenario.step(Step.SET, token)
    assert scenario.password() == scenario.vendor.live == Secret("Old0Password0Old0Pas")
    assert scenario.rotate(scenario.begin()) == []


def test_a_policy_refusal_after_an_unclear_reset_keeps_the_candidate(world):
    """A candidate that may be live is never dropped, whatever the vendor says later."""
    scenario = world("self")
    token = scenario.created()
    scenario.reset_ends_with(token, OutcomeUnknown("lost"))
    scenario.vendor.policy = replace(scenario.vendor.policy, length=24, min_length=24, max_length=24)
    scenario.clock.sleep(600)

    with pytest.raises(Parked) as parked:
        scenario.step(Step.SET, token)

    assert parked.value.reason == "candidate_refused"
    assert "AWSPENDING" in _stages(scenario, token)


@pytest.mark.parametrize("kind", ["admin", "self"])
def test_a_reuse_that_is_called_a_policy_violation_is_asked_about(world, kind):
    """A slow reset arrives between the login and the next reset, which is refused: one more login finds it live."""
    scenario = world(kind)
    token = scenario.created()
    candidate = scenario.secret.read(token).document.password
    scenario.reset_ends_with(token, OutcomeUnknown("slow"))
    scenario.clock.sleep(60)

    def arrives(_name):
        scenario.vendor.set_by_hand(candidate)
        return PasswordRejected("it equals one of the last passwords")

    scenario.fuse = Fuse(only="set_password", at=1, edge=Edge.BEFORE, error=arrives)
    assert scenario.step(Step.SET, token).outcome == "found_live"
    scenario.fuse = Fuse()
    assert scenario.rotate(token) == []
    assert scenario.password() == scenario.vendor.live == candidate
    assert scenario.vendor.wrong_logins == 1


def test_too_soon_parks_until_the_vendor_will_take_it(world):
    """Attempts before the next-attempt time do not reach the vendor at all; a check of current may go on."""
    scenario = world("self")
    scenario.vendor.changed_at = scenario.clock.now() - 10
    token = scenario.created()

    with pytest.raises(Parked) as parked:
        scenario.step(Step.SET, token)
    assert parked.value.not_before == scenario.clock.now() + 290
    scenario.fuse = Fuse()
    with pytest.raises(Parked):
        scenario.step(Step.SET, token)
    touched = {"set_password", "verify", "observe"} & set(scenario.fuse.effects)
    assert touched == set()
    assert scenario.step(Step.TEST, token).outcome == "current_verified"

    scenario.clock.sleep(291)
    assert scenario.rotate(token) == []
    assert scenario.vendor.wrong_logins == 0


def test_the_minimum_age_is_known_from_our_own_last_reset(world):
    """A second rotation within the minimum age is refused before the vendor is asked."""
    scenario = world("self")
    scenario.rotate(scenario.begin())
    token = scenario.begin()
    scenario.fuse = Fuse()

    with pytest.raises(Parked) as too_soon:
        scenario.step(Step.CREATE, token)

    assert {"set_password", "verify", "observe"} & set(scenario.fuse.effects) == set()
    assert too_soon.value.reason == "too_soon"
    assert too_soon.value.not_before == pytest.approx(scenario.clock.now() + 300, abs=2)


def test_a_locked_account_is_left_alone(world):
    """While it is locked nobody logs in or changes, and afterwards the rotation continues by itself."""
    scenario = world("self", min_age_seconds=0)
    for _ in range(5):
        scenario.vendor.log_in(Secret("wrong"))
    token = scenario.begin()

    failures = scenario.rotate(token, attempts=12, spacing=60.0)

    assert set(failures) == {"parked"}
    assert scenario.vendor.wrong_logins == 5
    assert scenario.password() == scenario.vendor.live


@pytest.mark.parametrize("kind", ["admin", "self", "machine"])
def test_a_refused_request_is_parked_at_once_and_leaves_nothing_behind(world, kind):
    """No intent mark and no login, the machine runs again, and the service's retries do not reach the vendor."""
    scenario = world(kind)
    token = scenario.created()

    refusal = scenario.reset_ends_with(token, RequestRefused("no such action"))

    version = scenario.secret.describe().versions[token]
    assert version.intent is None
    assert version.parked == ("back_off", scenario.clock.now() + BACK_OFF_MOST)
    assert refusal.not_before == scenario.clock.now() + BACK_OFF_MOST
    for _ in range(5):
        with pytest.raises(Parked):
            scenario.step(Step.SET, token)
    assert CALLS.isdisjoint(scenario.fuse.effects)
    assert scenario.password() == scenario.vendor.live == OLD

    scenario.clock.sleep(BACK_OFF_MOST)
    assert not scenario.vendor.busy
    assert scenario.vendor.power is not Power.STOPPED
    assert scenario.rotate(token) == []
    assert (scenario.vendor.resets, scenario.vendor.wrong_logins) == (1, 0)
    assert scenario.password() == scenario.vendor.live != OLD


@pytest.mark.parametrize("edge", list(Edge))
@pytest.mark.parametrize("kind", ["admin", "self"])
def test_a_request_refused_after_an_unclear_reset_takes_nothing_back(world, kind, edge):
    """What was sent before may be live for all that the later refusal says: the mark stays, and logins decide."""
    scenario = world(kind)
    token = scenario.created()
    scenario.reset_ends_with(token, OutcomeUnknown("lost"))
    scenario.reset_ends_with(token, RequestRefused("no such action"))

    version = scenario.secret.describe().versions[token]
    assert version.intent is not None
    assert version.parked is None

    if edge is Edge.AFTER:  # the lost one arrives after all
        scenario.vendor.change(scenario.secret.read(token).document.password, OLD)
    assert set(scenario.rotate(token)) <= {"parked"}  # SELF: until the budget of wrong logins is whole again
    assert scenario.vendor.resets == 1
    assert not scenario.vendor.locked
    assert scenario.password() == scenario.vendor.live != OLD


def test_a_refused_question_about_a_task_decides_nothing(world):
    """The reset was taken, so its mark and its task stay, and nothing is sent twice."""
    scenario = world("admin-task")
    token = scenario.created()
    scenario.fuse = Fuse(only="poll", at=1, edge=Edge.BEFORE, error=lambda _: RequestRefused("no such action"))
    with pytest.raises(RequestRefused):
        scenario.step(Step.SET, token)

    version = scenario.secret.describe().versions[token]
    assert (version.task, version.parked) == ("task-1", None)
    assert version.intent is not None
    scenario.fuse = Fuse()
    assert scenario.rotate(token) == []
    assert (scenario.vendor.resets, scenario.vendor.wrong_logins) == (1, 0)


def test_a_target_that_cannot_be_asked_is_parked_before_anything_is_sent(world):
    """The vendor refuses the look that comes before a first reset: no retry of the service repeats it."""
    scenario = world("admin")
    token = scenario.created()
    scenario.fuse = Fuse(only="observe", at=1, edge=Edge.BEFORE, error=lambda _: RequestRefused("no such action"))
    with pytest.raises(RequestRefused):
        scenario.step(Step.SET, token)

    scenario.fuse = Fuse()
    with pytest.raises(Parked) as parked:
        scenario.step(Step.SET, token)
    assert parked.value.not_before == scenario.clock.now() + BACK_OFF_MOST
    assert CALLS.isdisjoint(scenario.fuse.effects)
    assert scenario.vendor.resets == 0


@pytest.fixture
def hopeless(world, monkeypatch):
    """A machine whose host refuses root's password whatever it is, as sshd does with PermitRootLogin."""
    scenario = world("machine")
    plain = MemoryVendor.log_in

    def refuse(vendor, password):
        if vendor.power is Power.STOPPED or vendor._switching is not None:
            return plain(vendor, password)
        vendor.wrong_logins += 1
        return Verdict.REJECTED

    monkeypatch.setattr(MemoryVendor, "log_in", refuse)
    return scenario


def test_the_reason_names_the_host(hopeless):
    """It is written down, holds until a moment, and says where to look."""
    token = hopeless.begin()
    assert hopeless.rotate(token, attempts=MOST_RESENDS) == ["login_rejected"] * MOST_RESENDS + ["gave up"]
    with pytest.raises(Parked) as parked:
        hopeless.step(Step.SET, token)

    assert parked.value.reason == Reason.RESET_FAILS
    assert "PermitRootLogin" in parked.value.hint
    assert parked.value.not_before > hopeless.clock.now()
    assert hopeless.secret.describe().version(token).parked == ("reset_fails", parked.value.not_before)


def test_asking_again_about_one_reset_counts_once(hopeless):
    """A repeated testSecret is no further power cycle."""
    token = hopeless.created()
    for step in (Step.SET, Step.TEST, Step.TEST):
        with pytest.raises(LoginRejected):
            hopeless.step(step, token)

    assert hopeless.secret.describe().version(token).failed == 1


def test_turned_away_attempts_before_the_first_reset_do_not_count(world, monkeypatch):
    """An outage that ended says nothing about the resets after it: a lost answer to the first one parks nothing."""
    scenario = world("admin")
    token = scenario.created()

    def is_down(*_):
        raise VendorUnavailable("the vendor is down")

    with monkeypatch.context() as outage:
        outage.setattr(MemoryVendor, "change", is_down)
        scenario.rotate(token, attempts=4)
    assert scenario.secret.describe().version(token).put_off == 4
    scenario.clock.sleep(3600)
    scenario.reset_ends_with(token, OutcomeUnknown("lost"))
    scenario.clock.sleep(3600)
    scenario.step(Step.SET, token)

    version = scenario.secret.describe().version(token)
    assert (version.failed, version.put_off, version.parked) == (1, 0, None)


@pytest.mark.parametrize("refusal", [PermissionDenied("no right"), RequestRefused("never")], ids=lambda each: each.code)
def test_a_machine_whose_reset_is_always_refused_is_stopped_ever_more_rarely(world, refusal):
    """A definite refusal changes nothing, but each attempt switches the machine off: its pauses grow to hours."""
    scenario = world("machine")
    token = scenario.begin()
    end = scenario.clock.now() + DAY
    while scenario.clock.now() < end:
        scenario.fuse = Fuse(only="set_password", at=1, error=lambda _: refusal)
        scenario.rotate(token, attempts=1, spacing=60)

    assert scenario.vendor.stops <= 16
    assert not scenario.vendor.busy
    assert scenario.vendor.power is Power.RUNNING
    assert scenario.vendor.resets == 0
