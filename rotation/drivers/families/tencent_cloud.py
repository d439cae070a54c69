"""Signing and transport of Tencent's API 3.0: TC3-HMAC-SHA256 over a JSON body.

Source: tencentcloud-sdk-python-common 3.1.195 and the vendor's page on signature v3, read 2026-11-22.
"""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from rotation.core.secret import Secret
from rotation.drivers.network.http_messages import HttpRequest, id_of
from rotation.drivers.vendor_api import Malformed, Refusal, VendorApi

CONTENT_TYPE = "application/json"
REQUEST_ID_HEADER = "x-tc-requestid"


@dataclass(frozen=True, slots=True)
class Key:
    """An API key and the product that it signs for; a temporary key has a session token."""

    secret_id: str
    secret_key: Secret
    service: str
    token: Secret | None = None


def authorization(key: Key, *, host: str, content_type: str, body: bytes, timestamp: int) -> str:
    """Return the Authorization header of a POST to ``/``."""
    names = "content-type;host"
    digest = hashlib.sha256(body).hexdigest()
    canonical = f"POST\n/\n\ncontent-type:{content_type}\nhost:{host}\n\n{names}\n{digest}"
    day = datetime.fromtimestamp(timestamp, UTC).strftime("%Y-%m-%d")
    scope = f"{day}/{key.service}/tc3_request"
    text = f"TC3-HMAC-SHA256\n{timestamp}\n{scope}\n{hashlib.sha256(canonical.encode()).hexdigest()}"
    chain = f"TC3{key.secret_key.reveal()}".encode()
    for part in scope.split("/"):
        chain = hmac.digest(chain, part.encode(), "sha256")
    signature = hmac.digest(chain, text.encode(), "sha256").hex()
    return f"TC3-HMAC-SHA256 Credential={key.secret_id}/{scope}, SignedHeaders={names}, Signature={signature}"


@dataclass(frozen=True, kw_only=True)
class TencentCloud(VendorApi[dict[str, object]]):
    """One product's API 3.0 in one region. A call returns the ``Response`` of its answer."""

    key: Key
    version: str
    region: str
    refuses_with_200 = True

    def sign(self, action: str, body: Mapping[str, object]) -> HttpRequest:
        """See ``VendorApi``."""
        data, timestamp = json.dumps(body).encode(), int(self.wiring.now())
        headers = {
            "Content-Type": CONTENT_TYPE,
            "X-TC-Action": action,
            "X-TC-Version": self.version,
            "X-TC-Region": self.region,
            "X-TC-Timestamp": str(timestamp),
            "Authorization": authorization(
                self.key, host=self.host, content_type=CONTENT_TYPE, body=data, timestamp=timestamp
            ),
        }
        if self.key.token:
            headers["X-TC-Token"] = self.key.token.reveal()
        return HttpRequest(method="POST", url=self.url(), headers=headers, body=data)

    def outcome(self, answer: dict[str, object]) -> dict[str, object] | Refusal | Malformed:
        """See ``VendorApi``. The request id is in the body."""
        response = answer.get("Response")
        if not isinstance(response, dict):
            return Malformed("has no Response")
        refusal = response.get("Error")
        if refusal is None:
            return response
        code = str(refusal.get("Code")) if isinstance(refusal, dict) else ""
        return Refusal(code, id_of(str(response.get("RequestId"))))
