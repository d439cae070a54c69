"""The service behind both generations of Tencent's API: devices, asynchronous tasks and the operation log.

A call that cannot be carried out ends in a ``Trouble``; each generation of the API has its own code for it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from enum import Enum, IntEnum, auto
from functools import partial

from rotation.core.secret import Secret
from rotation_testkit.doubles.families.tencent.keys import china_time
from rotation_testkit.doubles.vendor_api.call import Call
from rotation_testkit.doubles.vendor_api.reset_simulator import Delays
from rotation_testkit.doubles.vendors.tencent_bm.devices import (
    IN_OPERATION,
    PASSING,
    REBOOT_FAILED,
    REBOOTING,
    RUNNING,
    START_FAILED,
    STARTING,
    STOP_FAILED,
    STOPPED,
    STOPPING,
    Device,
    weakness,
)

_FIRST_TASK = 101
_WEEK = 7 * 86_400


class Trouble(Enum):
    """Why the service does not carry out a call."""

    NO_DEVICE = auto()
    NO_TASK = auto()
    TOO_MANY = auto()
    WEAK = auto()
    UNAVAILABLE = auto()  # isolated, expired, broken: not in operation
    REPAIR = auto()
    BUSY = auto()
    WRONG_STATE = auto()
    NO_AGENT = auto()


class Denied(Exception):
    """A call that the service does not carry out."""

    def __init__(self, trouble: Trouble, detail: str = "") -> None:
        super().__init__(trouble.name)
        self.trouble = trouble
        self.detail = detail


class Power(Enum):
    """The three power operations: task name, its title, status needed, passing, final and failed."""

    SHUTDOWN = ("shutdownDevice", "关机", RUNNING, STOPPING, STOPPED, STOP_FAILED)
    START = ("startDevice", "开机", STOPPED, STARTING, RUNNING, START_FAILED)
    REBOOT = ("rebootDevice", "重启", RUNNING, REBOOTING, RUNNING, REBOOT_FAILED)


class Status(IntEnum):
    """Status of a task; a device's part of it is 1, 2 or 4."""

    SUCCESS = 1
    FAILURE = 2
    MIXED = 3
    UNFINISHED = 4
    PART_SUCCESS = 5
    PART_FAILURE = 6
    ALL_KINDS = 7


_OVERALL = {
    frozenset({1}): Status.SUCCESS,
    frozenset({2}): Status.FAILURE,
    frozenset({1, 2}): Status.MIXED,
    frozenset({4}): Status.UNFINISHED,
    frozenset({1, 4}): Status.PART_SUCCESS,
    frozenset({2, 4}): Status.PART_FAILURE,
    frozenset({1, 2, 4}): Status.ALL_KINDS,
}


@dataclass(slots=True)
class Entry:
    """One device's part of a task, which is also its line in the operation log."""

    entry_id: int
    task_id: int
    instance_id: str
    name: str
    title: str
    started: float
    ended: float | None = None
    status: Status = Status.UNFINISHED

    def end(self, now: float, *, ok: bool) -> None:
        """Record the end and whether it succeeded."""
        self.ended, self.status = now, Status.SUCCESS if ok else Status.FAILURE


@dataclass(slots=True)
class Task:
    """An asynchronous operation over one or many devices."""

    task_id: int
    entries: list[Entry]

    @property
    def status(self) -> Status:
        """The status of the whole."""
        return _OVERALL[frozenset(int(entry.status) for entry in self.entries)]


