"""Volcengine's API gateway: the V4-like signature, and the codes of the gateway and of the service.

Sources: volcenginesdk-core 5.0.54 (``signv4.py``), the vendor's pages 6369/68677, 6720/108305, 4/65595, 7165/1493425,
7165/1505179 and 7165/1505247.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from urllib.parse import quote

from rotation.core.secret import Secret
from rotation_testkit.doubles.vendor_api.call import Call, Refused

SERVICE, VERSION = "cloudidentity", "2023-01-01"
_WINDOW = 900


@dataclass(frozen=True, slots=True)
class Code:
    """HTTP status, number where one is published, and the message's template."""

    status: int
    message: str
    number: int | None = None


CODES: Mapping[str, Code] = {
    "MissingParameter": Code(400, "The request is missing {} parameter.", 100002),
    "MissingAuthenticationToken": Code(401, "Request is missing Authentication Token.", 100003),
    "MissingRequestInfo": Code(400, "The request is missing {} information.", 100004),
    "MissingSignature": Code(401, "The request is missing signature.", 100005),
    "InvalidTimestamp": Code(400, "The Signature of the request is expired.", 100006),
    "ServiceNotFound": Code(404, "This service[{}] not found.", 100007),
    "InvalidActionOrVersion": Code(404, "Could not find operation {}.", 100008),
    "InvalidAccessKey": Code(401, "The accesskey [{}] included in the request is invalid.", 100009),
    "SignatureDoesNotMatch": Code(401, "The request signature we calculated does not match.", 100010),
    "LackPolicy": Code(403, "Request was rejected because of lack of policy.", 100012),
    "LackProjectPolicy": Code(403, "Request was rejected because of lack of project policy."),
    "AccessDenied": Code(403, "User is not authorized to perform: {}.", 100013),
    "InternalError": Code(500, "Service has some internal Error. Pls Contact With Admin.", 100014),
    "FailToConnect": Code(502, "Top Fail to Connect to Internal Service.", 100015),
    "InternalServiceTimeout": Code(504, "Internal Service is timeout. Pls Contact With Admin.", 100016),
    "InvalidSecretToken": Code(401, "Invalid secret token."),
    "InvalidAuthorization": Code(400, "Invalid 'Authorization' header, Pls check authorization header."),
    "InvalidCredential": Code(400, "Invalid credential in 'Authorization'."),
    "MethodNotAllowed": Code(405, "The method is not allowed."),
    "FlowLimitExceeded": Code(429, "Request was rejected because of request speed."),
    "AccountFlowLimitExceeded": Code(429, "Request was rejected because of the account's request speed."),
    "InternalServiceError": Code(502, "Internal service error."),
    "ServiceUnavailableTemp": Code(503, "Service is temporarily unavailable."),
    # cloudidentity's own; their numbers are published nowhere
    "ConcurrentException": Code(400, "Concurrent request exception"),
    "InvalidParam": Code(400, "The parameter {} is invalid"),
    "PermissionError": Code(400, "No permission to perform action[{}]"),
    "ServiceStatusException": Code(400, "Can not perform action{}"),
    "PasswordLoginNotEnable": Code(400, "password login not enable"),
    "UserLoginProfileRecordExist": Code(400, "user login profile record exist"),
    "UserNotFound": Code(404, "User is not found"),
    "LoginSettingNotFound": Code(404, "Login setting is not found"),
    "ParamMissing": Code(400, "Missing parameter {}"),
    "OperateTooFrequentlyException": Code(400, "Perform action[{}] too frequently"),
    "PrerequisiteCheckFailed": Code(300, "The prerequisites are not satisfied"),
    "ServiceAlreadyEnabled": Code(409, "The service is already enabled"),
}


