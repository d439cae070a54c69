"""Redfish, the DMTF's standard for management controllers: JSON over HTTPS, and errors as messages of a registry.

Sources: DSP0266 1.21 (protocol), DSP0268 (schemas) and the Base message registry, as in redfish 3.4.2 and sushy 5.14.0,
read 2026-11-30. A message id such as ``Base.1.18.PropertyValueError`` ends in the message's key, which alone counts:
the registry's name and version differ between vendors and releases.
"""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from urllib.parse import urlsplit

from rotation.core.errors import (
    AdminRejected,
    CannotVerify,
    DriverError,
    OutcomeUnknown,
    PermissionDenied,
    RotationError,
    UnexpectedReply,
    VendorUnavailable,
)
from rotation.core.secret import Secret
from rotation.core.values import LONGEST_LOCKOUT_SECONDS, Lockout, Progress, TargetRules, Task, TaskState
from rotation.drivers.network.http_messages import HttpReply, HttpRequest, parsed_object
from rotation.drivers.vendor_api import Refusal, VendorApi, nothing_changed

ROOT, ACCOUNT_SERVICE = "/redfish/v1/", "/redfish/v1/AccountService"
SESSIONS = "/redfish/v1/SessionService/Sessions"
_GOES_ON = 202
_FAILED = frozenset({"Exception", "Killed", "Cancelled"})
_CANNOT_TELL = (VendorUnavailable, AdminRejected, PermissionDenied, UnexpectedReply)
UNAUTHORIZED = "ResourceAtUriUnauthorized"
_SAME = {"UnauthorizedLoginAttempt": UNAUTHORIZED, "AccessUnauthorized": UNAUTHORIZED}
"""Other keys of a wrong login: HPE's iLO answers with HTTP 400 and its own; the Base registry has two since 1.20."""
_NO_REASON = frozenset({"", "GeneralError", "Success"})
"""Keys that say nothing where another message stands beside them."""
_MAKERS_REPEATS = {"lenovo": 2}
"""By a maker, the longest run of one character that its firmware takes (ThinkSystem, User security, 2026-11-30)."""
_BY_STATUS: Mapping[int, str] = {
    400: "GeneralError",
    401: UNAUTHORIZED,
    403: "InsufficientPrivilege",
    404: "ResourceMissingAtURI",
    405: "OperationNotAllowed",
    409: "ResourceInUse",
    412: "PreconditionFailed",
    428: "PreconditionRequired",
    503: "ServiceTemporarilyUnavailable",
}
"""What a refusal without a message means, by its HTTP status."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What a service answered; ``headers`` has lower-case names, ``body`` is empty where there was none."""

    status: int
    headers: Mapping[str, str] = field(repr=False)
    body: Mapping[str, object] = field(repr=False)

    @property
    def location(self) -> str | None:
        """The path of the resource that the answer is about: its Location, or else its own id."""
        named = str(self.headers.get("location") or self.body.get("@odata.id") or "")
        path = urlsplit(named).path
        return path if re.fullmatch(r"/redfish/[A-Za-z0-9/._~%-]{1,180}", path) else None

    @property
    def messages(self) -> frozenset[str]:
        """The keys of the messages that come along with a resource."""
        return frozenset(_keys(self.body.get("@Message.ExtendedInfo")))


def basic(username: str, password: Secret) -> dict[str, str]:
    """Return the header of a login that makes no session."""
    pair = f"{username}:{password.reveal()}".encode()
    return {"Authorization": f"Basic {base64.b64encode(pair).decode()}"}


