"""Tencent's API 3.0 (``bm.tencentcloudapi.com``, 2018-04-23): what each action asks for and answers."""

from __future__ import annotations

from collections.abc import Mapping

from rotation_testkit.doubles.families.tencent.api3 import Action, Api3, Body, region_of, text, texts, whole
from rotation_testkit.doubles.families.tencent.keys import SecretKey, china_time
from rotation_testkit.doubles.vendor_api.call import Call, Refused, Reply
from rotation_testkit.doubles.vendors.tencent_bm.devices import OS_TYPES, RESETTING, RUNNING, Device
from rotation_testkit.doubles.vendors.tencent_bm.service import BareMetalService, Denied, Entry, Power, Status, Trouble

_MOST_PER_PAGE = 100
_REGIONS: Mapping[str, str] = {"ap-beijing": "bj", "ap-guangzhou": "gz", "ap-shanghai": "sh"}
MESSAGES: Mapping[str, str] = {
    "FailedOperation.ExistRepairTask": "A repair task is not finished; the operation failed.",
    "FailedOperation.TscAgentOffline": "The Tsc agent is not online.",
    "InvalidParameterValue.InvalidParameter": "A parameter's value is wrong.",
    "ResourceInUse.FlowBusy": "流程操作繁忙，请稍后重试。",  # noqa: RUF001 - the vendor's sentence
    "UnsupportedOperation.InvalidOperation": "The device does not support this operation.",
}
"""Blackstone's own codes."""


class V3(Api3):
    """API 3.0 of the service.

    DescribeDevices refuses filters that are not built: ignoring them would show too many devices.
    """

    def __init__(self, service: BareMetalService, keys: Mapping[str, SecretKey]) -> None:
        super().__init__(
            service.clock, keys, service="bm", version="2018-04-23", actions=self._all(), messages=MESSAGES
        )
        self.service = service
        self.resetting_status = RUNNING  # the vendor's list of OperateStatus has no value for a running reset
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

    def _all(self) -> dict[str, Action]:
        return {
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

    def respond(self, call: Call) -> Reply:
        """See ``Api3``; a call that the service does not carry out has this API's code."""
        try:
            return super().respond(call)
        except Denied as denied:
            raise Refused(self.troubles[denied.trouble], denied.detail) from None

    def _reset(self, call: Call, body: Body) -> Body:
        return {"TaskId": self.service.reset(call, self._devices(call, body), text(body, "Password")).task_id}

    def _power(self, power: Power) -> Action:
        def answer(call: Call, body: Body) -> Body:
            return {"TaskId": self.service.switch(call, self._devices(call, body), power).task_id}

        return Action(answer, ("InstanceIds",))

    def _result(self, _call: Call, body: Body) -> Body:
        task = self.service.task(whole(body, "TaskId"))
        parts = [{"InstanceId": entry.instance_id, "TaskStatus": int(entry.status)} for entry in task.entries]
        return {"TaskStatus": int(task.status), "SubtaskStatusSet": parts}

    def _describe(self, call: Call, body: Body) -> Body:
        start, count = whole(body, "Offset", 0), whole(body, "Limit", 20)
        if count > _MOST_PER_PAGE:
            raise Refused("InvalidParameterValue", "Limit")
        found = self.service.matching(
            _region(call),
            instance_id=texts(body, "InstanceIds"),
            lan_ip=texts(body, "LanIps"),
            wan_ip=texts(body, "WanIps"),
            alias=text(body, "Alias", ""),
            device_class_code=[text(body, "DeviceClassCode")] if "DeviceClassCode" in body else [],
        )
        return {"TotalCount": len(found), "DeviceInfoSet": [self._view(one) for one in found[start : start + count]]}

    def _describe_os(self, _call: Call, body: Body) -> Body:
        text(body, "DeviceClassCode")
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
        first, last = (text(body, name, "") or None for name in ("StartTime", "EndTime"))
        entries = self.service.log(_region(call), text(body, "InstanceId"), first, last)
        start, count = whole(body, "Offset", 0), whole(body, "Limit", 20)
        shown = [_log_view(entry) for entry in entries[start : start + count]]
        return {"TotalCount": len(entries), "DeviceOperationLogSet": shown}

    def _devices(self, call: Call, body: Body) -> list[Device]:
        ids = texts(body, "InstanceIds")
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
    return _REGIONS[region_of(call)]
