"""UCloud's API gateway: how parameters arrive, how they are signed, and the return codes of its products."""

from __future__ import annotations

import hashlib
import json
import secrets
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from urllib.parse import parse_qsl

from rotation.core.secret import Secret
from rotation_testkit.doubles.vendor_api.call import Call

MESSAGES: Mapping[str, str] = {
    "110": "API timeout",
    "130": "Gateway error",
    "150": "Service unavailable",
    "153": "Too many requests",
    "160": "Missing Action",
    "161": "Unknown Action",
    "170": "Missing Signature",
    "171": "Signature VerifyAC Error",
    "172": "User does not exist",
    "174": "Token does not exist",
    "220": "Missing params",
    "230": "Params not available",
    "292": "Project does not exist",
    "293": "Zone permission error",
    "294": "IP refused",
    "295": "Security lock failed",
    "299": "IAM permission error",
    "8006": "Reset password failed, retry later",
    "8010": "Failed, shut the host down first",
    "8034": "The system is resetting the password, retry later",
    "8024": "Failed, retry later",
    "8035": "The host is being migrated, retry later",
    "8039": "The host is deleted and cannot be recovered",
    "8433": "Service error, contact support",
    "8434": "The disk is still being detached",
    "8825": "Failed, retry later",
    "8843": "Power-off failed, contact support",
    "8844": "Start failed, retry later",
    "8845": "Start failed, contact support",
    "8861": "Failed, retry later",
    "8897": "Reset failed, contact support",
    "8898": "Reset timed out, retry later",
    "8905": "Host power state error, retry later",
    "8025": "Failed to get information, retry later",
    "8029": "Several parameters are not allowed",
    "8031": "Failed to get information, retry later",
    "8041": "Failed to get information, retry later",
    "8097": "Wrong billing information, contact support",
    "8104": "There is an order in arrears, pay it first",
    "8108": "Failed to submit the bill, retry later",
    "8116": "Hourly billing is not open to you, contact support",
    "8117": "The bill is expired, renew it or buy again",
    "8223": "Failed to make the post-paid bill",
    "8226": "Verify your real name and retry",
    "8300": "The user refuses the operation on the resource",
    "8824": "Failed, contact support",
    "8826": "Failed to get information, retry later",
    "8828": "Failed to get information, retry later",
    "8829": "Failed to get information, retry later",
    "8834": "Failed to get information, contact support",
    "8835": "Failed to get information, contact support",
    "8853": "Failed to get the list of resources, contact support",
    "8857": "Getting information timed out, retry later",
    "8858": "Failed to get the instance's information, contact support",
    "8860": "Failed, contact support",
    "8880": "Failed to get IP information, contact support",
    "8881": "Failed to get IP information, retry later",
    "8884": "Failed to get IP information, contact support",
    "8903": "Failed, contact support",
    "8906": "The disk information of the host is wrong",
    "8918": "The order is not finished, retry later",
    "8919": "There is an unpaid order, pay it first",
    "8980": "Wait 30 seconds and retry",
    "226601": "The instance is in arrears",
    "226602": "The instance is expired",
    "226603": "The image does not support this GPU",
    "226604": "Resource not enough, try later",
    "226605": "A usage task of the image exists",
    "226606": "The account is not real-name verified",
}


@dataclass(frozen=True, slots=True)
class ApiKey:
    """A key pair of the account.

    ``require_project`` makes it a sub-account's key; ``denied`` lists actions that IAM refuses; ``token`` makes it a
    temporary key, good only together with that token.
    """

    public_key: str
    private_key: Secret
    require_project: bool = False
    denied: frozenset[str] = frozenset()
    token: Secret | None = None


def signature(params: Mapping[str, str], private_key: Secret) -> str:
    """Return the vendor's signature: plain SHA-1 over sorted keys with values, then the private key (signature.md)."""
    text = "".join(key + params[key] for key in sorted(params) if key != "Signature")
    return hashlib.sha1((text + private_key.reveal()).encode()).hexdigest()  # noqa: S324 - the vendor's algorithm


def new_key() -> ApiKey:
    """Make a root account's key."""
    return ApiKey(secrets.token_urlsafe(24), Secret(secrets.token_hex(20)))


def parameters(call: Call) -> dict[str, str]:
    """Return the call's parameters, flat, from the query and from a form or JSON body."""
    params = dict(call.query)
    if call.headers.get("Content-Type", "").startswith("application/json"):
        try:
            document = json.loads(call.body or b"{}")
        except ValueError:
            document = {}
        if isinstance(document, dict):
            params.update(_flatten(document))
    else:
        params.update(parse_qsl(call.body.decode(errors="replace"), keep_blank_values=True))
    return params


def _flatten(value: object, prefix: str = "") -> Iterator[tuple[str, str]]:
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from _flatten(inner, f"{prefix}.{key}" if prefix else str(key))
    elif isinstance(value, list):
        for index, inner in enumerate(value):
            yield from _flatten(inner, f"{prefix}.{index}")
    elif value is not None:
        yield prefix, _text(value)


def _text(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        return f"{value:.0f}" if value.is_integer() else repr(value)
    return str(value)
