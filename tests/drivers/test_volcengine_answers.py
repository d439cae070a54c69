"""Cloud Identity's driver: the vendor's golden signatures, and how its answers are read."""

from __future__ import annotations

import hashlib
from typing import Any

import pytest

from rotation.core.errors import (
    AccountUnusable,
    DriverError,
    InProgress,
    OutcomeUnknown,
    PasswordRejected,
    RequestRefused,
    UnexpectedReply,
    VendorUnavailable,
)
from rotation.core.secret import Secret
from rotation.drivers.contract import Wiring
from rotation.drivers.families import volcengine
from rotation.drivers.network.http_messages import HttpReply, HttpRequest
from rotation.drivers.vendors.volcengine_cloudidentity.driver import DRIVER, Admin

KEY = volcengine.Key("AKTEST", Secret("SKTEST"), "cn-beijing", "cloudidentity")
DATE = 1_741_532_749.0  # 20250309T150549Z
V1_BODY = b'{"UserId": "e", "Password": "YxEnyCpX9!", "PasswordResetRequired": true, "GenerateRandomPassword": false}'
V3_BODY = V1_BODY.replace(b": ", b":").replace(b", ", b",")


@pytest.mark.parametrize(
    ("method", "action", "headers", "body", "names", "signature"),
    [
        pytest.param(
            "POST",
            "ResetPassword",
            {"Content-Type": "application/json; charset=UTF-8"},
            V1_BODY,
            "content-type;host;x-content-sha256;x-date",
            "d57556e5e51d8e092eb9f441c9fd2176cf48a3dc7e86fa1afb488f2dc025293a",
            id="V1",
        ),
        pytest.param(
            "GET",
            "ListUsers",
            {},
            b"",
            "host;x-content-sha256;x-date",
            "40a1c13ca9a9d557f7b2b21dbd8c256529e659430f4366feedae0e0e8f4e5a63",
            id="V2",
        ),
        pytest.param(
            "POST",
            "ResetPassword",
            {},
            V3_BODY,
            "host;x-content-sha256;x-date",
            "1fda1f688a0c1b96a214e132ce26d5a07afbe9f2206aac4ceeb9b13038d2fd14",
            id="V3",
        ),
        pytest.param(
            "POST",
            "ResetPassword",
            {"Content-Type": "application/json; charset=utf-8"},
            V1_BODY,
            "content-type;host;x-content-sha256;x-date",
            "0248f65e3cea2903d5f7d0507a11c836a92623738f4a33c2bce88c22426adc50",
            id="V1-lower",
        ),
    ],
)
@pytest.mark.parametrize("host", ["open.volcengineapi.com", "open.volcengineapi.com:443"])
def test_signatures_are_the_vendors(  # noqa: PLR0913, PLR0917 - the parts of a vector
    method: str, action: str, headers: dict[str, str], body: bytes, names: str, signature: str, host: str
) -> None:
    """Every golden vector comes out; the default port is no part of it."""
    query = {"Action": action, "Version": "2023-01-01"}
    sent = volcengine.signed_headers(KEY, method=method, host=host, query=query, headers=headers, body=body, now=DATE)
    scope = "20250309/cn-beijing/cloudidentity/request"
    assert sent["Authorization"] == (
        f"HMAC-SHA256 Credential=AKTEST/{scope}, SignedHeaders={names}, Signature={signature}"
    )
    assert sent["X-Date"] == "20250309T150549Z"
    assert sent["X-Content-Sha256"] == hashlib.sha256(body).hexdigest()


class Canned:
    """A vendor that gives one answer."""

    def __init__(self, body: bytes, status: int) -> None:
        self.body, self.status = body, status

    def send(self, request: HttpRequest) -> HttpReply:
        """Answer."""
        del request
        return HttpReply(self.status, {}, self.body)


def canned(body: bytes, status: int = 200) -> Any:
    """The driver at such a vendor."""
    wiring = Wiring(
        http=Canned(body, status),
        endpoint="https://open.volcengineapi.com",
        admin=Admin("k", Secret("s")),
        now=lambda: 0.0,
    )
    return DRIVER.factory(wiring)


