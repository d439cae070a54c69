"""Labels from a machine whose clock was ahead hold everything up: they are named, with what to do."""

from __future__ import annotations

import pytest

from rotation.core.errors import InProgress, Parked
from rotation.core.values import Step
from rotation.doctor import Condition, Verb, examine, heal
from rotation.doctor.clock_skew import ahead
from rotation.state import marks
from rotation.state.lease import CLOCK_MARGIN
from rotation.state.versions import SecretState, Version

AHEAD = 40 * 86_400.0
HOUR = 3600.0


def rotated_ahead(scenario):
    """Rotate once while the clock is ahead; return the secret and the label that is left."""
    subject = scenario("admin")
    subject.clock.sleep(AHEAD)
    token = subject.rotated()
    subject.clock.sleep(HOUR - AHEAD)
    subject.vendor.changed_at = subject.clock.now() - HOUR  # by the vendor's clock, which was right
    (mark,) = subject.secret.describe().versions[token].all(marks.Kind.INTENT)
    return subject, token, mark.on(token)


def test_the_label_that_stops_every_rotation_is_named(scenario):
    """Current is live and still nothing goes on for 40 days; the advice names the label to remove."""
    subject, token, label = rotated_ahead(scenario)
    with pytest.raises(Parked):
        subject.step(Step.CREATE, subject.begin())
    found = examine(subject.session())
    assert [action.verb for action in found.plan] == [Verb.RELEASE]
    outcome = heal(subject.session())
    assert outcome.condition is Condition.HUMAN
    assert f"`{label}` from version {token}" in outcome.advice
    found = examine(subject.session())
    assert (found.condition, found.plan) == (Condition.HUMAN, ())
    assert f"a clock was ahead: nothing goes on for 39.9 days because of {label}" in found.summary
    subject.secret.detach(label, token)
    assert examine(subject.session()).condition is Condition.HEALTHY
    assert subject.rotate(subject.begin()) == []


def test_the_end_of_a_run_whose_clock_was_ahead_is_named(scenario):
    """Nothing is asked while the run seems to go on; without its label the rotation is resumed."""
    subject = scenario("admin")
    token = subject.cut(applied=False)
    until = int(subject.clock.now() + AHEAD)
    label = marks.intent(subject.clock.now(), until=until, run="ab", base="version-0").on(token)
    subject.secret.attach(label, token)
    with pytest.raises(InProgress):
        subject.step(Step.SET, token)
    found = examine(subject.session())
    assert (found.condition, found.plan, found.not_before) == (Condition.HUMAN, (), until + CLOCK_MARGIN)
    assert f"`{label}` from version {token}" in found.advice
    assert "intent label" in found.advice
    subject.secret.detach(label, token)
    assert heal(subject.session()).condition is Condition.HEALTHY


def test_an_intent_that_may_be_live_is_not_to_be_taken_away_at_once(scenario):
    """The intent label alone shows that the candidate may be live, so the advice says when to remove it."""
    subject = scenario("admin")
    subject.clock.sleep(AHEAD)
    subject.cut(applied=True)
    subject.clock.sleep(-AHEAD)
    assert "only once its password is kept elsewhere" in examine(subject.session()).advice


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
