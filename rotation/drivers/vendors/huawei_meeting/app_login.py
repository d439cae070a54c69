"""Huawei Cloud Meeting's login with an app id: the enterprise's key signs a login for one of its users.

Source: the vendor's page on POST /v2/usg/acs/auth/appauth and its meeting client, read 2026-11-22. The page writes the
signature in small letters, the client in capitals: the vendor takes both. The page calls ``X-Token-Type``
mandatory, but its client leaves it out.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets
from dataclasses import dataclass

from rotation.core import settings
from rotation.core.secret import Secret

PATH = "/v2/usg/acs/auth/appauth"
VALID_SECONDS = 300
"""How long a signature is valid; long enough for a clock that is a little wrong."""
_ID = settings.matches(r"[!-9;-~]{1,255}", "must have 1 to 255 printable characters and no colon")


@dataclass(frozen=True, slots=True)
class Admin:
    """An app id of the enterprise and its key. Without them the account's own password makes the token."""

    app_id: str = settings.setting("App id.", check=_ID)
    app_key: Secret = settings.setting("Key of the app id.")  # noqa: RUF009 - declares a field
    corp_id: str = settings.setting("Id of the enterprise, for a multi-tenant app id only.", check=_ID, default="")
    user_id: str = settings.setting(
        "Id of the user to speak for, where the account names none; the vendor refuses to change another's password.",
        check=_ID,
        default="",
    )


def signature(admin: Admin, user_id: str, expires: int, nonce: str) -> str:
    """Sign a login.

    Args:
        admin: the app id and its key.
        user_id: the user that the app logs in; empty for the enterprise's default administrator.
        expires: epoch seconds after which the vendor refuses it.
        nonce: 32 to 64 characters, never used before.

    Returns:
        HMAC-SHA256 as 64 capital hexadecimal digits.
    """
    tenant = (admin.corp_id,) if admin.corp_id else ()
    message = ":".join((admin.app_id, *tenant, user_id, str(expires), nonce))
    return hmac.new(admin.app_key.reveal().encode(), message.encode(), hashlib.sha256).hexdigest().upper()


def login(admin: Admin, user_id: str, *, client_type: int, now: float) -> tuple[dict[str, str], dict[str, object]]:
    """Return headers and body of one login; without a ``user_id`` the admin credential's own is used."""
    user_id, expires, nonce = user_id or admin.user_id, int(now) + VALID_SECONDS, secrets.token_hex(16)
    access = base64.b64encode(admin.app_id.encode()).decode()
    signed = signature(admin, user_id, expires, nonce)
    headers = {"Authorization": f"HMAC-SHA256 signature={signed}, access={access}", "X-Token-Type": "LongTicket"}
    body: dict[str, object] = {
        "appId": admin.app_id,
        "userId": user_id,
        "expireTime": expires,
        "nonce": nonce,
        "clientType": client_type,
    }
    return headers, body | ({"corpId": admin.corp_id} if admin.corp_id else {})
