"""Alibaba Cloud's API gateway: it admits calls signed by ACS3-HMAC-SHA256, once each, and words its refusals.

Sources: the vendor's page on signature method V3 and alibabacloud-tea-openapi 0.4.6, read 2026-11-30. Written from
these alone, not from Lockstep's own signature. Parameters may stand in the query, as the vendor's clients have it, or
in a form.
"""

from __future__ import annotations

import calendar
import hashlib
import hmac
import re
import time
from collections.abc import Callable, Mapping
from urllib.parse import parse_qsl, quote

from rotation.core.secret import Secret
from rotation_testkit.doubles.vendor_api.call import Call, Refused, Reply
from rotation_testkit.doubles.vendor_api.signed import SigningKey

_HEADER = re.compile(r"ACS3-HMAC-SHA256 Credential=([^,\s]+),SignedHeaders=([a-z0-9;-]+),Signature=([0-9a-f]{64})")
_WINDOW = 900
_NEEDED = ("x-acs-action", "x-acs-version", "x-acs-date", "x-acs-signature-nonce", "x-acs-content-sha256")
CODES: Mapping[str, tuple[int, str]] = {
    "InvalidAccessKeyId.NotFound": (404, "Specified access key is not found."),
    "InvalidAccessKeyId.Inactive": (400, "Specified access key is disabled."),
    "InvalidSecurityToken.Expired": (400, "Specified SecurityToken is expired."),
    "InvalidSecurityToken.Malformed": (400, "Specified SecurityToken is malformed."),
    "InvalidSecurityToken.MismatchWithAccessKey": (400, "Specified SecurityToken mismatch with the AccessKey."),
    "MissingSecurityToken": (400, "SecurityToken is mandatory for this action."),
    "Forbidden.AccessKeyDisabled": (403, "The AccessKeyId is disabled."),
    "Forbedden.NotSupportRAM": (403, "This action does not support accessed by RAM mode."),
    "InvalidParameter.Format": (400, "Specified parameter format is not valid."),
    "InvalidParameter.Accept": (400, "Specified parameter accept is not valid."),
    "InvalidProduct.NotFound": (404, "Cannot find product according to your specified domain."),
    "InvalidRegion.NotFound": (404, "The specified region is not found."),
    "InvalidProtocol.NeedSsl": (400, "Your request is denied as lack of ssl protect."),
    "ContentLengthDoesNotMatch": (400, "The Content-Length does not match the body."),
    "UnknownError": (500, "The request processing has failed due to some unknown error."),
    "SignatureDoesNotMatch": (400, "Specified signature does not match our calculation. server string to sign is: {}"),
    "IncompleteSignature": (400, "The request signature does not conform to Aliyun standards."),
    "InvalidSignatureMethod": (400, "Specified signature method is not valid."),
    "InvalidTimeStamp.Format": (400, "Specified time stamp or date value is not well formatted."),
    "InvalidTimeStamp.Expired": (400, "Specified time stamp or date value is expired."),
    "IllegalTimestamp": (400, "The input parameter Timestamp that is mandatory is not supplied."),
    "SignatureNonceUsed": (400, "Specified signature nonce was used already."),
    "Throttling": (400, "Request was denied due to request throttling."),
    "Throttling.User": (400, "Request was denied due to user flow control."),
    "Throttling.Api": (400, "Request was denied due to api flow control."),
    "Forbidden": (403, "User not authorized to operate on the specified resource."),
    "Forbidden.RAM": (403, "User not authorized to operate on the specified resource."),
    "Forbidden.RiskControl": (403, "This operation is forbidden by Aliyun Risk Control system."),
    "Forbidden.UserVerification": (403, "Your user account is not verified by Aliyun."),
    "NoPermission": (403, "The RAM user is not authorized."),
    "ActionUnauthorized": (403, "The specified action is not available for you."),
    "InsufficientBalance": (400, "Your account does not have enough balance."),
    "InvalidParameter": (400, "The specified parameter is not valid."),
    "MissingParameter": (400, "{} is mandatory for this action."),
    "UnsupportedParameter": (400, "The parameter is not supported."),
    "InvalidAction": (403, "The specified action is not valid."),
    "InvalidApi.NotFound": (404, "Specified api is not found, please check your url and method."),
    "NoSuchVersion": (400, "The specified version does not exist."),
    "UnsupportedOperation": (400, "The specified action is not supported."),
    "UnsupportedHTTPMethod": (403, "This http method not supported."),
    "InternalError": (500, "The request processing has failed due to some unknown error, exception or failure."),
    "ServiceUnavailable": (503, "The request has failed due to a temporary failure of the server."),
}


