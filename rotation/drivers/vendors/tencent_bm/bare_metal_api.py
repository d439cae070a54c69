"""The four calls that the driver needs, for each of the two generations of Blackstone's API, and which is spoken."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from rotation.core.errors import ConfigError, DriverError, OutcomeUnknown, PasswordRejected, UnexpectedReply
from rotation.core.secret import Secret
from rotation.core.values import Progress, TaskState
from rotation.drivers.contract import Wiring
from rotation.drivers.families.tencent_api3 import Admin, api, entries, is_windows, one, whole
from rotation.drivers.families.tencent_cloud import TencentCloud
from rotation.drivers.families.tencent_cloud_v2 import Key, TencentCloudV2
from rotation.drivers.vendors.tencent_bm.device import RESETTING, Device
from rotation.drivers.vendors.tencent_bm.error_codes import V2_HOST, V2_TABLE, V3_HOST, V3_TABLE

_V2_DEVICE = ("instanceId", "lanIp", "wanIp", "deviceStatus", "operateStatus", "osTypeId", "deviceClassCode")
_V3_DEVICE = ("InstanceId", "LanIp", "WanIp", "DeviceStatus", "OperateStatus", "OsTypeId", "DeviceClassCode")
_STATES: Mapping[int, TaskState] = {
    1: TaskState.DONE,
    2: TaskState.FAILED,
    # 4 to 7: some device is unfinished, perhaps ours. 3: all have ended, some have failed: our device's entry decides.
    **dict.fromkeys((4, 5, 6, 7), TaskState.RUNNING),
}
_UNKNOWN_ACTION = frozenset({"4000", "6100"})
_LONGEST_OPERATION = 3600
"""An operation that the log shows as running for longer than this is taken for a forgotten entry (assumed)."""


@dataclass(frozen=True, slots=True)
class TaskStatus:
    """A task's status as a whole and for each device, in the vendor's numbers 1 to 7."""

    overall: int
    parts: Mapping[str, int]

    def progress(self, instance_id: str) -> Progress:
        """Return how far one device's reset is: by its own entry, or by the whole task where it has none.

        Raises:
            UnexpectedReply: the whole is mixed, and the device has no entry.
        """
        status = self.parts.get(instance_id, self.overall)
        if status not in _STATES:
            raise UnexpectedReply(f"the vendor's task does not say how this device fared (status {status})")
        return Progress(_STATES[status], f"status {status}")


@dataclass(frozen=True, slots=True)
class BareMetalV2:
    """The v2 API at ``bm.api.qcloud.com``. Its lists count from 1, as on the vendor's page on resets."""

    api: TencentCloudV2
    region: str

    def device(self, instance_id: str) -> Device:
        """Look a device up.

        Raises:
            AccountUnusable: it is not there.
        """
        data = self._call("DescribeDevice", {"instanceIds.1": instance_id, "offset": "0", "limit": "20"})
        return Device.parse(one(data, "deviceList", instance_id, key="instanceId"), _V2_DEVICE)

    def windows(self, device: Device) -> bool | None:
        """Return whether the device runs Windows; ``None`` when the vendor's list lacks its system."""
        for kind in entries(self._call("DescribeOs", {"deviceClassCode": device.class_code})):
            if whole(kind.get("osTypeId")) == device.os_type:
                return is_windows(kind.get("osClass"), kind.get("osName"), kind.get("osNameDisplay"))
        return None

    def reset(self, instance_ids: list[str], password: Secret) -> int:
        """Send one reset and return the task's id."""
        if password.reveal().startswith("@"):
            raise PasswordRejected("a form value that starts with @ may be dropped by the vendor; nothing was sent")
        params = {f"instanceIds.{place}": name for place, name in enumerate(instance_ids, 1)}
        data = self._call("ResetDevicePasswd", {**params, "passwd": password.reveal()}, on="change")
        return _task_id(data.get("taskId") if isinstance(data, dict) else None)

    def task(self, task_id: int) -> TaskStatus:
        """Read the status of a task once.

        Every copy of the vendor's page misspells the action. We try the correct name when the misspelt one is unknown.
        """
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
        return TaskStatus(whole(data.get("status")), statuses)

    def _call(self, action: str, params: Mapping[str, str], *, on: str = "read") -> object:
        return self.api.call(action, {**params, "Region": self.region}, on=on)


