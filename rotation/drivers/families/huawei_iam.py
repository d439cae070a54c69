"""Huawei Cloud IAM: calls that a key signs or a user's token authorises, its login, and its two forms of a refusal.

Sources: the vendor's IAM API reference (2026-04-22, as Open Telekom Cloud mirrors it) and huaweicloudsdkiam 3.1.219,
read 2026-11-30. The calls that come from Keystone, logins among them, refuse with a status and a sentence. Those words
become codes of the vendor's list. Only "password is wrong" counts as a wrong password.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, replace

from rotation.core.errors import AccountLocked, AccountUnusable, RotationError, UnexpectedReply
from rotation.core.secret import Secret
from rotation.core.values import Lockout, TargetRules
from rotation.drivers.families.huawei_cloud import HuaweiCloud
from rotation.drivers.families.huawei_signature import SignedHuaweiCloud
from rotation.drivers.network.http_messages import HttpReply, parsed_object
from rotation.drivers.vendor_api import Malformed, Refusal, nothing_changed

TOKENS = "/v3/auth/tokens"
WRONG_LOGIN, LOCKED = "IAM.0062", "IAM.0061"
LONGEST_LOCK_SECONDS = 1800
"""The most that an account's login policy may set."""
_TOKEN = "@token"  # noqa: S105 - a key
_NO_CONTENT, _UNAUTHORIZED = 204, 401
_BY_STATUS: Mapping[object, str] = {
    400: "IAM.0007",
    _UNAUTHORIZED: "IAM.0001",
    403: "IAM.0002",
    404: "IAM.0004",
    409: "IAM.0005",
    429: "IAM.0012",
    500: "IAM.0006",
}


@dataclass(frozen=True, kw_only=True)
class HuaweiIam(HuaweiCloud):
    """The API, for calls that a token authorises, or none."""

    def parsed(self, reply: HttpReply, *, on: str) -> dict[str, object] | None:  # noqa: ARG002 - the base's signature
        """See ``VendorApi``. HTTP 204 has no body; a login's token is in a header."""
        empty = reply.status == _NO_CONTENT and not reply.body
        answer = {} if empty else parsed_object(reply)
        token = reply.headers.get("x-subject-token")
        return answer if answer is None or token is None else {**answer, _TOKEN: token}

    def outcome(self, answer: dict[str, object]) -> dict[str, object] | Refusal | Malformed:
        """See ``VendorApi``."""
        error = answer.get("error")
        if not isinstance(error, dict):
            return super().outcome(answer)
        status, words = error.get("code"), str(error.get("message")).lower()
        if status == _UNAUTHORIZED and "locked" in words:
            return Refusal(LOCKED)
        if status == _UNAUTHORIZED and "password is wrong" in words:
            return Refusal(WRONG_LOGIN)
        return Refusal(_BY_STATUS.get(status, str(status or "")))

    def log_in(self, username: str, user_id: str, password: Secret, domain: str) -> Secret:
        """Get a token for a user of an account (``domain``).

        Raises:
            AccountUnusable: the name and the password are another user's than the id.
        """
        user = {"name": username, "password": password.reveal(), "domain": {"name": domain}}
        identity = {"methods": ["password"], "password": {"user": user}}
        body = {"auth": {"identity": identity, "scope": {"domain": {"name": domain}}}}
        try:
            answer = self.call(f"POST {TOKENS}?nocatalog=true", body, on="login")
        except AccountLocked as locked:
            until = self.wiring.now() + LONGEST_LOCK_SECONDS
            raise locked.changed(not_before=until) from None
        opened, token = part(part(answer, "token"), "user"), str(answer.get(_TOKEN, ""))
        if not re.fullmatch(r"[!-~]{1,32768}", token):
            raise nothing_changed(UnexpectedReply("the vendor's login answer lacks a token"))
        if opened.get("id") != user_id:
            self.log_out(Secret(token))
            raise AccountUnusable("the name is another user's than the id", hint="Correct user_id in the secret.")
        return Secret(token)

    def log_out(self, token: Secret) -> None:
        """Make a token useless, if that is possible; it expires by itself within a day."""
        headers = {"X-Auth-Token": token.reveal(), "X-Subject-Token": token.reveal()}
        with suppress(RotationError):
            replace(self, authorization=headers).call(f"DELETE {TOKENS}", {})


@dataclass(frozen=True, kw_only=True)
class SignedHuaweiIam(HuaweiIam, SignedHuaweiCloud):
    """The API, for calls that an access key signs."""


def part(answer: Mapping[str, object], name: str) -> Mapping[str, object]:
    """Return an object that an answer to a read or a login holds."""
    found = answer.get(name)
    if not isinstance(found, dict):
        raise nothing_changed(UnexpectedReply(f"the vendor's answer lacks {name}"))
    return found


def _whole(policy: Mapping[str, object], name: str) -> int:
    value = policy.get(name)
    if not isinstance(value, int) or isinstance(value, bool) or value < 0:
        raise nothing_changed(UnexpectedReply(f"the vendor's answer lacks {name}"))
    return value


def rules(password: Mapping[str, object], login: Mapping[str, object]) -> TargetRules:
    """Return what the account's policies say; both ages and all spans are minutes."""
    span = max(_whole(login, "period_with_login_failures"), _whole(login, "lockout_duration"))
    return TargetRules(
        source="IAM's password and login policies of the account",
        min_length=_whole(password, "minimum_password_length"),
        classes=_whole(password, "password_char_combination"),
        max_repeat=_whole(password, "maximum_consecutive_identical_chars"),
        no_username=password.get("password_not_username_or_invert") is True,
        min_age_seconds=60 * _whole(password, "minimum_password_age"),
        history=_whole(password, "number_of_recent_passwords_disallowed"),
        lockout=Lockout(tries=_whole(login, "login_failed_times"), window_seconds=60 * span, reserve=1),
    )
