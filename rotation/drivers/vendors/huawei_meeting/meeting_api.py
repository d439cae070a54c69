"""Cloud Meeting's API: its logins, what its refusals mean and until when they last."""

from __future__ import annotations

import base64
import re
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import replace

from rotation.core.errors import (
    AccountLocked,
    AccountUnusable,
    AdminRejected,
    DriverError,
    OldPasswordRejected,
    RotationError,
    UnexpectedReply,
)
from rotation.core.secret import Secret
from rotation.drivers.contract import Wiring
from rotation.drivers.families.huawei_cloud import HuaweiCloud
from rotation.drivers.network.http_messages import HttpReply
from rotation.drivers.vendor_api import Refusal, is_web_page, nothing_changed
from rotation.drivers.vendors.huawei_meeting import app_login
from rotation.drivers.vendors.huawei_meeting.error_codes import LOCK_MARGIN_SECONDS, TABLE, WAIT_SECONDS

LOGIN = "POST /v1/usg/acs/auth/account"
TOKEN = "DELETE /v1/usg/acs/token"  # noqa: S105 - an action
CLIENT_TYPE = 72
""""API": up to 64 tokens at a time. Any other type would end the session of the human who uses the account."""
# A login answer without any of these does not come from the vendor.
_LOGIN_FIELDS = frozenset({"user", "accessToken", "clientType", "tokenType", "validPeriod", "createTime", "pwdExpired"})


class MeetingApi(HuaweiCloud):
    """The API, with the headers that authorise a call."""

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
            return AccountUnusable(
                "the account is disabled", hint="Enable the account in the console.", request_id=request_id
            )
        return None

    def with_token(self, token: Secret) -> MeetingApi:
        """Return the API for calls that a token authorises."""
        return replace(self, authorization={"X-Access-Token": token.reveal()})

    def log_in(self, username: str, password: Secret, *, token_type: int) -> dict[str, object]:
        """Log in with a password; the type 1 makes no token.

        Raises:
            UnexpectedReply: the answer is no login's.
        """
        pair = f"{username}:{password.reveal()}".encode()
        headers = {"Authorization": f"Basic {base64.b64encode(pair).decode()}"}
        body = {"account": username, "clientType": CLIENT_TYPE, "createTokenType": token_type}
        answer = replace(self, authorization=headers).call(LOGIN, body, on="login")
        if _LOGIN_FIELDS.isdisjoint(answer):
            raise nothing_changed(UnexpectedReply("the vendor's login answer holds none of a login's fields"))
        return answer

    def log_in_by_app(self, user_id: str) -> dict[str, object]:
        """Log in with the enterprise's app id.

        Raises:
            AdminRejected: the vendor refused it.
        """
        admin, now = self.wiring.admin, self.wiring.now()
        headers, body = app_login.login(admin, user_id, client_type=CLIENT_TYPE, now=now)
        try:
            return replace(self, authorization=headers).call(f"POST {app_login.PATH}", body, on="login")
        except OldPasswordRejected as refusal:  # no password was sent, so this says nothing about one
            code, request_id = refusal.vendor_code, refusal.request_id
        raise AdminRejected("the vendor refused the app id's login", vendor_code=code, request_id=request_id)

    def log_out(self, token: Secret) -> None:
        """Make a token useless; it expires by itself, and the result of the change matters more."""
        with suppress(RotationError):
            self.with_token(token).call(TOKEN, {})


def meeting_api(wiring: Wiring) -> MeetingApi:
    """Return the API, for calls that nothing authorises yet."""
    return MeetingApi(wiring=wiring, table=TABLE, code_prefix=r"(?:USG|MMC)\.")


def token_of(answer: Mapping[str, object]) -> Secret | None:
    """Return the token in a login's answer, if it holds one."""
    token = answer.get("accessToken")
    return Secret(token) if isinstance(token, str) and re.fullmatch(r"[!-~]{1,4096}", token) else None
