"""A dry run names everything that would stop a rotation at once, and changes nothing."""

from __future__ import annotations

from dataclasses import replace

import pytest

from rotation.core.document import SecretDocument
from rotation.core.errors import (
    AccountUnusable,
    AdminRejected,
    PermissionDenied,
    PreconditionFailed,
    StoreDenied,
    StoreUnavailable,
)
from rotation.core.maintenance_window import Windows
from rotation.core.secret import Secret
from rotation.core.values import Evidence, Lockout, Power, Step, TargetRules
from rotation.doctor.dry_run import Status, rehearse
from rotation.state import marks
from rotation.state.label_quota import MOST_LABELS, NEEDED_LABELS
from rotation.state.stages import CURRENT
from rotation_testkit.fault_lab.in_memory.fuse import Fuse
from rotation_testkit.fault_lab.in_memory.vendor_classes import POLICY


def stopping(subject, **options):
    """Names and states of the checks that would stop it."""
    found = rehearse(subject.session(), **options)
    return {check.name: check.status for check in found if check.status in (Status.STOPS, Status.WAITS)}


def failing(effect, error):
    """A fuse that fails one effect."""
    return Fuse(only=effect, at=1, error=lambda _: error)


@pytest.mark.parametrize("kind", ["admin", "admin-task", "machine", "self"])
def test_nothing_stops_a_healthy_secret(scenario, kind):
    """A rotation that passes the dry run succeeds."""
    subject = scenario(kind)
    before = {key: version.labels for key, version in subject.secret.describe().versions.items()}
    assert stopping(subject) == {}
    assert {key: version.labels for key, version in subject.secret.describe().versions.items()} == before
    assert (subject.vendor.resets, subject.vendor.wrong_logins, subject.vendor.stops) == (0, 0, 0)
    assert subject.rotate(subject.begin()) == []


@pytest.mark.parametrize(
    ("effect", "error", "name"),
    [
        ("describe", StoreUnavailable("away"), "store_read"),
        ("read", StoreDenied("no key"), "document"),
        ("detach", StoreDenied("no right"), "store_write"),
        ("observe", AdminRejected("bad key"), "admin_credential"),
        ("observe", PermissionDenied("no right"), "admin_credential"),
        ("observe", AccountUnusable("gone"), "target"),
    ],
)
def test_each_failure_is_named_after_what_it_is_about(scenario, effect, error, name):
    """Each failed check has the error's own message and hint."""
    subject = scenario("admin")
    subject.fuse = failing(effect, error)
    assert stopping(subject) == {name: Status.STOPS}
    subject.fuse = failing(effect, error)
    (check,) = (check for check in rehearse(subject.session()) if check.name == name)
    assert check.detail == f"{error.code}: {error.message}"
    assert check.hint == error.hint


