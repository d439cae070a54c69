"""Tencent's v2 API (``bm.api.qcloud.com``): what each action asks for and answers. HTTP is always 200."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

from rotation_testkit.doubles.families.tencent.keys import SecretKey, china_time
from rotation_testkit.doubles.vendor_api.call import Call, Refused, Reply
from rotation_testkit.doubles.vendor_api.reset_simulator import Limiter
from rotation_testkit.doubles.vendors.tencent_bm.devices import OS_TYPES, Device
from rotation_testkit.doubles.vendors.tencent_bm.service import BareMetalService, Denied, Entry, Power, Status, Trouble
from rotation_testkit.doubles.vendors.tencent_bm.v2_gateway import (
    MESSAGES,
    REGIONS,
    Params,
    V2Gateway,
    items,
    parameters,
)


class V2:
    """The v2 API of the service. Its attributes are switches for what the vendor's pages leave open."""

    def __init__(self, service: BareMetalService, keys: Mapping[str, SecretKey]) -> None:
        self.service = service
        self.gateway = V2Gateway(service.clock, keys)
        self.troubles = dict.fromkeys(Trouble, 12002) | {
            Trouble.NO_DEVICE: 10001,
            Trouble.NO_TASK: 10001,
            Trouble.TOO_MANY: 10001,
            Trouble.WEAK: 10001,
            Trouble.NO_AGENT: 12006,
        }
        self.result_action = "DescriptionOperationResult"
        self.result_list = "instanceIds"  # as in the page's samples; its table says "resourceIds"
        self.code_desc = False  # on: answers carry codeDesc, as some of the pages show
        self.per_action = Limiter(service.clock, 100, 60)
        self.total = Limiter(service.clock, 1000, 60)
        self.reboots = Limiter(service.clock, 100, 60)

    def operation(self, call: Call) -> str:
        """Return the action's name."""
        action = parameters(call).get("Action", "")
        return action if action in self._actions else "-"

    def respond(self, call: Call) -> Reply:
        """Check the call, then act."""
        if call.method not in {"GET", "POST"}:
            raise Refused(4600)
        params = parameters(call)
        if not params.get("Action"):
            raise Refused(self.gateway.codes.missing_common, "Action")
        self.gateway.admit(call, params)
        if params["Action"] not in self._actions:
            raise Refused(self.gateway.codes.unknown_action, "Action")
        if params.get("Region", "bj") not in REGIONS:
            raise Refused(4000, "Region")
        if not self.per_action.take(params["Action"]) or not self.total.take(""):
            raise Refused(4400)
        try:
            answer = self._actions[params["Action"]](call, params)
        except Denied as denied:
            raise Refused(self.troubles[denied.trouble], denied.detail) from None
        return Reply.of(answer | ({"codeDesc": "Success"} if self.code_desc else {}))

    def refuse(self, _call: Call, refusal: Refused) -> Reply:
        """Answer with HTTP 200 and a code other than 0."""
        text = MESSAGES.get(refusal.code, "UnknownError")
        message = f"({refusal.code}){text}" + (f" [{refusal.detail}]" if refusal.detail else "")
        payload: dict[str, object] = {"code": int(refusal.code), "message": message}
        payload |= {"codeDesc": text} if self.code_desc else {}
        return Reply.of(payload, status=refusal.status or 200, outcome=f"code {refusal.code}")

    def throttle(self, call: Call) -> Reply:
        """Answer with code 4400."""
        return self.refuse(call, Refused(4400))

    @property
    def _actions(self) -> dict[str, Callable[[Call, Params], dict[str, object]]]:
        return {
            "ResetDevicePasswd": self._reset,
            self.result_action: self._result,
            "DescribeDevice": self._describe,
            "DescribeOs": self._describe_os,
            "DescribeDeviceOperationLog": self._log,
            "StartDevice": lambda call, params: _task(self._power(call, params, Power.START)),
            "RebootDevice": self._reboot,
            "ShutdownDevice": self._shut_down,
        }

    def _reset(self, call: Call, params: Params) -> dict[str, object]:
        devices = self._devices(params)
        if not params.get("passwd"):
            raise Refused(10001, "passwd")
        return _task(self.service.reset(call, devices, params["passwd"]).task_id)

    def _result(self, _call: Call, params: Params) -> dict[str, object]:
        task = self.service.task(_number(params, "taskId"))
        parts = [{"instanceId": entry.instance_id, "status": int(entry.status)} for entry in task.entries]
        return _ok({"status": int(task.status), self.result_list: parts})

    def _reboot(self, call: Call, params: Params) -> dict[str, object]:
        if not self.reboots.take("", len(self._devices(params))):
            raise Refused(4400)
        return _task(self._power(call, params, Power.REBOOT))

    def _shut_down(self, call: Call, params: Params) -> dict[str, object]:
        self._power(call, params, Power.SHUTDOWN)
        return {"code": 0, "message": "", "codeDesc": "Success", "data": None}  # this page alone promises no task id

    def _power(self, call: Call, params: Params, power: Power) -> int:
        if not params.get("opUin"):
            raise Refused(10001, "opUin")
        return self.service.switch(call, self._devices(params), power).task_id

    def _describe(self, _call: Call, params: Params) -> dict[str, object]:
        found = self.service.matching(
            REGIONS[params.get("Region", "bj")],
            instance_id=items(params, "instanceIds"),
            lan_ip=items(params, "lanIps"),
            wan_ip=items(params, "wanIps"),
            alias=params.get("alias", ""),
            device_class_code=[params["deviceClassCode"]] if "deviceClassCode" in params else [],
        )
        start, count = _number(params, "offset", 0), _number(params, "limit", 20)
        return _ok(
            {
                "totalNum": len(found),
                "deviceList": [_view(device) for device in found[start : start + count]],
                "serverTimestamp": int(self.service.clock() * 1000),
            }
        )

    def _describe_os(self, _call: Call, params: Params) -> dict[str, object]:
        if not params.get("deviceClassCode"):
            raise Refused(10001, "deviceClassCode")
        return _ok(
            [
                {
                    "osTypeId": str(kind.type_id),
                    "osName": kind.name,
                    "osNameDisplay": kind.display,
                    "osClass": kind.family,
                }
                for kind in OS_TYPES
            ]
        )

    def _log(self, _call: Call, params: Params) -> dict[str, object]:
        region, instance_id = REGIONS[params.get("Region", "bj")], params.get("instanceId", "")
        entries = self.service.log(region, instance_id, params.get("startTime"), params.get("endTime"))
        start, count = _number(params, "offset", 0), _number(params, "limit", 20)
        shown = [_log_view(entry) for entry in entries[start : start + count]]
        data = {"logs": shown, "totalCount": len(entries)}
        return {"code": 0, "message": "", "codeDesc": "Success", "data": data}

    def _devices(self, params: Params) -> list[Device]:
        ids = items(params, "instanceIds")
        if not ids:
            raise Refused(10001, "instanceIds")
        return self.service.find(REGIONS[params.get("Region", "bj")], ids)


