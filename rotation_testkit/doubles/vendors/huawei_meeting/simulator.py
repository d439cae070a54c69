"""Huawei Cloud Meeting: login with lock-out, app-id login, tokens, and the change of one's own password.

What the vendor's documents leave open is a field of ``MeetingRules``.
"""

from __future__ import annotations

import hmac
import secrets
import time
from collections.abc import Callable

from rotation.core.secret import Secret
from rotation_testkit.doubles.vendor_api.call import Call, Refused, Reply
from rotation_testkit.doubles.vendor_api.faults import FaultPlan
from rotation_testkit.doubles.vendor_api.simulator import Simulator
from rotation_testkit.doubles.vendors.huawei_meeting.accounts import AccountDirectory, MeetingAccount, Token
from rotation_testkit.doubles.vendors.huawei_meeting.gateway import AppKey, app_header, basic_pair
from rotation_testkit.doubles.vendors.huawei_meeting.rules import CODES, MeetingRules

__all__ = ["AppKey", "HuaweiMeeting", "MeetingAccount", "MeetingRules"]

_JSON = "application/json;charset=UTF-8"
_DAY = 86_400
_NONCE = range(32, 65)
_ACCOUNT = range(1, 256)
_OLD = range(1, 33)
Body = dict[str, object]


class HuaweiMeeting(Simulator):
    """The simulated API of api.meeting.huaweicloud.com.

    Args:
        clock: seconds since the epoch.
        faults: what goes wrong; operations are "METHOD /path".
        rules: the vendor's rules and the open points.
        credentials: the enterprise's app id and key; a fresh one by default.
    """

    request_id_header = "X-Request-Id"

    def __init__(
        self,
        *,
        clock: Callable[[], float] = time.time,
        faults: FaultPlan | None = None,
        rules: MeetingRules | None = None,
        credentials: AppKey | None = None,
    ) -> None:
        super().__init__(clock=clock, faults=faults)
        self.rules = rules or MeetingRules()
        self.credentials = credentials or AppKey(secrets.token_hex(16), Secret(secrets.token_hex(32)))
        self.directory = AccountDirectory(clock, self.rules)
        self._routes: dict[str, Callable[[Call], Reply]] = {
            "POST /v1/usg/acs/auth/account": self._login,
            "POST /v2/usg/acs/auth/appauth": self._app_login,
            "POST /v1/usg/acs/token/validate": self._validate,
            "PUT /v1/usg/acs/token": self._refresh,
            "DELETE /v1/usg/acs/token": self._logout,
            "PUT /v1/usg/acs/password": self._change,
        }

    # What a test sets up and looks at.

    def add_account(
        self, account: str, password: Secret, *, changed_at: float | None = None, name: str = "", user_id: str = ""
    ) -> MeetingAccount:
        """Create a user. The password is a day old unless ``changed_at`` says otherwise; the fields are switches."""
        born = self.clock() - _DAY if changed_at is None else changed_at
        user = MeetingAccount(account, password, born, user_id or account, name)
        with self.lock:
            self.directory.accounts[account] = user
        return user

    def account(self, account: str) -> MeetingAccount:
        """Return a user as it is now. Raises ``KeyError`` when there is none."""
        self.settle()
        return self.directory.accounts[account]

    def live_password(self, account: str) -> Secret:
        """Return the password that is in force."""
        return self.account(account).password

    def changes(self, account: str) -> int:
        """Return how many changes took effect."""
        return self.account(account).changes

    def wrong_logins(self, account: str) -> int:
        """Return how often a wrong password was presented, as a login or as the old one of a change."""
        return self.account(account).wrong_logins

    def locked(self, account: str) -> bool:
        """Return whether the account is locked now."""
        return self.clock() < self.account(account).locked_until

    def live_tokens(self, account: str) -> int:
        """Return how many valid tokens the account has."""
        return self.directory.live_tokens(account)

    # The vendor's API.

    def operation(self, call: Call) -> str:
        """Return "METHOD /path" of a known call."""
        name = f"{call.method} {call.path}"
        return name if name in self._routes else "-"

    def respond(self, call: Call) -> Reply:
        """Route the call."""
        if call.operation not in self._routes:
            raise Refused("200000004", status=404)
        return self._routes[call.operation](call)

    def refuse(self, call: Call, refusal: Refused) -> Reply:
        """Answer with the USG code, in the envelope that the rules name."""
        del call
        number = refusal.code.removeprefix("USG.")
        status, text = CODES.get(number, (400, "Unknown error"))
        status = refusal.status or self.rules.statuses.get(number, status)
        code_key, text_key = self.rules.envelope
        payload = {code_key: f"USG.{number}", text_key: text}
        return Reply.of(payload, status=status, outcome=f"USG.{number}", content_type=_JSON)

    def throttle(self, call: Call) -> Reply:
        """Answer with HTTP 429 and "system busy": no throttling code is documented."""
        return self.refuse(call, Refused("200000001", status=429))

    # The calls.

    def _login(self, call: Call) -> Reply:
        body = call.json_object("200000003")
        name, password = basic_pair(call.headers.get("Authorization", ""))
        _text(body, "account", _ACCOUNT)
        client_type, kind = _whole(body, "clientType"), _whole(body, "createTokenType", 0)
        if body["account"] != name or kind not in {0, 1}:
            raise Refused("200000003")
        user = self.directory.accounts.get(name)
        if user is None:
            raise Refused("206010000")
        self.directory.check_lock(user)
        if user.captcha is not None and body.get("HA2") != user.captcha:
            raise Refused("206010012" if body.get("HA2") else "206010011")
        self.directory.check_password(user, password, "206010000")
        _usable(user)
        token = None if kind else self.directory.issue(user, client_type)
        return self._session(user, client_type, token)

    def _app_login(self, call: Call) -> Reply:
        body = call.json_object("200000003")
        app_id, nonce = _text(body, "appId"), _text(body, "nonce", _NONCE)
        user_id, corp_id = _text(body, "userId", range(256), ""), _text(body, "corpId", range(256), "")
        expires = _whole(body, "expireTime")
        client_type = _whole(body, "clientType", 72)
        sent = app_header(call.headers.get("Authorization", ""), app_id)
        due = self.credentials.sign(user_id, expires, nonce, corp_id=corp_id)
        if app_id != self.credentials.app_id or not hmac.compare_digest(sent.upper(), due):
            raise Refused("206010025")
        if expires and self.clock() > expires:
            raise Refused("206010057")
        user = self._app_user(user_id, corp_id)
        _usable(user)
        return self._session(user, client_type, self.directory.issue(user, client_type))

    def _app_user(self, user_id: str, corp_id: str) -> MeetingAccount:
        """Find the user of an app-id login; no user id means the enterprise's default administrator."""
        for user in self.directory.accounts.values():
            if corp_id in {"", user.corp_id} and (user.user_id == user_id if user_id else user.admin):
                return user
        raise Refused("201040000")

    def _validate(self, call: Call) -> Reply:
        body = call.json_object("200000003")
        token = self.directory.token(_text(body, "token"))
        user = self.directory.accounts[token.account]
        if body.get("needGenNewToken"):
            token = self.directory.issue(user, token.client_type)
        return self._session(user, token.client_type, token)

    def _refresh(self, call: Call) -> Reply:
        token = self.directory.by_refresh(call.headers.get("X-Access-Token", ""))
        user = self.directory.accounts[token.account]
        self.directory.drop(token)
        return self._session(user, token.client_type, self.directory.issue(user, token.client_type))

    def _logout(self, call: Call) -> Reply:
        self.directory.drop(self.directory.token(call.headers.get("X-Access-Token", "")))
        return Reply(content_type=_JSON)

    def _change(self, call: Call) -> Reply:
        token = self.directory.token(call.headers.get("X-Access-Token", ""))
        body = call.json_object("200000003")
        name, old, new = _text(body, "account", _ACCOUNT), _text(body, "oldPwd", _OLD), _text(body, "newPwd", None)
        user = self.directory.accounts.get(name)
        if user is None:
            raise Refused("206030000")
        if user.account != token.account:
            raise Refused("206030016")
        _changeable(user)
        if not self.rules.old_password_first:
            self._check_age(user)
        self.directory.check_password(user, old, "206030006")
        self._check_age(user)
        recent = self.directory.recent(user)
        if code := self.rules.complaint(new, old=user.password.reveal(), recent=recent, names=user.names):
            raise Refused(code)
        call.commit(lambda: self.directory.change(user, Secret(new)))
        return Reply.of({"account": name}, content_type=_JSON) if self.rules.change_body else Reply(content_type=_JSON)

    def _check_age(self, user: MeetingAccount) -> None:
        if self.clock() - user.changed_at < self.rules.min_age:
            raise Refused("206030011")

    def _session(self, user: MeetingAccount, client_type: int, token: Token | None) -> Reply:
        left = self.rules.max_age_days - self.directory.age_days(user)
        answer: Body = {
            "user": user.view(),
            "clientType": client_type,
            "forceLoginInd": 0,
            "firstLogin": user.first_login,
            "pwdExpired": left < 0,
            "daysPwdAvailable": max(0, int(left)),
            "tokenType": 0,
            "delayDelete": 0,
        }
        if token is not None:
            answer |= _token_view(token)
        return Reply.of(answer, content_type=_JSON)


