"""A management controller: service root, accounts, sessions and tasks, by DMTF's DSP0266 and DSP0268.

What the standard leaves to the device is a field of ``DeviceRules``.
"""

from __future__ import annotations

import base64
import binascii
import json
import re
import time
from collections.abc import Callable, Mapping

from rotation.core.secret import Secret
from rotation_testkit.doubles.vendor_api.call import Call, Refused, Reply
from rotation_testkit.doubles.vendor_api.faults import FaultPlan
from rotation_testkit.doubles.vendor_api.simulator import Simulator
from rotation_testkit.doubles.vendors.redfish_bmc.accounts import WRONG, Accounts, DeviceAccount, DeviceRules

ROOT, SERVICE = "/redfish/v1", "/redfish/v1/AccountService"
SESSIONS, TASKS = "/redfish/v1/SessionService/Sessions", "/redfish/v1/TaskService/TaskMonitors"
LOGIN, CHANGE = f"POST {SESSIONS}", f"PATCH {SERVICE}/Accounts"
_STATUSES: Mapping[int, str] = {
    400: "PropertyValueError PropertyValueFormatError PropertyValueIncorrect PropertyValueTypeError"
    " PropertyValueNotInList PropertyValueOutOfRange PropertyValueConflict StringValueTooLong StringValueTooShort"
    " InvalidPassword PropertyNotWritable StrictAccountTypes AccountNotModified PropertyUnknown"
    " PropertyMissing PropertyDuplicate NoOperation MalformedJSON EmptyJSON UnrecognizedRequestBody HeaderMissing"
    " HeaderInvalid OperationFailed ActionNotSupported GeneralError PropertyValueResourceConflict"
    " PropertyValueExternalConflict PasswordIncorrectLength PasswordComplexityNotMet PasswordReuseTooRecent InvalidJSON"
    " InvalidObject ResourceTypeIncompatible CreateFailedMissingReqProperties OneTimePasscodeSent",
    401: "ResourceAtUriUnauthorized AccessUnauthorized NoValidSession AuthenticationTokenRequired",
    403: "InsufficientPrivilege AccessDenied PasswordChangeRequired LicenseRequired AccessForbidden RestrictedRole"
    " RestrictedPrivilege GenerateSecretKeyRequired",
    404: "ResourceMissingAtURI ResourceNotFound InvalidURI",
    405: "OperationNotAllowed",
    406: "NotAcceptable",
    409: "ResourceInUse ResourceInStandby",
    412: "PreconditionFailed",
    413: "PayloadTooLarge",
    415: "UnsupportedMediaType",
    428: "PreconditionRequired",
    500: "InternalError OperationTimeout ServiceInUnknownState UndeterminedFault ResourceAtUriInUnknownFormat"
    " PropertyNotUpdated",
    503: "ServiceTemporarilyUnavailable ServiceShuttingDown ServiceDisabled ResourceExhaustion SessionLimitExceeded"
    " CreateLimitReachedForResource",
    507: "InsufficientStorage",
}
STATUS: Mapping[str, int] = {key: status for status, keys in _STATUSES.items() for key in keys.split()}
_ODATA = (("OData-Version", "4.0"), ("Cache-Control", "no-store"))


