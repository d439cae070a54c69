"""Volcengine's golden signatures."""

import hashlib

import pytest

from rotation.core.secret import Secret
from rotation.drivers.families import volcengine

KEY = volcengine.Key("AKTEST", Secret("SKTEST"), "cn-beijing", "cloudidentity")
DATE = 1_741_532_749.0  # 20250309T150549Z
V1_BODY = b'{"UserId": "e", "Password": "YxEnyCpX9!", "PasswordResetRequired": true, "GenerateRandomPassword": false}'
V3_BODY = V1_BODY.replace(b": ", b":").replace(b", ", b",")


SIGNATURES = {
    "V1": "d57556e5e51d8e092eb9f441c9fd2176cf48a3dc7e86fa1afb488f2dc025293a",
    "V2": "40a1c13ca9a9d557f7b2b21dbd8c256529e659430f4366feedae0e0e8f4e5a63",
    "V3": "1fda1f688a0c1b96a214e132ce26d5a07afbe9f2206aac4ceeb9b13038d2fd14",
    "V1-lower": "0248f65e3cea2903d5f7d0507a11c836a92623738f4a33c2bce88c22426adc50",
}


@pytest.mark.parametrize(
    ("vector", "method", "action", "content_type", "body"),
    [
        ("V1", "POST", "ResetPassword", "application/json; charset=UTF-8", V1_BODY),
        ("V2", "GET", "ListUsers", "", b""),
        ("V3", "POST", "ResetPassword", "", V3_BODY),
        ("V1-lower", "POST", "ResetPassword", "application/json; charset=utf-8", V1_BODY),
    ],
)
@pytest.mark.parametrize("host", ["open.volcengineapi.com", "open.volcengineapi.com:443"])
def test_signatures_are_the_vendors(vector, method, action, content_type, body, host):  # noqa: PLR0913, PLR0917 - the parts of a vector
    """Every golden vector is reproduced; the default port is not signed."""
    query = {"Action": action, "Version": "2023-01-01"}
    headers = {"Content-Type": content_type} if content_type else {}
    sent = volcengine.signed_headers(KEY, method=method, host=host, query=query, headers=headers, body=body, now=DATE)
    names = ("content-type;" if content_type else "") + "host;x-content-sha256;x-date"
    scope = "20250309/cn-beijing/cloudidentity/request"
    assert sent["Authorization"] == (
        f"HMAC-SHA256 Credential=AKTEST/{scope}, SignedHeaders={names}, Signature={SIGNATURES[vector]}"
    )
    assert sent["X-Date"] == "20250309T150549Z"
    assert sent["X-Content-Sha256"] == hashlib.sha256(body).hexdigest()