@dataclass(frozen=True, kw_only=True)
class Redfish(VendorApi[Answer]):
    """One service. An action is a method and a path, such as ``PATCH /redfish/v1/AccountService/Accounts/2``.

    Attributes:
        base: the service's base URL, without a trailing slash.
        headers: those that authorise a call, or guard a change.
    """

    base: str
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)

    def url(self, path: str = "/") -> str:
        """See ``VendorApi``."""
        return self.base + path

    def sign(self, action: str, body: Mapping[str, object]) -> HttpRequest:
        """See ``VendorApi``."""
        method, _, path = action.partition(" ")
        headers = {"Accept": "application/json", "OData-Version": "4.0", **self.headers}
        if body:
            headers["Content-Type"] = "application/json"
        data = json.dumps(body).encode() if body else b""
        return HttpRequest(method=method, url=self.url(path), headers=headers, body=data)

    def parsed(self, reply: HttpReply, *, on: str) -> dict[str, object] | None:  # noqa: ARG002 - the base's signature
        """See ``VendorApi``. An empty answer counts where it says that it speaks OData, as a service's must."""
        body = parsed_object(reply)
        if body is None and not reply.body and "odata-version" in reply.headers:
            body = {}
        return None if body is None else {"answer": Answer(reply.status, reply.headers, body)}

    def get(self, path: str) -> Answer:
        """Read a resource."""
        return self.call(f"GET {path}", {})

    def patch(self, path: str, body: Mapping[str, object]) -> Task | None:
        """Read a resource's ETag, and send one change under it: some services want that, and none minds.

        Returns:
            The task that the service names, where it continues by itself.
        """
        seen = self.get(path)
        tag = str(seen.headers.get("etag") or seen.body.get("@odata.etag") or "")
        guard = {"If-Match": tag} if re.fullmatch(r"[!-~]{1,200}", tag) else {}
        guarded = replace(self, headers={**self.headers, **guard})
        answer = guarded.call(f"PATCH {path}", body, on="change")
        if answer.status != _GOES_ON:
            return None
        if answer.location is None:
            raise OutcomeUnknown("the device continues by itself, but names no task")
        return Task(answer.location)

    def progress(self, task: Task) -> Progress:
        """Read a task, or its monitor, which gives the change's own answer at the end."""
        try:
            answer = self.get(task.id)
        except DriverError as refusal:
            if isinstance(refusal, _CANNOT_TELL):
                raise
            return Progress(TaskState.FAILED, "the device refused in the end, or no longer knows the task")
        state = str(answer.body.get("TaskState") or "Completed")
        if answer.status == _GOES_ON or state not in _FAILED | {"Completed"}:
            return Progress(TaskState.RUNNING)
        return Progress(TaskState.FAILED, "the device's task failed") if state in _FAILED else Progress(TaskState.DONE)

    def log_in(self, username: str, password: Secret) -> None:
        """Make a session, and delete it.

        Raises:
            CannotVerify: the password is right, but opens nothing before it is changed.
        """
        answer = self.call(f"POST {SESSIONS}", {"UserName": username, "Password": password.reveal()}, on="login")
        token = answer.headers.get("x-auth-token")
        if token is None:
            raise nothing_changed(UnexpectedReply("the device's login answer holds no token"))
        with suppress(RotationError):  # the session ends by itself, and the verdict matters more
            replace(self, headers={"X-Auth-Token": token}).call(f"DELETE {answer.location or SESSIONS}", {})
        if "PasswordChangeRequired" in answer.messages:
            message = "the password is right, but the device wants it changed before it opens anything"
            raise CannotVerify(message, vendor_code="PasswordChangeRequired")

    def outcome(self, answer: dict[str, object]) -> Answer | Refusal:
        """See ``VendorApi``."""
        given = answer["answer"]
        assert isinstance(given, Answer)  # noqa: S101 - ``parsed`` made it
        if given.status < 300:  # noqa: PLR2004 - refusals start here
            return given
        error = given.body.get("error")
        error = error if isinstance(error, dict) else {}
        keys = [*_keys(error.get("@Message.ExtendedInfo")), _key(error.get("code"))]
        named = [_SAME.get(key, key) for key in keys if key not in _NO_REASON]
        # Makers put messages of their own registries and warnings beside the one that we know.
        known = {row.vendor_code for row in self.table}
        code = next((key for key in named if key in known), next(iter(named), None))
        return Refusal(code or _BY_STATUS.get(given.status, "GeneralError" if error else ""))


def _keys(messages: object) -> Iterator[str]:
    for each in messages if isinstance(messages, list) else ():
        if isinstance(each, dict):
            yield _key(each.get("MessageId"))


def _key(message_id: object) -> str:
    return str(message_id or "").rpartition(".")[2]


def whole(service: Mapping[str, object], name: str) -> int:
    """Return a number of a resource; 0 where it is missing, null or no whole number above 0."""
    value = service.get(name)
    return value if isinstance(value, int) and not isinstance(value, bool) and value > 0 else 0


def maker(root: Mapping[str, object]) -> str:
    """Return the maker's name in lower-case letters: the service root's ``Vendor``, or else the key of its ``Oem``."""
    oem = root.get("Oem")
    named = root.get("Vendor") or next(iter(oem if isinstance(oem, dict) else ()), "")
    return str(named).lower()


def rules(service: Mapping[str, object], root: Mapping[str, object]) -> TargetRules:
    """Return what an AccountService tells about passwords and lock-out, and its maker's rule that it does not tell.

    What they lack is not narrowed.

    A counter that is reset some time after the *last* wrong login adds up over any time, so that wrong logins in a row
    count. Where the device names neither that time nor the lock's duration, or resets no counter, only an administrator
    unlocks.
    """
    tries = whole(service, "AccountLockoutThreshold")
    held = max(whole(service, "AccountLockoutCounterResetAfter"), whole(service, "AccountLockoutDuration"))
    if service.get("AccountLockoutCounterResetEnabled") is False:
        held = 0
    window = min(held or 86_400, LONGEST_LOCKOUT_SECONDS)
    repeats = next((most for name, most in _MAKERS_REPEATS.items() if name in maker(root)), 0)
    return TargetRules(
        source=f"GET {ACCOUNT_SERVICE} and {ROOT}" if repeats else f"GET {ACCOUNT_SERVICE}",
        min_length=whole(service, "MinPasswordLength"),
        max_length=whole(service, "MaxPasswordLength"),
        max_repeat=repeats,
        history=whole(service, "EnforcePasswordHistoryCount"),
        lockout=Lockout(tries, window, in_a_row=True) if tries else None,
    )
