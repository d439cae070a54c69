"""Bad events, secrets and settings: a typed error with a code and a hint, no vendor call, nothing changed, no value."""

import base64
import json

import pytest

from rotation.core.errors import RotationError
from rotation.core.secret import Secret
from rotation_testkit.sandbox.sandbox import FUNCTION_ARN, HUAWEI, MEETING_ACCOUNT, UCLOUD

DRIVERS = (HUAWEI, UCLOUD)
STEPS = ("createSecret", "setSecret", "testSecret", "finishSecret")
VALUE = "Marker-value-of-a-field-77"
OWN = {
    HUAWEI: ("driver", "username", "password"),
    UCLOUD: ("driver", "username", "password", "region", "zone", "uhost_id", "host_key"),
}
WRONG_TYPES = (None, "", 7, 1.5, True, [], [VALUE], {}, {"a": VALUE}, VALUE.encode())
A = "LOCKSTEP_UCLOUD_COMPSHARE_"


@pytest.fixture
def retries():
    """Return one retry: bad input ends every attempt in the same way."""
    return 1


@pytest.fixture(autouse=True)
def marker(canary):
    """Guard the marker value, which must not be quoted anywhere."""
    canary.guard("marker", Secret(VALUE))


def refused(rig, event, code):
    """Invoke once and return the error, which must have this code and a hint and leave vendor and labels alone."""
    labels = [rig.world.secrets_manager.labels(name) for name in rig.world.accounts.values()]
    calls = len(rig.vendor_calls())
    with pytest.raises(RotationError) as caught:
        rig.call(event)
    assert caught.value.code == code, caught.value
    assert caught.value.hint
    assert len(rig.vendor_calls()) == calls
    assert [rig.world.secrets_manager.labels(name) for name in rig.world.accounts.values()] == labels
    return caught.value


# Events.


@pytest.mark.parametrize("value", WRONG_TYPES, ids=repr)
@pytest.mark.parametrize("field", ["Step", "SecretId", "ClientRequestToken", "RotationToken"])
def test_an_event_with_a_malformed_field(idle, field, value):
    """Every wrong type in every field is refused by the key's name; a RotationToken may be absent."""
    event = idle.event(HUAWEI) | {field: value}
    calls = len(idle.world.secrets_manager.calls)
    if field == "RotationToken" and value is None:
        refused(idle, event, "stage_error" if idle.world.secrets_manager.rotations else "rotation_not_enabled")
        return
    if field == "SecretId" and value == VALUE:
        refused(idle, event, "secret_not_found")
        return
    assert field in refused(idle, event, "event_error").message
    assert len(idle.world.secrets_manager.calls) == calls


@pytest.mark.parametrize(
    "secret", ["no-such-secret", "arn:aws:secretsmanager:eu-central-1:111122223333:secret:none-abcdef"]
)
def test_an_unknown_secret(idle, secret):
    """An unknown secret has an error code of its own."""
    refused(idle, idle.event(HUAWEI) | {"SecretId": secret}, "secret_not_found")


@pytest.mark.parametrize("step", STEPS)
def test_rotation_that_is_not_enabled(idle, step):
    """Without rotation no step does anything."""
    refused(idle, idle.event(UCLOUD, step), "rotation_not_enabled")


def test_a_token_without_a_stage(rig):
    """A token that is no version, and one whose version lost its stages, are refused in every step."""
    rig.rotate(UCLOUD)
    rig.put(rig.world.accounts[UCLOUD], rig.document(UCLOUD))
    rig.put(rig.world.accounts[UCLOUD], rig.document(UCLOUD))
    store, name = rig.world.secrets_manager, rig.world.accounts[UCLOUD]
    stale = [version for version, labels in store.labels(name).items() if not labels & {"AWSCURRENT", "AWSPENDING"}]
    assert stale
    for step in STEPS:
        refused(rig, rig.event(UCLOUD, step), "stage_error")
        for token in stale:
            refused(rig, rig.event(UCLOUD, step, ClientRequestToken=token), "stage_error")


# The rotated secret.


@pytest.mark.parametrize(
    "text",
    [
        f'["{VALUE}"]',
        f'"{VALUE}"',
        f'{{"driver": "{UCLOUD}", "deep": {{"a": 1, "a": "{VALUE}"}}}}',
        f'{{"driver": "{UCLOUD}", "password": NaN, "x": "{VALUE}"}}',
    ],
    ids=["list", "text", "twice", "NaN"],
)
def test_a_secret_that_is_no_document(rig, text):
    """A text that is not a JSON object, or holds a key twice or a value that cannot be stored, is refused."""
    rig.put(rig.world.accounts[UCLOUD], text)
    rig.stuck(UCLOUD, "secret_document_error")


