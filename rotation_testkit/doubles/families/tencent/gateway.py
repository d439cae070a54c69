"""The gateway of Tencent's API 3.0: TC3-HMAC-SHA256 as it is verified, headers, and the common error codes.

Source: tencentcloud-sdk-python-common 3.1.195 and the vendor's page on signature v3.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from rotation.core.secret import Secret
from rotation_testkit.doubles.families.tencent.keys import SecretKey, utc_day
from rotation_testkit.doubles.vendor_api.call import Call, Refused

REGIONS = frozenset({"ap-beijing", "ap-guangzhou", "ap-shanghai"})
MESSAGES: Mapping[str, str] = {
    "ActionOffline": "The action is offline.",
    "AuthFailure": "The authentication failed.",
    "AuthFailure.InvalidAuthorization": "The Authorization header is malformed.",
    "AuthFailure.InvalidSecretId": "The SecretId is not of a cloud API key.",
    "AuthFailure.MFAFailure": "The multi-factor authentication failed.",
    "AuthFailure.SecretIdNotFound": "The SecretId is not found.",
    "AuthFailure.SignatureExpire": "The signature is expired; the clocks may differ by five minutes at most.",
    "AuthFailure.SignatureFailure": "The provided credentials could not be validated.",
    "AuthFailure.TokenFailure": "The token is wrong.",
    "AuthFailure.UnauthorizedOperation": "The request is not authorized by CAM.",
    "FailedOperation": "The operation failed.",
    "InternalError": "Internal error.",
    "InvalidAction": "The action does not exist.",
    "InvalidParameter": "A parameter is wrong.",
    "InvalidParameterValue": "A parameter's value is wrong.",
    "InvalidRequest": "The body of the request is wrong.",
    "IpInBlacklist": "The address is in the blacklist.",
    "IpNotInWhitelist": "The address is not in the whitelist.",
    "LimitExceeded": "A quota is exceeded.",
    "MissingParameter": "A parameter is missing.",
    "NoSuchProduct": "The product does not exist.",
    "NoSuchVersion": "The version does not exist.",
    "OperationDenied": "The operation is denied.",
    "RequestLimitExceeded": "Too many requests.",
    "RequestLimitExceeded.GlobalRegionUinLimitExceeded": "Too many requests of the account in this region.",
    "RequestLimitExceeded.IPLimitExceeded": "Too many requests of this address.",
    "RequestLimitExceeded.UinLimitExceeded": "Too many requests of the account.",
    "RequestSizeLimitExceeded": "The request is too large.",
    "ResourceInUse": "The resource is in use.",
    "ResourceInsufficient": "The resources do not suffice.",
    "ResourceNotFound": "The resource does not exist.",
    "ResourceUnavailable": "The resource is not available.",
    "ResponseSizeLimitExceeded": "The response is too large.",
    "ServiceUnavailable": "The service is unavailable.",
    "UnauthorizedOperation": "The operation is not authorized.",
    "UnknownParameter": "A parameter is unknown.",
    "UnsupportedOperation": "The operation is not supported.",
    "UnsupportedProtocol": "Only POST is supported.",
    "UnsupportedRegion": "The region is not supported.",
}
"""The public codes, which every product has, with a text for each."""
_CLOCK_SKEW = 300
_AUTHORIZATION = re.compile(
    r"TC3-HMAC-SHA256 Credential=([^/,\s]+)/(\d{4}-\d\d-\d\d)/([^/,\s]+)/tc3_request, ?"
    r"SignedHeaders=([a-z0-9;-]+), ?Signature=([0-9a-f]{64})"
)


@dataclass(frozen=True, slots=True)
class Authorization:
    """The parts of an Authorization header."""

    secret_id: str
    day: str
    service: str
    signed: tuple[str, ...]
    signature: str

    @classmethod
    def parse(cls, header: str) -> Authorization:
        """Parse a header. Raises ``Refused`` when it is malformed."""
        match = _AUTHORIZATION.fullmatch(header)
        if match is None:
            raise Refused("AuthFailure.InvalidAuthorization")
        secret_id, day, service, signed, signature = match.groups()
        return cls(secret_id, day, service, tuple(signed.split(";")), signature)


def canonical_hash(headers: Mapping[str, str], signed: Sequence[str], body: bytes) -> str:
    """Return the hex digest of the canonical request; header values are trimmed and lower-cased."""
    lines = "".join(f"{name}:{headers[name].strip().lower()}\n" for name in signed)
    text = f"POST\n/\n\n{lines}\n{';'.join(signed)}\n{hashlib.sha256(body).hexdigest()}"
    return hashlib.sha256(text.encode()).hexdigest()


def signature(secret_key: Secret, timestamp: str, day: str, service: str, canonical: str) -> str:
    """Return the hex signature over a canonical request's digest."""
    key = ("TC3" + secret_key.reveal()).encode()
    for part in (day, service, "tc3_request"):
        key = hmac.digest(key, part.encode(), "sha256")
    text = f"TC3-HMAC-SHA256\n{timestamp}\n{day}/{service}/tc3_request\n{canonical}"
    return hmac.digest(key, text.encode(), "sha256").hex()