def _ok(data: object) -> dict[str, object]:
    return {"code": 0, "message": "OK", "data": data}


def _task(task_id: int) -> dict[str, object]:
    return _ok({"taskId": task_id})


def _number(params: Params, name: str, default: int | None = None) -> int:
    text = params.get(name, "" if default is None else str(default))
    if not re.fullmatch(r"\d{1,18}", text):
        raise Refused(10001, name)
    return int(text)


def _view(device: Device) -> dict[str, object]:
    """Return the vendor's view of a device; its integers are strings."""
    return {
        "instanceId": device.instance_id,
        "lanIp": device.lan_ip,
        "wanIp": device.wan_ip,
        "deviceStatus": str(device.device_status),
        "operateStatus": str(device.operate_status),
        "osTypeId": str(device.os.type_id),
        "alias": device.alias,
        "zoneId": "1000800001",
        "projectId": "0",
        "deliverTime": "2016-05-10 17:54:48",
        "deadline": "2030-05-10 00:00:00",
        "autoRenewFlag": "1",
        "deviceClassCode": device.device_class_code,
        "tagDetail": [],
    }


def _log_view(entry: Entry) -> dict[str, object]:
    status = {Status.SUCCESS: "1", Status.FAILURE: "2"}.get(entry.status, "0")
    return {
        "id": str(entry.entry_id),
        "instanceId": entry.instance_id,
        "taskId": str(entry.task_id),
        "appId": "0",
        "taskName": entry.name,
        "taskCName": entry.title,
        "startTime": china_time(entry.started),
        "endTime": "" if entry.ended is None else china_time(entry.ended),
        "status": status,
        "opUin": "1307774067",
        "memo": entry.title,
    }