@pytest.mark.parametrize("value", [b"\x00\xff", b'{"driver": "ucloud_compshare"}'])
def test_a_binary_secret(rig, value):
    """SecretBinary is refused, even when it holds JSON."""
    rig.put(rig.world.accounts[UCLOUD], base64.b64encode(value).decode(), binary=True)
    assert "binary" in rig.stuck(UCLOUD, "secret_document_error").message


@pytest.mark.parametrize(("driver", "key"), [(driver, key) for driver in DRIVERS for key in OWN[driver]])
def test_a_secret_that_lacks_a_key(rig, driver, key):
    """Each missing key is named, before the vendor is asked anything; a host key is taken from the version before."""
    document = rig.document(driver)
    del document[key]
    rig.put(rig.world.accounts[driver], document)
    if key == "host_key":
        rig.rotate(driver)
        assert rig.errors == []
        assert rig.world.changes(driver) == 1
        return
    common = key in {"driver", "username", "password"}
    assert key in rig.stuck(driver, "secret_document_error" if common else "settings_error").message


@pytest.mark.parametrize(("driver", "key"), [(driver, key) for driver in DRIVERS for key in OWN[driver]])
def test_a_secret_with_a_key_of_a_wrong_type(rig, driver, key):
    """Every wrong type in every key is named before the vendor is asked anything."""
    document = rig.document(driver)
    code = "secret_document_error" if key in {"driver", "username", "password"} else "settings_error"
    for value in (None, "", 7, [VALUE], {"a": VALUE}, True):
        rig.put(rig.world.accounts[driver], document | {key: value})
        assert key in rig.stuck(driver, code).message, value


@pytest.mark.parametrize("name", ["memory", "tencent_bm", VALUE, HUAWEI.upper(), f"{HUAWEI} "])
def test_a_secret_that_names_a_driver_that_is_not_allowed(rig, name):
    """Only what LOCKSTEP_DRIVERS names is ever loaded; the secret's text is not quoted."""
    rig.put(rig.world.accounts[UCLOUD], rig.document(UCLOUD) | {"driver": name})
    assert name not in rig.stuck(UCLOUD, "driver_not_allowed").message


@pytest.mark.parametrize("driver", DRIVERS)
def test_a_secret_cannot_aim_the_rotation(rig, driver):
    """No key of the secret moves a request elsewhere: the rotation goes to the deployment's endpoint and keeps them."""
    evil = "http://127.0.0.1:9"
    keys = ("endpoint", "host", "hosts", "url", "base_url", "Endpoint", "proxy", "admin_secret", "LOCKSTEP_HOSTS")
    aimed = dict.fromkeys((*keys, A + "ENDPOINT"), evil)
    rig.put(rig.world.accounts[driver], rig.document(driver) | aimed)
    rig.rotate(driver)
    assert rig.errors == []
    assert rig.world.stored(driver) == rig.world.live(driver)
    assert rig.document(driver).items() >= aimed.items()


def test_a_test_only_invocation_with_a_bad_secret(rig):
    """RotateImmediately=false also fails on a bad secret, and asks no vendor."""
    rig.put(rig.world.accounts[HUAWEI], rig.document(HUAWEI) | {"username": f"{MEETING_ACCOUNT}:{VALUE}"})
    rig.world.secrets_manager.rotate(rig.world.accounts[HUAWEI], function=FUNCTION_ARN, immediately=False)
    assert [error.code for error in rig.errors] == ["settings_error"]
    assert rig.vendor_calls() == []


# The deployment: variables, and the admin credential.


@pytest.mark.parametrize(
    ("name", "value", "code"),
    [
        ("LOCKSTEP_DRIVERS", "UCLOUD,../x", "settings_error"),
        ("LOCKSTEP_MIN_EVIDENCE", "proof", "settings_error"),
        ("LOCKSTEP_HOSTS", "*", "settings_error"),
        (A + "ENDPOINT", f"https://user:{VALUE}@vendor.example", "settings_error"),
        (A + "ENDPOINT", "https://api.compshare.cn.evil.example", "host_not_allowed"),
        (A + "ENDPOINT", "http://127.0.0.1:9", "host_not_allowed"),
        ("LOCKSTEP_SEAL_SECRET", "", "settings_error"),
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
    if name.endswith("_SECRET"):
        assert name in error.message + error.hint


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
    """Faults of the admin credential are named, with the variable that names its secret."""
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
