"""The service behind UCloud's gateway: what each action of a machine product checks, changes and answers."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import ClassVar, Generic, TypeVar

from rotation.core.secret import Secret
from rotation_testkit.doubles.families.ucloud.machines import Machine, decode_password, weakness
from rotation_testkit.doubles.vendor_api.call import Call, Refused
from rotation_testkit.doubles.vendor_api.reset_simulator import Delays

DEFAULT_PROJECT = "org-default"
_MOST_PER_PAGE = 100
Params = dict[str, str]
Answer = dict[str, object]
M = TypeVar("M", bound=Machine)


@dataclass(slots=True)
class OpenCodes:
    """Return codes that differ between products, and those of cases for which no document names one (assumed)."""

    expired: int
    arrears: int
    no_capacity: int
    weak_password: int = 230
    not_stopped: int = 8010
    power_state: int = 8905
    spot_stop: int = 8843
    no_such_instance: int = 230


@dataclass(slots=True)
class MachineService(Generic[M]):
    """Machines and the actions on them. ``later`` schedules an effect by its delay in seconds.

    Attributes:
        noun: what the actions are named after, such as ``UHostInstance`` in ``StopUHostInstance``.
        spot: the charge types of machines that cannot be stopped.
        place: the parameters that every call on a machine needs.
    """

    noun: ClassVar[str]
    spot: ClassVar[frozenset[str]]
    place: ClassVar[tuple[str, ...]] = ("Region", "Zone")
    later: Callable[[float, Callable[[], None]], None]
    codes: OpenCodes
    delays: Delays = field(default_factory=Delays)
    capacity: bool = True
    instances: dict[str, M] = field(default_factory=dict)
    projects: set[str] = field(default_factory=lambda: {DEFAULT_PROJECT})
    zones: set[str] = field(default_factory=set)

    @property
    def actions(self) -> dict[str, Callable[[Call, Params], Answer]]:
        """Every action that the service knows."""
        return {
            f"Describe{self.noun}": self._describe,
            f"Stop{self.noun}": self._stop,
            f"Start{self.noun}": self._start,
            f"Reboot{self.noun}": self._reboot,
            f"Reset{self.noun}Password": self._reset,
        }

    def _describe(self, _call: Call, params: Params) -> Answer:
        offset, limit = _number(params, "Offset", 0), _number(params, "Limit", 20)
        if limit > _MOST_PER_PAGE:
            raise Refused(230, "Limit")
        wanted = {value for key, value in params.items() if re.fullmatch(r"UHostIds\.\d+", key)}
        found = [
            instance
            for instance in self.instances.values()
            if not instance.deleted
            and instance.project_id == params["ProjectId"]
            and params.get("Region", instance.region) == instance.region
            and _in_zone(instance, params)
            and (not wanted or instance.uhost_id in wanted)
        ]
        shown = [instance.describe() for instance in found[offset : offset + limit]]
        return {"TotalCount": len(found), "UHostSet": shown}

    def _stop(self, call: Call, params: Params) -> Answer:
        instance = self._writable(params)
        if instance.charge_type in self.spot:
            raise Refused(self.codes.spot_stop)
        self._expect(instance, "Running")

        def effect() -> None:
            instance.stops += 1
            self._move(instance, "Stopping", self.delays.stop, "Stopped")

        call.commit(effect)
        return {"UHostId": instance.uhost_id}

    def _start(self, call: Call, params: Params) -> Answer:
        instance = self._writable(params)
        self._expect(instance, "Stopped")
        if not self._has_room(instance, params):
            raise Refused(self.codes.no_capacity)

        def effect() -> None:
            instance.starts += 1
            self._move(instance, "Starting", self.delays.start, "Running")

        call.commit(effect)
        return {"UHostId": instance.uhost_id}

    def _reboot(self, call: Call, params: Params) -> Answer:
        instance = self._writable(params)
        self._expect(instance, "Running")
        call.commit(lambda: self._move(instance, "Rebooting", self.delays.start, "Running"))
        return {"UHostId": instance.uhost_id}

    def _reset(self, call: Call, params: Params) -> Answer:
        instance = self._instance_of(params, "Password")
        instance.attempts += 1
        self._check_paid(instance)
        if instance.resetting:
            raise Refused(8034)
        if not instance.container and instance.state != "Stopped":
            raise Refused(self.codes.not_stopped)
        self._expect(instance, "Running", "Stopped")
        password = self._new_password(instance, params["Password"])

        def effect() -> None:
            instance.resets += 1
            instance.store(password)
            if not instance.guest_ignores_reset:
                self.later(self.delays.guest, lambda: setattr(instance, "guest", password))
            _busy(instance, +1)
            self.later(self.delays.reset, lambda: _busy(instance, -1))

        _busy(instance, +1)
        call.at_end(lambda: _busy(instance, -1))
        call.commit(effect)
        return {"UHostId": instance.uhost_id}

    # Shared checks.

    def _instance_of(self, params: Params, *more: str) -> M:
        for name in (*self.place, "UHostId", *more):
            need(params, name)
        if params.get("Zone") not in {None, *self.zones}:
            raise Refused(293)
        instance = self.instances.get(params["UHostId"])
        place = (params["Region"], params["ProjectId"])
        if instance is None or (instance.region, instance.project_id) != place or not _in_zone(instance, params):
            raise Refused(self.codes.no_such_instance, "UHostId")
        if instance.deleted:
            raise Refused(8039)
        return instance

    def _writable(self, params: Params, *more: str) -> M:
        instance = self._instance_of(params, *more)
        self._check_paid(instance)
        return instance

    def _has_room(self, instance: M, params: Params) -> bool:  # noqa: ARG002 - for a product with other starts
        return self.capacity

    def _check_paid(self, instance: M) -> None:
        if instance.expired:
            raise Refused(self.codes.expired)
        if instance.arrears:
            raise Refused(self.codes.arrears)

    def _expect(self, instance: M, *states: str) -> None:
        if instance.state not in states:
            raise Refused(self.codes.power_state)

    def _move(self, instance: M, passing: str, seconds: float, final: str) -> None:
        instance.state = passing
        self.later(seconds, lambda: setattr(instance, "state", final))

    def _new_password(self, instance: M, sent: str) -> Secret:
        password = decode_password(sent)
        if password is None:
            raise Refused(230, "Password")
        if complaint := weakness(instance, password):
            raise Refused(self.codes.weak_password, f"Password: {complaint}")
        return Secret(password)


def _busy(instance: Machine, change: int) -> None:
    instance.resetting += change


def _in_zone(instance: Machine, params: Params) -> bool:
    return params.get("Zone", instance.zone) == instance.zone


def need(params: Params, name: str) -> None:
    """Refuse a call that lacks a parameter."""
    if not params.get(name):
        raise Refused(220, name)


def _number(params: Params, name: str, default: int) -> int:
    text = params.get(name, str(default))
    if not text.isdecimal():
        raise Refused(230, name)
    return int(text)
