"""Signing and transport that Volcengine's products share: V4, which is AWS's SigV4 with other names.

Source: volcenginesdk-core 5.0.54 (``signv4.py``) and the vendor's pages 6369 and 6469/1121980, read 2026-11-22.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from urllib.parse import quote

from rotation.core.secret import Secret
from rotation.drivers.network.http_messages import HttpRequest
from rotation.drivers.vendor_api import Malformed, Refusal, VendorApi

CONTENT_TYPE = "application/json; charset=UTF-8"
"""Header values are signed byte for byte, so the case counts."""
REQUEST_ID_HEADER = "x-tt-logid"
BAD_PARAMETER = "InvalidParam"
"""Only the message names the parameter. A weak password most likely gets this code; no page says so."""


@dataclass(frozen=True, slots=True)
class Key:
    """An access key and the scope that it signs for; a temporary key has a session token."""

    access_key: str
    secret_key: Secret
    region: str
    service: str
    token: Secret | None = None


def signed_headers(  # noqa: PLR0913 - the parts of a request, all named
    key: Key, *, method: str, host: str, query: Mapping[str, str], headers: Mapping[str, str], body: bytes, now: float
) -> dict[str, str]:
    """Return ``headers`` and those that sign the request. The signature leaves the host's default port out."""
    date = datetime.fromtimestamp(int(now), UTC).strftime("%Y%m%dT%H%M%SZ")
    digest = hashlib.sha256(body).hexdigest()
    sent = {**headers, "X-Date": date, "X-Content-Sha256": digest}
    if key.token:
        sent["X-Security-Token"] = key.token.reveal()
    covered = {name.lower(): value.strip() for name, value in sent.items()}
    covered["host"] = re.sub(r":(?:80|443)$", "", host)
    names = ";".join(sorted(covered))
    lines = "".join(f"{name}:{covered[name]}\n" for name in sorted(covered))
    canonical = f"{method}\n/\n{_query(query)}\n{lines}\n{names}\n{digest}"
    scope = f"{date[:8]}/{key.region}/{key.service}/request"
    text = f"HMAC-SHA256\n{date}\n{scope}\n{hashlib.sha256(canonical.encode()).hexdigest()}"
    chain = key.secret_key.reveal().encode()  # AWS would put "AWS4" before it
    for part in scope.split("/"):
        chain = hmac.digest(chain, part.encode(), "sha256")
    signature = hmac.digest(chain, text.encode(), "sha256").hex()
    credential = f"HMAC-SHA256 Credential={key.access_key}/{scope}, SignedHeaders={names}, Signature={signature}"
    return {**sent, "Authorization": credential}


def _query(query: Mapping[str, str]) -> str:
    pairs = sorted((quote(name, safe="-_.~"), quote(value, safe="-_.~")) for name, value in query.items())
    return "&".join(f"{name}={value}" for name, value in pairs)


@dataclass(frozen=True, kw_only=True)
class Volcengine(VendorApi[dict[str, object]]):
    """One service's API. A call returns the ``Result`` of its answer, ``{}`` where it has none."""

    key: Key
    version: str

    def sign(self, action: str, body: Mapping[str, object]) -> HttpRequest:
        """See ``VendorApi``."""
        query, data = {"Action": action, "Version": self.version}, json.dumps(body).encode()
        headers = signed_headers(
            self.key,
            method="POST",
            host=self.host,
            query=query,
            headers={"Content-Type": CONTENT_TYPE},
            body=data,
            now=self.wiring.now(),
        )
        return HttpRequest(method="POST", url=self.url(f"/?{_query(query)}"), headers=headers, body=data)

    def outcome(self, answer: dict[str, object]) -> dict[str, object] | Refusal | Malformed:
        """See ``VendorApi``. An answer without metadata does not come from the vendor."""
        metadata, result = answer.get("ResponseMetadata"), answer.get("Result") or {}
        refusal = metadata.get("Error") if isinstance(metadata, dict) else None
        if isinstance(refusal, dict):
            code = str(refusal.get("Code"))
            # The message may hold the password itself, so we only look whether it names the field.
            names_password = re.search(r"\bPassword\b", str(refusal.get("Message"))) is not None
            return Refusal(code, names_password=code == BAD_PARAMETER and names_password)
        if not isinstance(metadata, dict) or not isinstance(result, dict):
            return Malformed("lacks its metadata")
        return result