def test_everything_is_named_at_once(scenario):
    """A window, a back-off, a spent budget, another run, obstacles, weak evidence and a bad candidate together."""
    subject = scenario("machine", obstacles=(PreconditionFailed("frozen"), PreconditionFailed("unpaid")))
    subject.vendor.obstacles, obstacles = (), subject.vendor.obstacles
    token = subject.created()
    subject.vendor.obstacles = obstacles
    hour = int(subject.clock.now() // 3600 + 2) % 24
    subject.window = Windows.parse(f"{hour:02}:00-{hour:02}:30 UTC")
    now = subject.clock.now()
    for mark in (marks.parked("back_off", now + 60), marks.rejected(3, now)):
        subject.secret.attach(mark.on(token), token)
    subject.secret.attach(marks.intent(now, until=now + 50, run="ab", base="x").on(token), token)
    subject.vendor.power = Power.STOPPED
    subject.edit("weak", power="stopped")
    for number in range(MOST_LABELS - NEEDED_LABELS - 2):
        subject.secret.attach(f"mine-{number}", "weak")
    found = rehearse(subject.session())
    stops = sorted(check.name for check in found if check.status is Status.STOPS)
    waits = sorted(check.name for check in found if check.status is Status.WAITS)
    assert stops == ["evidence", "labels", "target", "target"]
    assert waits == ["back_off", "lease", "outside_window", "too_soon", "wrong_login_budget"]
    assert subject.vendor.resets == subject.vendor.wrong_logins == 0


def test_a_closing_window_moves_the_next_attempt(scenario):
    """A wait that ends in a closed window is followed by the time of the next opening."""
    subject = scenario()
    subject.rotated()
    subject.clock.sleep(-900)
    minute = int(subject.clock.now() % 86_400) // 60
    clock_text = [f"{at // 60 % 24:02}:{at % 60:02}" for at in (minute, minute + 1)]
    subject.window = Windows.parse(f"{clock_text[0]}-{clock_text[1]} UTC")
    found = {check.name: check for check in rehearse(subject.session()) if check.status is Status.WAITS}
    assert set(found) == {"too_soon", "next_attempt"}
    assert found["next_attempt"].not_before > found["too_soon"].not_before


def test_a_staged_candidate_is_held_to_the_policy_of_today(scenario):
    """It would be refused in setSecret."""
    subject = scenario()
    subject.step(Step.CREATE, subject.begin())
    # The driver's record follows the vendor's rule, as a new release of it would.
    subject.vendor.policy = replace(subject.vendor.policy, length=24, min_length=24, max_length=24)
    assert stopping(subject) == {"policy": Status.STOPS}


def test_a_staged_candidate_for_another_account_stops_it(scenario):
    """Current was edited meanwhile."""
    subject = scenario("admin")
    subject.step(Step.CREATE, subject.begin())
    subject.edit("edited", tenant="other")
    assert stopping(subject) == {"candidate": Status.STOPS}


def test_a_dead_current_password_stops_an_account_that_changes_itself(scenario):
    """An API key would not care."""
    for kind, expected in (("self", {"current_password": Status.STOPS}), ("admin", {})):
        subject = scenario(kind)
        subject.vendor.set_by_hand(Secret("Unknown0Unknown0Unkn"))
        assert stopping(subject) == expected
        assert subject.vendor.wrong_logins == len(expected)


def test_evidence_that_cannot_be_won_stops_it(scenario):
    """There is no login check, and LOGIN is demanded."""
    subject = scenario("admin", oracle=False)
    subject.minimum = Evidence.LOGIN
    assert stopping(subject) == {"evidence": Status.STOPS}


def test_a_value_that_is_no_document_stops_it(scenario):
    """The dry run says it once and checks nothing after it."""
    subject = scenario()
    subject.secret.put("by-hand", SecretDocument({"oops": 1}), CURRENT)
    assert stopping(subject) == {"settings": Status.STOPS}


RULES = TargetRules(source="GET /rules", min_length=12, max_length=16, history=5, lockout=Lockout(3, 900))


def test_the_targets_own_rules_are_shown_with_their_source(scenario):
    """What the target says, and the bounds that candidates then have."""
    subject = scenario("admin", rules=RULES, policy=replace(POLICY, min_length=8, max_length=40))
    details = {check.name: check.detail for check in rehearse(subject.session())}
    said = "min length 12, max length 16, history 5, 3 wrong logins lock for 900 s (GET /rules)"
    assert details["rules"] == f"the target itself says: {said}"
    assert details["policy"].endswith("(12 to 16 characters)")
    assert details["budget"].startswith("1 of 1")


def test_rules_that_no_password_satisfies_stop_a_rotation(scenario):
    """The check names both sides."""
    subject = scenario("admin", rules=TargetRules(source="GET /rules", min_length=99))
    found = {check.name: check for check in rehearse(subject.session())}
    assert found["candidate"].status is Status.STOPS
    assert "GET /rules" in found["candidate"].detail


def test_a_target_that_does_not_tell_its_rules_stops_a_rotation(scenario):
    """The rules are asked for before labels and budget are checked, and the failure is the target's."""
    subject = scenario("admin", rules=RULES)
    subject.fuse = Fuse(only="observe", at=1, error=lambda _: AccountUnusable("gone"))
    assert stopping(subject) == {"target": Status.STOPS}
