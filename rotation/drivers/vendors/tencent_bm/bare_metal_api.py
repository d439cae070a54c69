"""The four calls that the driver needs, in the words of each generation of Blackstone's API."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Protocol

from rotation.core.errors import DriverError, OutcomeUnknown, PasswordRejected, UnexpectedReply
from rotation.core.secret import Secret
from rotation.core.values import Progress, TaskState
from rotation.drivers.contract import Wiring
from rotation.drivers.families import tencent_cloud, tencent_cloud_v2
from rotation.drivers.vendors.tencent_bm.device import RESETTING, Device, entries, is_windows, whole
from rotation.drivers.vendors.tencent_bm.error_codes import V2_TABLE, V3_TABLE

_V2_DEVICE = ("instanceId", "lanIp", "wanIp", "deviceStatus", "operateStatus", "osTypeId", "deviceClassCode")
_V3_DEVICE = ("InstanceId", "LanIp", "WanIp", "DeviceStatus", "OperateStatus", "OsTypeId", "DeviceClassCode")
_STATES: Mapping[int, TaskState] = {
    1: TaskState.DONE,
    2: TaskState.FAILED,
    # 4 to 7: a part is unfinished, so ours may be; 3 is ended and mixed, so only our device's own entry can tell.
    **dict.fromkeys((4, 5, 6, 7), TaskState.RUNNING),
}
_UNKNOWN_ACTION = frozenset({"4000", "6100"})
_LONGEST_OPERATION = 3600
"""An operation that the log shows as running for longer than this is taken for a forgotten entry (assumed)."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """A task: the status of the whole and of each device, in the vendor's numbers 1 to 7."""

    overall: int
    parts: Mapping[str, int]

    def of(self, instance_id: str) -> Progress:
        """Return how one device fares: by its own entry, else by the whole.

        Raises:
            UnexpectedReply: the whole is mixed, and the device has no entry.
        """
        status = self.parts.get(instance_id, self.overall)
        if status not in _STATES:
            raise UnexpectedReply(f"the vendor's task does not say how this device fared (status {status})")
        return Progress(_STATES[status], f"status {status}")


class Park(Protocol):
    """One generation of the API, for one region."""

    def device(self, instance_id: str) -> Device | None:
        """Look a device up."""
        ...

    def windows(self, device: Device) -> bool | None:
        """Tell whether the device runs Windows; ``None`` when the vendor's list lacks its system."""
        ...

    def reset(self, instance_ids: list[str], password: Secret) -> int:
        """Send one reset and return the task's id."""
        ...

    def outcome(self, task_id: int) -> Outcome:
        """Ask once how a task stands."""
        ...


@dataclass(frozen=True, slots=True)
class ParkV2:
    """``bm.api.qcloud.com``. Its lists count from 1, as on the vendor's page on resets."""

    wiring: Wiring
    key: tencent_cloud_v2.Key
    region: str

    def device(self, instance_id: str) -> Device | None:
        """See ``Park``."""
        data = self._call("DescribeDevice", {"instanceIds.1": instance_id, "offset": "0", "limit": "20"})
        found = entries(data.get("deviceList") if isinstance(data, dict) else None)
        return next((Device.parse(one, _V2_DEVICE) for one in found if one.get("instanceId") == instance_id), None)

    def windows(self, device: Device) -> bool | None:
        """See ``Park``."""
        for kind in entries(self._call("DescribeOs", {"deviceClassCode": device.class_code})):
            if whole(kind.get("osTypeId")) == device.os_type:
                return is_windows(kind.get("osClass"), kind.get("osName"), kind.get("osNameDisplay"))
        return None

    def reset(self, instance_ids: list[str], password: Secret) -> int:
        """See ``Park``."""
        if password.reveal().startswith("@"):
            raise PasswordRejected("a form value that starts with @ may be dropped by the vendor; nothing was sent")
        params = {f"instanceIds.{place}": name for place, name in enumerate(instance_ids, 1)}
        data = self._call("ResetDevicePasswd", {**params, "passwd": password.reveal()}, changes=True)
        return _task_id(data.get("taskId") if isinstance(data, dict) else None)

    def outcome(self, task_id: int) -> Outcome:
        """See ``Park``. The action's name has a slip in every copy of the page; should it be mended, both work."""
        params = {"taskId": str(task_id)}
        try:
            data = self._call("DescriptionOperationResult", params)
        except DriverError as refusal:
            if refusal.vendor_code not in _UNKNOWN_ACTION:
                raise
            data = self._call("DescribeOperationResult", params)
        if not isinstance(data, dict):
            raise UnexpectedReply("the vendor's answer lacks the task")
        # The page's table says resourceIds, its samples say instanceIds.
        parts = entries(data.get("instanceIds") or data.get("resourceIds") or [])
        statuses = {str(part.get("instanceId")): whole(part.get("status")) for part in parts}
        return Outcome(whole(data.get("status")), statuses)

    def _call(self, action: str, params: Mapping[str, str], *, changes: bool = False) -> object:
        return tencent_cloud_v2.call(
            self.wiring.http,
            self.wiring.endpoint,
            action,
            {**params, "Region": self.region},
            key=self.key,
            table=V2_TABLE,
            now=self.wiring.now(),
            changes=changes,
        )


