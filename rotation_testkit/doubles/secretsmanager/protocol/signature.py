"""Verify a Signature Version 4 request by the published rules; botocore clients sign by their own code.

Source: "Create a signed AWS API request", AWS General Reference, as of 2026-11.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from functools import reduce
from urllib.parse import parse_qsl, quote

from werkzeug.wrappers import Request

from rotation.core.secret import Secret
from rotation_testkit.doubles.secretsmanager.protocol.errors import ServiceError

_SERVICE = "secretsmanager"
_ALGORITHM = "AWS4-HMAC-SHA256"
_HEADER = re.compile(
    r"AWS4-HMAC-SHA256 Credential=(?P<key>[^/,]+)/(?P<date>\d{8})/(?P<region>[^/,]+)/(?P<service>[^/,]+)/aws4_request"
    r", ?SignedHeaders=(?P<signed>[a-z0-9;-]+), ?Signature=(?P<signature>[0-9a-f]{64})"
)


def verify(request: Request, *, region: str, access_key: str, secret_key: Secret) -> None:
    """Accept only what the configured key signed for this region and service.

    The date is signed, but its distance from now is not checked: the double's clock belongs to a test.

    Raises:
        ServiceError: with the codes that AWS's JSON services use.
    """
    header = request.headers.get("Authorization")
    if not header:
        raise ServiceError("MissingAuthenticationTokenException", "Missing Authentication Token")
    found = _HEADER.fullmatch(header)
    date = request.headers.get("X-Amz-Date", "")
    if found is None or not date.startswith(found["date"]):
        raise ServiceError("IncompleteSignatureException", "The Authorization header is not a complete SigV4 header.")
    if found["key"] != access_key:
        raise ServiceError("UnrecognizedClientException", "The security token included in the request is invalid.")
    if (found["region"], found["service"]) != (region, _SERVICE):
        raise ServiceError("InvalidSignatureException", f"Credential should be scoped to {region}/{_SERVICE}.")
    signed = found["signed"].split(";")
    scope = (found["date"], region, _SERVICE, "aws4_request")
    text = "\n".join((_ALGORITHM, date, "/".join(scope), _sha256(_canonical(request, signed).encode())))
    key = reduce(_hmac, scope, b"AWS4" + secret_key.reveal().encode())
    must_be_signed = {"host", "x-amz-date", "x-amz-target"}
    if not (must_be_signed <= set(signed) and hmac.compare_digest(_hmac(key, text).hex(), found["signature"])):
        raise ServiceError(
            "InvalidSignatureException",
            "The request signature we calculated does not match the signature you provided.",
        )


def _canonical(request: Request, signed: list[str]) -> str:
    query = sorted(
        (quote(name, safe="-_.~"), quote(value, safe="-_.~"))
        for name, value in parse_qsl(request.query_string.decode(), keep_blank_values=True)
    )
    return "\n".join(
        (
            request.method,
            quote(request.path, safe="/-_.~"),
            "&".join(f"{name}={value}" for name, value in query),
            *(f"{name}:{' '.join(request.headers.get(name, '').split())}" for name in signed),
            "",
            ";".join(signed),
            _sha256(request.get_data()),
        )
    )


def _sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def _hmac(key: bytes, text: str) -> bytes:
    return hmac.digest(key, text.encode(), "sha256")