@dataclass(slots=True)
class BareMetalService:
    """Devices and the operations on them. ``later`` schedules an effect by its delay in seconds."""

    clock: Callable[[], float]
    later: Callable[[float, Callable[[], None]], None]
    delays: Delays = field(default_factory=Delays)
    devices: dict[str, Device] = field(default_factory=dict)
    tasks: dict[int, Task] = field(default_factory=dict)
    most_devices: int = 100
    backtick: bool = False  # on: a password may hold a backtick, as one copy of the vendor's page can be read

    def log(self, region: str, instance_id: str, first: str | None, last: str | None) -> list[Entry]:
        """Return a device's operations between two days, the newest first; by default those of the last week."""
        (device,) = self.find(region, [instance_id])
        days = ((first or china_time(self.clock() - _WEEK))[:10], (last or china_time(self.clock()))[:10])
        entries = [entry for task in self.tasks.values() for entry in task.entries]
        mine = (entry for entry in reversed(entries) if entry.instance_id == device.instance_id)
        return [entry for entry in mine if days[0] <= china_time(entry.started)[:10] <= days[1]]

    def matching(self, region: str, *, alias: str, **filters: list[str]) -> list[Device]:
        """Return a region's devices by a part of the alias, and by the values of other attributes (none: any)."""
        here = (device for device in self.devices.values() if device.region == region and alias in device.alias)
        return [
            device
            for device in here
            if all(not wanted or getattr(device, name) in wanted for name, wanted in filters.items())
        ]

    def task(self, task_id: int) -> Task:
        """Return a task."""
        if task_id not in self.tasks:
            raise Denied(Trouble.NO_TASK, "taskId")
        return self.tasks[task_id]

    def find(self, region: str, instance_ids: Iterable[str]) -> list[Device]:
        """Return the devices of a call; each must exist in the region."""
        wanted = list(dict.fromkeys(instance_ids))
        if len(wanted) > self.most_devices:
            raise Denied(Trouble.TOO_MANY, "instanceIds")
        found = [self.devices[name] for name in wanted if name in self.devices]
        if len(found) != len(wanted) or any(device.region != region for device in found):
            raise Denied(Trouble.NO_DEVICE, "instanceIds")
        return found

    def reset(self, call: Call, devices: list[Device], password: str) -> Task:
        """Reset every device, or none: one that the password does not suit or that is not ready denies the call."""
        for device in devices:
            device.attempts += 1
        for device in devices:
            if complaint := weakness(device, password, backtick=self.backtick):
                raise Denied(Trouble.WEAK, complaint)
        for device in devices:
            _check(device, RUNNING)
            if not device.agent_alive:
                raise Denied(Trouble.NO_AGENT, device.instance_id)
        task = self._register("resetDevicePasswd", "重置密码", devices)
        call.commit(
            lambda: self._reset_all(task, devices, Secret(password)),
            pretence=lambda: self._reset_all(task, devices, None),
        )
        return task

    def switch(self, call: Call, devices: list[Device], power: Power) -> Task:
        """Shut down, start or reboot the devices, all or none."""
        name, title, needed, *_ = power.value
        for device in devices:
            _check(device, needed)
        task = self._register(name, title, devices)
        call.commit(lambda: self._switch_all(task, devices, power), pretence=lambda: self._pretend(task))
        return task

    def _register(self, name: str, title: str, devices: list[Device]) -> Task:
        task_id, now = _FIRST_TASK + len(self.tasks), self.clock()
        entries = [
            Entry(task_id * 1000 + place, task_id, device.instance_id, name, title, now)
            for place, device in enumerate(devices)
        ]
        self.tasks[task_id] = Task(task_id, entries)
        return self.tasks[task_id]

    def _reset_all(self, task: Task, devices: list[Device], password: Secret | None) -> None:
        for place, (entry, device) in enumerate(zip(task.entries, devices, strict=True)):
            device.resetting += 1
            self.later(
                self.delays.reset + place * self.delays.stagger, partial(self._end_reset, entry, device, password)
            )

    def _end_reset(self, entry: Entry, device: Device, password: Secret | None) -> None:
        device.resetting -= 1
        if password is not None and not device.reset_fails:
            device.resets += 1
            if not device.guest_ignores_reset:
                self.later(self.delays.guest, partial(setattr, device, "guest", password))
        entry.end(self.clock(), ok=not (device.reset_fails or device.reset_fails_after))

    def _switch_all(self, task: Task, devices: list[Device], power: Power) -> None:
        *_, passing, final, failed = power.value
        seconds = self.delays.stop if power is Power.SHUTDOWN else self.delays.start
        for place, (entry, device) in enumerate(zip(task.entries, devices, strict=True)):
            device.power = passing
            end = partial(self._end_switch, entry, device, failed if device.power_fails else final)
            self.later(seconds + place * self.delays.stagger, end)

    def _end_switch(self, entry: Entry, device: Device, status: int) -> None:
        entry.end(self.clock(), ok=not device.power_fails)
        device.power = status

    def _pretend(self, task: Task) -> None:
        for entry in task.entries:
            entry.end(self.clock(), ok=True)


def _check(device: Device, needed: int) -> None:
    if device.device_status != IN_OPERATION:
        raise Denied(Trouble.UNAVAILABLE, device.instance_id)
    if device.repairing:
        raise Denied(Trouble.REPAIR, device.instance_id)
    if device.operate_status in PASSING:
        raise Denied(Trouble.BUSY, device.instance_id)
    if device.operate_status != needed:
        raise Denied(Trouble.WRONG_STATE, device.instance_id)
