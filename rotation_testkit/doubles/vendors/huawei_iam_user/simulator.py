"""Huawei Cloud IAM: resets by a key's owner, changes by users, tokens, and the account's two policies.

The calls that come from Keystone refuse with a status and a sentence, the others with a code.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Mapping
from typing import cast

from rotation.core.secret import Secret
from rotation_testkit.doubles.families.huawei_cloud import HuaweiGateway, refusal
from rotation_testkit.doubles.vendor_api.call import Call, Refused, Reply
from rotation_testkit.doubles.vendor_api.faults import FaultPlan
from rotation_testkit.doubles.vendor_api.signed import SignedSimulator, SigningKey
from rotation_testkit.doubles.vendors.huawei_iam_user.users import IamPolicies, IamUser, Users

DOMAIN, DOMAIN_NAME = "d78cbac186b744899480f25bd022f468", "IAMDomain"  # those of the vendor's samples
RESET, CHANGE = "PUT /v3.0/OS-USER/users", "POST /v3/users/password"
LOGIN, LOGOUT = "POST /v3/auth/tokens", "DELETE /v3/auth/tokens"
SHOW = "GET /v3/users"
PASSWORD_POLICY = "GET /v3.0/OS-SECURITYPOLICY/domains/password-policy"  # noqa: S105 - a call
LOGIN_POLICY = "GET /v3.0/OS-SECURITYPOLICY/domains/login-policy"
_ID = re.compile(r"/([0-9a-f]{32})(?=/|$)")
_KEYSTONE: Mapping[str, tuple[int, str, str]] = {
    "IAM.0007": (400, "Bad Request", "Request parameter is invalid."),
    "IAM.0001": (401, "Unauthorized", "The request you have made requires authentication."),
    "IAM.0061": (401, "Unauthorized", "The account is locked."),
    "IAM.0062": (401, "Unauthorized", "The username or password is wrong."),
    "IAM.0002": (403, "Forbidden", "You are not authorized to perform the requested action."),
    "IAM.0004": (404, "Not Found", "Could not find user."),
    "IAM.0005": (409, "Conflict", "Conflict occurred when attempting to store user."),
    "IAM.0012": (429, "Too Many Requests", "The throttling threshold has been reached."),
    "IAM.0006": (
        500,
        "Internal Server Error",
        "An unexpected error occurred.",
    ),
}
_STATUSES: Mapping[int, str] = {
    400: "1100 1101 1103 1108 1109 1118 IAM.0007 IAM.0011 IAM.0072 IAM.0073 IAM.1101 IAM.1102 IAM.1103 IAM.1104"
    " IAM.1105 IAM.1106 IAM.1107 IAM.1108",
    401: "IAM.0001 IAM.0061 IAM.0062 IAM.0063 IAM.0064 IAM.0066 IAM.0067",
    403: "IAM.0002 IAM.0003 IAM.0080 IAM.0081 IAM.0082 IAM.0083",
    404: "IAM.0004",
    409: "IAM.0005",
    410: "IAM.0020",
    429: "IAM.0012",
    500: "IAM.0006",
}
CODES: Mapping[str, tuple[int, str]] = {
    code: (status, "Refused by IAM.") for status, codes in _STATUSES.items() for code in codes.split()
}


class HuaweiIam(SignedSimulator):
    """The simulated API of iam.myhuaweicloud.com, v3 and v3.0.

    Args:
        clock: seconds since the epoch.
        faults: what goes wrong; operations are "METHOD /path", without ids.
        policies: the account's policies.
        credentials: an administrator's key; a fresh one by default.
    """

    def __init__(
        self,
        *,
        clock: Callable[[], float] = time.time,
        faults: FaultPlan | None = None,
        policies: IamPolicies | None = None,
        credentials: SigningKey | None = None,
    ) -> None:
        super().__init__(clock=clock, faults=faults)
        self.policies = policies or IamPolicies()
        self.sign_with(credentials)
        self._gateway = HuaweiGateway(clock, self.keys)
        self.users = Users(clock, self.policies)
        self._signed: dict[str, Callable[[Call, str], Reply]] = {
            RESET: self._reset,
            SHOW: self._show,
            PASSWORD_POLICY: self._password_policy,
            LOGIN_POLICY: self._login_policy,
        }
        self._open = {LOGIN: self._log_in, LOGOUT: self._log_out, CHANGE: self._change}

    # What a test sets up and looks at.

    def add_user(self, user_id: str, name: str, password: Secret) -> IamUser:
        """Create a user whose password is a day old; its fields are switches."""
        made = self.users.by_id[user_id] = IamUser(user_id, name, password, self.clock() - 86_400)
        return made

    def user(self, user_id: str) -> IamUser:
        """Return a user as it is now. Raises ``KeyError`` when there is none."""
        self.settle()
        return self.users.by_id[user_id]

    # The vendor's API.

    def operation(self, call: Call) -> str:
        """Return the method and the path without its id, of a known call."""
        name = f"{call.method} {_ID.sub('', call.path)}"
        return name if name in self._signed or name in self._open else "-"

    def respond(self, call: Call) -> Reply:
        """Check signature or token, then act."""
        if call.operation in self._open:
            return self._open[call.operation](call)
        named = _ID.search(call.path)
        if call.operation == "-" or named is None:
            raise Refused("APIGW.0101")
        self._gateway.admit(call)
        if call.headers.get("X-Domain-Id", DOMAIN) != DOMAIN:
            raise Refused("IAM.0002")
        return self._signed[call.operation](call, named[1])

    def refuse(self, call: Call, refused: Refused) -> Reply:
        """Word a refusal as the call's own ancestor does."""
        if refused.code not in _KEYSTONE or not call.path.startswith("/v3/"):
            return refusal(call, refused, CODES)
        status, title, message = _KEYSTONE[refused.code]
        error = {"code": status, "message": message, "title": title}
        return Reply.of({"error": error}, status=refused.status or status, outcome=refused.code)

    def throttle(self, call: Call) -> Reply:
        """Answer with the vendor's code."""
        return self.refuse(call, Refused("IAM.0012"))

    # The calls.

    def _reset(self, call: Call, user_id: str) -> Reply:
        user, wanted = self._user(user_id), _object(call.json_object("IAM.0011"), "user")
        password = self.users.check(user, wanted.get("password"), reset=True)
        must_change = wanted.get("pwd_status", user.must_change)
        if not isinstance(must_change, bool):
            raise Refused("IAM.1102", "pwd_status")

        def effect() -> None:
            self.users.change(user, password)
            user.must_change = must_change

        call.commit(effect)
        return Reply.of({"user": {"id": user_id, "name": user.name, "pwd_status": must_change, "domain_id": DOMAIN}})

    def _change(self, call: Call) -> Reply:
        named = _ID.search(call.path)
        holder = self.users.of_token(call.headers.get("X-Auth-Token"))
        if named is None or named[1] != holder.user_id:
            raise Refused("IAM.0002")
        wanted = _object(call.json_object("IAM.0011"), "user")
        if not isinstance(wanted.get("original_password"), str):
            raise Refused("IAM.0072", "original_password")
        if Secret(str(wanted["original_password"])) != holder.password:
            raise Refused("1103")
        password = self.users.check(holder, wanted.get("password"), reset=False)
        call.commit(lambda: self.users.change(holder, password))
        return Reply(204)

    def _log_in(self, call: Call) -> Reply:
        asked = _object(call.json_object("IAM.0011"), "auth")
        identity, scope = _object(asked, "identity"), _object(asked, "scope")
        user = _object(_object(identity, "password"), "user")
        domain, wanted = _object(user, "domain").get("name"), _object(scope, "domain").get("name")
        if identity.get("methods") != ["password"] or wanted != domain:
            raise Refused("IAM.0007")
        if domain != DOMAIN_NAME:
            raise Refused("IAM.0062")
        found = self.users.log_in(user.get("name"), user.get("password"))
        view = {"id": found.user_id, "name": found.name, "domain": {"id": DOMAIN, "name": DOMAIN_NAME}}
        body: dict[str, object] = {"methods": ["password"], "user": view}
        if call.query.get("nocatalog") is None:
            body["catalog"] = []
        headers = (("X-Subject-Token", self.users.open(found)),)
        return Reply(201, Reply.of({"token": body}).body, headers=headers)

    def _log_out(self, call: Call) -> Reply:
        self.users.of_token(call.headers.get("X-Auth-Token"))
        subject = call.headers.get("X-Subject-Token", "")
        if self.users.tokens.pop(subject, None) is None:
            raise Refused("IAM.0004")
        return Reply(204)

    def _show(self, call: Call, user_id: str) -> Reply:
        del call
        user = self._user(user_id)
        view = {"id": user_id, "name": user.name, "domain_id": DOMAIN, "enabled": user.enabled}
        return Reply.of({"user": view | {"access_mode": user.access_mode, "pwd_status": user.must_change}})

    def _password_policy(self, call: Call, domain_id: str) -> Reply:
        del call
        self._own(domain_id)
        rules = self.policies
        answer = {
            "minimum_password_length": rules.min_length,
            "maximum_password_length": 32,
            "password_char_combination": rules.classes,
            "maximum_consecutive_identical_chars": rules.max_repeat,
            "password_not_username_or_invert": rules.not_username,
            "minimum_password_age": rules.min_age,
            "number_of_recent_passwords_disallowed": rules.history,
            "password_validity_period": 0,
            "password_requirements": "",
        }
        return Reply.of({"password_policy": answer})

    def _login_policy(self, call: Call, domain_id: str) -> Reply:
        del call
        self._own(domain_id)
        rules = self.policies
        answer = {
            "login_failed_times": rules.tries,
            "period_with_login_failures": rules.period,
            "lockout_duration": rules.lock,
            "account_validity_period": 0,
            "custom_info_for_login": "",
            "session_timeout": 60,
            "show_recent_login_info": False,
        }
        return Reply.of({"login_policy": answer})

    def _user(self, user_id: str) -> IamUser:
        user = self.users.by_id.get(user_id)
        if user is None:
            raise Refused("IAM.0004")
        return user

    def _own(self, domain_id: str) -> None:
        if domain_id != DOMAIN:
            raise Refused("IAM.0002")


def _object(body: Mapping[str, object], name: str) -> Mapping[str, object]:
    value = body.get(name)
    if not isinstance(value, dict):
        raise Refused("IAM.0072", name)
    return cast("Mapping[str, object]", value)
