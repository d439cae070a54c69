"""Volcengine cloudidentity: signed gateway, user directory, password reset, login settings.

What the vendor's documents leave open is an attribute of ``service``, of ``directory`` or of the simulator.
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable, Mapping
from dataclasses import replace

from rotation.core.secret import Secret
from rotation_testkit.doubles.vendor_api.call import Call, Refused, Reply
from rotation_testkit.doubles.vendor_api.faults import FaultPlan
from rotation_testkit.doubles.vendor_api.reset_simulator import Limiter, ResetSimulator
from rotation_testkit.doubles.vendors.volcengine_cloudidentity.directory import Directory, User
from rotation_testkit.doubles.vendors.volcengine_cloudidentity.gateway import (
    CODES,
    SERVICE,
    VERSION,
    AccessKey,
    Authorization,
    Code,
    Gateway,
)
from rotation_testkit.doubles.vendors.volcengine_cloudidentity.service import Body, DirectoryService

__all__ = ["AccessKey", "Directory", "DirectoryService", "User", "VolcengineCloudIdentity"]


class VolcengineCloudIdentity(ResetSimulator[AccessKey, User]):
    """The simulated API of open.volcengineapi.com, service cloudidentity, version 2023-01-01.

    Args:
        clock: seconds since the epoch.
        faults: what goes wrong; operations are the action names.
        credentials: the account's key; a fresh one by default.
        reset_delay: seconds until a reset is in force; meanwhile another one gets ConcurrentException.
    """

    request_id_header = "X-Tt-Logid"

    def __init__(
        self,
        *,
        clock: Callable[[], float] = time.time,
        faults: FaultPlan | None = None,
        credentials: AccessKey | None = None,
        reset_delay: float = 0,
    ) -> None:
        super().__init__(clock=clock, faults=faults)
        self.credentials = credentials or _new_key()
        self.keys = {self.credentials.access_key: self.credentials}
        self.directory = Directory(clock)
        self.targets = self.directory.users
        self.service = DirectoryService(self.directory, self.later, reset_delay)
        self.per_action = Limiter(clock, None, 1)  # the vendor publishes no figure
        self.per_account = Limiter(clock, None, 1)
        self._gateway = Gateway(clock, self.keys)

    # What a test sets up and looks at.

    def add_key(self, *, token: Secret | None = None, denials: Mapping[str, str] | None = None) -> AccessKey:
        """Make another key: a temporary one with its session token, or one that may not do everything."""
        key = replace(_new_key(), token=token, denials=denials or {})
        self.keys[key.access_key] = key
        return key

    def add_user(self, user_name: str, password: Secret | None, *, user_id: str = "", source: str = "Manual") -> User:
        """Create a user. The result's fields are switches for the test."""
        with self.lock:
            user = self.directory.make(user_name, password, user_id=user_id, source=source)
            self.directory.users[user.user_id] = user
        return user

    def user(self, user_id: str) -> User:
        """Return a user as it is now. Raises ``KeyError`` when there is none."""
        return self.target(user_id)

    def live_password(self, user_id: str) -> Secret | None:
        """Return the password that is in force."""
        return self.user(user_id).password

    def portal_login(self, user_id: str) -> Callable[[str, str], bool]:
        """Return the portal's check of name and password, for a login probe of the deployment's own.

        A password that must be changed at the next login is useless for a machine.
        """

        def check(name: str, password: str) -> bool:
            user = self.user(user_id)
            possible = self.directory.running and self.directory.login_settings["Password"] and not user.must_change
            return possible and name == user.user_name and user.password == Secret(password)

        return check

    # The vendor's gateway.

    def operation(self, call: Call) -> str:
        """Return the action's name."""
        action = call.query.get("Action", "")
        return action if action in self.service.actions else "-"

    def respond(self, call: Call) -> Reply:
        """Check signature, action, method, right and rate, then act."""
        for name in ("Action", "Version"):
            if not call.query.get(name):
                raise Refused("MissingParameter", name)
        key = self._gateway.admit(call)
        action, version = call.query["Action"], call.query["Version"]
        if action not in self.service.actions or version != VERSION:
            raise Refused("InvalidActionOrVersion", f"{action} for version {version}")
        if call.method not in ({"GET", "POST"} if action.startswith(("Get", "List")) else {"POST"}):
            raise Refused("MethodNotAllowed")
        if action in key.denials:
            raise Refused(key.denials[action], action)
        if not self.per_action.take(action):
            raise Refused("FlowLimitExceeded")
        if not self.per_account.take(""):
            raise Refused("AccountFlowLimitExceeded")
        result = self.service.actions[action](call, _body(call))
        return Reply.of({"ResponseMetadata": _metadata(call), "Result": result})

    def refuse(self, call: Call, refusal: Refused) -> Reply:
        """Return the code's own HTTP status with an Error in the metadata."""
        known = CODES.get(refusal.code, Code(400, "Unknown error"))
        error: Body = {} if known.number is None else {"CodeN": known.number}
        error |= {"Code": refusal.code, "Message": known.message.format(refusal.detail)}
        payload = {"ResponseMetadata": _metadata(call) | {"Error": error}}
        return Reply.of(payload, status=refusal.status or known.status, outcome=refusal.code)

    def throttle(self, call: Call) -> Reply:
        """Answer with FlowLimitExceeded."""
        return self.refuse(call, Refused("FlowLimitExceeded"))


def _metadata(call: Call) -> Body:
    try:
        region = Authorization.parse(call.headers.get("Authorization", "")).region
    except Refused:
        region = ""
    return {
        "RequestId": call.request_id,
        "Action": call.query.get("Action", ""),
        "Version": call.query.get("Version", ""),
        "Service": SERVICE,
        "Region": region,
    }


def _body(call: Call) -> Body:
    if call.method == "GET":
        return {name: value for name, value in call.query.items() if name not in {"Action", "Version"}}
    return call.json_object("InvalidParam", "body[]")


def _new_key() -> AccessKey:
    return AccessKey("AKLT" + secrets.token_hex(16), Secret(secrets.token_urlsafe(32)))