class RedfishBmc(Simulator):
    """The simulated controller, with an administrator's account.

    Args:
        clock: seconds since the epoch.
        faults: what goes wrong; operations are "METHOD /path", without the ids at its end.
        rules: what the device does where the standard leaves it open.
    """

    def __init__(
        self,
        *,
        clock: Callable[[], float] = time.time,
        faults: FaultPlan | None = None,
        rules: DeviceRules | None = None,
    ) -> None:
        super().__init__(clock=clock, faults=faults)
        self.rules = rules or DeviceRules()
        self.directory = Accounts(clock, self.rules)
        self.admin = self.add_account("1", "administrator", Secret("Admin-of-the-1-device"), role="Administrator")
        self.tasks: dict[str, str] = {}
        self._routes: dict[str, Callable[[Call], Reply]] = {
            f"GET {ROOT}": self._root,
            f"GET {SERVICE}": self._service,
            f"GET {SERVICE}/Accounts": self._account,
            CHANGE: self._change,
            LOGIN: self._login,
            f"GET {SESSIONS}": self._session_list,
            f"DELETE {SESSIONS}": self._logout,
            f"GET {TASKS}": self._task,
        }

    # What a test sets up and looks at.

    def add_account(self, account_id: str, username: str, password: Secret, *, role: str = "Operator") -> DeviceAccount:
        """Create an account; its fields are switches."""
        made = self.directory.by_id[account_id] = DeviceAccount(account_id, username, password, role)
        return made

    def account(self, account_id: str) -> DeviceAccount:
        """Return an account as it is now. Raises ``KeyError`` when there is none."""
        self.settle()
        return self.directory.by_id[account_id]

    # The device's service.

    def operation(self, call: Call) -> str:
        """Return the method and the path of a known resource, without an id at its end."""
        path = call.path.rstrip("/")
        for known in (f"{SERVICE}/Accounts", SESSIONS, TASKS):
            path = known if path.startswith(known + "/") else path
        name = f"{call.method} {path}"
        return name if name in self._routes else "-"

    def respond(self, call: Call) -> Reply:
        """Route the call."""
        if call.operation == "-":
            self._admit(call)
            raise Refused("ResourceMissingAtURI")
        return self._routes[call.operation](call)

    def refuse(self, call: Call, refusal: Refused) -> Reply:
        """Answer with the key's HTTP status and its message, or with the status alone."""
        del call
        status = refusal.status or STATUS.get(refusal.code, 400)
        headers = _ODATA + ((("WWW-Authenticate", 'Basic realm="bmc"'),) if status == STATUS[WRONG] else ())
        if self.rules.bare_refusals:
            return Reply(status, b"", refusal.code, headers=headers)
        message = {
            "@odata.type": "#Message.v1_1_1.Message",
            "MessageId": f"Base.1.18.{refusal.code}",
            "Message": f"Refused: {refusal.code}.",
            "MessageArgs": [refusal.detail] if refusal.detail else [],
            "RelatedProperties": [f"#/{refusal.detail}"] if refusal.detail else [],
        }
        error = {"code": "Base.1.18.GeneralError", "message": "See ExtendedInfo.", "@Message.ExtendedInfo": [message]}
        made = Reply.of({"error": error}, status=status, outcome=refusal.code)
        return Reply(made.status, made.body, made.outcome, headers=headers)

    def throttle(self, call: Call) -> Reply:
        """Answer with 503; the standard has no other word."""
        return self.refuse(call, Refused("ServiceTemporarilyUnavailable"))

    # The resources.

    def _root(self, call: Call) -> Reply:
        del call  # the service root is open to everybody
        links = {name: {"@odata.id": f"{ROOT}/{name}"} for name in ("AccountService", "SessionService", "Systems")}
        return _resource(
            ROOT,
            "#ServiceRoot.v1_16_1.ServiceRoot",
            {
                "Id": "RootService",
                "Name": "Root Service",
                "RedfishVersion": "1.20.1",
                "Vendor": self.rules.maker,
                "UUID": "92384634-2938-2342-8820-489239905423",
                **links,
                "Links": {"Sessions": {"@odata.id": SESSIONS}},
            },
        )

    def _service(self, call: Call) -> Reply:
        self._admit(call)
        rules = self.rules
        shortest, longest = rules.lengths
        lengths = {"MinPasswordLength": shortest} | ({} if longest is None else {"MaxPasswordLength": longest})
        view = {
            "Id": "AccountService",
            "Name": "Account Service",
            "ServiceEnabled": True,
            "AccountLockoutThreshold": rules.threshold,
            "AccountLockoutDuration": rules.duration,
            "AccountLockoutCounterResetAfter": rules.duration,
            "AccountLockoutCounterResetEnabled": rules.counter_reset,
            "Accounts": {"@odata.id": f"{SERVICE}/Accounts"},
            **(lengths if rules.tells_lengths else {}),
            **({"RequireChangePasswordAction": True} if rules.own_call_only else {}),
        }
        return _resource(SERVICE, "#AccountService.v1_15_0.AccountService", view)

    def _account(self, call: Call) -> Reply:
        self._admit(call)
        return self._view(self._named(call))

    def _view(self, account: DeviceAccount) -> Reply:
        view = {
            "Id": account.account_id,
            "Name": "User Account",
            "UserName": account.username,
            "Password": None,
            "RoleId": account.role,
            "Enabled": account.enabled,
            "Locked": self.directory.locked(account),
            "AccountTypes": ["Redfish"],
            "@odata.etag": account.etag,
        }
        path = f"{SERVICE}/Accounts/{account.account_id}"
        return _resource(path, "#ManagerAccount.v1_12_0.ManagerAccount", view, ("ETag", account.etag))

    def _change(self, call: Call) -> Reply:
        if self._admit(call).role != "Administrator":
            raise Refused("InsufficientPrivilege")
        account = self._named(call)
        guard = call.headers.get("If-Match")
        if guard is None and self.rules.wants_etag:
            raise Refused("PreconditionRequired")
        if guard not in (None, "*", account.etag):
            raise Refused("PreconditionFailed")
        body = call.json_object("MalformedJSON")
        if self.rules.own_call_only or set(body) - {"Password"}:
            raise Refused("PropertyNotWritable", "Password")
        if not body:
            raise Refused("EmptyJSON")
        password = self.directory.check(account, body["Password"])
        if self.rules.task_seconds:
            return self._begin(call, account, password)
        call.commit(lambda: self.directory.change(account, password))
        return self._view(account) if self.rules.change_answer == 200 else Reply(204, headers=_ODATA)  # noqa: PLR2004 - OK

    def _begin(self, call: Call, account: DeviceAccount, password: Secret) -> Reply:
        task = str(len(self.tasks) + 1)
        self.tasks[task] = "Running"

        def end() -> None:
            self.tasks[task] = "Exception" if self.rules.task_fails else "Completed"
            if not self.rules.task_fails:
                self.directory.change(account, password)

        call.commit(lambda: self.later(self.rules.task_seconds, end))
        return self._task_view(task)

    def _task(self, call: Call) -> Reply:
        self._admit(call)
        task = call.path.rpartition("/")[2]
        if task not in self.tasks:
            raise Refused("ResourceMissingAtURI")
        return self._task_view(task)

    def _task_view(self, task: str) -> Reply:
        state, path = self.tasks[task], f"{TASKS}/{task}"
        view = {"Id": task, "Name": f"Task {task}", "TaskState": state, "TaskMonitor": path}
        made = _resource(path, "#Task.v1_7_4.Task", view, ("Location", path))
        return Reply(202 if state == "Running" else 200, made.body, made.outcome, headers=made.headers)

    def _login(self, call: Call) -> Reply:
        body = call.json_object("MalformedJSON")
        name, password = body.get("UserName"), body.get("Password")
        if not isinstance(name, str) or not isinstance(password, str):
            raise Refused("PropertyMissing", "UserName")
        session_id, token = self.directory.open_session(self.directory.log_in(name, password))
        view: dict[str, object] = {"Id": session_id, "Name": "User Session", "UserName": name}
        if self.rules.must_change:
            view["@Message.ExtendedInfo"] = [
                {"MessageId": "Base.1.18.PasswordChangeRequired", "MessageArgs": [f"{SERVICE}/Accounts/2"]}
            ]
        path = f"{SESSIONS}/{session_id}"
        made = _resource(path, "#Session.v1_7_1.Session", view, ("Location", path), ("X-Auth-Token", token))
        return Reply(201, made.body, made.outcome, headers=made.headers)

    def _session_list(self, call: Call) -> Reply:
        self._admit(call)
        members = [{"@odata.id": f"{SESSIONS}/{each}"} for each, _ in self.directory.sessions.values()]
        view = {"Name": "Session Collection", "Members": members, "Members@odata.count": len(members)}
        return _resource(SESSIONS, "#SessionCollection.SessionCollection", view)

    def _logout(self, call: Call) -> Reply:
        self._admit(call)
        named = call.path.rpartition("/")[2]
        ended = [token for token, (session_id, _) in self.directory.sessions.items() if session_id == named]
        if not ended:
            raise Refused("ResourceMissingAtURI")
        del self.directory.sessions[ended[0]]
        return Reply(204, headers=_ODATA)

    # Who calls, and about what.

    def _admit(self, call: Call) -> DeviceAccount:
        token = call.headers.get("X-Auth-Token")
        if token is not None:
            if token not in self.directory.sessions:
                raise Refused("NoValidSession")
            return self.directory.sessions[token][1]
        scheme, _, encoded = call.headers.get("Authorization", "").partition(" ")
        try:
            name, colon, password = base64.b64decode(encoded, validate=True).decode().partition(":")
        except (binascii.Error, UnicodeDecodeError):
            raise Refused(WRONG) from None
        if scheme.lower() != "basic" or not colon:
            raise Refused(WRONG)
        return self.directory.log_in(name, password)

    def _named(self, call: Call) -> DeviceAccount:
        account = self.directory.by_id.get(re.sub(r".*/", "", call.path))
        if account is None:
            raise Refused("ResourceMissingAtURI")
        return account


def _resource(path: str, kind: str, view: Mapping[str, object], *headers: tuple[str, str]) -> Reply:
    body = json.dumps({"@odata.id": path, "@odata.type": kind, **view}).encode()
    return Reply(200, body, headers=_ODATA + headers)
