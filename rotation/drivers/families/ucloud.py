"""Signing and transport that UCloud's products share."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from urllib.parse import urlencode

from rotation.core.secret import Secret
from rotation.drivers.network.http_messages import HttpRequest
from rotation.drivers.vendor_api import Malformed, Refusal, VendorApi

BAD_PARAMETER = 230
"""Only the message names the parameter. No document gives a code for a weak password; this one is likely."""
REQUEST_ID_HEADER = "x-ucloud-request-uuid"


def flatten(params: Mapping[str, object]) -> dict[str, str]:
    """Return parameters as UCloud sends them: ``Ids.0``, ``A.B``, ``true``, whole floats as integers, no ``None``."""
    return dict(_flat(params))


def _flat(value: object, name: str = "") -> Iterator[tuple[str, str]]:
    if isinstance(value, Mapping):
        for key, inner in value.items():
            yield from _flat(inner, f"{name}.{key}" if name else str(key))
    elif isinstance(value, list | tuple):
        for index, inner in enumerate(value):
            yield from _flat(inner, f"{name}.{index}")
    elif value is not None:
        yield name, _text(value)


def _text(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        # Never in exponent notation: the signature covers the text that is sent.
        return f"{value:.0f}" if value.is_integer() else f"{Decimal(repr(value)):f}"
    return str(value)


def signature(params: Mapping[str, str], private_key: Secret) -> str:
    """Return UCloud's signature: hex of plain SHA-1 over the sorted ``key + value`` pairs and the private key.

    No time and no nonce is covered, so a captured form stays valid until the key is revoked.
    """
    text = "".join(name + params[name] for name in sorted(params) if name != "Signature")
    return hashlib.sha1((text + private_key.reveal()).encode()).hexdigest()  # noqa: S324 - the vendor's algorithm


@dataclass(frozen=True, kw_only=True)
class UCloud(VendorApi[dict[str, object]]):
    """UCloud's API. A call is a POST form, since a query would put the password into logs; it returns the answer."""

    public_key: str
    private_key: Secret
    token: Secret | None = None
    refuses_with_200 = True

    def sign(self, action: str, body: Mapping[str, object]) -> HttpRequest:
        """See ``VendorApi``."""
        form = flatten({**body, "Action": action, "PublicKey": self.public_key})
        if self.token:
            form["SecurityToken"] = self.token.reveal()
        form["Signature"] = signature(form, self.private_key)
        headers = {"Content-Type": "application/x-www-form-urlencoded"}
        return HttpRequest(method="POST", url=self.url(), headers=headers, body=urlencode(form).encode())

    def outcome(self, answer: dict[str, object]) -> dict[str, object] | Refusal | Malformed:
        """See ``VendorApi``."""
        code = answer.get("RetCode")
        if not isinstance(code, int) or isinstance(code, bool):
            return Malformed("has no RetCode")
        if code == 0:
            return answer
        return Refusal(str(code), names_password=code == BAD_PARAMETER and "Password" in str(answer.get("Message")))
