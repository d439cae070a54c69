"""Acme Directory's error codes: what each means, and what to do about it."""

from __future__ import annotations

from rotation.drivers import (
    AccountLocked,
    AccountUnusable,
    AdminRejected,
    ErrorRow,
    LoginRejected,
    PasswordRejected,
    PermissionDenied,
    RateLimited,
)

WRONG_PASSWORD = "WRONG_PASSWORD"

TABLE = (
    ErrorRow("BAD_TOKEN", AdminRejected, "the administrator's token is not valid", "Store a new token.", on="change"),
    ErrorRow("FORBIDDEN", PermissionDenied, "the token may not set this password", "Give it the user's group."),
    ErrorRow("NO_SUCH_USER", AccountUnusable, "there is no such user", "Check `username` in the secret."),
    ErrorRow("WEAK_PASSWORD", PasswordRejected, "the password breaks the vendor's rules", on="change"),
    ErrorRow("TOO_MANY_CALLS", RateLimited, "too many calls"),
    ErrorRow("LOCKED", AccountLocked, "the user is locked after wrong passwords", on="login"),
    ErrorRow(WRONG_PASSWORD, LoginRejected, "the password is wrong", on="login"),
)
