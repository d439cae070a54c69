"""Machines as UCloud's simulated services keep them, and the vendor's password rule as a check."""

from __future__ import annotations

import base64
import binascii
import string
from abc import ABC, abstractmethod
from dataclasses import dataclass

from rotation.core.secret import Secret

# The container page's list; the UHost page gives virtual machines the same characters.
_SPECIALS = "()`~!@#$%^&*-+=_|{}[]:;'<>,.?/"
_CLASSES = (string.ascii_uppercase, string.ascii_lowercase, string.digits, _SPECIALS)
# uhost-api/specification.md forbids runs "from adminstrator", a typo; a run of either spelling is refused.
_FORBIDDEN_RUNS = tuple({word[i : i + 3] for word in ("administrator", "adminstrator") for i in range(len(word) - 2)})


@dataclass(slots=True)
class Machine(ABC):
    """One machine. Tests may flip its switches while it is served."""

    uhost_id: str
    guest: Secret  # what the guest's login accepts
    region: str
    zone: str
    project_id: str
    os_type: str = "Linux"
    os_name: str = "Ubuntu 22.04"
    charge_type: str = "Postpay"
    state: str = "Running"
    name: str = "gpu"
    created: int = 1_700_000_000
    expires: int = 1_900_000_000
    expired: bool = False
    arrears: bool = False
    deleted: bool = False
    guest_ignores_reset: bool = False  # the default account was changed, or the image is of type "other"
    resets: int = 0
    attempts: int = 0
    starts: int = 0
    stops: int = 0
    resetting: int = 0

    @property
    @abstractmethod
    def user(self) -> str:
        """The account whose password the vendor resets."""

    @property
    @abstractmethod
    def ip(self) -> str:
        """The public address."""

    @property
    def container(self) -> bool:
        """Whether this is a container, which is reset while it runs."""
        return False

    @property
    def up(self) -> bool:
        """Whether the operating system runs."""
        return self.state == "Running"

    def login(self, user: str, password: str) -> bool:
        """Return whether the guest lets this user in."""
        return user == self.user and self.guest == Secret(password)

    def store(self, password: Secret) -> None:
        """Keep what the vendor's API shows of a password: nothing, unless the product says otherwise."""
        del password

    def describe(self) -> dict[str, object]:
        """Return the vendor's view of this machine."""
        return {
            "UHostId": self.uhost_id,
            "Name": self.name,
            "Zone": self.zone,
            "State": self.state,
            "OsType": self.os_type,
            "OsName": self.os_name,
            "IPSet": [
                {
                    "IPMode": "IPv4",
                    "Type": "Bgp",
                    "IP": self.ip,
                    "IPId": f"eip-{self.uhost_id}",
                    "Weight": 50,
                    "Default": "true",
                }
            ],
            "ChargeType": self.charge_type,
            "IsExpire": "Yes" if self.expired else "No",
            "CreateTime": self.created,
            "ExpireTime": self.expires,
        }


def decode_password(sent: str) -> str | None:
    """Return the password inside the base64 parameter, or ``None`` when it is not Base64 of text."""
    try:
        return base64.b64decode(sent, validate=True).decode()
    except (binascii.Error, UnicodeDecodeError, ValueError):
        return None


def weakness(machine: Machine, password: str) -> str | None:
    """Return which part of the vendor's rule a password breaks, or ``None``."""
    shortest, longest = (8, 32) if machine.container else (8, 30)
    windows = machine.os_type == "Windows" and not machine.container
    if not shortest <= len(password) <= longest:
        return f"length must be {shortest} to {longest}"
    if any(all(letter not in group for group in _CLASSES) for letter in password):
        return "a character is not allowed"
    if sum(any(letter in group for letter in password) for group in _CLASSES) < (3 if windows else 2):
        return "too few kinds of characters"
    if windows and any(run in password.lower() for run in _FORBIDDEN_RUNS):
        return "holds a run from administrator"
    return None
