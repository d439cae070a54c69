"""Tencent CVM: cloud servers behind API 3.0 (``cvm.tencentcloudapi.com``, 2017-03-12).

Operations are asynchronous and have no id: an instance shows its latest one and how far it is. What the documents leave
open is a field of ``Server``.
"""

from __future__ import annotations

import string
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import ClassVar

from rotation.core.secret import Secret
from rotation_testkit.doubles.families.tencent.api3 import Action, Body, flag, region_of, text, texts, whole
from rotation_testkit.doubles.families.tencent.keys import SecretKey
from rotation_testkit.doubles.families.tencent.simulator import TencentSimulator
from rotation_testkit.doubles.vendor_api.call import Call, Refused
from rotation_testkit.doubles.vendor_api.faults import FaultPlan
from rotation_testkit.doubles.vendor_api.reset_simulator import Delays, MachineSimulator

__all__ = ["Delays", "SecretKey", "Server", "TencentCvm"]

_SPECIALS = "()`~!@#$%^&*-+=_|{}[]:;'<>,.?/"
_KINDS = (string.ascii_lowercase, string.ascii_uppercase, string.digits, _SPECIALS)
_LONGEST, _MOST_IDS = 30, 100
_STATE_CODES = [
    "Banning",
    "Corrupted",
    "EnterRescueMode",
    "EnterServiceLiveMigrate",
    "ExitRescueMode",
    "Freezing",
    "Isolating",
    "Pending",
    "Rebooting",
    "RescueMode",
    "Running",
    "ServiceLiveMigrate",
    "Shutdown",
    "Starting",
    "Stopped",
    "Stopping",
    "Terminated",
    "Terminating",
]


@dataclass(slots=True)
class Server:
    """One cloud server. Tests may flip its fields while it is served."""

    instance_id: str
    guest: Secret  # what the user's login accepts
    user: str = "root"
    os_name: str = "TencentOS Server 3.1 (TK4)"
    region: str = "ap-guangzhou"
    state: str = "RUNNING"
    restrict: str = "NORMAL"
    charging: str = "NOT_APPLICABLE"
    private_ip: str = "10.0.0.7"
    public_ip: str = ""
    latest: tuple[str, str, str] | None = None  # operation, how far it is, request id
    reset_fails: bool = False  # the operation ends as FAILED, the password stays
    stop_fails: bool = False  # the guest does not obey a normal shutdown
    guest_ignores_reset: bool = False  # the operation succeeds, the login did not change
    resets: int = 0
    attempts: int = 0
    stops: int = 0
    starts: int = 0

    @property
    def windows(self) -> bool:
        """Whether this is Windows."""
        return self.os_name.startswith("Windows")

    @property
    def up(self) -> bool:
        """Whether the operating system runs."""
        return self.state == "RUNNING"

    def login(self, user: str, password: str) -> bool:
        """Return whether the guest lets this user in."""
        return user == self.user and self.guest == Secret(password)

    def weakness(self, password: str, user: str) -> bool:
        """Return whether a password breaks the vendor's rule for this system."""
        known = all(any(letter in kind for kind in _KINDS) for letter in password)
        kinds = sum(any(letter in kind for letter in password) for kind in _KINDS)
        shortest = 12 if self.windows else 8
        sound = shortest <= len(password) <= _LONGEST and known and kinds > 2 and password[0] != "/"  # noqa: PLR2004 - three
        return not sound or (self.windows and user.lower() in password.lower())

    def describe(self) -> Body:
        """Return the fields of the vendor's Instance that concern a reset."""
        operation, far, request = self.latest or (None, None, None)
        return {
            "InstanceId": self.instance_id,
            "InstanceName": "web",
            "InstanceState": self.state,
            "RestrictState": self.restrict,
            "InstanceChargeType": "POSTPAID_BY_HOUR",
            "StopChargingMode": self.charging,
            "OsName": self.os_name,
            "PrivateIpAddresses": [self.private_ip],
            "PublicIpAddresses": [self.public_ip] if self.public_ip else None,
            "LoginSettings": {"KeyIds": None},
            "LatestOperation": operation,
            "LatestOperationState": far,
            "LatestOperationRequestId": request,
        }


