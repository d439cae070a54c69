"""Huawei Cloud's API gateway: it admits calls that an access key signed (SDK-HMAC-SHA256), and words its refusals.

Sources: the vendor's API Request Signing Guide and huaweicloudsdkcore 3.1.219, read 2026-11-30. Written from these
alone, not from Lockstep's own signature.
"""

from __future__ import annotations

import calendar
import hashlib
import hmac
import re
import time
from collections.abc import Callable, Mapping
from urllib.parse import quote

from rotation.core.secret import Secret
from rotation_testkit.doubles.vendor_api.call import Call, Refused, Reply
from rotation_testkit.doubles.vendor_api.signed import SigningKey

_HEADER = re.compile(r"SDK-HMAC-SHA256 Access=([^,\s]+), SignedHeaders=([a-z0-9;-]+), Signature=([0-9a-f]{64})")
_WINDOW, _MOST_WRONG, _LOCKED = 900, 5, 300
CODES: Mapping[str, tuple[int, str]] = {
    "APIGW.0101": (404, "The API does not exist or has not been published in the environment."),
    "APIGW.0103": (404, "The backend does not exist."),
    "APIGW.0104": (400, "The plug-ins do not exist."),
    "APIGW.0105": (400, "The backend configurations do not exist."),
    "APIGW.0106": (400, "Orchestration error."),
    "APIGW.0201": (504, "Backend timeout."),
    "APIGW.0202": (502, "Backend unavailable"),
    "APIGW.0203": (504, "Backend timeout"),
    "APIGW.0204": (400, "SSL protocol is not supported: TLSv1.1"),
    "APIGW.0205": (400, "Verify client certificate failed"),
    "APIGW.0301": (401, "Incorrect IAM authentication information: {}"),
    "APIGW.0302": (403, "The IAM user is not authorized to access the API."),
    "APIGW.0303": (401, "Incorrect app authentication information."),
    "APIGW.0304": (403, "The app is not authorized to access the API."),
    "APIGW.0305": (401, "Incorrect authentication information."),
    "APIGW.0306": (403, "API access denied."),
    "APIGW.0307": (401, "The token must be updated."),
    "APIGW.0308": (429, "The throttling threshold has been reached."),
    "APIGW.0310": (403, "The project is unavailable."),
    "APIGW.0311": (401, "Incorrect debugging authentication information."),
    "APIGW.0401": (403, "Unknown client IP address."),
    "APIGW.0402": (403, "The IP address is not authorized to access the API."),
    "APIGW.0404": (403, "Access to the backend IP address has been denied."),
    "APIGW.0501": (405, "The app quota has been used up."),
    "APIGW.0502": (405, "The app has been frozen."),
    "APIGW.0601": (500, "Internal server error."),
    "APIGW.0602": (400, "Bad request."),
    "APIGW.0605": (500, "Domain name resolution failed."),
    "APIGW.0606": (500, "Failed to load the API configurations."),
    "APIGW.0607": (400, "The following protocol is supported: https"),
    "APIGW.0608": (500, "Failed to obtain the admin token."),
    "APIGW.0609": (500, "The VPC backend does not exist."),
    "APIGW.0610": (502, "No backend available."),
    "APIGW.0611": (500, "The backend port does not exist."),
    "APIGW.0612": (500, "An API cannot call itself."),
    "APIGW.0613": (503, "The IAM service is currently unavailable."),
    "APIGW.0705": (500, "Backend signature calculation failed."),
    "APIGW.0801": (403, "The service is unavailable in the currently selected region."),
    "APIGW.0802": (403, "The IAM user is forbidden in the currently selected region."),
}


def signature(key: Secret, date: str, canonical: str) -> str:
    """Return the hex signature of a canonical request."""
    text = f"SDK-HMAC-SHA256\n{date}\n{hashlib.sha256(canonical.encode()).hexdigest()}"
    return hmac.new(key.reveal().encode(), text.encode(), hashlib.sha256).hexdigest()


def canonical_request(call: Call, headers: Mapping[str, str], signed: list[str]) -> str:
    """Return the canonical request of what arrived; ``headers`` have lower-case names."""
    path = "/".join(quote(part, safe="~") for part in call.path.split("/"))
    path = path if path.endswith("/") else path + "/"
    pairs = sorted((quote(name, safe="~"), quote(value, safe="~")) for name, value in call.query.items())
    query = "&".join(f"{name}={value}" for name, value in pairs)
    lines = "".join(f"{name}:{headers[name].strip()}\n" for name in signed)
    digest = headers.get("x-sdk-content-sha256") or hashlib.sha256(call.body).hexdigest()
    return "\n".join((call.method, path, query, lines, ";".join(signed), digest))


class HuaweiGateway:
    """Admits signed calls: a known key, a fresh date, the right signature over what arrived.

    Args:
        clock: seconds since the epoch.
        keys: by access key id.
    """

    def __init__(self, clock: Callable[[], float], keys: Mapping[str, SigningKey]) -> None:
        self.clock = clock
        self.keys = keys
        self._wrong: dict[str, list[float]] = {}

    def admit(self, call: Call) -> SigningKey:
        """Check a call's signature and its key's right, and return the key.

        Raises:
            Refused: with the gateway's code.
        """
        headers = {name.lower(): value for name, value in call.headers.items()}
        sent = _HEADER.fullmatch(headers.get("authorization", ""))
        if sent is None:
            raise Refused("APIGW.0301", "authorization header not found or malformed")
        access, names, claimed = sent.groups()
        wrong = self._wrong.get(access, [])
        if len(wrong) > _MOST_WRONG and self.clock() - wrong[-1] < _LOCKED:
            raise Refused("APIGW.0301", "AK access failed to reach the limit, forbidden")
        problem = self._problem(call, headers, access, names.split(";"), claimed)
        if problem:
            self._wrong.setdefault(access, []).append(self.clock())
            raise Refused("APIGW.0301", problem)
        self._wrong.pop(access, None)
        key = self.keys[access]
        if call.operation in key.denied:
            raise Refused("APIGW.0302")
        return key

    def _problem(
        self, call: Call, headers: Mapping[str, str], access: str, signed: list[str], claimed: str
    ) -> str | None:
        date, key = headers.get("x-sdk-date", ""), self.keys.get(access)
        try:
            sent_at = calendar.timegm(time.strptime(date, "%Y%m%dT%H%M%SZ"))
        except ValueError:
            return "x-sdk-date not found or malformed"
        if abs(self.clock() - sent_at) > _WINDOW:
            return "x-sdk-date expired"
        if key is None or "x-sdk-date" not in signed or not all(name in headers for name in signed):
            return "verify aksk signature fail"
        digest = headers.get("x-sdk-content-sha256", "UNSIGNED-PAYLOAD")
        if digest not in {"UNSIGNED-PAYLOAD", hashlib.sha256(call.body).hexdigest()}:
            return "verify body hash fail"
        right = signature(key.secret, date, canonical_request(call, headers, signed))
        if not hmac.compare_digest(claimed, right):
            return "verify aksk signature fail"
        return None if key.accepts(headers.get("x-security-token")) else "securityToken is wrong or expired"


def refusal(call: Call, refused: Refused, codes: Mapping[str, tuple[int, str]]) -> Reply:
    """Return a refusal with its code's own HTTP status, of the gateway or of the service behind it."""
    status, text = {**CODES, **codes}.get(refused.code, (400, "Unknown error"))
    payload = {"error_code": refused.code, "error_msg": text.format(refused.detail)}
    if refused.code.startswith("APIGW."):
        payload["request_id"] = call.request_id
    return Reply.of(payload, status=refused.status or status, outcome=refused.code)
