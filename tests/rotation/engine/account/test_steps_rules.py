"""What the target says about passwords holds in every step, and what an operator asks of new ones for candidates."""

from dataclasses import replace

import pytest

from rotation.core.errors import Parked, PolicyError, SettingsError
from rotation.core.secret import Secret
from rotation.core.values import Lockout, Step, TargetRules
from rotation.doctor.dry_run import Status, rehearse
from rotation.policy import PasswordWishes
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


def test_a_secret_asks_for_itself_and_the_deployment_for_the_rest(world):
    """The tag's length comes before the deployment's, whose excluded characters are left out as well."""
    scenario = world("admin", policy=WIDE)
    scenario.wishes = PasswordWishes(length=30, exclude="abcdefghij")
    scenario.secret.wishes["lockstep:length"] = "24"
    assert scenario.rotate(scenario.begin()) == []
    password = scenario.password().reveal()
    assert (len(password), set(password) & set("abcdefghij")) == (24, set())
    assert scenario.password() == scenario.vendor.live


@pytest.mark.parametrize(
    ("texts", "error"),
    [
        ({"lockstep:length": "41"}, PolicyError),
        ({"lockstep:classes": "emoji"}, PolicyError),
        ({"lockstep:length": "long"}, SettingsError),
        ({"lockstep:lenght": "20"}, SettingsError),
    ],
)
def test_a_wish_that_cannot_be_met_is_refused_before_anything_changes(world, texts, error):
    """Nothing is staged, no label is left and no reset sent; the dry run says the same before."""
    scenario = world("admin", policy=WIDE)
    scenario.secret.wishes.update(texts)
    (stopping,) = (check for check in rehearse(scenario.session()) if check.status is Status.STOPS)
    token = scenario.begin()
    with pytest.raises(error) as caught:
        scenario.step(Step.CREATE, token)
    assert (stopping.name, stopping.hint) == ("candidate", caught.value.hint)
    assert stopping.detail == f"{caught.value.code}: {caught.value.message}"
    assert scenario.password(PENDING) is None
    assert scenario.secret.describe().version(token).labels == {PENDING}
    assert scenario.vendor.resets == 0


@pytest.mark.parametrize("text", ["12", "41", "long"])
def test_a_wish_that_comes_later_stops_no_rotation_that_has_begun(world, text):
    """A candidate is judged by the vendor's rules; only the next one is drawn by the new wish."""
    scenario = world("admin", policy=WIDE)
    token = scenario.created()
    scenario.secret.wishes["lockstep:length"] = text
    for step in list(Step)[1:]:
        scenario.step(step, token)
    assert scenario.password() == scenario.vendor.live
    assert scenario.vendor.resets == 1
