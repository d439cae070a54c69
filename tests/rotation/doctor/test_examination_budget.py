"""The budget is durable and shared: after any crash the labels show what the vendor counted."""

from __future__ import annotations

import contextlib

import pytest

from rotation.core.errors import LoginRejected, Parked, PasswordRejected, RotationError, StoreUnavailable
from rotation.core.secret import Secret
from rotation.core.values import Lockout, Step
from rotation.doctor import PasswordState, examine, heal
from rotation.engine.account.login_budget import Budget
from rotation.engine.run import verify
from rotation.state.marks import Kind
from rotation.state.stages import CURRENT, PENDING
from rotation_testkit.fault_lab.in_memory.fuse import Crash, Edge, Fuse

OUTSIDE = Secret("Unknown0Unknown0Unkn")


def charged(subject):
    """Return the wrong logins of the last window that labels show."""
    return subject.secret.describe().wrong_logins(since=subject.clock.now() - 300)[0]


def dead_candidate(scenario):
    """Return a candidate whose reset the vendor accepts and never applies."""
    subject = scenario(min_age_seconds=0, history=0, delay_seconds=10.0**9)
    token = subject.created()
    subject.send_only(token)
    return subject, lambda: subject.step(Step.TEST, token)


def dead_current(scenario):
    """Return a change that needs an old password which is not live any more."""
    subject = scenario(min_age_seconds=0, history=0)
    token = subject.created()
    subject.vendor.set_by_hand(OUTSIDE)
    return subject, lambda: subject.step(Step.SET, token)


def lost_change(scenario):
    """Return a change whose outcome is unknown."""
    subject = scenario(min_age_seconds=0, history=0)
    token = subject.cut(applied=False)
    return subject, lambda: subject.step(Step.SET, token)


def drift(scenario):
    """Return the drift check of a dead current password."""
    subject = scenario()
    subject.vendor.set_by_hand(OUTSIDE)
    return subject, lambda: verify(subject.session())


def examination(scenario):
    """Return an examination that finds no live password."""
    subject = scenario()
    subject.rotated()
    subject.vendor.set_by_hand(OUTSIDE)
    return subject, lambda: examine(subject.session())


@pytest.mark.parametrize("edge", list(Edge))
@pytest.mark.parametrize("make", [dead_candidate, dead_current, lost_change, drift, examination])
def test_no_crash_hides_a_wrong_login(scenario, make, edge):
    """The account never has more wrong logins than the labels show."""
    subject, act = make(scenario)
    subject.fuse = Fuse()
    with contextlib.suppress(RotationError):
        act()
    effects = subject.fuse.effects
    assert "verify" in effects
    for number in range(1, len(effects) + 1):
        subject, act = make(scenario)
        subject.fuse = Fuse(number, edge)
        with contextlib.suppress(RotationError, Crash):
            act()
        assert charged(subject) >= subject.vendor.wrong_logins, f"{edge} {effects[number - 1]} ({number})"


def test_one_budget_for_rotations_verify_and_doctor(scenario):
    """Rotation, verify and doctor spend from one budget, and leave the last tries to people."""
    subject = scenario(min_age_seconds=0, history=0)
    subject.rotated()
    subject.vendor.set_by_hand(OUTSIDE)
    runs = [
        lambda: verify(subject.session()),
        lambda: subject.rotate(subject.begin(), attempts=1, spacing=1.0),
        lambda: examine(subject.session()),
        lambda: heal(subject.session()),
    ]
    for _ in range(3):
        for run in runs:
            with contextlib.suppress(RotationError):
                run()
            subject.secret.describe()
    assert subject.vendor.wrong_logins <= subject.vendor.lockout.budget == 3
    assert not subject.vendor.locked


def test_a_password_that_was_just_rejected_is_shown_so_although_no_login_is_left(scenario):
    """The candidate comes first and may not be asked; what the labels say about current is shown all the same."""
    subject = scenario("admin", lockout=Lockout(tries=3, window_seconds=300))
    token = subject.cut(applied=False)
    subject.vendor.set_by_hand(OUTSIDE)
    with pytest.raises(LoginRejected):
        verify(subject.session())
    found = examine(subject.session()).findings
    assert found.error.reason == "wrong_login_budget"
    assert [found.current.password, found.version(token).password] == [PasswordState.DEAD, PasswordState.NOT_ASKED]
    assert subject.vendor.wrong_logins == 1


