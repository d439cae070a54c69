"""What a secret's tags ask of new passwords, through the function as Secrets Manager calls it."""

from __future__ import annotations

from typing import Any

import pytest

from rotation_testkit.doubles.secretsmanager import RotationState
from rotation_testkit.sandbox.sandbox import HUAWEI


@pytest.mark.parametrize("retries", [0])
def test_a_tag_narrows_new_passwords_and_one_that_cannot_be_met_stops_before_staging(rig: Any) -> None:
    """The tag comes before the setting; a length that the vendor refuses leaves vendor and secret alone."""
    store, name = rig.world.secrets_manager, rig.world.accounts[HUAWEI]
    rig.environment |= {"LOCKSTEP_PASSWORD_LENGTH": "28", "LOCKSTEP_PASSWORD_EXCLUDE": "0OIl1"}
    tags = [{"Key": "lockstep:length", "Value": "20"}, {"Key": "lockstep:exclude-hex", "Value": "22 27 5c"}]
    store.call("TagResource", SecretId=name, Tags=tags)
    assert rig.rotate(HUAWEI).state is RotationState.SUCCEEDED
    password = rig.world.live(HUAWEI).reveal()
    assert (len(password), set(password) & set("\"'\\")) == (20, set())
    store.call("TagResource", SecretId=name, Tags=[{"Key": "lockstep:length", "Value": "40"}])
    rig.world.clock.sleep(3600)
    changes = rig.world.changes(HUAWEI)
    assert rig.rotate(HUAWEI).state is RotationState.FAILED
    assert {error.code for error in rig.errors} == {"policy_error"}
    assert rig.world.changes(HUAWEI) == changes
    (pending,) = (key for key, held in store.labels(name).items() if "AWSPENDING" in held)
    assert store.value(name, version=pending) is None