@dataclass(frozen=True, slots=True)
class BareMetalV3:
    """API 3.0 at ``bm.tencentcloudapi.com``."""

    api: TencentCloud

    def device(self, instance_id: str) -> Device:
        """As in v2. No OperateStatus of this API says "resetting", so we read the operation log as well."""
        answer = self.api.call("DescribeDevices", {"InstanceIds": [instance_id], "Offset": 0, "Limit": 20})
        found = one(answer, "DeviceInfoSet", instance_id)
        busy = {"OperateStatus": RESETTING} if self._busy(instance_id) else {}
        return Device.parse({**found, **busy}, _V3_DEVICE)

    def windows(self, device: Device) -> bool | None:
        """As in v2."""
        answer = self.api.call("DescribeOsInfo", {"DeviceClassCode": device.class_code})
        for kind in entries(answer.get("OsInfoSet")):
            if whole(kind.get("OsTypeId")) == device.os_type:
                return is_windows(kind.get("OsClass"), kind.get("OsName"), kind.get("OsEnglishDescription"))
        return None

    def reset(self, instance_ids: list[str], password: Secret) -> int:
        """As in v2."""
        body = {"InstanceIds": instance_ids, "Password": password.reveal()}
        return _task_id(self.api.call("ResetDevicePassword", body, on="change").get("TaskId"))

    def task(self, task_id: int) -> TaskStatus:
        """As in v2. DescribeTaskInfo is about repairs, despite its name."""
        answer = self.api.call("DescribeOperationResult", {"TaskId": task_id})
        parts = entries(answer.get("SubtaskStatusSet") or [])
        statuses = {str(part.get("InstanceId")): whole(part.get("TaskStatus")) for part in parts}
        return TaskStatus(whole(answer.get("TaskStatus")), statuses)

    def _busy(self, instance_id: str) -> bool:
        answer = self.api.call("DescribeDeviceOperationLog", {"InstanceId": instance_id, "Offset": 0, "Limit": 20})
        # The vendor writes China's time without a zone. Times in this form compare as text.
        since = datetime.fromtimestamp(self.api.wiring.now() - _LONGEST_OPERATION, UTC) + timedelta(hours=8)
        oldest = since.strftime("%Y-%m-%d %H:%M:%S")
        log = entries(answer.get("DeviceOperationLogSet") or [])
        return any(whole(each.get("Status")) == 0 and str(each.get("StartTime")) >= oldest for each in log)


def in_region(wiring: Wiring, chosen: str, digest: str) -> Callable[[str], BareMetalV2 | BareMetalV3]:
    """Return the function that gives the API in a region.

    Args:
        wiring: its endpoint decides which generation is spoken.
        chosen: ``v2`` or ``v3``, where the endpoint is not one of the vendor's hosts; else empty, or the same.
        digest: of v2's signatures.

    Raises:
        ConfigError: neither says which generation it is, or they contradict each other.
    """
    admin: Admin = wiring.admin
    if _generation(wiring.endpoint.rstrip("/"), chosen) == "v3":
        return lambda region: BareMetalV3(api(wiring, "bm", "2018-04-23", region, V3_TABLE))
    key = Key(admin.secret_id, admin.secret_key, digest, admin.session_token)
    old = TencentCloudV2(wiring=wiring, table=V2_TABLE, key=key)
    return lambda region: BareMetalV2(old, region)


def _generation(endpoint: str, chosen: str) -> str:
    by_host = {V3_HOST: "v3", V2_HOST: "v2"}.get(endpoint, "")
    if by_host and chosen not in ("", by_host):
        raise ConfigError(
            f"the admin credential says {chosen}, but the endpoint speaks {by_host}",
            hint=f"Set LOCKSTEP_TENCENT_BM_ENDPOINT to {V2_HOST} for v2 or {V3_HOST} for v3.",
        )
    if not by_host and not chosen:
        raise ConfigError(
            "the endpoint is not the vendor's own, so the admin credential must say which API it speaks",
            hint="Add `api` (v2 or v3) to the admin credential.",
        )
    return by_host or chosen


def _task_id(value: object) -> int:
    try:
        return whole(value)
    except UnexpectedReply:
        raise OutcomeUnknown("the vendor took the reset but named no task") from None
