"""Labels from a machine whose clock was ahead hold everything up: they are named, with what to do."""

from __future__ import annotations

import pytest

from rotation.core.errors import Parked
from rotation.core.values import Step
from rotation.doctor import Condition, examine
from rotation.doctor.clock_skew import ahead
from rotation.state import marks
from rotation.state.versions import SecretState, Version

AHEAD = 40 * 86_400.0
HOUR = 3600.0


def test_the_intent_of_a_clock_that_was_ahead_is_named_and_holds_nothing_up(scenario):
    """A rotation under a clock that was 40 days ahead: the next one goes on, and its commit removes the label."""
    subject = scenario("admin")
    subject.clock.sleep(AHEAD)
    token = subject.rotated()
    subject.clock.sleep(HOUR - AHEAD)
    subject.vendor.changed_at = subject.clock.now() - HOUR  # by the vendor's clock, which was right
    (mark,) = subject.secret.describe().versions[token].all(marks.Kind.INTENT)
    found = examine(subject.session())
    assert found.condition is Condition.HEALTHY
    assert f"ignored, as forged or of a clock that was too far ahead: {mark.on(token)}" in found.summary
    assert f"`{mark.on(token)}` from version {token}" in found.advice
    assert subject.rotate(subject.begin()) == []
    assert not subject.secret.describe().ahead


def test_a_run_that_seems_to_act_for_years_does_not_stop_the_others(scenario):
    """Its intent still says that the reset may have been sent, so the next run asks before it sends again."""
    subject = scenario("admin")
    token = subject.cut(applied=True)
    until = int(subject.clock.now() + AHEAD)
    label = marks.intent(subject.clock.now(), until=until, run="ab", base="version-0").on(token)
    subject.secret.attach(label, token)
    found = examine(subject.session())
    assert label in found.summary
    assert "intent label" in found.advice
    assert subject.rotate(token) == []
    assert subject.vendor.resets == 1


def test_an_intent_that_may_be_live_is_not_to_be_taken_away_at_once(scenario):
    """The intent label alone shows that the candidate may be live, so the advice says when to remove it."""
    subject = scenario("admin")
    subject.clock.sleep(AHEAD)
    subject.cut(applied=True)
    subject.clock.sleep(-AHEAD)
    assert "only once its password is kept elsewhere" in examine(subject.session()).advice


def test_a_pause_longer_than_any_of_this_account_is_named(scenario):
    """It is believed, since another deployment's lock-out window may be that long; nothing continues until its time."""
    subject = scenario("admin")
    current = subject.secret.describe().current_id
    label = marks.parked("account_locked", subject.clock.now() + AHEAD).on(current)
    subject.secret.attach(label, current)
    with pytest.raises(Parked):
        subject.step(Step.CREATE, subject.begin())
    found = examine(subject.session())
    assert f"nothing continues for 40.0 days because of {label}" in found.summary


@pytest.mark.parametrize(
    ("mark", "seconds"),
    [
        (marks.intent, HOUR),
        (lambda at: marks.rejected(1, at), HOUR),
        (lambda at: marks.rejected(1, at, run="ab"), HOUR),
        (lambda at: marks.parked("too_soon", at), 8 * 86_400.0),
        (lambda at: marks.member(1, [marks.intent(at), marks.task("t1")]), HOUR),
    ],
)
def test_what_hosts_differ_by_and_every_true_wait_are_no_fault(mark, seconds):
    """An hour of difference and a wait of up to a week and a day are no fault, also inside a batch's label."""
    now = 1_700_000_000.0

    def found(at):
        labels = frozenset({mark(at).on("version-1")})
        return [
            each.label
            for each in ahead(
                SecretState(rotation_enabled=True, versions={"version-1": Version.from_labels("version-1", labels)}),
                now,
                600,
            )
        ]

    assert found(now + seconds) == []
    assert found(now + seconds + 1) == [mark(now + seconds + 1).on("version-1")]


def test_what_holds_nothing_up_is_not_named():
    """Proofs, and labels of other tools, hold nothing up."""
    later = 1_800_000_000
    labels = frozenset(
        {f"lockstep:verified:login:{later}@ersion-1", f"mine:{later}", f"lockstep:task:{later}@ersion-1"}
    )
    assert (
        ahead(
            SecretState(rotation_enabled=True, versions={"version-1": Version.from_labels("version-1", labels)}),
            1_700_000_000.0,
            600,
        )
        == []
    )
