"""TencentDB for MySQL: instances and accounts behind API 3.0 (``cdb.tencentcloudapi.com``, 2017-03-20).

A change of a password is a task. What the documents leave open is a field of ``Instance``.
"""

from __future__ import annotations

import re
import string
import time
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import ClassVar

from rotation.core.secret import Secret
from rotation_testkit.doubles.families.tencent.api3 import Action, Body, region_of, text, texts, whole
from rotation_testkit.doubles.families.tencent.simulator import TencentSimulator
from rotation_testkit.doubles.vendor_api.call import Call, Refused
from rotation_testkit.doubles.vendor_api.database import DatabaseAccount, DatabaseInstance
from rotation_testkit.doubles.vendor_api.faults import FaultPlan
from rotation_testkit.doubles.vendor_api.reset_simulator import Delays

__all__ = ["Delays", "Instance", "TencentCdb"]

_SPECIALS = "_+-&=!@#$%^*()"
_KINDS = (string.ascii_letters, string.digits, _SPECIALS)
_LONGEST, _MOST_ROWS = 64, 100
REGION = "ap-guangzhou"


@dataclass(slots=True, kw_only=True)
class Instance(DatabaseInstance):
    """One instance; ``hosts`` are those of each user. Tests may flip its fields while it is served."""

    region: str = REGION
    running: int = 1  # the vendor's Status
    task_status: int = 0
    kind: int = 1  # the vendor's InstanceType
    initialised: int = 1
    window: float = 0  # seconds until the maintenance window, for which tasks wait
    ends_as: str = "SUCCESS"  # of the next tasks; the password changes with SUCCESS alone
    hosts: dict[str, list[str]] = field(default_factory=dict)
    rotated_by_vendor: set[str] = field(default_factory=set)

    def describe(self) -> Body:
        """Return the fields of the vendor's InstanceInfo that concern a reset."""
        return {
            "InstanceId": self.instance_id,
            "InstanceName": "orders",
            "InstanceType": self.kind,
            "Status": self.running,
            "TaskStatus": self.task_status,
            "InitFlag": self.initialised,
            "EngineVersion": "8.0",
            "Vip": self.host,
            "Vport": self.port,
            "WanStatus": 1 if self.public else 0,
            "WanDomain": self.public,
            "WanPort": self.port if self.public else 0,
        }


