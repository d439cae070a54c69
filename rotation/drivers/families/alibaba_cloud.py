"""Signing and transport of Alibaba Cloud's RPC APIs: signature V3, ACS3-HMAC-SHA256.

Sources: the vendor's page on signature method V3 (2026-06-02) and alibabacloud-tea-openapi 0.4.6, read 2026-11-30. A
call is a POST form: the vendor's own clients put parameters into the query, and so a password into the logs of proxies.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from urllib.parse import urlencode

from rotation.core import settings
from rotation.core.errors import (
    AccountUnusable,
    AdminRejected,
    PermissionDenied,
    PreconditionFailed,
    RateLimited,
    RequestRefused,
)
from rotation.core.secret import Secret
from rotation.drivers.error_table import ErrorRow, key_hint, open_after_change
from rotation.drivers.network.http_messages import HttpRequest, id_of
from rotation.drivers.vendor_api import Malformed, Refusal, VendorApi

REQUEST_ID_HEADER = "x-acs-request-id"
_KEY = key_hint("access_key_id", "access_key_secret")
_CLOCK = "Set the clock of the host: the vendor takes signatures for 15 minutes."


@dataclass(frozen=True, slots=True)
class AccessKey:
    """An access key; the admin credential of the vendor's products."""

    access_key_id: str = settings.setting(
        "AccessKey ID.", check=settings.matches(r"[A-Za-z0-9._-]{1,128}", "is malformed")
    )
    access_key_secret: Secret = settings.setting("AccessKey secret.")  # noqa: RUF009 - declares a field
    session_token: Secret = settings.setting(  # noqa: RUF009 - declares a field
        "Security token (STS) of a temporary key.", default=Secret("")
    )


def authorization(key: AccessKey, *, method: str, query: str, headers: Mapping[str, str]) -> str:
    """Return the Authorization header of a call to ``/``.

    Args:
        key: what signs.
        method: such as ``POST``.
        query: the canonical query; empty where the parameters are a form.
        headers: all that are signed, with lower-case names, ``host`` and ``x-acs-content-sha256`` among them.
    """
    names = ";".join(sorted(headers))
    lines = "".join(f"{name}:{headers[name].strip()}\n" for name in sorted(headers))
    canonical = f"{method}\n/\n{query}\n{lines}\n{names}\n{headers['x-acs-content-sha256']}"
    text = f"ACS3-HMAC-SHA256\n{hashlib.sha256(canonical.encode()).hexdigest()}"
    signature = hmac.digest(key.access_key_secret.reveal().encode(), text.encode(), "sha256").hex()
    return f"ACS3-HMAC-SHA256 Credential={key.access_key_id},SignedHeaders={names},Signature={signature}"


