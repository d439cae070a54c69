"""What the target itself says about passwords holds in every step, together with what the driver declares."""

from dataclasses import replace

import pytest

from rotation.core.errors import Parked, PolicyError
from rotation.core.secret import Secret
from rotation.core.values import Lockout, Step, TargetRules
from rotation.state.stages import PENDING
from rotation_testkit.fault_lab.in_memory.vendor_classes import POLICY

WIDE = replace(POLICY, min_length=8, max_length=40)
NARROW = TargetRules(source="GET /rules", max_length=16)


def test_a_candidate_is_drawn_from_the_intersection(world):
    """The vendor, whose true rule is the narrow one, takes the first candidate."""
    scenario = world("admin", rules=NARROW, policy=WIDE)
    token = scenario.created()
    assert len(scenario.secret.read(token).document.password.reveal()) == 16
    for step in list(Step)[1:]:
        scenario.step(step, token)
    assert scenario.password() == scenario.vendor.live
    assert (scenario.vendor.resets, scenario.vendor.wrong_logins) == (1, 0)


def test_what_no_password_satisfies_is_refused_before_anything_changes(world):
    """CreateSecret stages nothing, and names both sides."""
    scenario = world("admin", rules=TargetRules(source="GET /rules", min_length=41), policy=WIDE)
    token = scenario.begin()
    with pytest.raises(PolicyError, match="GET /rules"):
        scenario.step(Step.CREATE, token)
    assert scenario.password(PENDING) is None
    assert scenario.vendor.resets == 0


def test_a_candidate_that_the_target_has_come_to_refuse_is_released(world):
    """A rule that became stricter after createSecret is found before the reset is sent."""
    scenario = world("admin", rules=TargetRules(source="GET /rules"), policy=WIDE)
    token = scenario.created()
    scenario.vendor.rules = NARROW
    failures = scenario.rotate(token, attempts=2)
    assert failures[0] == "password_rejected"
    assert scenario.vendor.resets <= 1


def test_a_longer_minimum_age_of_the_target_is_waited_for(world):
    """The second rotation waits for the target's age instead of being refused by the vendor."""
    scenario = world("admin", rules=TargetRules(source="GET /rules", min_age_seconds=3600))
    assert scenario.rotate(scenario.begin()) == []
    with pytest.raises(Parked, match="too soon"):
        scenario.step(Step.CREATE, scenario.begin())


def test_a_stricter_lock_out_of_the_target_is_kept(world):
    """With three tries, of which two are the humans', one wrong login is the last, though five are declared."""
    given = TargetRules(source="GET /rules", lockout=Lockout(3, 900))
    spent = []
    for rules in (None, given):
        scenario = world("self", rules=rules)
        scenario.vendor.set_by_hand(Secret("Changed0by0hand0at0x"))
        scenario.rotate(scenario.begin(), attempts=1)
        spent.append(scenario.vendor.wrong_logins)
    assert spent == [2, 1]
