"""Signing and transport of Tencent's API 3.0: TC3-HMAC-SHA256 over a JSON body.

Source: tencentcloud-sdk-python-common 3.1.195 and the vendor's page on signature v3, read 2026-11-22.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from urllib.parse import urlsplit

from rotation.core.errors import OutcomeUnknown, UnexpectedReply
from rotation.core.secret import Secret
from rotation.drivers.error_table import ErrorRow, listed, shown
from rotation.drivers.network.http_messages import Http, HttpReply, HttpRequest, check_status, json_object

CONTENT_TYPE = "application/json"
REQUEST_ID_HEADER = "x-tc-requestid"


@dataclass(frozen=True, slots=True)
class Key:
    """An API key and the product that it signs for."""

    secret_id: str
    secret_key: Secret
    service: str


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


def call(  # noqa: PLR0913 - one vendor call has that many facts, all named
    http: Http,
    endpoint: str,
    action: str,
    body: Mapping[str, object],
    *,
    key: Key,
    version: str,
    region: str,
    table: Iterable[ErrorRow],
    now: float,
    changes: bool,
) -> dict[str, object]:
    """Make one signed call and return the ``Response`` of its answer.

    Raises:
        DriverError: the table's error for the code; ``OutcomeUnknown`` or ``UnexpectedReply`` for what it lacks.
    """
    data, timestamp, host = json.dumps(body).encode(), int(now), urlsplit(endpoint).netloc
    headers = {
        "Content-Type": CONTENT_TYPE,
        "X-TC-Action": action,
        "X-TC-Version": version,
        "X-TC-Region": region,
        "X-TC-Timestamp": str(timestamp),
        "Authorization": authorization(key, host=host, content_type=CONTENT_TYPE, body=data, timestamp=timestamp),
    }
    url = f"{endpoint.rstrip('/')}/"
    reply = http.send(HttpRequest(method="POST", url=url, headers=headers, body=data, changes=changes))
    return _response(reply, table, changes=changes)


def _response(reply: HttpReply, table: Iterable[ErrorRow], *, changes: bool) -> dict[str, object]:
    check_status(reply, changes=changes)  # the vendor refuses with 200 and an Error; all else is a gateway or a proxy
    response = json_object(reply, changes=changes).get("Response")
    if not isinstance(response, dict):
        kind = OutcomeUnknown if changes else UnexpectedReply
        raise kind("the vendor's answer has no Response", request_id=reply.request_id)
    refusal = response.get("Error")
    if refusal is None:
        return response
    request_id = _request_id(response) or reply.request_id
    code = str(refusal.get("Code")) if isinstance(refusal, dict) else ""
    error = listed(table, code, on="change" if changes else "read", request_id=request_id)
    if error is None:
        message = "the vendor refused with a code we do not know"
        error = UnexpectedReply(message, vendor_code=shown(code), request_id=request_id)
    raise error


def _request_id(response: Mapping[str, object]) -> str | None:
    """Return the id for support tickets; in API 3.0 it stands in the body."""
    text = str(response.get("RequestId"))
    return text if re.fullmatch(r"[A-Za-z0-9-]{8,64}", text) else None
