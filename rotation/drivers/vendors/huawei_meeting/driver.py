"""Huawei Cloud Meeting: the account changes its own password and proves it by logging in.

Facts: the vendor's pages on PUT /v1/usg/acs/password and POST /v1/usg/acs/auth/account. ``username`` is the account
name. The token for a change comes from the old password, or from the enterprise's app id where one is configured. A
password that has expired or must be changed first does not open the account for a machine: the login check then raises
"could not tell" and never counts the password as wrong.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass

from rotation.core import settings
from rotation.core.errors import (
    AccountLocked,
    AccountUnusable,
    AdminRejected,
    CannotVerify,
    DriverError,
    OldPasswordRejected,
    RotationError,
    UnexpectedReply,
)
from rotation.core.secret import Secret
from rotation.core.values import Authority, Evidence, Lockout, Verdict
from rotation.drivers.contract import DriverSpec, Wiring
from rotation.drivers.families.huawei_cloud import HuaweiCloud
from rotation.drivers.network.http_messages import HttpReply
from rotation.drivers.vendor_api import Refusal, is_web_page, nothing_changed
from rotation.drivers.vendors.huawei_meeting import app_login
from rotation.drivers.vendors.huawei_meeting.error_codes import LOCK_MARGIN_SECONDS, TABLE, WAIT_SECONDS, WRONG_LOGIN
from rotation.drivers.vendors.huawei_meeting.policy import POLICIES

LOGIN = "POST /v1/usg/acs/auth/account"
PASSWORD = "PUT /v1/usg/acs/password"  # noqa: S105 - an action
TOKEN = "DELETE /v1/usg/acs/token"  # noqa: S105 - an action
CLIENT_TYPE = 72
""""API": up to 64 tokens at a time. Any other type would end the session of the human who uses the account."""
# A login answer without any of these does not come from the vendor.
_LOGIN_FIELDS = frozenset({"user", "accessToken", "clientType", "tokenType", "validPeriod", "createTime", "pwdExpired"})


@dataclass(frozen=True, slots=True)
class Account:
    """The account's own keys in the rotated secret."""

    username: str = settings.setting(
        "The account's name, with its domain.",
        # A colon would end the name in the Basic header.
        check=settings.matches(r"[^:\x00-\x1f\x7f]{1,255}", "must have 1 to 255 characters and no colon"),
    )
    user_id: str = settings.setting(
        "The user's id for a login with the enterprise's app id; not used without one.",
        check=settings.matches(r"[!-9;-~]{1,255}", "must have 1 to 255 printable characters and no colon"),
        default="",
    )


class MeetingApi(HuaweiCloud):
    """Cloud Meeting's API: until when its refusals last, and what the statuses on its login page mean."""

    def known_error(self, reply: HttpReply, refusal: Refusal | None, *, on: str) -> DriverError | None:
        """See ``VendorApi``."""
        now, request_id = self.wiring.now(), reply.request_id
        locked_until = now + WAIT_SECONDS + LOCK_MARGIN_SECONDS
        error = super().known_error(reply, refusal, on=on)
        if error is not None:
            waits = {"206030011": now + WAIT_SECONDS, "206030015": locked_until, "412100010": locked_until}
            return error.changed(not_before=waits.get(str(error.vendor_code)))
        if on != "login" or is_web_page(reply):
            return None
        if reply.status == 423:  # noqa: PLR2004 - the login page's "account locked"
            return AccountLocked("the account is locked (HTTP 423)", request_id=request_id, not_before=locked_until)
        if reply.status == 412:  # noqa: PLR2004 - the login page's "account disabled"
            return AccountUnusable("the account is disabled", hint="Enable it in the console.", request_id=request_id)
        return None


