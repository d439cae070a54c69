"""The options of a role are the account's own keys, and nothing else."""

import pytest

from rotation.core.errors import SettingsError
from rotation.core.secret import Secret
from rotation.drivers.registry import load_driver
from vault_plugin.database import role


def test_a_role_says_only_what_is_its_to_say():
    """Statements are key=value of the account's own keys; driver, password and username are not among them."""
    spec = load_driver("volcengine_cloudidentity")
    made = role.document(spec, "bob", Secret("pw-pw-pw"), ["user_id = u-1"])
    assert (made["driver"], made["username"], made["user_id"], made["power"]) == (spec.code, "bob", "u-1", "running")
    faulty = ["user_id=u-1", "user_id=u-2", "password=hunter2-hunter2", "zone=x", "nonsense", "power=as_found"]
    with pytest.raises(SettingsError) as error:
        role.document(spec, "bob", Secret("pw-pw-pw"), faulty)
    assert len(error.value.faults) == 5
    assert "hunter2" not in str(error.value)


def test_a_role_names_one_account():
    """Vault gives a role one username, so a second account is refused by its key, with the reason."""
    spec = load_driver("volcengine_cloudidentity")
    statements = ["user_id=u-1", "alternate_user_id=u-2", "alternate_username=carol"]
    with pytest.raises(SettingsError) as error:
        role.document(spec, "bob", Secret("pw-pw-pw"), statements)
    assert error.value.faults == (
        "alternate_user_id is not possible: Vault gives a role one username",
        "alternate_username is not possible: Vault gives a role one username",
    )