def canonical_request(call: Call, headers: Mapping[str, str], signed: list[str]) -> str:
    """Return the canonical request of what arrived; ``headers`` have lower-case names."""
    pairs = sorted((name, quote(value, safe="~")) for name, value in call.query.items())
    query = "&".join(f"{name}={value}" for name, value in pairs)
    lines = "".join(f"{name}:{headers[name].strip()}\n" for name in signed)
    digest = headers["x-acs-content-sha256"]
    return "\n".join((call.method, call.path, query, lines, ";".join(signed), digest))


def signature(key: Secret, canonical: str) -> str:
    """Return the hex signature of a canonical request."""
    text = "ACS3-HMAC-SHA256\n" + hashlib.sha256(canonical.encode()).hexdigest()
    return hmac.new(key.reveal().encode(), text.encode(), hashlib.sha256).hexdigest()


class AlibabaGateway:
    """Admits signed calls: a known key, a fresh date, a new nonce, the right signature over what arrived.

    Args:
        clock: seconds since the epoch.
        keys: by access key id.
    """

    def __init__(self, clock: Callable[[], float], keys: Mapping[str, SigningKey]) -> None:
        self.clock = clock
        self.keys = keys
        self._nonces: set[str] = set()

    def admit(self, call: Call) -> dict[str, str]:
        """Check a call's signature and its key's right, and return its parameters.

        Raises:
            Refused: with the gateway's code.
        """
        headers = {name.lower(): value for name, value in call.headers.items()}
        sent = _HEADER.fullmatch(headers.get("authorization", ""))
        if sent is None:
            raise Refused("IncompleteSignature")
        for name in _NEEDED:
            if not headers.get(name):
                raise Refused("MissingParameter", name)
        key = self.keys.get(sent[1])
        if key is None:
            raise Refused("InvalidAccessKeyId.NotFound")
        self._check_date(headers["x-acs-date"])
        _check_signature(call, headers, sent[2].split(";"), sent[3], key)
        if not key.accepts(headers.get("x-acs-security-token")):
            raise Refused("InvalidSecurityToken.Malformed")
        if headers["x-acs-signature-nonce"] in self._nonces:
            raise Refused("SignatureNonceUsed")
        self._nonces.add(headers["x-acs-signature-nonce"])
        if call.operation in key.denied:
            raise Refused("NoPermission")
        return {**call.query, **dict(parse_qsl(call.body.decode(), keep_blank_values=True))}

    def _check_date(self, date: str) -> None:
        try:
            sent_at = calendar.timegm(time.strptime(date, "%Y-%m-%dT%H:%M:%SZ"))
        except ValueError:
            raise Refused("InvalidTimeStamp.Format") from None
        if abs(self.clock() - sent_at) > _WINDOW:
            raise Refused("InvalidTimeStamp.Expired")


def _check_signature(call: Call, headers: Mapping[str, str], signed: list[str], claimed: str, key: SigningKey) -> None:
    present = {name for name in headers if name.startswith("x-acs-")} | {"host"}
    sound = present <= set(signed) and all(name in headers for name in signed)
    if not sound or headers["x-acs-content-sha256"] != hashlib.sha256(call.body).hexdigest():
        raise Refused("SignatureDoesNotMatch")
    canonical = canonical_request(call, headers, signed)
    if not hmac.compare_digest(claimed, signature(key.secret, canonical)):
        raise Refused("SignatureDoesNotMatch", canonical.replace("\n", "|"))


def refusal(call: Call, refused: Refused, codes: Mapping[str, tuple[int, str]]) -> Reply:
    """Return a refusal with its code's own HTTP status, of the gateway or of the service behind it."""
    status, text = {**CODES, **codes}.get(refused.code, (400, "Unknown error"))
    payload = {"RequestId": call.request_id, "HostId": call.headers.get("Host", ""), "Code": refused.code}
    payload["Message"] = text.format(refused.detail)
    return Reply.of(payload, status=refused.status or status, outcome=refused.code)
