"""Huawei Cloud IAM's error codes, as far as calls for users, passwords, policies and tokens can give them.

Sources: the list iam_02_0006 of the IAM API reference (2026-04-22, as Open Telekom Cloud mirrors it) and the gateway's
(``families.huawei_signature``), read 2026-11-30. The list also has codes of other calls: policies, agencies, projects,
identity providers. No code is documented for a password that is too young, or one of the last passwords; 1108 names
the current password alone.
"""

from collections.abc import Iterator

from rotation.core.errors import (
    AccountLocked,
    AccountUnusable,
    AdminRejected,
    CannotVerify,
    DriverError,
    InProgress,
    OldPasswordRejected,
    OutcomeUnknown,
    PasswordRejected,
    PasswordReused,
    PermissionDenied,
    RateLimited,
    RequestRefused,
    VendorUnavailable,
)
from rotation.drivers.error_table import ErrorRow, endpoint_hint
from rotation.drivers.families.huawei_iam import LOCKED, WRONG_LOGIN
from rotation.drivers.families.huawei_signature import KEY_HINT, gateway_codes

ENDPOINT = "https://iam.myhuaweicloud.com"
_REGIONS = (
    "ae-ad-1 af-south-1 ap-southeast-1 ap-southeast-2 ap-southeast-3 ap-southeast-4 cn-east-2 cn-east-3 cn-east-4 "
    "cn-east-5 cn-north-1 cn-north-12 cn-north-2 cn-north-4 cn-north-9 cn-south-1 cn-south-2 cn-southwest-2 eu-west-0 "
    "la-north-2 la-south-2 me-east-1 my-kualalumpur-1 na-mexico-1 ru-moscow-1 sa-brazil-1 tr-west-1"
)
ENDPOINTS = (
    ENDPOINT,
    *(f"https://iam.{region}.myhuaweicloud.com" for region in _REGIONS.split()),
    "https://iam.eu-west-101.myhuaweicloud.eu",
)
"""The global one, and those of the regions, as huaweicloudsdkiam 3.1.219 lists them."""

_CALL = endpoint_hint("huawei_iam_user", ENDPOINT)
_RIGHTS = "Give the key's user the role Security Administrator."
_IDS = "Check user_id, domain_id, domain_name and username in the secret."
_TOKEN = KEY_HINT + " In a login: the user must not need a virtual MFA device."


Rows = Iterator[ErrorRow]


def _each(code: str, change: type[DriverError], otherwise: type[DriverError], meaning: str, hint: str = "") -> Rows:
    yield ErrorRow(code, change, meaning, hint, on="change")
    yield ErrorRow(code, otherwise, meaning, hint, on="login")
    yield ErrorRow(code, otherwise, meaning, hint, on="read")


def _logins(rows: tuple[ErrorRow, ...]) -> Rows:
    """Let a login have what a read has."""
    for row in rows:
        yield row
        if row.on == "read":
            yield ErrorRow(row.vendor_code, row.error, row.meaning, row.hint, on="login")


_PARAMETER = "the vendor refused a parameter, most likely the password"

TABLE: tuple[ErrorRow, ...] = (
    ErrorRow("1100", RequestRefused, "the vendor missed a parameter", _CALL),
    ErrorRow("1101", AccountUnusable, "the vendor refused the user's name", _IDS),
    ErrorRow("1103", OldPasswordRejected, "the vendor refused the old password"),
    ErrorRow("1108", PasswordReused, "the new password is the current one"),
    ErrorRow("1109", AccountUnusable, "the vendor took the call for one that names a user", _IDS),
    ErrorRow("1118", PasswordRejected, "the vendor found the password weak"),
    *_each("IAM.0007", PasswordRejected, AccountUnusable, _PARAMETER, _IDS),
    *_each("IAM.0072", PasswordRejected, AccountUnusable, _PARAMETER, _IDS),
    *_each("IAM.0073", PasswordRejected, AccountUnusable, _PARAMETER, _IDS),
    *_each("IAM.1102", PasswordRejected, AccountUnusable, _PARAMETER, _IDS),
    *_each("IAM.0006", OutcomeUnknown, VendorUnavailable, "the vendor failed inside"),
    ErrorRow("IAM.0011", RequestRefused, "the vendor refused the request's form", _CALL),
    ErrorRow("IAM.1101", RequestRefused, "the vendor could not read the request", _CALL),
    ErrorRow("IAM.1103", RequestRefused, "the vendor missed something in the request", _CALL),
    ErrorRow("IAM.0001", AdminRejected, "the vendor refused the credential", _TOKEN),
    ErrorRow(LOCKED, AccountLocked, "the user is locked after wrong logins"),
    ErrorRow(WRONG_LOGIN, OldPasswordRejected, "the vendor found user name or password wrong"),
    ErrorRow("IAM.0063", AdminRejected, "the vendor refused the access key", KEY_HINT),
    ErrorRow("IAM.0064", PermissionDenied, "the vendor does not let our address or the key's user in", _RIGHTS),
    ErrorRow("IAM.0066", VendorUnavailable, "the token has expired"),
    ErrorRow("IAM.0067", VendorUnavailable, "the vendor no longer knows the token"),
    ErrorRow("IAM.0002", PermissionDenied, "the key's user may not do this", _RIGHTS),
    ErrorRow("IAM.0003", PermissionDenied, "the key's user may not do this by the account's policies", _RIGHTS),
    ErrorRow("IAM.0083", PermissionDenied, "the vendor denies the call", _RIGHTS),
    ErrorRow("IAM.0080", AdminRejected, "the key's user is disabled", KEY_HINT),
    ErrorRow("IAM.0081", CannotVerify, "the user may use the console only", _IDS),
    ErrorRow("IAM.0082", AccountUnusable, "the user, or the key's, is disabled", _IDS),
    ErrorRow("IAM.0004", AccountUnusable, "there is no such user or account", _IDS),
    ErrorRow("IAM.0005", InProgress, "the vendor is at work on the user"),
    ErrorRow("IAM.0012", RateLimited, "the vendor throttles"),
    ErrorRow("IAM.0020", VendorUnavailable, "the vendor's service is not available"),
    *(
        ErrorRow(f"IAM.{number}", AdminRejected, "the vendor refused the signature or the key", KEY_HINT)
        for number in (1104, 1105, 1106, 1107, 1108)
    ),
    *_logins(gateway_codes(rights=_RIGHTS, call=_CALL)),
)
