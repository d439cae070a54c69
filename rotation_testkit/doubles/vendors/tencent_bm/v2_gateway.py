"""The gateway of Tencent's v2 API: how parameters arrive, how they are signed, how replays are caught, its codes.

Sources: the seeds (重置密码, 2019-06-17), the vendor's 签名方法 and 公共请求参数 pages, qcloudapi-sdk-python 2.0.15.
"""

from __future__ import annotations

import base64
import hmac
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from urllib.parse import parse_qsl

from rotation.core.secret import Secret
from rotation_testkit.doubles.families.tencent.keys import SecretKey
from rotation_testkit.doubles.vendor_api.call import Call, Refused

PATH = "/v2/index.php"
REGIONS: Mapping[str, str] = {
    "bj": "bj",
    "gz": "gz",
    "sh": "sh",
    "ap-beijing": "bj",
    "ap-guangzhou": "gz",
    "ap-shanghai": "sh",
}
MESSAGES: Mapping[str, str] = {
    "4000": "InvalidParameter",
    "4100": "AuthFailure",
    "4101": "AuthFailure.Interface",
    "4102": "AuthFailure.Resource",
    "4103": "AuthFailure.NotDeveloper",
    "4104": "AuthFailure.SecretIdNotFound",
    "4110": "AuthFailure.Denied",
    "4200": "RequestExpired",
    "4300": "AccessDenied",
    "4400": "QuotaExceeded",
    "4500": "ReplayAttack",
    "4600": "UnsupportedProtocol",
    "5000": "ResourceNotFound",
    "5100": "OperationFailed",
    "5400": "PartiallyDone",
    "6000": "InternalError",
    "6100": "VersionNotSupported",
    "6200": "Maintenance",
    "9001": "InternalError.DbError",
    "9005": "InternalError.RbmqError",
    "9008": "InternalError.TscRequestFail",
    "10001": "InvalidParameter",
    "12002": "OperationDenied.IncorrectInstanceStatus",
    "12006": "OperationDenied.TsysAgentNotAlive",
}
_DIGESTS: Mapping[str, str] = {"HmacSHA1": "sha1", "HmacSHA256": "sha256"}
_CLOCK_SKEW = 2 * 3600
_NONCE_LIFE = 4 * 3600
Params = dict[str, str]


@dataclass(slots=True)
class GatewayCodes:
    """Codes of cases for which no document names one; the values are assumptions."""

    unknown_action: int = 4000
    unknown_secret_id: int = 4104
    missing_common: int = 4000
    stale_timestamp: int = 4200
    denied: int = 4300


def parameters(call: Call) -> Params:
    """Return the parameters: a GET's from the query only, a POST's from the form only."""
    if call.method == "GET":
        return dict(call.query)
    return dict(parse_qsl(call.body.decode(errors="replace"), keep_blank_values=True))


def canonical(method: str, host: str, params: Mapping[str, str], *, sign_at: bool = True) -> str:
    """Return the text that is signed: raw values, sorted keys, underscores in keys turned into dots.

    The vendor's SDK leaves POST values that start with "@" out (``sign_at=False``); what the server does is not known.
    """
    parts = [
        f"{key.replace('_', '.')}={value}"
        for key, value in params.items()
        if key != "Signature" and (sign_at or method != "POST" or not value.startswith("@"))
    ]
    return f"{method}{host}{PATH}?" + "&".join(sorted(parts, key=lambda part: part.partition("=")[0]))


def signature(text: str, secret_key: Secret, method: str = "HmacSHA1") -> str:
    """Return the base64 signature of a canonical text."""
    return base64.b64encode(hmac.digest(secret_key.reveal().encode(), text.encode(), _DIGESTS[method])).decode()


def items(params: Params, name: str) -> list[str]:
    """Return an array parameter; any numbering and either separator is accepted, as the vendor's pages use them."""
    found = [
        (int(match[1]), value) for key, value in params.items() if (match := re.fullmatch(rf"{name}[._](\d+)", key))
    ]
    return [value for _, value in sorted(found)]


class V2Gateway:
    """Admits signed calls: known key, right signature, fresh time, unused nonce."""

    def __init__(self, clock: Callable[[], float], keys: Mapping[str, SecretKey]) -> None:
        self.clock = clock
        self.keys = keys
        self.codes = GatewayCodes()
        self.sign_at = False  # on: POST values that start with "@" are part of the signature
        self._nonces: dict[tuple[str, int], float] = {}

    def admit(self, call: Call, params: Params) -> None:
        """Check the key, the signature and that the call is no replay."""
        for name in ("SecretId", "Signature", "Timestamp", "Nonce"):
            if not params.get(name):
                raise Refused(self.codes.missing_common, name)
        key = self.keys.get(params["SecretId"])
        if key is None:
            raise Refused(self.codes.unknown_secret_id)
        method = params.get("SignatureMethod", "HmacSHA1")
        timestamp, nonce = self._number(params, "Timestamp"), self._number(params, "Nonce")
        if method not in _DIGESTS:
            raise Refused(4000, "SignatureMethod")
        text = canonical(call.method, call.headers.get("Host", ""), params, sign_at=self.sign_at)
        right = signature(text, key.secret_key, method)
        if not hmac.compare_digest(params["Signature"].encode(), right.encode()) or not key.accepts(
            params.get("Token")
        ):
            raise Refused(4100)
        if abs(self.clock() - timestamp) > _CLOCK_SKEW:
            raise Refused(self.codes.stale_timestamp)
        self._use_nonce(key.secret_id, nonce)
        if params["Action"] in key.denied:
            raise Refused(self.codes.denied)

    def _use_nonce(self, secret_id: str, nonce: int) -> None:
        now = self.clock()
        self._nonces = {used: at for used, at in self._nonces.items() if at > now - _NONCE_LIFE}
        if (secret_id, nonce) in self._nonces:
            raise Refused(4500)
        self._nonces[secret_id, nonce] = now

    def _number(self, params: Params, name: str) -> int:
        if not re.fullmatch(r"[1-9]\d{0,18}", params[name]):
            raise Refused(self.codes.missing_common, name)
        return int(params[name])