class TencentCvm(TencentSimulator, MachineSimulator[SecretKey, Server]):
    """The simulated API; see ``TencentSimulator``. Operations take no time by default."""

    service, version = "cvm", "2017-03-12"
    messages: ClassVar[Mapping[str, str]] = {
        "InternalServerError": "Internal server error.",
        "InvalidInstance.NotSupported": "The instance does not support this operation.",
        "InvalidInstanceId.Malformed": "The instance's id is malformed.",
        "InvalidInstanceId.NotFound": "The instance does not exist.",
        "InvalidParameterCombination": "The parameters do not go together.",
        "InvalidParameterValue.InstanceIdMalformed": "The instance's id is malformed.",
        "InvalidParameterValue.InvalidPassword": "The password does not meet the requirements.",
        "InvalidParameterValue.LimitExceeded": "There are too many values.",
        "InvalidParameterValue.TooLong": "A value is too long.",
        "MutexOperation.TaskRunning": "A task is running.",
        "OperationDenied.InstanceOperationInProgress": "An operation on the instance is in progress.",
        "UnauthorizedOperation.InvalidToken": "The token is invalid.",
        "UnauthorizedOperation.MFAExpired": "The multi-factor authentication has expired.",
        "UnauthorizedOperation.MFANotFound": "There is no multi-factor authentication.",
        "UnsupportedOperation.HibernationForNormalInstance": "A normal instance cannot hibernate.",
        "UnsupportedOperation.SpecialInstanceType": "The type of the instance does not support this.",
        "UnsupportedOperation.StoppedModeStopCharging": "The instance is stopped without charge.",
        **{f"UnsupportedOperation.InstanceState{state}": f"The instance is {state}." for state in _STATE_CODES},
        "FailedOperation.InvalidInstanceApplicationRole": "Its application role has no such operation.",
        "InvalidParameterValue.ZoneNotSupported": "The zone does not support the request.",
        "UnsupportedOperation.InstanceReinstallFailed": "The reinstallation of the instance failed.",
        "UnsupportedOperation.InstanceStateExitServiceLiveMigrate": "The instance leaves service live migration.",
    }

    def __init__(
        self,
        *,
        clock: Callable[[], float] = time.time,
        faults: FaultPlan | None = None,
        delays: Delays | None = None,
    ) -> None:
        super().__init__(clock=clock, faults=faults)
        self.delays = delays or Delays()
        self.servers: dict[str, Server] = {}
        self.targets = self.servers

    def add_server(self, instance_id: str, *, password: Secret, os_name: str = "", user: str = "") -> Server:
        """Create a running server whose user has ``password``. The result's fields are switches."""
        server = Server(instance_id, password)
        server.os_name = os_name or server.os_name
        server.user = user or ("Administrator" if server.windows else "root")
        self.servers[instance_id] = server
        return server

    def actions(self) -> Mapping[str, Action]:
        """See ``TencentSimulator``."""
        return {
            "DescribeInstances": Action(self._describe, (), ("InstanceIds", "Offset", "Limit")),
            "ResetInstancesPassword": Action(self._reset, ("InstanceIds", "Password"), ("UserName", "ForceStop")),
            "StopInstances": Action(self._stop, ("InstanceIds",), ("ForceStop", "StopType", "StoppedMode")),
            "StartInstances": Action(self._start, ("InstanceIds",)),
        }

    def _describe(self, call: Call, body: Body) -> Body:
        start, count = whole(body, "Offset", 0), whole(body, "Limit", 20)
        found = self._named(call, body) if "InstanceIds" in body else list(self.servers.values())
        here = [server.describe() for server in found if server.region == region_of(call)]
        return {"TotalCount": len(here), "InstanceSet": here[start : start + count]}

    def _reset(self, call: Call, body: Body) -> Body:
        password, user, force = text(body, "Password"), text(body, "UserName", ""), flag(body, "ForceStop")
        servers = self._named(call, body)
        for server in servers:
            server.attempts += 1
            allowed = {"STOPPED", "RUNNING"} if force else {"STOPPED"}
            self._ready(server, allowed)
            if server.charging == "STOP_CHARGING":
                raise Refused("UnsupportedOperation.StoppedModeStopCharging")
            if not password or server.weakness(password, user or server.user):
                raise Refused("InvalidParameterValue.InvalidPassword")
        for server in servers:
            known = user in {"", server.user} and not server.reset_fails
            new = Secret(password) if known and not server.guest_ignores_reset else None
            put = partial(self._put, server, new, counted=known)
            pretence = partial(self._operate, call, server, self.delays.reset, ok=True)
            call.commit(
                partial(self._operate, call, server, self.delays.reset, put, ok=known, stops=force), pretence=pretence
            )
        return {}

    def _stop(self, call: Call, body: Body) -> Body:
        servers = self._named(call, body)
        if "StopType" in body and "ForceStop" in body:
            raise Refused("InvalidParameterCombination")
        hard = text(body, "StopType", "SOFT") != "SOFT" or flag(body, "ForceStop")
        for server in servers:
            self._ready(server, {"RUNNING"})
        for server in servers:
            call.commit(partial(self._switch, call, server, off=True, obeyed=hard or not server.stop_fails))
        return {}

    def _start(self, call: Call, body: Body) -> Body:
        servers = self._named(call, body)
        for server in servers:
            self._ready(server, {"STOPPED"})
        for server in servers:
            call.commit(partial(self._switch, call, server, off=False, obeyed=True))
        return {}

    def _named(self, call: Call, body: Body) -> list[Server]:
        ids = texts(body, "InstanceIds")
        if not ids or len(ids) > _MOST_IDS:
            raise Refused("InvalidParameterValue.LimitExceeded", "InstanceIds")
        if any(not one.startswith("ins-") for one in ids):
            raise Refused("InvalidInstanceId.Malformed", "InstanceIds")
        found = [self.servers[one] for one in ids if one in self.servers]
        if len(found) != len(ids) or any(server.region != region_of(call) for server in found):
            raise Refused("InvalidInstanceId.NotFound", "InstanceIds")
        return found

    @staticmethod
    def _ready(server: Server, states: set[str]) -> None:
        if server.latest is not None and server.latest[1] == "OPERATING":
            raise Refused("OperationDenied.InstanceOperationInProgress")
        if server.state not in states:
            words = "".join(word.capitalize() for word in server.state.split("_"))
            raise Refused(f"UnsupportedOperation.InstanceState{words}")

    def _operate(  # noqa: PLR0913 - one operation, all but three named
        self,
        call: Call,
        server: Server,
        seconds: float,
        effect: Callable[[], None] = lambda: None,
        *,
        ok: bool,
        stops: bool = False,
    ) -> None:
        """Show the operation as the latest one, and after its time the effect and how it ended."""
        if stops:
            server.state = "STOPPED"
        server.latest = (call.operation, "OPERATING", call.request_id)

        def end() -> None:
            effect()
            server.latest = (call.operation, "SUCCESS" if ok else "FAILED", call.request_id)

        self.later(seconds, end)

    def _put(self, server: Server, password: Secret | None, *, counted: bool) -> None:
        server.resets += counted
        if password is not None:
            self.later(self.delays.guest, partial(setattr, server, "guest", password))

    def _switch(self, call: Call, server: Server, *, off: bool, obeyed: bool) -> None:
        found, passing, final = (server.state, *(("STOPPING", "STOPPED") if off else ("STARTING", "RUNNING")))
        server.stops += off
        server.starts += not off
        server.state = passing
        seconds = self.delays.stop if off else self.delays.start
        self._operate(call, server, seconds, partial(setattr, server, "state", final if obeyed else found), ok=obeyed)