class V3Gateway:
    """Admits signed calls: known key, right signature over what arrived, fresh time."""

    def __init__(
        self, clock: Callable[[], float], keys: Mapping[str, SecretKey], *, service: str, version: str
    ) -> None:
        self.clock = clock
        self.keys = keys
        self.service = service
        self.version = version

    def admit(self, call: Call) -> None:
        """Check headers, key, time, signature, version, region and permission, in this order."""
        headers = {name.lower(): value for name, value in call.headers.items()}
        if call.method != "POST":
            raise Refused("UnsupportedProtocol")
        for name in ("X-TC-Action", "X-TC-Version", "X-TC-Timestamp", "Authorization"):
            if not headers.get(name.lower()):
                raise Refused("MissingParameter", name)
        sent = Authorization.parse(headers["authorization"])
        key = self.keys.get(sent.secret_id)
        if key is None:
            raise Refused("AuthFailure.SecretIdNotFound")
        timestamp = headers["x-tc-timestamp"]
        if not re.fullmatch(r"\d{1,12}", timestamp):
            raise Refused("InvalidParameterValue", "X-TC-Timestamp")
        if abs(self.clock() - int(timestamp)) > _CLOCK_SKEW:
            raise Refused("AuthFailure.SignatureExpire")
        self._check_signature(call, headers, sent, key)
        if not key.accepts(headers.get("x-tc-token")):
            raise Refused("AuthFailure.TokenFailure")
        self._check_target(headers)
        if headers["x-tc-action"] in key.denied:
            raise Refused("UnauthorizedOperation")

    def _check_signature(self, call: Call, headers: Mapping[str, str], sent: Authorization, key: SecretKey) -> None:
        """Check the signature. The body always counts: with UNSIGNED-PAYLOAD a changed password would pass."""
        timestamp = headers["x-tc-timestamp"]
        sound = (
            {"content-type", "host"} <= set(sent.signed)
            and all(name in headers for name in sent.signed)
            and call.path == "/"
            and (sent.service, sent.day) == (self.service, utc_day(int(timestamp)))
        )
        if not sound:
            raise Refused("AuthFailure.SignatureFailure")
        right = signature(
            key.secret_key, timestamp, sent.day, sent.service, canonical_hash(headers, sent.signed, call.body)
        )
        if not hmac.compare_digest(sent.signature, right):
            raise Refused("AuthFailure.SignatureFailure")

    def _check_target(self, headers: Mapping[str, str]) -> None:
        if headers["x-tc-version"] != self.version:
            raise Refused("NoSuchVersion")
        if not headers.get("x-tc-region"):
            raise Refused("MissingParameter", "X-TC-Region")
        if headers["x-tc-region"] not in REGIONS:
            raise Refused("UnsupportedRegion")
