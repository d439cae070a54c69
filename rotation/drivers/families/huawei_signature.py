"""Huawei Cloud's request signature SDK-HMAC-SHA256, the access key that signs, and the API gateway's error codes.

Sources: the vendor's API Request Signing Guide (2025-10-20; its page on common errors is undated) and
huaweicloudsdkcore 3.1.219 (``signer.py``), read 2026-11-30.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from urllib.parse import parse_qsl, quote, unquote, urlsplit

from rotation.core import settings
from rotation.core.errors import (
    AccountUnusable,
    AdminRejected,
    PermissionDenied,
    PreconditionFailed,
    RateLimited,
    RequestRefused,
    VendorUnavailable,
)
from rotation.core.secret import Secret
from rotation.drivers.error_table import SUPPORT_HINT, ErrorRow, key_hint, open_after_change
from rotation.drivers.families.huawei_cloud import HuaweiCloud
from rotation.drivers.network.http_messages import HttpRequest

KEY_HINT = key_hint("access_key", "secret_key") + (
    " The vendor takes signatures for 15 minutes, and locks a key for five after five wrong ones in a row."
)
_PROJECT = "Check project_id in the secret: it must be one of the endpoint's region."


@dataclass(frozen=True, slots=True)
class AccessKey:
    """An access key (AK/SK); the admin credential of the vendor's products."""

    access_key: str = settings.setting(
        "Access key id (AK).", check=settings.matches(r"[!-+\--~]{1,128}", "is malformed")
    )
    secret_key: Secret = settings.setting("Secret access key (SK).")  # noqa: RUF009 - declares a field
    session_token: Secret = settings.setting(  # noqa: RUF009 - declares a field
        "Security token of a temporary key.", default=Secret("")
    )


def signed_headers(  # noqa: PLR0913 - the parts of a request, all named
    key: AccessKey, *, method: str, url: str, headers: Mapping[str, str], body: bytes, now: float
) -> dict[str, str]:
    """Return ``headers`` and those that sign a request; all of them are covered."""
    date, parts = datetime.fromtimestamp(int(now), UTC).strftime("%Y%m%dT%H%M%SZ"), urlsplit(url)
    sent = {**headers, "X-Sdk-Date": date}
    if key.session_token:
        sent["X-Security-Token"] = key.session_token.reveal()
    covered = {name.lower(): value.strip() for name, value in sent.items()} | {"host": parts.netloc}
    names = sorted(covered)
    path = "/".join(_quoted(unquote(segment)) for segment in parts.path.split("/")).rstrip("/")
    pairs = sorted(parse_qsl(parts.query, keep_blank_values=True))
    query = "&".join(f"{_quoted(name)}={_quoted(value)}" for name, value in pairs)
    lines = "".join(f"{name}:{covered[name]}\n" for name in names)
    digest = hashlib.sha256(body).hexdigest()
    canonical = f"{method}\n{path}/\n{query}\n{lines}\n{';'.join(names)}\n{digest}"
    text = f"SDK-HMAC-SHA256\n{date}\n{hashlib.sha256(canonical.encode()).hexdigest()}"
    signature = hmac.digest(key.secret_key.reveal().encode(), text.encode(), "sha256").hex()
    credential = f"SDK-HMAC-SHA256 Access={key.access_key}, SignedHeaders={';'.join(names)}, Signature={signature}"
    return {**sent, "Authorization": credential}


def _quoted(text: str) -> str:
    return quote(text, safe="~")


@dataclass(frozen=True, kw_only=True)
class SignedHuaweiCloud(HuaweiCloud):
    """One product's API whose calls an access key signs; its action may have a query."""

    key: AccessKey

    def sign(self, action: str, body: Mapping[str, object]) -> HttpRequest:
        """See ``VendorApi``."""
        bare = super().sign(action, body)
        headers = signed_headers(
            self.key,
            method=bare.method,
            url=bare.url,
            headers=bare.headers,
            body=bare.body,
            now=self.wiring.now(),
        )
        return replace(bare, headers=headers)


