"""A Blackstone device in one form for both generations of the API, and which of its states prevent a reset.

Source of the numbers: the vendor's DescribeDevice page (2018-12) and DeviceInfo of tencentcloud-sdk-python-bm 3.0.1459.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from rotation.core.errors import AccountUnusable, DriverError, InProgress, PreconditionFailed, UnexpectedReply
from rotation.drivers.families.tencent_api3 import whole

RESETTING = 11
_IN_OPERATION, _RUNNING = 4, 1
# Per row: the statuses, and the error, its sentence and its hint.
_Rows = tuple[tuple[tuple[int, ...], type[DriverError], str, str | None], ...]
_DEVICE: _Rows = (
    # applying, initialising, coming out of isolation
    ((1, 2, 10), InProgress, "the device is being prepared", None),
    # hardware fault, network fault; 16 is API 3.0's number for both
    ((5, 6, 16), PreconditionFailed, "the device has a hardware or network fault", "Have the device repaired."),
    # initialising failed, isolation and what follows it, offline, expired
    (
        (3, 7, 8, 9, 11, 12, 13, 14),
        AccountUnusable,
        "the device is out of operation",
        "Look at the device in the console: it failed, expired or was given back.",
    ),
)
_OPERATION: _Rows = (
    # shutting down, starting, rebooting, reinstalling, resetting, binding EIP and LB, changing its IP, making an image
    ((2, 5, 7, 9, RESETTING, 12, 13, 14, 15, 19, 20), InProgress, "an operation on the device is running", None),
    ((3,), PreconditionFailed, "the device is off", "Start the device: its agent sets the password."),
    # shutdown, start, reboot, reinstalling, making an image failed; to be reinstalled, to be given back
    (
        (4, 6, 8, 10, 21, 23, 24),
        PreconditionFailed,
        "the device's last operation failed",
        "Look at the device in the console and repeat the failed operation.",
    ),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Device:
    """One device. ``os_type`` and ``class_code`` together name its operating system in the vendor's list."""

    instance_id: str
    lan_ip: str
    wan_ip: str
    device_status: int
    operate_status: int
    os_type: int
    class_code: str

    @classmethod
    def parse(cls, entry: Mapping[str, object], names: tuple[str, str, str, str, str, str, str]) -> Device:
        """Read an entry of the vendor's list. ``names`` are its keys, in the order of our fields.

        Raises:
            UnexpectedReply: a number is missing.
        """
        instance_id, lan_ip, wan_ip, device_status, operate_status, os_type, class_code = names
        return cls(
            instance_id=str(entry.get(instance_id)),
            lan_ip=_text(entry.get(lan_ip)),
            wan_ip=_text(entry.get(wan_ip)),
            device_status=whole(entry.get(device_status)),
            operate_status=whole(entry.get(operate_status)),
            os_type=whole(entry.get(os_type)),
            class_code=_text(entry.get(class_code)),
        )

    def address(self, which: str) -> str | None:
        """Return the ``wan`` or ``lan`` address; for ``auto`` the public one, else the private one."""
        addresses = {"wan": self.wan_ip, "lan": self.lan_ip, "auto": self.wan_ip or self.lan_ip}
        return addresses[which] if re.fullmatch(r"[A-Za-z0-9.:-]{1,255}", addresses[which]) else None

    def obstacles(self) -> tuple[DriverError, ...]:
        """Return the reasons why the vendor would refuse a reset now."""
        device, operation = self.device_status, self.operate_status
        found = (
            None if device == _IN_OPERATION else _obstacle("deviceStatus", device, _DEVICE),
            None if operation == _RUNNING else _obstacle("operateStatus", operation, _OPERATION),
        )
        return tuple(each for each in found if each is not None)


def _obstacle(name: str, status: int, rows: _Rows) -> DriverError:
    for statuses, error, sentence, hint in rows:
        if status in statuses:
            return error(f"{sentence} ({name} {status})", hint=hint)
    return UnexpectedReply(f"the vendor shows an unknown status of the device ({name} {status})")


def wrong_user(username: str, *, windows: bool) -> list[DriverError]:
    """Return an obstacle if the vendor resets another user. On Windows the case of the name does not matter."""
    name = "Administrator" if windows else "root"
    if username == name or (windows and username.lower() == name.lower()):
        return []
    hint = f"Set username to {name}."
    return [PreconditionFailed(f"the vendor resets {name}, which is not the secret's username", hint=hint)]


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""
