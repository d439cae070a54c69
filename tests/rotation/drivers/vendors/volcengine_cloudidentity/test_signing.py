"""Volcengine's signature against the vendor's SDK; the vendor's page on it has no sample with a key."""

from datetime import UTC, datetime

import pytest
from volcenginesdkcore.signv4 import SignerV4

from rotation.core.secret import Secret
from rotation.drivers.families import volcengine

BODY = '{"UserId": "e", "Password": "YxEnyCpX9!", "PasswordResetRequired": true, "GenerateRandomPassword": false}'

# the SDK dates its signatures with datetime.utcnow, deprecated since Python 3.12
pytestmark = pytest.mark.filterwarnings("ignore:datetime.datetime.utcnow:DeprecationWarning")


@pytest.mark.parametrize("token", ["", "Temporary+Token/31=="])
@pytest.mark.parametrize("host", ["open.volcengineapi.com", "open.volcengineapi.com:443"])
@pytest.mark.parametrize(
    ("method", "action", "headers", "body"),
    [
        ("POST", "ResetPassword", {"Content-Type": "application/json; charset=UTF-8"}, BODY),
        ("POST", "ResetPassword", {"Content-Type": "application/json; charset=utf-8"}, BODY.replace(" ", "")),
        ("GET", "ListUsers", {}, ""),
    ],
    ids=["POST", "POST-lower", "GET"],
)
def test_the_vendors_sdk_signs_alike(method, action, headers, body, host, token):  # noqa: PLR0913, PLR0917 - the parts of a request
    """The SDK's request and ours, of the same moment, have the same headers; the default port is not signed."""
    theirs, query = {**headers, "Host": host}, {"Action": action, "Version": "2023-01-01", "Name": "a b~*"}
    scope = "AKTEST", "SKTEST", "cn-beijing", "cloudidentity"
    SignerV4.sign("/", method, theirs, body, {}, query, *scope, session_token=token or None)
    access_key, secret_key, region, service = scope
    key = volcengine.Key(access_key, Secret(secret_key), region, service, Secret(token))
    moment = datetime.strptime(theirs["X-Date"], "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC).timestamp()
    ours = volcengine.signed_headers(
        key, method=method, host=host, query=query, headers=headers, body=body.encode(), now=moment
    )
    assert {**ours, "Host": host} == theirs