def test_a_rejected_login_is_reported_although_the_store_fails_after_it(scenario):
    """The answer of the vendor is not lost with the note of it."""
    subject = scenario("admin")
    subject.vendor.set_by_hand(OUTSIDE)
    subject.fuse = Fuse()
    with pytest.raises(LoginRejected):
        verify(subject.session())
    number = subject.fuse.effects[subject.fuse.effects.index("verify") :].index("describe")
    at = subject.fuse.effects[: subject.fuse.effects.index("verify") + number + 1].count("describe")
    subject.clock.sleep(86_400)
    subject.fuse = Fuse(at, only="describe", error=lambda _: StoreUnavailable("down"))
    with pytest.raises(LoginRejected):
        verify(subject.session())
    assert subject.fuse.blown


def test_examining_a_refusal_for_age_leaves_the_budget_to_the_rotation(scenario):
    """The candidate that the vendor refused as too young is not tried, and the first attempt in time goes through."""
    subject = scenario()
    subject.vendor.changed_at = subject.clock.now() - 10
    token = subject.created()
    with pytest.raises(Parked) as parked:
        subject.step(Step.SET, token)
    found = [examine(subject.session()) for _ in range(4)]
    assert len({(each.summary, each.not_before) for each in found}) == 1
    assert found[0].not_before == parked.value.not_before
    assert verify(subject.session()).evidence is not None
    assert subject.vendor.wrong_logins == 0
    subject.clock.sleep(parked.value.not_before - subject.clock.now())
    assert subject.rotate(token) == []


def test_a_released_candidate_does_not_forget(scenario):
    """A policy refusal ends the token after two wrong logins; the next rotation still knows of them."""
    subject = scenario("admin", lockout=Lockout(tries=5, window_seconds=300))
    token = subject.created()
    session = subject.session(token)
    budget = session.bind(session.candidate().document)
    Budget(session=session, bound=budget, version_id=token).log_in(OUTSIDE, subject.secret.describe())
    assert (subject.vendor.wrong_logins, charged(subject)) == (1, 1)
    subject.fuse = Fuse(only="set_password", at=1, error=lambda _: PasswordRejected("no"))
    with pytest.raises(PasswordRejected):
        subject.step(Step.SET, token)
    assert subject.secret.describe().holder(PENDING) in (None, subject.secret.describe().current_id)
    assert charged(subject) == 2


@pytest.mark.parametrize("edge", list(Edge))
def test_no_crash_of_a_release_or_a_promotion_forgets(scenario, edge):
    """Charges move to the version that stays before they are taken from the one that goes."""
    for name in ("release", "settle"):
        for number in range(1, 12):
            subject = scenario("admin")
            token = subject.created()
            session = subject.session(token)
            bound = session.bind(session.candidate().document)
            versions = subject.secret.describe().versions
            for version_id in versions:
                Budget(session=session, bound=bound, version_id=version_id).charge(subject.secret.describe())
            if name == "settle":
                subject.secret.move(CURRENT, source="version-0", target=token)
            subject.fuse = Fuse(number, edge)
            store = subject.session(token).store
            with contextlib.suppress(Crash):
                getattr(store, name)(token)
            assert charged(subject) >= len(versions), f"{name} {edge} {number}"
            subject.fuse = Fuse()
            getattr(subject.session(token).store, name)(token)
            assert charged(subject) == len(versions), f"{name} {edge} {number}, again"


def test_a_clean_rotation_leaves_no_charge_behind(scenario):
    """Every login was charged, succeeded, and was refunded."""
    subject = scenario()
    subject.fuse = Fuse()
    assert subject.rotate(subject.begin()) == []
    assert charged(subject) == 0
    assert not any(
        ":rejected:" in label for version in subject.secret.describe().versions.values() for label in version.labels
    )


def test_what_one_run_charged_on_two_versions_is_carried_as_two(scenario):
    """The doctor tries several versions in one run; when all of them are dropped, none of it is forgotten."""
    subject = scenario("admin")
    tokens = [subject.rotated(), subject.rotated()]
    kept = subject.secret.describe().current_id
    session = subject.session()
    bound = session.bind(session.current(subject.secret.describe()).document)
    for version_id in ("version-0", tokens[0]):
        subject.secret.attach(f"keep-{version_id}", version_id)
        Budget(session=session, bound=bound, version_id=version_id).charge(subject.secret.describe())
    for _ in range(2):
        session.store.settle(kept)
        assert charged(subject) == 2
    assert not subject.secret.describe().versions["version-0"].all(Kind.REJECTED)