class TencentCdb(TencentSimulator):
    """The simulated API; see ``TencentSimulator``. Tasks take no time by default."""

    service, version = "cdb", "2017-03-20"
    messages: ClassVar[Mapping[str, str]] = {
        "CdbError": "The backend failed.",
        "FailedOperation.AsyncTaskStatusError": "The state of the asynchronous task is wrong.",
        "FailedOperation.CreateAccountError": "The account could not be created.",
        "FailedOperation.GetPrivilegeError": "The privileges could not be read.",
        "FailedOperation.JsonUnmarshalError": "JSON could not be decoded.",
        "FailedOperation.PrivilegeDataIllegal": "The privileges are illegal.",
        "FailedOperation.ResponseValueError": "The response is wrong.",
        "FailedOperation.StartFlowError": "The flow could not be started.",
        "FailedOperation.StatusConflict": "The state conflicts with a running task.",
        "FailedOperation.SubmitAsyncTaskError": "The asynchronous task could not be submitted.",
        "InternalError.DBError": "The database failed.",
        "InternalError.DatabaseAccessError": "The database cannot be accessed.",
        "InternalError.DesError": "The storage failed.",
        "InternalError.InternalAssertError": "An assertion failed.",
        "InternalError.InternalRequestError": "An internal request failed.",
        "InternalError.RegexpCompileError": "A regular expression could not be compiled.",
        "InternalError.UnknownError": "Unknown internal error.",
        "InvalidParameter.InstanceNotFound": "The instance does not exist.",
        "InvalidParameterValue.AccountDescriptionCharacterError": "The remark has a wrong character.",
        "InvalidParameterValue.AccountDescriptionLengthError": "The remark has a wrong length.",
        "InvalidParameterValue.AccountHostRuleError": "The host breaks the rule.",
        "InvalidParameterValue.AccountPasswordCharacterError": "The password has a wrong character.",
        "InvalidParameterValue.AccountPasswordLengthError": "The password has a wrong length.",
        "InvalidParameterValue.AccountPasswordRuleError": "The password breaks the rule.",
        "InvalidParameterValue.DataConvertError": "A value could not be converted.",
        "InvalidParameterValue.UserNameRuleError": "The user's name breaks the rule.",
        "InvalidParameterValue.UserNotExistError": "The user does not exist.",
        "InvalidParameterValue.VerifyAccountNoRootError": "The account is not root.",
        "InvalidParameterValue.VerifyAccountPasswordError": "The password of the account is wrong.",
        "InvalidParameterValue.VerifyAccountPrivError": "The privileges of the account do not suffice.",
        "MissingParameter.AccountMissingParameterError": "A parameter of the account is missing.",
        "OperationDenied.DeleteRootAccountError": "root cannot be deleted.",
        "OperationDenied.NotSupportModifyLocalRootHostError": "The host of the local root cannot be changed.",
        "OperationDenied.UserHasNoStrategy": "The user has no strategy of CAM.",
        "OperationDenied.WrongPassword": "The password is wrong.",
        "OperationDenied.WrongStatus": "The status of the instance is wrong.",
        "ResourceNotFound.CdbInstanceNotFoundError": "The instance does not exist.",
        "UnsupportedOperation.PrivilegesUnsupportedError": "The privileges are not supported.",
        "CdbError.TaskError": "The backend task failed.",
        "FailedOperation.DBOperationActionError": "The operation on the database failed.",
        "FailedOperation.InstanceQueryError": "The query for the instance failed.",
        "InternalError.CdbError": "System error.",
        "InternalError.DBOperationError": "An operation on the database failed inside.",
        "InternalError.FtpError": "The file transfer failed.",
        "InternalError.HttpError": "The HTTP request failed.",
        "InternalError.InternalHttpServerError": "The request could not be executed.",
        "InternalError.InternalServiceErrorErr": "An internal service could not be reached.",
        "InternalError.UndefinedError": "Undefined error.",
        "InvalidParameter.ControllerNotFoundError": "The interface was not found.",
        "InvalidParameter.ExceptionParam": "The parameter is abnormal.",
        "InvalidParameter.InvalidAsyncRequestId": "The asynchronous task does not exist.",
        "InvalidParameterValue.InvalidParameterValueError": "The value of the parameter is invalid.",
        "OperationDenied.InstTypeNotSupport": "The type of the instance does not support the operation.",
        "OperationDenied.OperationDeniedError": "The operation was denied.",
        "ResourceNotFound.InstanceNotFoundError": "There is no instance of this id.",
    }

    def __init__(
        self,
        *,
        clock: Callable[[], float] = time.time,
        faults: FaultPlan | None = None,
        delays: Delays | None = None,
    ) -> None:
        super().__init__(clock=clock, faults=faults)
        self.delays = delays or Delays()
        self.instances: dict[str, Instance] = {}
        self.tasks: dict[str, str] = {}

    def add_instance(self, instance_id: str, *, port: int = 0) -> Instance:
        """Create a running instance without accounts. The result's fields are switches."""
        made = self.instances[instance_id] = Instance(instance_id=instance_id, engine="MySQL", status="1", port=port)
        return made

    def add_account(self, instance_id: str, name: str, password: Secret, *hosts: str) -> DatabaseAccount:
        """Create an account, by default one that may log in from anywhere."""
        instance = self.instances[instance_id]
        instance.hosts[name] = list(hosts or ("%",))
        return instance.add(name, password)

    def account(self, instance_id: str, name: str) -> DatabaseAccount:
        """Return an account as it is now."""
        self.settle()
        return self.instances[instance_id].accounts[name]

    def actions(self) -> Mapping[str, Action]:
        """See ``TencentSimulator``."""
        return {
            "DescribeDBInstances": Action(self._describe, (), ("InstanceIds", "Offset", "Limit")),
            "DescribeAccounts": Action(self._accounts, ("InstanceId",), ("AccountRegexp", "Offset", "Limit")),
            "ModifyAccountPassword": Action(self._reset, ("InstanceId", "NewPassword", "Accounts")),
            "DescribeAsyncRequestInfo": Action(self._task, ("AsyncRequestId",)),
        }

    def _describe(self, call: Call, body: Body) -> Body:
        wanted = texts(body, "InstanceIds")
        here = [each for each in self.instances.values() if each.region == region_of(call)]
        found = [each.describe() for each in here if not wanted or each.instance_id in wanted]
        return {"TotalCount": len(found), "Items": _page(body, found)}

    def _accounts(self, call: Call, body: Body) -> Body:
        instance, pattern = self._instance(call, body), text(body, "AccountRegexp", "")
        found = [
            {"User": name, "Host": host, "Notes": "", "OpenCam": name in instance.rotated_by_vendor}
            for name, hosts in instance.hosts.items()
            for host in hosts
            if re.search(pattern, name)
        ]
        return {"TotalCount": len(found), "Items": _page(body, found), "MaxUserConnections": 10240}

    def _reset(self, call: Call, body: Body) -> Body:
        instance, password = self._instance(call, body), text(body, "NewPassword")
        named = body["Accounts"]
        if not isinstance(named, list) or not named:
            raise Refused("MissingParameter.AccountMissingParameterError", "Accounts")
        names = [_name(instance, one) for one in named]
        for name in names:
            instance.accounts[name].attempts += 1
        if instance.task_status:
            raise Refused("FailedOperation.StatusConflict")
        _judge(password)
        task = str(uuid.UUID(int=len(self.tasks) + 1))
        begin = partial(self._begin, task, instance, names)
        call.commit(partial(begin, Secret(password)), pretence=partial(begin, None))
        return {"AsyncRequestId": task}

    def _begin(self, task: str, instance: Instance, names: list[str], password: Secret | None) -> None:
        self.tasks[task] = "UNDEFINED" if instance.window else "RUNNING"
        if not instance.window:
            instance.task_status = 8
        self.later(instance.window, partial(self._run, task, instance, names, password))

    def _run(self, task: str, instance: Instance, names: list[str], password: Secret | None) -> None:
        self.tasks[task], instance.task_status = "RUNNING", 8
        self.later(self.delays.reset, partial(self._end, task, instance, names, password))

    def _end(self, task: str, instance: Instance, names: list[str], password: Secret | None) -> None:
        self.tasks[task], instance.task_status = instance.ends_as, 0
        if password is not None and instance.ends_as == "SUCCESS":
            for name in names:
                self.later(self.delays.guest, partial(instance.reset, name, password))

    def _task(self, _call: Call, body: Body) -> Body:
        task = text(body, "AsyncRequestId")
        if task not in self.tasks:
            raise Refused("InvalidParameter.InvalidAsyncRequestId", "AsyncRequestId")
        return {"Status": self.tasks[task], "Info": ""}

    def _instance(self, call: Call, body: Body) -> Instance:
        instance = self.instances.get(text(body, "InstanceId"))
        if instance is None or instance.region != region_of(call):
            raise Refused("ResourceNotFound.CdbInstanceNotFoundError", "InstanceId")
        return instance


def _page(body: Body, found: list[Body]) -> list[Body]:
    start, count = whole(body, "Offset", 0), whole(body, "Limit", 20)
    if not 0 < count <= _MOST_ROWS:
        raise Refused("InvalidParameter", "Limit")
    return found[start : start + count]


def _name(instance: Instance, named: object) -> str:
    user, host = (named.get("User"), named.get("Host")) if isinstance(named, dict) else (None, None)
    if not isinstance(user, str) or not isinstance(host, str):
        raise Refused("MissingParameter.AccountMissingParameterError", "Accounts")
    if host not in instance.hosts.get(user, ()):
        raise Refused("InvalidParameterValue.UserNotExistError", "Accounts")
    return user


def _judge(password: str) -> None:
    if not 8 <= len(password) <= _LONGEST:  # noqa: PLR2004 - the vendor's figure, once
        raise Refused("InvalidParameterValue.AccountPasswordLengthError")
    if any(all(letter not in kind for kind in _KINDS) for letter in password):
        raise Refused("InvalidParameterValue.AccountPasswordCharacterError")
    if sum(any(letter in kind for letter in password) for kind in _KINDS) < 2:  # noqa: PLR2004 - same
        raise Refused("InvalidParameterValue.AccountPasswordRuleError")
