"""Signing and transport of Tencent's v2 APIs (``/v2/index.php``).

Sources: the vendor's pages on signatures and public parameters (2018-12), qcloudapi-sdk-python 2.0.15.
Every call is a POST form: a query would put the password into the logs of every proxy.
"""

from __future__ import annotations

import base64
import hmac
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlencode

from rotation.core.secret import Secret
from rotation.drivers.network.http_messages import HttpRequest
from rotation.drivers.vendor_api import Malformed, Refusal, VendorApi

PATH = "/v2/index.php"
DIGESTS: Mapping[str, str] = {"HmacSHA1": "sha1", "HmacSHA256": "sha256"}
LARGEST_NONCE = 2**63 - 1  # the range of the vendor's SDK on 64-bit hosts


@dataclass(frozen=True, slots=True)
class Key:
    """An API key and the digest that it signs with, one of ``DIGESTS``; a temporary key has a session token."""

    secret_id: str
    secret_key: Secret
    digest: str = "HmacSHA256"
    token: Secret | None = None


def signature(method: str, host: str, params: Mapping[str, str], key: Key) -> str:
    """Return the Base64 signature over the sorted raw parameters; an underscore in a name counts as a dot."""
    pairs = sorted((name.replace("_", "."), value) for name, value in params.items())
    text = f"{method}{host}{PATH}?" + "&".join(f"{name}={value}" for name, value in pairs)
    return base64.b64encode(hmac.digest(key.secret_key.reveal().encode(), text.encode(), DIGESTS[key.digest])).decode()


@dataclass(frozen=True, kw_only=True)
class TencentCloudV2(VendorApi[object]):
    """One product's v2 API. A call returns the ``data`` of its answer.

    No parameter's value may start with ``@``: the vendor's SDK leaves such values out of the signature, and no document
    says what the server does with them.
    """

    key: Key
    refuses_with_200 = True

    def sign(self, action: str, body: Mapping[str, object]) -> HttpRequest:
        """See ``VendorApi``."""
        form = {name: str(value) for name, value in body.items()} | {
            "Action": action,
            "Nonce": str(secrets.randbelow(LARGEST_NONCE) + 1),
            "SecretId": self.key.secret_id,
            "SignatureMethod": self.key.digest,
            "Timestamp": str(int(self.wiring.now())),
        }
        if self.key.token:
            form["Token"] = self.key.token.reveal()
        form["Signature"] = signature("POST", self.host, form, self.key)
        headers = {"Content-Type": "application/x-www-form-urlencoded"}
        return HttpRequest(method="POST", url=self.url(PATH), headers=headers, body=urlencode(form).encode())

    def outcome(self, answer: dict[str, object]) -> object:
        """See ``VendorApi``."""
        code = answer.get("code")
        if not isinstance(code, int) or isinstance(code, bool):
            return Malformed("has no code")
        return answer.get("data") if code == 0 else Refusal(str(code))