class HuaweiMeeting:
    """Changes the password with the old one, and verifies the new one by a login."""

    def __init__(self, wiring: Wiring) -> None:
        self._wiring = wiring

    def set_password(self, account: Account, new: Secret, *, current: Secret | None) -> None:
        """Log in, send one change, log out; see ``Driver``.

        A repeat after a success raises ``OldPasswordRejected`` or ``TooSoon``. A wrong ``current`` counts as one
        wrong login at the vendor, with either way to a token.
        """
        if current is None:
            raise OldPasswordRejected("the vendor wants the current password and none was given")
        token = self._token(account, current)
        body = {"account": account.username, "oldPwd": current.reveal(), "newPwd": new.reveal()}
        try:
            self._api({"X-Access-Token": token.reveal()}).call(PASSWORD, body, on="change")
        finally:
            self._log_out(token)

    def verify(self, account: Account, password: Secret) -> Verdict:
        """Log in without making a token; see ``Verifies``.

        Raises:
            CannotVerify: a captcha is asked for, or the password is right but must be changed before it opens
                anything.
        """
        try:
            answer = self._login(account, password, token_type=1)
        except OldPasswordRejected as refusal:
            if refusal.vendor_code == WRONG_LOGIN:
                return Verdict.REJECTED
            raise
        stray = _token_of(answer)
        if stray is not None:  # we asked for none
            self._log_out(stray)
        for flag in ("pwdExpired", "firstLogin"):
            if answer.get(flag) is True:
                raise CannotVerify(
                    "the password is right, but the vendor wants it changed before it opens anything",
                    vendor_code=flag,
                    hint="Change the password once by hand, store it in the secret and start a new rotation.",
                )
        return Verdict.ACCEPTED

    def _token(self, account: Account, current: Secret) -> Secret:
        answer = self._app_login(account) if self._wiring.admin else self._login(account, current, token_type=0)
        token = _token_of(answer)
        if token is None:
            raise nothing_changed(UnexpectedReply("the vendor's login answer holds no token"))
        return token

    def _login(self, account: Account, password: Secret, *, token_type: int) -> dict[str, object]:
        pair = f"{account.username}:{password.reveal()}".encode()
        headers = {"Authorization": f"Basic {base64.b64encode(pair).decode()}"}
        body = {"account": account.username, "clientType": CLIENT_TYPE, "createTokenType": token_type}
        answer = self._api(headers).call(LOGIN, body, on="login")
        if _LOGIN_FIELDS.isdisjoint(answer):
            raise nothing_changed(UnexpectedReply("the vendor's login answer holds none of a login's fields"))
        return answer

    def _app_login(self, account: Account) -> dict[str, object]:
        admin, now = self._wiring.admin, self._wiring.now()
        headers, body = app_login.login(admin, account.user_id, client_type=CLIENT_TYPE, now=now)
        try:
            return self._api(headers).call(f"POST {app_login.PATH}", body, on="login")
        except OldPasswordRejected as refusal:  # no password was sent, so this says nothing about one
            code, request_id = refusal.vendor_code, refusal.request_id
        raise AdminRejected("the vendor refused the app id's login", vendor_code=code, request_id=request_id)

    def _log_out(self, token: Secret) -> None:
        with suppress(RotationError):  # the token expires by itself, and the result of the change matters more
            self._api({"X-Access-Token": token.reveal()}).call(TOKEN, {})

    def _api(self, authorization: Mapping[str, str]) -> MeetingApi:
        return MeetingApi(wiring=self._wiring, table=TABLE, authorization=authorization, code_prefix=r"(?:USG|MMC)\.")


def _token_of(answer: Mapping[str, object]) -> Secret | None:
    token = answer.get("accessToken")
    return Secret(token) if isinstance(token, str) and re.fullmatch(r"[!-~]{1,4096}", token) else None


DRIVER = DriverSpec(
    code="huawei_meeting",
    name="Huawei Cloud Meeting",
    docs="https://support.huaweicloud.com/intl/en-us/api-meeting/meeting_21_0501.html",
    authority=Authority.SELF,
    evidence=Evidence.LOGIN,
    endpoint="https://api.meeting.huaweicloud.com",
    endpoints=("https://api.meeting.huaweicloud.com", "https://api-intl.meeting.huaweicloud.com"),
    account=Account,
    admin=app_login.Admin,
    admin_optional=True,
    policies=POLICIES,
    factory=HuaweiMeeting,
    source="Vendor pages on changing a password (2023-01-31) and on account login; SDK huaweicloudsdkmeeting 3.1.219",
    checked="2026-11-22",
    # Undocumented: how many tries, how long they count (maybe in a row, so longer than a lock holds), the history.
    lockout=Lockout(tries=5, window_seconds=3 * WAIT_SECONDS, in_a_row=True),
    error_table=TABLE,
    sdks=("huaweicloudsdkmeeting",),
)