def gateway_codes(*, rights: str, call: str) -> tuple[ErrorRow, ...]:
    """Return the rows for the API gateway's codes.

    Args:
        rights: the hint for a key that lacks a right.
        call: the hint for a call that the gateway does not know.
    """
    return (
        ErrorRow("APIGW.0101", RequestRefused, "the vendor does not know the call", call),
        ErrorRow("APIGW.0103", VendorUnavailable, "the vendor's gateway has no service for the call", SUPPORT_HINT),
        ErrorRow("APIGW.0104", VendorUnavailable, "the vendor's gateway lacks a plug-in", SUPPORT_HINT),
        ErrorRow("APIGW.0105", VendorUnavailable, "the vendor's gateway lacks its settings", SUPPORT_HINT),
        ErrorRow("APIGW.0106", RequestRefused, "the vendor's gateway could not map the parameters", call),
        # One code with many statuses, from "malformed" to "the service timed out".
        *open_after_change("APIGW.0201", "the vendor's gateway failed with the request"),
        *open_after_change("APIGW.0202", "the vendor's gateway lost its service"),
        *open_after_change("APIGW.0203", "the vendor's service timed out"),
        ErrorRow("APIGW.0204", RequestRefused, "the vendor does not take the version of TLS", call),
        ErrorRow("APIGW.0205", RequestRefused, "the vendor wants a client certificate", call),
        ErrorRow("APIGW.0301", AdminRejected, "the vendor refused the signature or the key", KEY_HINT),
        ErrorRow("APIGW.0302", PermissionDenied, "the key's user may not call this interface", rights),
        ErrorRow("APIGW.0303", AdminRejected, "the vendor found the signature wrong, too old or too new", KEY_HINT),
        ErrorRow("APIGW.0304", PermissionDenied, "the app may not call this interface", rights),
        ErrorRow("APIGW.0305", AdminRejected, "the vendor found the authentication wrong", KEY_HINT),
        ErrorRow("APIGW.0306", PermissionDenied, "the vendor denies the call", rights),
        ErrorRow("APIGW.0307", AdminRejected, "the vendor wants another token", KEY_HINT),
        ErrorRow("APIGW.0308", RateLimited, "the vendor throttles"),
        ErrorRow("APIGW.0310", AccountUnusable, "the project is not available", _PROJECT),
        ErrorRow("APIGW.0311", AdminRejected, "the vendor found the authentication wrong", KEY_HINT),
        ErrorRow("APIGW.0401", PermissionDenied, "the vendor cannot tell our address", rights),
        ErrorRow("APIGW.0402", PermissionDenied, "the vendor does not let our address in", rights),
        ErrorRow("APIGW.0404", PermissionDenied, "the vendor's gateway may not reach its service", rights),
        ErrorRow("APIGW.0501", PreconditionFailed, "the app's quota is used up", "Raise the quota."),
        ErrorRow("APIGW.0502", PreconditionFailed, "the app is frozen", "Settle the account's bills."),
        *open_after_change("APIGW.0601", "the vendor's gateway failed inside"),
        ErrorRow("APIGW.0602", RequestRefused, "the vendor found the request malformed", call),
        *open_after_change("APIGW.0605", "the vendor's gateway could not find its service"),
        *open_after_change("APIGW.0606", "the vendor's gateway could not load its settings"),
        ErrorRow("APIGW.0607", RequestRefused, "the vendor does not take the protocol", call),
        *open_after_change("APIGW.0608", "the vendor's gateway failed to log in at its service"),
        *open_after_change("APIGW.0609", "the vendor's gateway lost its service"),
        *open_after_change("APIGW.0610", "the vendor's service is not available"),
        *open_after_change("APIGW.0611", "the vendor's gateway lost its service"),
        *open_after_change("APIGW.0612", "the vendor's gateway called itself"),
        ErrorRow("APIGW.0613", VendorUnavailable, "the vendor's IAM is not available"),
        *open_after_change("APIGW.0705", "the vendor's gateway failed to log in at its service"),
        ErrorRow("APIGW.0801", PermissionDenied, "the service is closed to the endpoint's region", rights),
        ErrorRow("APIGW.0802", PermissionDenied, "the endpoint's region is closed to the key's user", rights),
    )
