"""Acme Directory: an administrator's token sets a user's password, and a check of it proves the new one.

The vendor is invented. A real driver names its source here: the vendor's page, its date, and what was doubtful.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import quote

from rotation.drivers import (
    Authority,
    DriverSpec,
    Evidence,
    HttpReply,
    HttpRequest,
    Lockout,
    LoginRejected,
    Secret,
    UnexpectedReply,
    Verdict,
    Wiring,
    check_status,
    error_for,
    json_object,
    matches,
    setting,
)

from acme_directory.codes import TABLE, WRONG_PASSWORD
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
        self._wiring = wiring

    def set_password(self, account: Account, new: Secret, *, current: Secret | None) -> None:
        """Send one reset; see ``rotation.drivers.Driver``. Repeating it with the same password is harmless."""
        path = f"/v1/users/{quote(account.username, safe='')}/password"
        headers = {"X-Acme-Token": self._wiring.admin.token.reveal()}
        reply = self._send("PUT", path, headers, {"password": new.reveal()}, changes=True)
        answer = self._checked(reply, on="change")
        if answer.get("user") != account.username:
            raise UnexpectedReply(
                "the vendor does not name the user whose password it set", request_id=reply.request_id
            )

    def verify(self, account: Account, password: Secret) -> Verdict:
        """Check a password; see ``rotation.drivers.Verifies``. Only the vendor's own code for it is a rejection."""
        body = {"user": account.username, "password": password.reveal()}
        reply = self._send("POST", "/v1/check", {}, body, changes=False)
        try:
            answer = self._checked(reply, on="login")
        except LoginRejected as refusal:
            if refusal.vendor_code == WRONG_PASSWORD:
                return Verdict.REJECTED
            raise
        if answer.get("match") is not True:
            raise UnexpectedReply("the vendor's check says neither yes nor no", request_id=reply.request_id)
        return Verdict.ACCEPTED

    def _send(
        self, method: str, path: str, headers: Mapping[str, str], body: Mapping[str, object], *, changes: bool
    ) -> HttpReply:
        return self._wiring.http.send(
            HttpRequest(
                method=method,
                url=self._wiring.endpoint + path,
                headers={"Content-Type": "application/json", **headers},
                body=json.dumps(body).encode(),
                changes=changes,
            )
        )

    def _checked(self, reply: HttpReply, *, on: str) -> dict[str, object]:
        """Return the answer of a call that succeeded, raise what a refusal means."""
        changes = on == "change"
        if reply.status == 200:
            return json_object(reply, changes=changes)
        code = _code(reply)
        error = error_for(TABLE, code or "", on=on, request_id=reply.request_id)
        if error is not None:
            raise error
        check_status(reply, changes=changes, vendor_code=code)
        raise UnexpectedReply("the vendor answered with no success", vendor_code=code, request_id=reply.request_id)


def _code(reply: HttpReply) -> str | None:
    """Return the vendor's code if there is one. Anything longer could hold a value, and codes are shown."""
    try:
        code = str(json.loads(reply.body)["error"]["code"])
    except (ValueError, KeyError, TypeError, RecursionError):
        return None
    return code if code.replace("_", "").isalnum() and len(code) <= 40 else None


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
