"""How a Meeting client authenticates: the Basic header, and the app-id signature."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import re
from dataclasses import dataclass

from rotation.core.secret import Secret
from rotation_testkit.doubles.vendor_api.call import Refused

_APP_HEADER = re.compile(r"HMAC-SHA256\s+signature=([0-9A-Fa-f]{64})(?:\s*,\s*access=(\S+))?")


@dataclass(frozen=True, slots=True)
class AppKey:
    """An app id of an enterprise and its key."""

    app_id: str
    app_key: Secret

    def sign(self, user_id: str, expire_time: int, nonce: str, *, corp_id: str = "") -> str:
        """Return the documented signature, in the upper case of the vendor's SDK; ``corp_id`` for multi-tenant apps."""
        tenant = (self.app_id, corp_id) if corp_id else (self.app_id,)
        message = ":".join((*tenant, user_id, str(expire_time), nonce))
        return hmac.new(self.app_key.reveal().encode(), message.encode(), hashlib.sha256).hexdigest().upper()


def basic_pair(header: str) -> tuple[str, str]:
    """Return account and password of a Basic header; the password may hold colons. Raises ``Refused``."""
    scheme, _, encoded = header.partition(" ")
    try:
        text = base64.b64decode(encoded.strip(), validate=True).decode()
    except (binascii.Error, UnicodeDecodeError, ValueError):
        raise Refused("200000004") from None
    account, colon, password = text.partition(":")
    if scheme.lower() != "basic" or not colon:
        raise Refused("200000004")
    return account, password


def app_header(header: str, app_id: str) -> str:
    """Return the signature of an app-id header; ``access=`` may be absent, but must fit when present."""
    match = _APP_HEADER.fullmatch(header.strip())
    if match is None:
        raise Refused("206010025")
    signature, access = match.groups()
    if access is not None and access != base64.b64encode(app_id.encode()).decode():
        raise Refused("206010025")
    return signature