@dataclass(frozen=True, slots=True)
class ParkV3:
    """``bm.tencentcloudapi.com``, version 2018-04-23."""

    wiring: Wiring
    key: tencent_cloud.Key
    region: str

    def device(self, instance_id: str) -> Device | None:
        """See ``Park``. No OperateStatus of this API says "resetting", so the operation log is asked as well."""
        answer = self._call("DescribeDevices", {"InstanceIds": [instance_id], "Offset": 0, "Limit": 20})
        for one in entries(answer.get("DeviceInfoSet")):
            if one.get("InstanceId") == instance_id:
                busy = {"OperateStatus": RESETTING} if self._busy(instance_id) else {}
                return Device.parse({**one, **busy}, _V3_DEVICE)
        return None

    def windows(self, device: Device) -> bool | None:
        """See ``Park``."""
        answer = self._call("DescribeOsInfo", {"DeviceClassCode": device.class_code})
        for kind in entries(answer.get("OsInfoSet")):
            if whole(kind.get("OsTypeId")) == device.os_type:
                return is_windows(kind.get("OsClass"), kind.get("OsName"), kind.get("OsEnglishDescription"))
        return None

    def reset(self, instance_ids: list[str], password: Secret) -> int:
        """See ``Park``."""
        body = {"InstanceIds": instance_ids, "Password": password.reveal()}
        return _task_id(self._call("ResetDevicePassword", body, changes=True).get("TaskId"))

    def outcome(self, task_id: int) -> Outcome:
        """See ``Park``. DescribeTaskInfo is about repairs, whatever its name."""
        answer = self._call("DescribeOperationResult", {"TaskId": task_id})
        parts = entries(answer.get("SubtaskStatusSet") or [])
        statuses = {str(part.get("InstanceId")): whole(part.get("TaskStatus")) for part in parts}
        return Outcome(whole(answer.get("TaskStatus")), statuses)

    def _busy(self, instance_id: str) -> bool:
        answer = self._call("DescribeDeviceOperationLog", {"InstanceId": instance_id, "Offset": 0, "Limit": 20})
        # The vendor writes China's time, without a zone; so written, times compare as text.
        since = datetime.fromtimestamp(self.wiring.now() - _LONGEST_OPERATION, UTC) + timedelta(hours=8)
        oldest = since.strftime("%Y-%m-%d %H:%M:%S")
        log = entries(answer.get("DeviceOperationLogSet") or [])
        return any(whole(one.get("Status")) == 0 and str(one.get("StartTime")) >= oldest for one in log)

    def _call(self, action: str, body: Mapping[str, object], *, changes: bool = False) -> dict[str, object]:
        return tencent_cloud.call(
            self.wiring.http,
            self.wiring.endpoint,
            action,
            body,
            key=self.key,
            version="2018-04-23",
            region=self.region,
            table=V3_TABLE,
            now=self.wiring.now(),
            changes=changes,
        )


def _task_id(value: object) -> int:
    try:
        return whole(value)
    except UnexpectedReply:
        raise OutcomeUnknown("the vendor took the reset but named no task") from None