@dataclass(frozen=True, slots=True)
class AccessKey:
    """A key pair of the account.

    ``token`` makes it a temporary key; ``denials`` maps actions that it may not do to the code that says so
    (``AccessDenied`` or ``LackPolicy`` from the gateway, ``PermissionError`` from the service).
    """

    access_key: str
    secret_key: Secret
    token: Secret | None = None
    denials: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Authorization:
    """The parts of an Authorization header."""

    access_key: str
    day: str
    region: str
    service: str
    signed: tuple[str, ...]
    signature: str

    @classmethod
    def parse(cls, header: str) -> Authorization:
        """Parse a header. Raises ``Refused`` when it is malformed."""
        if not header:
            raise Refused("MissingAuthenticationToken")
        match = re.fullmatch(r"HMAC-SHA256 Credential=([^,\s]+), ?SignedHeaders=([a-z0-9;-]+)(?:, ?(.*))?", header)
        if match is None:
            raise Refused("InvalidAuthorization")
        credential, signed, rest = match.groups()
        signature = re.fullmatch(r"Signature=([0-9a-f]{64})", rest or "")
        if signature is None:
            raise Refused("InvalidAuthorization" if rest else "MissingSignature")
        parts = re.fullmatch(r"([^/]+)/(\d{8})/([^/]+)/([^/]+)/request", credential)
        if parts is None:
            raise Refused("InvalidCredential")
        access_key, day, region, service = parts.groups()
        return cls(access_key, day, region, service, tuple(signed.split(";")), signature[1])


def canonical_hash(  # noqa: PLR0913 - the six parts of a canonical request
    method: str, path: str, query: Mapping[str, str], headers: Mapping[str, str], *, signed: Sequence[str], body: bytes
) -> str:
    """Return the hex digest of the canonical request; ``headers`` are keyed in lower case."""
    pairs = sorted((quote(name, safe="-_.~"), quote(value, safe="-_.~")) for name, value in query.items())
    lines = "".join(f"{name}:{_signed_value(name, headers[name])}\n" for name in signed)
    wire = "&".join(f"{name}={value}" for name, value in pairs)
    text = f"{method}\n{path}\n{wire}\n{lines}\n{';'.join(signed)}\n{hashlib.sha256(body).hexdigest()}"
    return hashlib.sha256(text.encode()).hexdigest()


def signature(secret_key: Secret, date: str, scope: Sequence[str], canonical: str) -> str:
    """Return the hex signature; ``scope`` is day, region, service. The key chain starts with the raw secret key."""
    key = secret_key.reveal().encode()
    for part in (*scope, "request"):
        key = hmac.digest(key, part.encode(), "sha256")
    text = f"HMAC-SHA256\n{date}\n{'/'.join(scope)}/request\n{canonical}"
    return hmac.digest(key, text.encode(), "sha256").hex()


class Gateway:
    """Admits signed calls: fresh date, known key, right signature over what arrived."""

    def __init__(self, clock: Callable[[], float], keys: Mapping[str, AccessKey]) -> None:
        self.clock = clock
        self.keys = keys

    def admit(self, call: Call) -> AccessKey:
        """Check the call's signature and return its key."""
        headers = {name.lower(): value for name, value in call.headers.items()}
        sent = Authorization.parse(headers.get("authorization", ""))
        for name in ("X-Date", "X-Content-Sha256"):
            if not headers.get(name.lower()):
                raise Refused("MissingRequestInfo", name)
        self._check_date(headers)
        if sent.service != SERVICE:
            raise Refused("ServiceNotFound", sent.service)
        key = self.keys.get(sent.access_key)
        if key is None:
            raise Refused("InvalidAccessKey", sent.access_key)
        _check_signature(call, headers, sent, key)
        token = headers.get("x-security-token")
        if (None if token is None else Secret(token)) != key.token:
            raise Refused("InvalidSecretToken")
        return key

    def _check_date(self, headers: Mapping[str, str]) -> None:
        try:
            date = datetime.strptime(headers["x-date"], "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC).timestamp()
            window = int(headers.get("x-expires", _WINDOW))
        except ValueError:
            raise Refused("InvalidTimestamp") from None
        if not -_WINDOW <= self.clock() - date <= window:
            raise Refused("InvalidTimestamp")


def _check_signature(call: Call, headers: Mapping[str, str], sent: Authorization, key: AccessKey) -> None:
    sound = (
        {"host", "x-date"} <= set(sent.signed)
        and all(name in headers for name in sent.signed)
        and headers["x-content-sha256"] == hashlib.sha256(call.body).hexdigest()
        and headers["x-date"].startswith(sent.day)
    )
    if not sound:
        raise Refused("SignatureDoesNotMatch")
    canonical = canonical_hash(call.method, call.path, call.query, headers, signed=sent.signed, body=call.body)
    right = signature(key.secret_key, headers["x-date"], (sent.day, sent.region, sent.service), canonical)
    if not hmac.compare_digest(sent.signature, right):
        raise Refused("SignatureDoesNotMatch")


def _signed_value(name: str, value: str) -> str:
    value = value.strip()
    return re.sub(r":(80|443)$", "", value) if name == "host" else value
