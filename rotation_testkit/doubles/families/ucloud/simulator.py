"""The base of the simulators of UCloud's machine products: keys, the signed gateway, machines.

What the vendor's documents leave open is a field of ``OpenCodes``, or a switch of the simulator, of its ``service`` or
of a machine.
"""

from __future__ import annotations

import hmac
import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any, ClassVar, TypeVar

from rotation.core.secret import Secret
from rotation_testkit.doubles.families.ucloud.gateway import MESSAGES, ApiKey, new_key, parameters, signature
from rotation_testkit.doubles.families.ucloud.machines import Machine
from rotation_testkit.doubles.families.ucloud.service import DEFAULT_PROJECT, MachineService, OpenCodes, need
from rotation_testkit.doubles.vendor_api.call import Call, Refused, Reply
from rotation_testkit.doubles.vendor_api.faults import FaultPlan
from rotation_testkit.doubles.vendor_api.reset_simulator import Delays, MachineSimulator

M = TypeVar("M", bound=Machine)


class UCloudSimulator(MachineSimulator[ApiKey, M]):
    """The simulated API of one product.

    Args:
        clock: seconds since the epoch.
        faults: what goes wrong; operations are the action names.
        credentials: the root account's key; a fresh one by default.
        delays: how long power changes and resets take; nothing takes time by default.
    """

    request_id_header = "X-UCLOUD-REQUEST-UUID"
    product: ClassVar[type[MachineService[Any]]]
    product_codes: ClassVar[OpenCodes]

    def __init__(
        self,
        *,
        clock: Callable[[], float] = time.time,
        faults: FaultPlan | None = None,
        credentials: ApiKey | None = None,
        delays: Delays | None = None,
    ) -> None:
        super().__init__(clock=clock, faults=faults)
        self.credentials = credentials or new_key()
        self.keys = {self.credentials.public_key: self.credentials}
        self.service: MachineService[M] = self.product(self.later, replace(self.product_codes), delays or Delays())
        self.targets = self.service.instances
        self.action_suffix = False  # on: the answer's Action ends in "Response", as some of the vendor's pages show

    @property
    def codes(self) -> OpenCodes:
        """The return codes that no document states."""
        return self.service.codes

    # What a test sets up and looks at.

    def add_key(self, *, require_project: bool = False, denied: frozenset[str] = frozenset()) -> ApiKey:
        """Make another key: a sub-account's (which must name its project), or one with actions denied by IAM."""
        key = replace(new_key(), require_project=require_project, denied=denied)
        self.keys[key.public_key] = key
        return key

    def add(self, machine: M) -> M:
        """Rent a machine. Its fields are switches for the test."""
        with self.lock:
            self.service.projects.add(machine.project_id)
            self.service.zones.add(machine.zone)
            self.service.instances[machine.uhost_id] = machine
        return machine

    def instance(self, uhost_id: str) -> M:
        """Return a machine as it is now. Raises ``KeyError`` when there is none."""
        return self.target(uhost_id)

    # The vendor's gateway.

    def operation(self, call: Call) -> str:
        """Return the action's name."""
        action = parameters(call).get("Action", "")
        return action if action in self.service.actions else "-"

    def respond(self, call: Call) -> Reply:
        """Check action, signature and project, then act."""
        params = parameters(call)
        if not params.get("Action"):
            raise Refused(160)
        if params["Action"] not in self.service.actions:
            raise Refused(161)
        key = self._authenticate(params)
        if params["Action"] in key.denied:
            raise Refused(299)
        if key.require_project:
            need(params, "ProjectId")
        if params.setdefault("ProjectId", DEFAULT_PROJECT) not in self.service.projects:
            raise Refused(292)
        answer = self.service.actions[params["Action"]](call, params)
        return Reply.of({"Action": self._echo(call), "RetCode": 0, **answer})

    def refuse(self, call: Call, refusal: Refused) -> Reply:
        """Answer with HTTP 200 and a RetCode."""
        message = MESSAGES.get(refusal.code, "Unknown error") + (f" [{refusal.detail}]" if refusal.detail else "")
        payload = {"Action": self._echo(call), "RetCode": int(refusal.code), "Message": message}
        return Reply.of(payload, status=refusal.status or 200, outcome=f"RetCode {refusal.code}")

    def throttle(self, call: Call) -> Reply:
        """Answer with RetCode 153."""
        return self.refuse(call, Refused(153))

    def _echo(self, call: Call) -> str:
        action = parameters(call).get("Action", "")
        return action + "Response" if action and self.action_suffix else action

    def _authenticate(self, params: dict[str, str]) -> ApiKey:
        if not params.get("Signature"):
            raise Refused(170)
        key = self.keys.get(params.get("PublicKey", ""))
        if key is None:
            raise Refused(172)
        token = params.get("SecurityToken")
        if (None if token is None else Secret(token)) != key.token:
            raise Refused(174)
        if not hmac.compare_digest(params["Signature"].encode(), signature(params, key.private_key).encode()):
            raise Refused(171)
        return key
