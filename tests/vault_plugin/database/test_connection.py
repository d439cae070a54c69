"""A connection's configuration and a role's options: checked by the declared settings, kept without a readable key."""

import json

import pytest

from rotation.core.errors import ConfigError, SettingsError
from rotation.core.values import Evidence, Lockout
from rotation.drivers.registry import load_driver
from rotation.state.binding import BindingMode
from vault_plugin.database.connection import SEALED, Connection

COMPSHARE = {"driver": "ucloud_compshare", "public_key": "example", "private_key": "not-a-real-key"}
GOOD = {"driver": "volcengine_cloudidentity", "access_key": "AKLTexample", "secret_key": "not-a-real-key"}


def test_every_fault_is_listed_and_no_value():
    """Missing, unknown and malformed keys of the connection are listed together."""
    with pytest.raises(SettingsError) as error:
        Connection.load({**GOOD, "driver": "No Such", "minimum_evidence": "HOPE", "deadline_seconds": 3.0})
    assert len(error.value.faults) == 3
    assert "HOPE" not in str(error.value)
    with pytest.raises(SettingsError) as error:
        Connection.load({"driver": "volcengine_cloudidentity", "secret": "s3cret-s3cret"})
    for fault in ("access_key is missing", "secret_key is missing", "'secret' is no known setting"):
        assert fault in str(error.value)
    assert "s3cret" not in str(error.value)


def test_a_mistyped_plug_in_name_is_refused_when_it_is_new_and_ends_no_stored_connection():
    """It would otherwise count as none, and the driver or login that it was to bring would be missing later."""
    wrong = {"plugins": "rotation-drivr-example"}
    with pytest.raises(SettingsError, match="plugins: rotation-drivr-example is not installed on the server"):
        Connection.load({**GOOD, **wrong})
    known = Connection.load(GOOD)
    assert known.absent == ()
    stored = Connection.load({**known.stored(), **wrong})
    assert stored.absent == ("rotation-drivr-example",)
    assert stored.stored() == {**known.stored(), **wrong}


def test_a_window_and_a_login_are_settings_of_a_deployment():
    """Window and login are checked by a deployment's rules, and their faults name the connection's keys."""
    host = {"login": "ssh://bastion.example:2222", "login_host_key": "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIA"}
    loaded = Connection.load({**GOOD, **host})
    assert loaded.deployment.logins["volcengine_cloudidentity"].port == 2222
    assert Connection.load(loaded.stored()).stored() == loaded.stored()
    with pytest.raises(SettingsError) as error:
        Connection.load({**GOOD, "login": "telnet://bastion", "window": "whenever", "hosts": "https://x/"})
    assert error.value.where == "connection"
    for fault in ("login names no login probe", "window ", "hosts must"):
        assert fault in str(error.value)
    assert "LOCKSTEP" not in str(error.value)


@pytest.mark.parametrize(
    ("key", "given", "values", "wrong", "fault"),
    [
        ("propagation_seconds", 0.0, (0, 5), 1000, "must be 0 to 999"),
        ("call_seconds", 30.0, (30, 15), 121, "must be 2 to 120"),
        ("lockout", "3/900", (Lockout(3, 900), None), "never", "must be tries/seconds"),
    ],
)
def test_what_the_operator_knows_better_is_kept(key, given, values, wrong, fault):
    """A measured value, zero included, is kept by the server; without one the driver's own counts."""
    known, default = Connection.load({**COMPSHARE, key: given}), Connection.load(COMPSHARE)
    assert (getattr(known.spec, key), getattr(default.spec, key)) == values
    assert Connection.load(known.stored()).spec == known.spec
    assert key not in default.stored()
    with pytest.raises(SettingsError, match=f"{key} {fault}"):
        Connection.load({**COMPSHARE, key: wrong})


def test_connection_and_role_are_the_binding():
    """Only the operator writes them, so an account needs no other binding, and a role may state any port."""
    config = {"driver": "tencent_bm", "secret_id": "AKIDexample", "secret_key": "not-a-real-key"}
    deployment = Connection.load(config).deployment
    assert deployment.binding_of(load_driver("tencent_bm")) is BindingMode.OFF
    deployment.require_login_ports({"ssh": 2222, "winrm": 15986})


def test_accounts_that_need_their_old_password_are_refused():
    """A SELF driver is refused, since Vault passes no old password on; the hint names the command that works."""
    with pytest.raises(ConfigError) as error:
        Connection.load({"driver": "huawei_meeting"})
    assert "lockstep vault rotate" in error.value.hint


def test_only_the_vendors_hosts_and_named_ones_may_be_called():
    """An endpoint on another host is refused unless the host is named."""
    elsewhere = {**GOOD, "endpoint": "https://proxy.example:8443"}
    with pytest.raises(ConfigError):
        Connection.load(elsewhere)
    assert Connection.load({**elsewhere, "hosts": "proxy.example:8443"}).deployment.hosts == ("proxy.example:8443",)


def test_what_only_the_driver_knows_is_found_at_once():
    """Blackstone's driver must know the API of another endpoint; its absence shows at once, not at a rotation."""
    config = {"driver": "tencent_bm", "secret_id": "AKIDexample", "secret_key": "not-a-real-key"}
    with pytest.raises(ConfigError, match="which API"):
        Connection.load({**config, "endpoint": "http://127.0.0.1:9", "hosts": "127.0.0.1:9"})


def test_what_is_stored_can_be_read_back_without_a_key():
    """Secret fields are packed into the one key that servers do not show, and unpacked from it."""
    stored = Connection.load({**GOOD, "minimum_evidence": "accepted", "deadline_seconds": 90.0}).stored()
    readable = {key: value for key, value in stored.items() if key != SEALED}
    assert "not-a-real-key" not in json.dumps(readable)
    assert readable["access_key"] == "AKLTexample"
    again = Connection.load(stored)
    assert again.admin["secret_key"] == "not-a-real-key"
    assert again.deployment.minimum == {"volcengine_cloudidentity": Evidence.ACCEPTED}
    assert again.stored() == stored


def test_a_key_written_beside_a_stored_one_wins():
    """A new key overrides the stored one, since the server merges the new fields into the old."""
    stored = Connection.load(GOOD).stored()
    assert Connection.load({**stored, "secret_key": "another-key"}).admin["secret_key"] == "another-key"


def test_a_vendors_own_private_key_field_is_kept_apart():
    """CompShare's own ``private_key`` is packed like any other secret field."""
    stored = Connection.load(COMPSHARE).stored()
    assert json.loads(stored[SEALED]) == {"lockstep": {"private_key": "not-a-real-key"}}
    assert Connection.load(stored).admin["private_key"] == "not-a-real-key"
    assert Connection.load({**stored, "private_key": "another-key"}).admin["private_key"] == "another-key"
