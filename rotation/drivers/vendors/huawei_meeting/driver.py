"""Huawei Cloud Meeting: the account changes its own password and proves it by logging in.

Facts: the vendor's pages on PUT /v1/usg/acs/password and POST /v1/usg/acs/auth/account. ``username`` is the account
name. The token for a change comes from the old password, or from the enterprise's app id where one is configured. A
password that has expired or must be changed first does not open the account for a machine: the login check then raises
"could not tell" and never counts the password as wrong.
"""

from __future__ import annotations

from dataclasses import dataclass

from rotation.core import settings
from rotation.core.errors import CannotVerify, OldPasswordRejected, UnexpectedReply
from rotation.core.secret import Secret
from rotation.core.values import Authority, Evidence, Lockout, Verdict
from rotation.drivers.contract import DriverSpec, Wiring
from rotation.drivers.vendor_api import nothing_changed
from rotation.drivers.vendors.huawei_meeting import app_login
from rotation.drivers.vendors.huawei_meeting.error_codes import TABLE, WAIT_SECONDS, WRONG_LOGIN
from rotation.drivers.vendors.huawei_meeting.meeting_api import meeting_api, token_of
from rotation.drivers.vendors.huawei_meeting.policy import POLICIES

PASSWORD = "PUT /v1/usg/acs/password"  # noqa: S105 - an action


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


class HuaweiMeeting:
    """Changes the password with the old one, and verifies the new one by a login."""

    def __init__(self, wiring: Wiring) -> None:
        self._by_app, self._api = bool(wiring.admin), meeting_api(wiring)

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
            self._api.with_token(token).call(PASSWORD, body, on="change")
        finally:
            self._api.log_out(token)

    def verify(self, account: Account, password: Secret) -> Verdict:
        """Log in without making a token; see ``Verifies``.

        Raises:
            CannotVerify: a captcha is asked for, or the password is right but must be changed before it opens
                anything.
        """
        try:
            answer = self._api.log_in(account.username, password, token_type=1)
        except OldPasswordRejected as refusal:
            if refusal.vendor_code == WRONG_LOGIN:
                return Verdict.REJECTED
            raise
        stray = token_of(answer)
        if stray is not None:  # we asked for none
            self._api.log_out(stray)
        for flag in ("pwdExpired", "firstLogin"):
            if answer.get(flag) is True:
                raise CannotVerify(
                    "the password is right, but the vendor wants it changed before it opens anything",
                    vendor_code=flag,
                    hint="Change the password once by hand, store it in the secret and start a new rotation.",
                )
        return Verdict.ACCEPTED

    def _token(self, account: Account, current: Secret) -> Secret:
        if self._by_app:
            answer = self._api.log_in_by_app(account.user_id)
        else:
            answer = self._api.log_in(account.username, current, token_type=0)
        token = token_of(answer)
        if token is None:
            raise nothing_changed(UnexpectedReply("the vendor's login answer holds no token"))
        return token


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