@dataclass(frozen=True, kw_only=True)
class AlibabaCloud(VendorApi[dict[str, object]]):
    """One product's API. A call returns the whole answer."""

    key: AccessKey
    version: str

    def sign(self, action: str, body: Mapping[str, object]) -> HttpRequest:
        """See ``VendorApi``."""
        form = urlencode({name: str(value) for name, value in body.items()}).encode()
        headers = {
            "content-type": "application/x-www-form-urlencoded",
            "x-acs-action": action,
            "x-acs-version": self.version,
            "x-acs-date": datetime.fromtimestamp(int(self.wiring.now()), UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
            "x-acs-signature-nonce": secrets.token_hex(16),
            "x-acs-content-sha256": hashlib.sha256(form).hexdigest(),
        }
        if self.key.session_token:
            headers["x-acs-accesskey-id"] = self.key.access_key_id
            headers["x-acs-security-token"] = self.key.session_token.reveal()
        proof = authorization(self.key, method="POST", query="", headers={**headers, "host": self.host})
        headers |= {"accept": "application/json", "authorization": proof}
        return HttpRequest(method="POST", url=self.url(), headers=headers, body=form)

    def outcome(self, answer: dict[str, object]) -> dict[str, object] | Refusal | Malformed:
        """See ``VendorApi``. The request id is in the body, too; an answer without one is not the vendor's."""
        request_id = answer.get("RequestId")
        if "Code" in answer:
            return Refusal(str(answer["Code"]), id_of(str(request_id)))
        return answer if isinstance(request_id, str) and request_id else Malformed("has no RequestId")


def gateway_codes(*, rights: str, call: str) -> tuple[ErrorRow, ...]:
    """Return the rows for the codes that every product shares; throttling is HTTP 400, so only the code tells.

    Args:
        rights: the hint for a key that lacks a right.
        call: the hint for a call that the vendor does not know.
    """
    return (
        ErrorRow("InvalidAccessKeyId.NotFound", AdminRejected, "the vendor does not know the access key", _KEY),
        ErrorRow("InvalidAccessKeyId.Inactive", AdminRejected, "the access key is disabled", _KEY),
        ErrorRow("Forbidden.AccessKeyDisabled", AdminRejected, "the access key is disabled", _KEY),
        ErrorRow("MissingSecurityToken", AdminRejected, "the vendor wants a temporary key's token", _KEY),
        ErrorRow("InvalidSecurityToken.Expired", AdminRejected, "the temporary key has expired", _KEY),
        ErrorRow("InvalidSecurityToken.Malformed", AdminRejected, "the vendor refused the security token", _KEY),
        ErrorRow("InvalidSecurityToken.MismatchWithAccessKey", AdminRejected, "the token is another key's", _KEY),
        ErrorRow("SignatureDoesNotMatch", AdminRejected, "the vendor refused the signature", _KEY),
        ErrorRow("IncompleteSignature", AdminRejected, "the vendor found the signature malformed", _KEY),
        ErrorRow("InvalidSignatureMethod", AdminRejected, "the vendor does not take this kind of signature", _KEY),
        ErrorRow("InvalidTimeStamp.Format", AdminRejected, "the vendor could not read the time", _CLOCK),
        ErrorRow("InvalidTimeStamp.Expired", AdminRejected, "the vendor found the request too old or new", _CLOCK),
        ErrorRow("IllegalTimestamp", AdminRejected, "the vendor found the request too old or new", _CLOCK),
        # A replay means that a copy of the request came before, and the vendor may have carried that one out.
        *open_after_change("SignatureNonceUsed", "the vendor has seen this request before"),
        ErrorRow("Throttling", RateLimited, "the vendor throttles"),
        ErrorRow("Throttling.User", RateLimited, "the vendor throttles this vendor account"),
        ErrorRow("Throttling.Api", RateLimited, "the vendor throttles this call"),
        ErrorRow("Forbidden", PermissionDenied, "the key lacks a right", rights),
        ErrorRow("Forbidden.RAM", PermissionDenied, "the key's user lacks a right", rights),
        # The vendor's page spells it so.
        ErrorRow("Forbedden.NotSupportRAM", PermissionDenied, "the call is not open to RAM users", rights),
        ErrorRow("Forbidden.RiskControl", PermissionDenied, "the vendor's risk control forbids the call", rights),
        ErrorRow("Forbidden.UserVerification", PermissionDenied, "the vendor account is not verified", rights),
        ErrorRow("NoPermission", PermissionDenied, "the key's user lacks a right", rights),
        ErrorRow("ActionUnauthorized", PermissionDenied, "the action is not open to this vendor account", rights),
        ErrorRow("InsufficientBalance", PreconditionFailed, "the vendor account is in arrears", "Settle its bills."),
        ErrorRow("InvalidParameter", AccountUnusable, "the vendor refused a parameter", "Check the secret's own keys."),
        *_requests(call),
        *open_after_change("InternalError", "the vendor failed inside"),
        *open_after_change("UnknownError", "the vendor failed and does not say at what"),
        *open_after_change("ServiceUnavailable", "the vendor is not available for the moment"),
    )


def _requests(call: str) -> tuple[ErrorRow, ...]:
    return (
        ErrorRow("MissingParameter", RequestRefused, "the vendor missed a parameter", call),
        ErrorRow("UnsupportedParameter", RequestRefused, "the vendor does not know a parameter", call),
        ErrorRow("InvalidAction", RequestRefused, "the vendor does not know the action", call),
        ErrorRow("InvalidParameter.Format", RequestRefused, "the vendor does not answer in JSON", call),
        ErrorRow("InvalidParameter.Accept", RequestRefused, "the vendor does not answer in JSON", call),
        ErrorRow("InvalidProduct.NotFound", RequestRefused, "the endpoint is of no product", call),
        ErrorRow("InvalidRegion.NotFound", RequestRefused, "the endpoint is of no region", call),
        ErrorRow("InvalidProtocol.NeedSsl", RequestRefused, "the vendor takes HTTPS only", call),
        ErrorRow("ContentLengthDoesNotMatch", RequestRefused, "the request was cut on its way", call),
        ErrorRow("InvalidApi.NotFound", RequestRefused, "the vendor does not know the action", call),
        ErrorRow("NoSuchVersion", RequestRefused, "the vendor no longer knows the version", call),
        ErrorRow("UnsupportedOperation", RequestRefused, "the vendor does not offer the action", call),
        ErrorRow("UnsupportedHTTPMethod", RequestRefused, "the vendor refused the HTTP method", call),
    )
