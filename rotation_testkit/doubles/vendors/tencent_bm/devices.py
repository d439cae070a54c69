"""Blackstone devices as the simulated service keeps them, and the vendor's password rule as a check."""

from __future__ import annotations

import string
from dataclasses import dataclass

from rotation.core.secret import Secret

RUNNING, STOPPING, STOPPED, STARTING, REBOOTING, RESETTING = 1, 2, 3, 5, 7, 11
STOP_FAILED, START_FAILED, REBOOT_FAILED = 4, 6, 8
IN_OPERATION = 4
# shutting down, starting, rebooting, reinstalling, resetting, binding and unbinding EIP and LB (DescribeDevice page)
PASSING = frozenset({2, 5, 7, 9, 11, 12, 13, 14, 15})
_UP = frozenset({1, 4, 11, 12, 13, 14, 15})

_SPECIALS = "()~!@#$%^&*-+=_{}[]:;'|<>,.?/"  # the list of the 2019 page; the other copy's backticks look like markup
_LINUX_KINDS = (string.ascii_letters, string.digits)  # letters of both cases are one kind here
_WINDOWS_KINDS = (string.ascii_lowercase, string.ascii_uppercase, string.digits)


@dataclass(frozen=True, slots=True)
class OsType:
    """One entry of the vendor's list of operating systems."""

    type_id: int
    name: str
    display: str
    family: str

    @property
    def windows(self) -> bool:
        """Whether this is Windows."""
        return self.family == "Windows"


# The first three stand in the vendor's DescribeOs sample; no page shows a Windows entry.
OS_TYPES = (
    OsType(1, "BM-centos6.5", "centos 6.5  64位", "CentOS"),
    OsType(3, "BM-debian7.8", "debian 7.8  64位", "Debian"),
    OsType(4, "BM-rhel7.1", "redhat 7.1  64位", "Redhat"),
    OsType(21, "BM-win2012r2", "Windows Server 2012 R2 64位", "Windows"),
)
LINUX, WINDOWS = OS_TYPES[0], OS_TYPES[3]


@dataclass(slots=True)
class Device:
    """One physical server. Tests may flip its switches while it is served.

    ``power`` is the operating status apart from a running reset, any of the vendor's values.
    """

    instance_id: str
    guest: Secret  # what the login of root or Administrator accepts
    os: OsType = LINUX
    region: str = "bj"
    lan_ip: str = "10.6.10.67"
    wan_ip: str = ""
    alias: str = "server"
    device_class_code: str = "PS100v1"
    device_status: int = IN_OPERATION
    power: int = RUNNING
    agent_alive: bool = True
    repairing: bool = False  # a hardware repair task is open
    reset_fails: bool = False  # this device's part of the task fails, the password stays
    reset_fails_after: bool = False  # the part is reported as failed although the password changed
    power_fails: bool = False  # the next power change ends in its "failed" status
    guest_ignores_reset: bool = False  # the task reports success, the login did not change
    resetting: int = 0
    resets: int = 0
    attempts: int = 0

    @property
    def user(self) -> str:
        """The account whose password the vendor resets."""
        return "Administrator" if self.os.windows else "root"

    @property
    def operate_status(self) -> int:
        """The vendor's operateStatus."""
        return RESETTING if self.resetting else self.power

    @property
    def up(self) -> bool:
        """Whether the operating system runs."""
        return self.operate_status in _UP

    def login(self, user: str, password: str) -> bool:
        """Return whether the guest lets this user in. Windows ignores the case of a user's name."""
        same = user.casefold() == self.user.casefold() if self.os.windows else user == self.user
        return same and self.guest == Secret(password)


def weakness(device: Device, password: str, *, backtick: bool = False) -> str | None:
    """Return which part of the vendor's rule a password breaks on this device, or ``None``."""
    specials = _SPECIALS + ("`" if backtick else "")
    kinds = (*(_WINDOWS_KINDS if device.os.windows else _LINUX_KINDS), specials)
    shortest, needed = (12, 3) if device.os.windows else (8, 2)
    if not shortest <= len(password) <= 16:  # noqa: PLR2004 - the vendor's figure, once
        return f"length must be {shortest} to 16"
    if any(all(letter not in kind for kind in kinds) for letter in password):
        return "a character is not allowed"
    if sum(any(letter in kind for letter in password) for kind in kinds) < needed:
        return f"needs {needed} kinds of characters"
    if device.os.windows and "administrator" in password.lower():
        return "holds the account's name"
    return None
