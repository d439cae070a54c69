"""Tencent's API 3.0 (``bm.tencentcloudapi.com``, 2018-04-23): what each action asks for and answers."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from rotation_testkit.doubles.vendor_api.call import Call, Refused, Reply
from rotation_testkit.doubles.vendor_api.reset_simulator import Limiter
from rotation_testkit.doubles.vendors.tencent_bm.devices import OS_TYPES, RESETTING, RUNNING, Device
from rotation_testkit.doubles.vendors.tencent_bm.gateway import SecretKey, china_time
from rotation_testkit.doubles.vendors.tencent_bm.service import BareMetalService, Denied, Entry, Power, Status, Trouble
from rotation_testkit.doubles.vendors.tencent_bm.v3_gateway import MESSAGES, REGIONS, V3Gateway

_MOST_PER_PAGE = 100
Body = dict[str, object]


@dataclass(frozen=True, slots=True)
class Action:
    """One action: what answers it, which parameters it needs and which it takes."""

    answer: Callable[[Call, Body], Body]
    needed: tuple[str, ...] = ()
    optional: tuple[str, ...] = ()


class V3:
    """API 3.0 of the service.

    DescribeDevices refuses filters that are not built: ignoring them would show too many devices.
    """

    def __init__(self, service: BareMetalService, keys: Mapping[str, SecretKey]) -> None:
        self.service = service
        self.gateway = V3Gateway(service.clock, keys)
        self.resetting_status = RUNNING  # the vendor's list of OperateStatus has no value for a running reset
        self.per_action = Limiter(service.clock, 10, 1)
        self.troubles = {
            Trouble.NO_DEVICE: "ResourceNotFound",
            Trouble.NO_TASK: "ResourceNotFound",
            Trouble.TOO_MANY: "LimitExceeded",
            Trouble.WEAK: "InvalidParameterValue.InvalidParameter",
            Trouble.UNAVAILABLE: "ResourceUnavailable",
            Trouble.REPAIR: "FailedOperation.ExistRepairTask",
            Trouble.BUSY: "ResourceInUse.FlowBusy",
            Trouble.WRONG_STATE: "UnsupportedOperation.InvalidOperation",
            Trouble.NO_AGENT: "FailedOperation.TscAgentOffline",
        }
        self._actions = {
            "ResetDevicePassword": Action(self._reset, ("InstanceIds", "Password")),
            "DescribeOperationResult": Action(self._result, ("TaskId",)),
            "DescribeDevices": Action(
                self._describe,
                optional=("Offset", "Limit", "InstanceIds", "LanIps", "WanIps", "Alias", "DeviceClassCode"),
            ),
            "DescribeOsInfo": Action(self._describe_os, ("DeviceClassCode",)),
            "DescribeDeviceOperationLog": Action(
                self._log, ("InstanceId",), ("StartTime", "EndTime", "Offset", "Limit")
            ),
            "StartDevices": self._power(Power.START),
            "ShutdownDevices": self._power(Power.SHUTDOWN),
            "RebootDevices": self._power(Power.REBOOT),
        }

    def operation(self, call: Call) -> str:
        """Return the action's name."""
        action = call.headers.get("X-TC-Action", "")
        return action if action in self._actions else "-"

    def respond(self, call: Call) -> Reply:
        """Check the call, then act."""
        self.gateway.admit(call)
        action = self._actions.get(call.headers["X-TC-Action"])
        if action is None:
            raise Refused("InvalidAction")
        if not self.per_action.take(call.headers["X-TC-Action"]):
            raise Refused("RequestLimitExceeded")
        body = call.json_object("InvalidParameter", "body")
        for name in action.needed:
            if name not in body:
                raise Refused("MissingParameter", name)
        for name in body:
            if name not in action.needed + action.optional:
                raise Refused("UnknownParameter", name)
        try:
            answer = action.answer(call, body)
        except Denied as denied:
            raise Refused(self.troubles[denied.trouble], denied.detail) from None
        return Reply.of({"Response": answer | {"RequestId": call.request_id}})

    def refuse(self, call: Call, refusal: Refused) -> Reply:
        """Answer with HTTP 200 and an Error inside."""
        message = MESSAGES.get(refusal.code, "Unknown error.") + (f" [{refusal.detail}]" if refusal.detail else "")
        error = {"Code": refusal.code, "Message": message}
        payload = {"Response": {"Error": error, "RequestId": call.request_id}}
        return Reply.of(payload, status=refusal.status or 200, outcome=refusal.code)

    def throttle(self, call: Call) -> Reply:
        """Answer with RequestLimitExceeded."""
        return self.refuse(call, Refused("RequestLimitExceeded"))

    def _reset(self, call: Call, body: Body) -> Body:
        return {"TaskId": self.service.reset(call, self._devices(call, body), _text(body, "Password")).task_id}

    def _power(self, power: Power) -> Action:
        def answer(call: Call, body: Body) -> Body:
            return {"TaskId": self.service.switch(call, self._devices(call, body), power).task_id}

        return Action(answer, ("InstanceIds",))

    def _result(self, _call: Call, body: Body) -> Body:
        task = self.service.task(_whole(body, "TaskId"))
        parts = [{"InstanceId": entry.instance_id, "TaskStatus": int(entry.status)} for entry in task.entries]
        return {"TaskStatus": int(task.status), "SubtaskStatusSet": parts}

    def _describe(self, call: Call, body: Body) -> Body:
        start, count = _whole(body, "Offset", 0), _whole(body, "Limit", 20)
        if count > _MOST_PER_PAGE:
            raise Refused("InvalidParameterValue", "Limit")
        found = self.service.matching(
            _region(call),
            instance_id=_texts(body, "InstanceIds"),
            lan_ip=_texts(body, "LanIps"),
            wan_ip=_texts(body, "WanIps"),
            alias=_text(body, "Alias", ""),
            device_class_code=[_text(body, "DeviceClassCode")] if "DeviceClassCode" in body else [],
        )
        return {"TotalCount": len(found), "DeviceInfoSet": [self._view(one) for one in found[start : start + count]]}

    def _describe_os(self, _call: Call, body: Body) -> Body:
        _text(body, "DeviceClassCode")
        return {
            "OsInfoSet": [
                {
                    "OsTypeId": kind.type_id,
                    "OsName": kind.name,
                    "OsDescription": kind.display,
                    "OsEnglishDescription": kind.display,
                    "OsClass": kind.family,
                    "ImageTag": "public",
                    "MaxPartitionSize": 16,
                    "OsMinorVersion": None,
                    "OsMinorClass": None,
                }
                for kind in OS_TYPES
            ]
        }

    def _log(self, call: Call, body: Body) -> Body:
        first, last = (_text(body, name, "") or None for name in ("StartTime", "EndTime"))
        entries = self.service.log(_region(call), _text(body, "InstanceId"), first, last)
        start, count = _whole(body, "Offset", 0), _whole(body, "Limit", 20)
        shown = [_log_view(entry) for entry in entries[start : start + count]]
        return {"TotalCount": len(entries), "DeviceOperationLogSet": shown}

    def _devices(self, call: Call, body: Body) -> list[Device]:
        ids = _texts(body, "InstanceIds")
        if not ids:
            raise Refused("InvalidParameterValue", "InstanceIds")
        return self.service.find(_region(call), ids)

    def _view(self, device: Device) -> Body:
        status = device.operate_status
        return {
            "InstanceId": device.instance_id,
            "LanIp": device.lan_ip,
            "WanIp": device.wan_ip,
            "DeviceStatus": device.device_status,
            "OperateStatus": self.resetting_status if status == RESETTING else status,
            "OsTypeId": device.os.type_id,
            "Alias": device.alias,
            "Zone": "ap-beijing-1",
            "DeliverTime": "2016-05-10 17:54:48",
            "Deadline": "2030-05-10 00:00:00",
            "AutoRenewFlag": 1,
            "DeviceClassCode": device.device_class_code,
            "Tags": [],
            "CpmPayMode": 1,
            "IsLuckyDevice": 0,
            "MaintainStatus": "Maintain",
            "MaintainMessage": None,
        }


def _log_view(entry: Entry) -> Body:
    return {
        "Id": entry.entry_id,
        "InstanceId": entry.instance_id,
        "TaskId": entry.task_id,
        "TaskName": entry.name,
        "TaskDescription": entry.title,
        "StartTime": china_time(entry.started),
        "EndTime": "" if entry.ended is None else china_time(entry.ended),
        "Status": {Status.SUCCESS: 1, Status.FAILURE: 2}.get(entry.status, 0),
        "OpUin": "1307774067",
        "LogDescription": entry.title,
    }


def _region(call: Call) -> str:
    return REGIONS[call.headers["X-TC-Region"]]


def _text(body: Body, name: str, default: str | None = None) -> str:
    value = body.get(name, default)
    if not isinstance(value, str):
        raise Refused("InvalidParameter", name)
    return value


def _texts(body: Body, name: str) -> list[str]:
    value = body.get(name, [])
    if not isinstance(value, list) or not all(isinstance(one, str) for one in value):
        raise Refused("InvalidParameter", name)
    return value


def _whole(body: Body, name: str, default: int | None = None) -> int:
    value = body.get(name, default)
    if not isinstance(value, int) or isinstance(value, bool) or value < 0:
        raise Refused("InvalidParameter", name)
    return value
