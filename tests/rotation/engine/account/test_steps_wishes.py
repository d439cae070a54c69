"""What an operator asks of new passwords holds for candidates, and for nothing that was staged before."""

from dataclasses import replace

import pytest

from rotation.core.errors import PolicyError, SettingsError
from rotation.core.values import Step
from rotation.doctor.dry_run import Status, rehearse
from rotation.policy import PasswordWishes
from rotation.state.stages import PENDING
from rotation_testkit.fault_lab.in_memory.vendor_classes import POLICY

WIDE = replace(POLICY, min_length=8, max_length=40)


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
