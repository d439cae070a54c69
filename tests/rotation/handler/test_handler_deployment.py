"""Bad variables and a bad admin credential: a typed error that names the variable, no vendor call, no value."""

from __future__ import annotations

import json

import pytest

from rotation.core.secret import Secret
from rotation_testkit.sandbox.sandbox import UCLOUD

VALUE = "Marker-value-of-a-field-77"
A = "LOCKSTEP_UCLOUD_COMPSHARE_"


@pytest.fixture
def retries():
    """One: bad input ends each attempt in the same way."""
    return 1


@pytest.fixture(autouse=True)
def marker(canary):
    """The marker value must not be quoted anywhere."""
    canary.guard("marker", Secret(VALUE))


@pytest.mark.parametrize(
    ("name", "value", "code"),
    [
        ("LOCKSTEP_DRIVERS", "", "settings_error"),
        ("LOCKSTEP_DRIVERS", " , ", "settings_error"),
        ("LOCKSTEP_DRIVERS", "UCLOUD,../x", "settings_error"),
        ("LOCKSTEP_MIN_EVIDENCE", "proof", "settings_error"),
        ("LOCKSTEP_HOSTS", "https://api.example", "settings_error"),
        ("LOCKSTEP_HOSTS", "*", "settings_error"),
        ("LOCKSTEP_HOSTS", "a.example/path", "settings_error"),
        (A + "ENDPOINT", "http://vendor.example", "settings_error"),
        (A + "ENDPOINT", "ftp://vendor.example", "settings_error"),
        (A + "ENDPOINT", "vendor.example", "settings_error"),
        (A + "ENDPOINT", f"https://user:{VALUE}@vendor.example", "settings_error"),
        (A + "ENDPOINT", "https://vendor.example/path", "settings_error"),
        (A + "ENDPOINT", "https://vendor.example", "host_not_allowed"),
        (A + "ENDPOINT", "https://api.compshare.cn.evil.example", "host_not_allowed"),
        (A + "ENDPOINT", "https://api.compshare.cn:8443", "host_not_allowed"),
        (A + "ENDPOINT", "http://127.0.0.1:9", "host_not_allowed"),
        (A + "ADMIN_SECRET", "", "settings_error"),
        (A + "ADMIN_SECRET", "no/such/secret", "secret_not_found"),
    ],
)
def test_a_malformed_deployment(rig, name, value, code):
    """Each malformed variable is an error that names it; plain http and hosts that nobody allowed are refused."""
    rig.environment[name] = value
    error = rig.stuck(UCLOUD, code)
    if code == "settings_error":
        assert name in error.message
    if name.endswith("ADMIN_SECRET"):
        assert name in error.message + error.hint


def test_all_malformed_variables_are_reported_at_once(rig):
    """Every fault of the environment stands in one error."""
    wrong = {"LOCKSTEP_MIN_EVIDENCE": "x", A + "ENDPOINT": "x", "LOCKSTEP_HUAWEI_MEETING_ENDPOINT": "http://x.example"}
    rig.environment |= wrong
    message = rig.stuck(UCLOUD, "settings_error").message
    assert all(name in message for name in wrong)


@pytest.mark.parametrize(
    ("value", "code"),
    [
        ("no JSON " + VALUE, "secret_document_error"),
        (json.dumps([VALUE]), "secret_document_error"),
        ("{}", "settings_error"),
        (json.dumps({"public_key": VALUE}), "settings_error"),
        (json.dumps({"private_key": VALUE}), "settings_error"),
        (json.dumps({"public_key": [VALUE], "private_key": {"a": VALUE}}), "settings_error"),
    ],
)
def test_a_malformed_admin_secret(rig, value, code):
    """The admin credential's faults are named as such, and tell which variable names it."""
    rig.put(rig.world.admin_secret, value)
    error = rig.stuck(UCLOUD, code)
    assert A + "ADMIN_SECRET" in error.hint


@pytest.mark.parametrize(
    ("fault", "code"),
    [
        ("AccessDeniedException", "store_denied"),
        ("DecryptionFailure", "store_denied"),
        ("InvalidRequestException", "store_error"),
        ("InternalServiceError", "store_unavailable"),
        ("ThrottlingException", "store_unavailable"),
    ],
)
def test_an_admin_secret_that_cannot_be_read(rig, fault, code):
    """Secrets Manager's refusal is typed and says that it is about the admin credential."""
    rig.world.secrets_manager.faults.fail("GetSecretValue", fault, times=999, secret=rig.world.admin_secret)
    assert A + "ADMIN_SECRET" in rig.stuck(UCLOUD, code).hint
