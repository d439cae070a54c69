"""A machine that is off is started if a rotation has stopped it within a week, and left alone otherwise."""

from __future__ import annotations

import pytest

from rotation.core.values import Power
from rotation.doctor import Action, Condition, Verb
from rotation.doctor.heal import examine, heal
from rotation.state.lease import Claim
from rotation.state.stages import PENDING

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
