"""Signing and transport that Volcengine's products share: V4, which is AWS's SigV4 with other names.

Source: volcenginesdk-core 5.0.54 (``signv4.py``) and the vendor's pages 6369 and 6469/1121980, read 2026-11-22.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from urllib.parse import quote, urlsplit

from rotation.core.errors import OutcomeUnknown, PasswordRejected, UnexpectedReply
from rotation.core.secret import Secret
from rotation.drivers.error_table import ErrorRow, listed, shown
from rotation.drivers.network.http_messages import Http, HttpReply, HttpRequest, check_status, json_object

CONTENT_TYPE = "application/json; charset=UTF-8"
"""Header values are signed byte for byte, so the case counts."""
REQUEST_ID_HEADER = "x-tt-logid"
BAD_PARAMETER = "InvalidParam"
"""Which parameter it is stands in the message alone; a weak password most likely lands here (no page says so)."""


@dataclass(frozen=True, slots=True)
class Key:
    """An access key and the scope that it signs for."""

    access_key: str
    secret_key: Secret
    region: str
    service: str


def signed_headers(  # noqa: PLR0913 - the parts of a request, all named
    key: Key, *, method: str, host: str, query: Mapping[str, str], headers: Mapping[str, str], body: bytes, now: float
) -> dict[str, str]:
    """Return ``headers`` with those that sign the request; the host's default port is no part of what is signed."""
    date = datetime.fromtimestamp(int(now), UTC).strftime("%Y%m%dT%H%M%SZ")
    digest = hashlib.sha256(body).hexdigest()
    sent = {**headers, "X-Date": date, "X-Content-Sha256": digest}
    covered = {name.lower(): value.strip() for name, value in sent.items()}
    covered["host"] = re.sub(r":(?:80|443)$", "", host)
    names = ";".join(sorted(covered))
    lines = "".join(f"{name}:{covered[name]}\n" for name in sorted(covered))
    canonical = f"{method}\n/\n{_query(query)}\n{lines}\n{names}\n{digest}"
    scope = f"{date[:8]}/{key.region}/{key.service}/request"
    text = f"HMAC-SHA256\n{date}\n{scope}\n{hashlib.sha256(canonical.encode()).hexdigest()}"
    chain = key.secret_key.reveal().encode()  # raw: AWS would put "AWS4" before it
    for part in scope.split("/"):
        chain = hmac.digest(chain, part.encode(), "sha256")
    signature = hmac.digest(chain, text.encode(), "sha256").hex()
    credential = f"HMAC-SHA256 Credential={key.access_key}/{scope}, SignedHeaders={names}, Signature={signature}"
    return {**sent, "Authorization": credential}


def _query(query: Mapping[str, str]) -> str:
    pairs = sorted((quote(name, safe="-_.~"), quote(value, safe="-_.~")) for name, value in query.items())
    return "&".join(f"{name}={value}" for name, value in pairs)


def call(  # noqa: PLR0913 - one vendor call has that many facts, all named
    http: Http,
    endpoint: str,
    action: str,
    body: Mapping[str, object],
    *,
    key: Key,
    version: str,
    table: Iterable[ErrorRow],
    now: float,
    changes: bool,
) -> dict[str, object]:
    """Make one signed call with a JSON body and return the ``Result`` of its answer, ``{}`` where it has none.

    Raises:
        DriverError: the table's error for the code; ``OutcomeUnknown`` or ``UnexpectedReply`` for what it lacks.
    """
    query = {"Action": action, "Version": version}
    data = json.dumps(body).encode()
    headers = signed_headers(
        key,
        method="POST",
        host=urlsplit(endpoint).netloc,
        query=query,
        headers={"Content-Type": CONTENT_TYPE},
        body=data,
        now=now,
    )
    url = f"{endpoint.rstrip('/')}/?{_query(query)}"
    reply = http.send(HttpRequest(method="POST", url=url, headers=headers, body=data, changes=changes))
    return _result(reply, table, changes=changes)


def _result(reply: HttpReply, table: Iterable[ErrorRow], *, changes: bool) -> dict[str, object]:
    _raise_refusal(reply, table, changes=changes)
    answer = json_object(reply, changes=changes)
    result = answer.get("Result") or {}
    # A 200 that names no request is somebody else's.
    if not isinstance(answer.get("ResponseMetadata"), dict) or not isinstance(result, dict):
        kind = OutcomeUnknown if changes else UnexpectedReply
        raise kind("the vendor's answer lacks its metadata", request_id=reply.request_id)
    return result


def _raise_refusal(reply: HttpReply, table: Iterable[ErrorRow], *, changes: bool) -> None:
    refusal, request_id = _refusal(reply), reply.request_id
    code = None if refusal is None else str(refusal.get("Code"))
    if refusal is not None and code is not None:
        # The message may hold the password itself, so only whether it names the field is read off it.
        if code == BAD_PARAMETER and changes and re.search(r"\bPassword\b", str(refusal.get("Message"))):
            raise PasswordRejected("the vendor refused the password", vendor_code=code, request_id=request_id)
        error = listed(table, code, on="change" if changes else "read", request_id=request_id)
        if error is not None:
            raise error
    check_status(reply, changes=changes, vendor_code=shown(code))
    if code is not None:
        message = "the vendor refused with a code we do not know"
        raise UnexpectedReply(message, vendor_code=shown(code), request_id=request_id)


def _refusal(reply: HttpReply) -> Mapping[str, object] | None:
    """Find the ``Error`` of an answer; gateways and proxies send none."""
    try:
        answer = json.loads(reply.body)
    except (ValueError, RecursionError):
        return None
    metadata = answer.get("ResponseMetadata") if isinstance(answer, dict) else None
    refusal = metadata.get("Error") if isinstance(metadata, dict) else None
    return refusal if isinstance(refusal, dict) else None
