"""An admin credential may be temporary: its end is kept to, and its token is sent or refused, never ignored."""

import math
from dataclasses import dataclass

import pytest

from rotation.core.errors import SettingsError
from rotation.core.secret import Secret
from rotation.core.settings import setting
from rotation.deployment.admin_keys import expiry, refuse_tokens
from rotation.drivers import registry
from rotation.drivers.tokens import session_token


@dataclass(frozen=True, slots=True)
class Permanent:
    """A key that never has a token."""

    key: Secret = setting("Key.")  # noqa: RUF009 - declares a field


@dataclass(frozen=True, slots=True)
class Temporary(Permanent):
    """A key that may have one."""

    session_token: Secret | None = session_token()  # noqa: RUF009 - as above


SPELLINGS = ("session_token", "SessionToken", "SecurityToken", "security_token", "X-TC-Token", "Token", "sts_token")


@pytest.mark.parametrize("name", SPELLINGS)
def test_a_vendor_without_temporary_keys_refuses_a_token_by_name(make_spec, name):
    """Whatever the key is called, it is named with the reason, and its value is not."""
    with pytest.raises(SettingsError) as caught:
        refuse_tokens(make_spec(admin=Permanent), {"key": "k", name: "canary-token"}, "admin secret")
    assert f"{name} is refused: Acme documents no temporary keys" in str(caught.value)
    assert "canary" not in str(caught.value)


@pytest.mark.parametrize("name", SPELLINGS[1:])
def test_a_token_under_another_name_is_not_silently_left_out(make_spec, name):
    """Where tokens are sent, the error says under which key."""
    with pytest.raises(SettingsError, match=f"{name} belongs under session_token"):
        refuse_tokens(make_spec(admin=Temporary), {"key": "k", name: "t"}, "admin secret")
    refuse_tokens(make_spec(admin=Temporary), {"key": "k", "session_token": "t", "note": "tokens"}, "admin secret")


def test_which_drivers_take_temporary_keys_is_declared():
    """Tencent and Volcengine document the token; UCloud and Huawei Meeting do not, so that theirs is refused."""
    found = {}
    for code in registry.driver_codes():
        admin = registry.load_driver(code).admin
        found[code] = admin is not None and "session_token" in admin.__dataclass_fields__
    assert found["tencent_bm"]
    assert found["volcengine_cloudidentity"]
    assert not found["ucloud_compshare"]
    assert not found["huawei_meeting"]


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        ({}, math.inf),
        ({"expires_at": "2026-11-22T10:00:00Z"}, 1795341600.0),
        ({"expires_at": "2026-11-22T18:00:00+08:00"}, 1795341600.0),
        ({"expires_at": 1795341600}, 1795341600.0),
        ({"expires_at": "1795341600"}, 1795341600.0),
    ],
)
def test_the_end_of_a_credential_is_read(said, expected):
    """A date with a time zone, and epoch seconds as number or text."""
    assert expiry(said, "admin secret") == expected


@pytest.mark.parametrize("said", ["soon", "2026-11-22T10:00:00", "1795341600000", True, [1], "9" * 400])
def test_an_end_that_cannot_be_read_is_refused(said):
    """A date without a time zone could be hours off, and a wrong number would never end."""
    with pytest.raises(SettingsError, match="expires_at must be a time"):
        expiry({"expires_at": said}, "admin secret")
