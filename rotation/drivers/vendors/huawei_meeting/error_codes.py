"""Huawei Cloud Meeting's error codes, without their ``USG.`` or ``MMC.`` prefix.

Source: the error header of the vendor's meeting client and the "api-meeting" pages, read 2026-11-22. The HTTP status of
most codes is undocumented, so only the code decides.
"""

from rotation.core.errors import (
    AccountLocked,
    AccountUnusable,
    AdminRejected,
    CannotVerify,
    OldPasswordRejected,
    OutcomeUnknown,
    PasswordRejected,
    PasswordReused,
    PermissionDenied,
    PreconditionFailed,
    RequestRefused,
    TooSoon,
    VendorUnavailable,
)
from rotation.drivers.error_table import ErrorRow

WRONG_LOGIN = "206010000"
WAIT_SECONDS = 300
"""The minimum age of a password, and how long the user guide keeps an account locked (the client's text says 60 s)."""
LOCK_MARGIN_SECONDS = 30

_HUMAN = "Log in once by hand in the vendor's client and settle what it asks for."
_SSO = "The account logs in by single sign-on; take this secret out of rotation."
_NAME = "Check username in the secret: the whole account name with its domain."
_SITE = "Use the endpoint of the account's site: api.meeting or api-intl.meeting."

TABLE: tuple[ErrorRow, ...] = (
    ErrorRow("200000001", VendorUnavailable, "the vendor is busy"),
    ErrorRow("200000005", VendorUnavailable, "the vendor is upgrading"),
    ErrorRow("200000002", OutcomeUnknown, "the vendor failed inside", on="change"),
    ErrorRow("200000002", VendorUnavailable, "the vendor failed inside", on="login"),
    ErrorRow("200000003", AccountUnusable, "the vendor refused a parameter", _NAME),
    ErrorRow("200000004", RequestRefused, "the vendor found the request or its token header illegal"),
    ErrorRow("201040000", AccountUnusable, "the user does not exist", _NAME),
    # It answers another call than ours, so ours was not carried out.
    ErrorRow("201040001", RequestRefused, "the vendor took the request for another one"),
    ErrorRow("201040016", PasswordRejected, "the password is too weak for the vendor"),
    # In a login only this answer means "wrong password"; it counts towards the lock.
    ErrorRow(WRONG_LOGIN, OldPasswordRejected, "the account or its current password is wrong"),
    ErrorRow("206010007", PreconditionFailed, "the account is not activated", _HUMAN),
    ErrorRow("206010011", CannotVerify, "the vendor asks for a captcha", _HUMAN),
    ErrorRow("206010012", CannotVerify, "the vendor asks for another captcha", _HUMAN),
    ErrorRow("206010022", AccountUnusable, "the account logs in by single sign-on", _SSO),
    ErrorRow("206010023", AccountUnusable, "the account logs in by single sign-on", _SSO),
    ErrorRow("206010025", AdminRejected, "the app id was not verified"),
    ErrorRow("206010057", AdminRejected, "the app id's signature has expired"),
    ErrorRow("206010058", AdminRejected, "the app id is not bound to the company"),
    ErrorRow("206010075", AdminRejected, "the app id was unbound from the company"),
    ErrorRow("206010036", PermissionDenied, "normal users may not log in here", "Use an account that may log in."),
    ErrorRow("206010064", PreconditionFailed, "the account belongs to another site", _SITE),
    # Nothing was changed, and the next attempt makes a token of its own.
    ErrorRow("206020000", VendorUnavailable, "the vendor no longer knows the token it gave"),
    ErrorRow("206020001", VendorUnavailable, "the token belongs to the vendor's recovery site"),
    ErrorRow("206020002", VendorUnavailable, "another login has ended the session"),
    ErrorRow("206030000", AccountUnusable, "the user does not exist", _NAME),
    ErrorRow("206030005", PermissionDenied, "this password may not be changed", "Ask the company's administrator."),
    ErrorRow("206030006", OldPasswordRejected, "the current password is wrong"),
    ErrorRow("206030007", PasswordRejected, "the password has a wrong length for the vendor"),
    ErrorRow("206030008", PasswordRejected, "the password is not complex enough for the vendor"),
    ErrorRow("206030009", PasswordReused, "the password was used recently"),
    ErrorRow("206030010", PasswordRejected, "the password repeats a character too often for the vendor"),
    ErrorRow("206030011", TooSoon, "the password is younger than 5 minutes"),
    ErrorRow("206030012", PasswordRejected, "the password contains the account's name"),
    ErrorRow("206030013", PasswordRejected, "the password is too similar to the old one"),
    ErrorRow("206030014", PasswordRejected, "the password has a form that the vendor refuses"),
    ErrorRow("206030015", AccountLocked, "the account is locked"),
    ErrorRow("412100010", AccountLocked, "the account is locked"),
    ErrorRow("206030016", PermissionDenied, "another user's password may not be changed", _NAME),
    ErrorRow("206030018", PreconditionFailed, "the vendor's daily number of changes is used up", "Try again tomorrow."),
    ErrorRow("206030028", AccountUnusable, "single sign-on is on, passwords cannot be changed", _SSO),
    ErrorRow("206030031", AccountUnusable, "the password belongs to a Huawei account", "Change it at its own site."),
)