def _token_view(token: Token) -> Body:
    return {
        "accessToken": token.access,
        "tokenIp": "127.0.0.1",
        "validPeriod": int(token.expires - token.created),
        "expireTime": int(token.expires),
        "createTime": int(token.created * 1000),
        "proxyToken": {
            "accessToken": token.access,
            "longAccessToken": token.access,
            "validPeriod": int(token.expires - token.created),
            "middleEndUrl": "",
        },
        "refreshToken": token.refresh,
        "refreshValidPeriod": int(token.refresh_expires - token.created),
        "refreshExpireTime": int(token.refresh_expires),
        "refreshCreateTime": int(token.created * 1000),
    }


def _usable(user: MeetingAccount) -> None:
    if user.disabled or not user.activated:
        raise Refused("206010007")


def _changeable(user: MeetingAccount) -> None:
    switches = ((user.sso, "206030028"), (user.huawei_account, "206030031"), (not user.changeable, "206030005"))
    for closed, code in switches:
        if closed:
            raise Refused(code)


def _text(body: Body, name: str, lengths: range | None = _ACCOUNT, default: str | None = None) -> str:
    # The vendor's own client sends null for what was not set.
    value = default if body.get(name) is None else body[name]
    if not isinstance(value, str) or (lengths is not None and len(value) not in lengths):
        raise Refused("200000003")
    return value


def _whole(body: Body, name: str, default: int | None = None) -> int:
    value = default if body.get(name) is None else body[name]
    if not isinstance(value, int) or isinstance(value, bool):
        raise Refused("200000003")
    return value
