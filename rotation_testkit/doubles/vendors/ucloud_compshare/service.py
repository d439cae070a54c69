"""The service behind CompShare's gateway: what each action checks, changes and answers."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field

from rotation.core.secret import Secret
from rotation_testkit.doubles.vendor_api.call import Call, Refused
from rotation_testkit.doubles.vendor_api.reset_simulator import Delays
from rotation_testkit.doubles.vendors.ucloud_compshare.instances import Instance, decode_password, weakness

REGION, ZONE, DEFAULT_PROJECT = "cn-wlcb", "cn-wlcb-01", "org-default"
_MOST_PER_PAGE = 100
Params = dict[str, str]
Answer = dict[str, object]


@dataclass(slots=True)
class OpenCodes:
    """Return codes of cases for which no document names one; the values are assumptions."""

    weak_password: int = 230
    not_stopped: int = 8010
    power_state: int = 8905
    spot_stop: int = 8843
    no_such_instance: int = 230


@dataclass(slots=True)
class CompShareService:
    """Instances and the actions on them. ``later`` schedules an effect by its delay in seconds."""

    later: Callable[[float, Callable[[], None]], None]
    delays: Delays = field(default_factory=Delays)
    codes: OpenCodes = field(default_factory=OpenCodes)
    capacity: bool = True
    instances: dict[str, Instance] = field(default_factory=dict)
    projects: set[str] = field(default_factory=lambda: {DEFAULT_PROJECT})
    zones: set[str] = field(default_factory=lambda: {ZONE})

    @property
    def actions(self) -> dict[str, Callable[[Call, Params], Answer]]:
        """Every action that the service knows."""
        return {
            "DescribeCompShareInstance": self._describe,
            "StopCompShareInstance": self._stop,
            "StartCompShareInstance": self._start,
            "RebootCompShareInstance": self._reboot,
            "ReinstallCompShareInstance": self._reinstall,
            "ResetCompShareInstancePassword": self._reset,
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
            and params.get("Zone", instance.zone) == instance.zone
            and (not wanted or instance.uhost_id in wanted)
        ]
        shown = [instance.describe() for instance in found[offset : offset + limit]]
        return {"TotalCount": len(found), "UHostSet": shown}

    def _stop(self, call: Call, params: Params) -> Answer:
        instance = self._writable(params)
        if instance.charge_type == "Spot":
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
        without_gpu = params.get("WithoutGpu") == "true" and instance.without_gpu_start
        if not self.capacity and not without_gpu:
            raise Refused(226604)

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

    def _reinstall(self, call: Call, params: Params) -> Answer:
        instance = self._writable(params, "CompShareImageId")
        self._expect(instance, "Stopped")
        password = self._new_password(instance, params["Password"]) if "Password" in params else instance.password

        def effect() -> None:
            instance.password = instance.guest = password
            self._move(instance, "Reinstalling", self.delays.start, "Running")

        call.commit(effect)
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
            instance.password = password
            if not instance.guest_ignores_reset:
                self.later(self.delays.guest, lambda: setattr(instance, "guest", password))
            _busy(instance, +1)
            self.later(self.delays.reset, lambda: _busy(instance, -1))

        _busy(instance, +1)
        call.at_end(lambda: _busy(instance, -1))
        call.commit(effect)
        return {"UHostId": instance.uhost_id}

    # Shared checks.

    def _instance_of(self, params: Params, *more: str) -> Instance:
        for name in ("Region", "Zone", "UHostId", *more):
            need(params, name)
        if params["Zone"] not in self.zones:
            raise Refused(293)
        instance = self.instances.get(params["UHostId"])
        place = (params["Region"], params["Zone"], params["ProjectId"])
        if instance is None or (instance.region, instance.zone, instance.project_id) != place:
            raise Refused(self.codes.no_such_instance, "UHostId")
        if instance.deleted:
            raise Refused(8039)
        return instance

    def _writable(self, params: Params, *more: str) -> Instance:
        instance = self._instance_of(params, *more)
        self._check_paid(instance)
        return instance

    @staticmethod
    def _check_paid(instance: Instance) -> None:
        if instance.expired:
            raise Refused(226602)
        if instance.arrears:
            raise Refused(226601)

    def _expect(self, instance: Instance, *states: str) -> None:
        if instance.state not in states:
            raise Refused(self.codes.power_state)

    def _move(self, instance: Instance, passing: str, seconds: float, final: str) -> None:
        instance.state = passing
        self.later(seconds, lambda: setattr(instance, "state", final))

    def _new_password(self, instance: Instance, sent: str) -> Secret:
        password = decode_password(sent)
        if password is None:
            raise Refused(230, "Password")
        if complaint := weakness(instance, password):
            raise Refused(self.codes.weak_password, f"Password: {complaint}")
        return Secret(password)


def _busy(instance: Instance, change: int) -> None:
    instance.resetting += change


def need(params: Params, name: str) -> None:
    """Refuse a call that lacks a parameter."""
    if not params.get(name):
        raise Refused(220, name)


def _number(params: Params, name: str, default: int) -> int:
    text = params.get(name, str(default))
    if not text.isdecimal():
        raise Refused(230, name)
    return int(text)
