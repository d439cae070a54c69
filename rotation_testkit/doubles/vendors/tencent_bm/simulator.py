"""Tencent Blackstone bare metal: one park of devices behind the v2 API (``/v2/index.php``) and API 3.0 (``/``).

Where the vendor's documents are silent or disagree the choice is an attribute of ``v2``, ``v3``, ``park`` or a device.
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable

from rotation.core.secret import Secret
from rotation_testkit.doubles.vendors.call import Call, Refused, Reply
from rotation_testkit.doubles.vendors.faults import FaultPlan
from rotation_testkit.doubles.vendors.simulator import Simulator
from rotation_testkit.doubles.vendors.tencent_bm.devices import LINUX, OS_TYPES, WINDOWS, Device, OsType
from rotation_testkit.doubles.vendors.tencent_bm.keys import SecretKey
from rotation_testkit.doubles.vendors.tencent_bm.park import Delays, Park, Power, Status, Task, Trouble
from rotation_testkit.doubles.vendors.tencent_bm.v2 import V2
from rotation_testkit.doubles.vendors.tencent_bm.v2_gateway import PATH
from rotation_testkit.doubles.vendors.tencent_bm.v3 import V3

__all__ = [
    "LINUX",
    "OS_TYPES",
    "WINDOWS",
    "Delays",
    "Device",
    "OsType",
    "Power",
    "SecretKey",
    "Status",
    "Task",
    "TencentBm",
    "Trouble",
]


class TencentBm(Simulator):
    """The simulated APIs of bm.api.qcloud.com and bm.tencentcloudapi.com on the same devices.

    Args:
        clock: seconds since the epoch.
        faults: what goes wrong; operations are the action names of either API, codes those of the API that is called.
        credentials: the account's key; a fresh one by default.
        delays: how long tasks take; nothing takes time by default.
    """

    request_id_header = "X-TC-RequestId"

    def __init__(
        self,
        *,
        clock: Callable[[], float] = time.time,
        faults: FaultPlan | None = None,
        credentials: SecretKey | None = None,
        delays: Delays | None = None,
    ) -> None:
        super().__init__(clock=clock, faults=faults)
        self.credentials = credentials or _new_key()
        self._keys = {self.credentials.secret_id: self.credentials}
        self.park = Park(clock, self.later, delays or Delays())
        self.v2 = V2(self.park, self._keys)
        self.v3 = V3(self.park, self._keys)

    # What a test sets up and looks at.

    def add_key(self, *, token: Secret | None = None, denied: frozenset[str] = frozenset()) -> SecretKey:
        """Make another key: a temporary one with its session token, or one with actions denied."""
        fresh = _new_key()
        key = SecretKey(fresh.secret_id, fresh.secret_key, token, denied)
        self._keys[key.secret_id] = key
        return key

    def add_device(self, instance_id: str, *, password: Secret, os: OsType = LINUX, region: str = "bj") -> Device:
        """Create a device whose root or Administrator has ``password``. The result's fields are switches."""
        device = Device(instance_id, password, os, region)
        with self.lock:
            self.park.devices[instance_id] = device
        return device

    def device(self, instance_id: str) -> Device:
        """Return a device as it is now. Raises ``KeyError`` when there is none."""
        self.settle()
        return self.park.devices[instance_id]

    def task(self, task_id: int) -> Task:
        """Return a task as it is now. Raises ``KeyError`` when there is none."""
        self.settle()
        return self.park.tasks[task_id]

    def guest_password(self, instance_id: str) -> Secret:
        """Return what the guest's login takes now."""
        return self.device(instance_id).guest

    def guest_login(self, instance_id: str) -> Callable[[str, str], bool]:
        """Return the guest's password check, for an ``SshHost`` or a WinRM host."""
        return lambda user, password: self.device(instance_id).login(user, password)

    def running(self, instance_id: str) -> bool:
        """Tell whether the guest is up."""
        return self.device(instance_id).up

    def resets(self, instance_id: str) -> int:
        """Return how many resets took effect."""
        return self.device(instance_id).resets

    def attempts(self, instance_id: str) -> int:
        """Return how many reset requests reached the device, refused ones included."""
        return self.device(instance_id).attempts

    # The vendor's two doors.

    def operation(self, call: Call) -> str:
        """Return the action's name."""
        return self._door(call).operation(call)

    def respond(self, call: Call) -> Reply:
        """Let the API of the path answer."""
        return self._door(call).respond(call)

    def refuse(self, call: Call, refusal: Refused) -> Reply:
        """Word a refusal as the API of the path does."""
        return self._door(call).refuse(call, refusal)

    def throttle(self, call: Call) -> Reply:
        """Word "too many requests" as the API of the path does."""
        return self._door(call).throttle(call)

    def _door(self, call: Call) -> V2 | V3:
        return self.v2 if call.path == PATH else self.v3


def _new_key() -> SecretKey:
    return SecretKey("AKID" + secrets.token_hex(16), Secret(secrets.token_hex(16)))
