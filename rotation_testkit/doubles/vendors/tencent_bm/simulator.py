"""Tencent Blackstone bare metal: one set of devices behind the v2 API (``/v2/index.php``) and API 3.0 (``/``).

What the vendor's documents leave open is an attribute of ``v2``, ``v3``, ``service`` or a device.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace

from rotation.core.secret import Secret
from rotation_testkit.doubles.families.tencent.keys import SecretKey, new_key
from rotation_testkit.doubles.vendor_api.call import Call, Refused, Reply
from rotation_testkit.doubles.vendor_api.faults import FaultPlan
from rotation_testkit.doubles.vendor_api.reset_simulator import Delays, MachineSimulator
from rotation_testkit.doubles.vendors.tencent_bm.devices import LINUX, OS_TYPES, WINDOWS, Device, OsType
from rotation_testkit.doubles.vendors.tencent_bm.service import BareMetalService, Power, Status, Task, Trouble
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


class TencentBm(MachineSimulator[SecretKey, Device]):
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
        self.credentials = credentials or new_key()
        self.keys = {self.credentials.secret_id: self.credentials}
        self.service = BareMetalService(clock, self.later, delays or Delays())
        self.targets = self.service.devices
        self.v2 = V2(self.service, self.keys)
        self.v3 = V3(self.service, self.keys)

    # What a test sets up and looks at.

    def add_key(self, *, token: Secret | None = None, denied: frozenset[str] = frozenset()) -> SecretKey:
        """Make another key: a temporary one with its session token, or one with actions denied."""
        key = replace(new_key(), token=token, denied=denied)
        self.keys[key.secret_id] = key
        return key

    def add_device(self, instance_id: str, *, password: Secret, os: OsType = LINUX, region: str = "bj") -> Device:
        """Create a device whose root or Administrator has ``password``. The result's fields are switches."""
        device = Device(instance_id, password, os, region)
        with self.lock:
            self.service.devices[instance_id] = device
        return device

    def device(self, instance_id: str) -> Device:
        """Return a device as it is now. Raises ``KeyError`` when there is none."""
        return self.target(instance_id)

    def task(self, task_id: int) -> Task:
        """Return a task as it is now. Raises ``KeyError`` when there is none."""
        self.settle()
        return self.service.tasks[task_id]

    # The vendor's two generations of the API.

    def operation(self, call: Call) -> str:
        """Return the action's name."""
        return self._api(call).operation(call)

    def respond(self, call: Call) -> Reply:
        """Let the API of the path answer."""
        return self._api(call).respond(call)

    def refuse(self, call: Call, refusal: Refused) -> Reply:
        """Phrase a refusal as the API of the path does."""
        return self._api(call).refuse(call, refusal)

    def throttle(self, call: Call) -> Reply:
        """Phrase "too many requests" as the API of the path does."""
        return self._api(call).throttle(call)

    def _api(self, call: Call) -> V2 | V3:
        return self.v2 if call.path == PATH else self.v3