ACCOUNT = DRIVER.account(username="robot", user_id="u-robot")


@pytest.mark.parametrize(
    "body", [b"[]", b"{}", b'{"Result":{}}', b'{"ResponseMetadata":{},"Result":[1]}', b'{"ResponseMetadata":1}', b"0"]
)
def test_only_an_answer_with_metadata_is_success(body: bytes) -> None:
    """Anything else in answer to a reset leaves its outcome open."""
    with pytest.raises(OutcomeUnknown):
        canned(body).set_password(ACCOUNT, Secret("x"), current=None)
    with pytest.raises(UnexpectedReply):
        canned(body).observe(ACCOUNT)


@pytest.mark.parametrize(
    ("status", "on_change", "on_read"),
    [
        (200, UnexpectedReply, UnexpectedReply),
        (400, UnexpectedReply, UnexpectedReply),
        (500, OutcomeUnknown, VendorUnavailable),
    ],
)
def test_an_error_is_never_a_success(status: int, on_change: type[DriverError], on_read: type[DriverError]) -> None:
    """An unknown code counts by its HTTP status, and with 200 it is unexpected."""
    body = b'{"ResponseMetadata":{"RequestId":"r","Error":{"Code":"Novel","Message":"m"}},"Result":{}}'
    with pytest.raises(on_change) as caught:
        canned(body, status).set_password(ACCOUNT, Secret("x"), current=None)
    assert caught.value.vendor_code == "Novel"
    with pytest.raises(on_read):
        canned(body, status).observe(ACCOUNT)


@pytest.mark.parametrize("user_id", ["u-robot", "u-other", ""])
def test_an_answer_about_another_user_is_unexpected(user_id: str) -> None:
    """Nothing is concluded from it."""
    lists = '"Instances":[{"Status":"Enabled"}],"PortalLoginSettings":[{"LoginType":"Password","Status":"Enabled"}]'
    body = '{"ResponseMetadata":{},"Result":{"UserId":"%s","UserName":"robot","Source":"Manual",%s}}'
    driver = canned((body % (user_id, lists)).encode())
    if user_id == ACCOUNT.user_id:
        assert not driver.observe(ACCOUNT).obstacles
        return
    with pytest.raises(UnexpectedReply):
        driver.observe(ACCOUNT)


def test_a_bad_parameter_of_a_read_is_no_refused_password() -> None:
    """Whatever its message speaks of; in answer to a reset the message's field tells."""
    body = b'{"ResponseMetadata":{"Error":{"Code":"InvalidParam","Message":"The parameter %s[x] is invalid"}}}'
    with pytest.raises(AccountUnusable):
        canned(body % b"Password", 400).observe(ACCOUNT)
    with pytest.raises(AccountUnusable):
        canned(body % b"UserId", 400).set_password(ACCOUNT, Secret("x"), current=None)
    with pytest.raises(PasswordRejected):
        canned(body % b"Password", 400).set_password(ACCOUNT, Secret("x"), current=None)


def test_which_refusals_of_a_reset_prove_nothing() -> None:
    """Those alone that may come after the effect; a refusal of the request itself changed nothing either."""
    rows = [row for row in DRIVER.error_table if row.on != "read"]
    assert {row.vendor_code for row in rows if row.error is OutcomeUnknown} == {
        "FailToConnect",
        "InternalError",
        "InternalServiceError",
        "InternalServiceTimeout",
    }
    assert {row.vendor_code for row in rows if row.error is RequestRefused} == {
        "InvalidActionOrVersion",
        "MethodNotAllowed",
        "MissingParameter",
        "ServiceAlreadyEnabled",
        "ServiceNotFound",
    }
    assert {row.vendor_code for row in rows if row.error is InProgress} == {
        "ConcurrentException",
        "OperateTooFrequentlyException",
        "UserLoginProfileRecordExist",
    }
    assert {row.error for row in rows if not row.error.definite} == {OutcomeUnknown}
