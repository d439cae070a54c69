"""Verify a Signature Version 4 request by signing it again with botocore's own signer."""

from __future__ import annotations

import hashlib
import hmac
import re

from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from werkzeug.wrappers import Request

from rotation.secret import Secret
from rotation.testing.secretsmanager.errors import ServiceError

_SERVICE = "secretsmanager"
_HEADER = re.compile(
    r"AWS4-HMAC-SHA256 Credential=(?P<key>[^/,]+)/(?P<date>\d{8})/(?P<region>[^/,]+)/(?P<service>[^/,]+)/aws4_request"
    r", ?SignedHeaders=(?P<signed>[a-z0-9;-]+), ?Signature=(?P<signature>[0-9a-f]{64})"
)


def verify(request: Request, *, region: str, access_key: str, secret_key: Secret) -> None:
    """Accept only what the configured key signed for this region and service.

    The date is part of what is signed; its distance from now is not judged, since the double's clock is a test's.

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
    expected = _sign(request, signed, date, SigV4Auth(Credentials(access_key, secret_key.reveal()), _SERVICE, region))
    must_be_signed = {"host", "x-amz-date", "x-amz-target"}
    if not (must_be_signed <= set(signed) and hmac.compare_digest(expected, found["signature"])):
        raise ServiceError(
            "InvalidSignatureException",
            "The request signature we calculated does not match the signature you provided.",
        )


def _sign(request: Request, signed: list[str], date: str, auth: SigV4Auth) -> str:
    body = request.get_data()
    headers = {name: request.headers.get(name, "") for name in signed}
    headers["X-Amz-Content-SHA256"] = hashlib.sha256(body).hexdigest()
    again = AWSRequest(method=request.method, url=request.url, headers=headers, data=body)
    again.context["timestamp"] = date
    if "x-amz-content-sha256" not in signed:
        del again.headers["X-Amz-Content-SHA256"]
    return str(auth.signature(auth.string_to_sign(again, auth.canonical_request(again)), again))
