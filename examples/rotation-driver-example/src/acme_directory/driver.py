"""Acme Directory: an administrator's token sets a user's password, and a check of it proves the new one.

The vendor is invented. A real driver names its source here: the vendor's page, its date, and what was doubtful.
"""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import quote

from rotation.drivers import (
    Authority,
    DriverSpec,
    Evidence,
    Lockout,
    LoginRejected,
    Secret,
    UnexpectedReply,
    Verdict,
    Wiring,
    matches,
    setting,
)

from acme_directory.api import CHECK, AcmeApi
from acme_directory.error_codes import TABLE, WRONG_PASSWORD
from acme_directory.policy import POLICY


@dataclass(frozen=True, slots=True)
class Account:
    """The account's own keys in the rotated secret."""

    username: str = setting(
        "The user's name in the directory.",
        check=matches(r"[a-z][a-z0-9.-]{0,62}", "must be a directory name such as robot.one"),
    )


@dataclass(frozen=True, slots=True)
class Admin:
    """The token of an administrator, kept in a secret of its own."""

    token: Secret = setting(  # noqa: RUF009 - declares a field
        "Administrator's API token.",
        check=matches(r"[!-~]{1,256}", "must be one line of printable characters"),
    )


class AcmeDirectory:
    """Sets a password as an administrator, verifies it as the user."""

    def __init__(self, wiring: Wiring) -> None:
        self._api = AcmeApi(wiring=wiring, table=TABLE, token=wiring.admin.token)

    def set_password(self, account: Account, new: Secret, *, current: Secret | None) -> None:
        """Send one reset; see ``rotation.drivers.Driver``. Repeating it with the same password is harmless."""
        action = f"PUT /v1/users/{quote(account.username, safe='')}/password"
        answer = self._api.call(action, {"password": new.reveal()}, on="change")
        if answer.get("user") != account.username:
            raise UnexpectedReply("the vendor does not name the user whose password it set")

    def verify(self, account: Account, password: Secret) -> Verdict:
        """Check a password; see ``rotation.drivers.Verifies``. Only the vendor's own code for it is a rejection."""
        try:
            answer = self._api.call(CHECK, {"user": account.username, "password": password.reveal()}, on="login")
        except LoginRejected as refusal:
            if refusal.vendor_code == WRONG_PASSWORD:
                return Verdict.REJECTED
            raise
        if answer.get("match") is not True:
            raise UnexpectedReply("the vendor's check says neither yes nor no")
        return Verdict.ACCEPTED


DRIVER = DriverSpec(
    code="acme_directory",
    name="Acme Directory",
    docs="https://directory.acme.example/docs/passwords",
    authority=Authority.ADMIN,
    evidence=Evidence.LOGIN,
    endpoint="https://directory.acme.example",
    endpoints=("https://directory.acme.example",),
    account=Account,
    admin=Admin,
    policies={"user": POLICY},
    factory=AcmeDirectory,
    source="Invented for this example",
    checked="2026-11-22",
    lockout=Lockout(tries=5, window_seconds=300),
    request_id_header="x-acme-request",
    error_table=TABLE,
)
