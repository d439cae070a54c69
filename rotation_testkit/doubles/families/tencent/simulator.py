"""The base of simulators of one Tencent product behind API 3.0: keys and the endpoint."""

from __future__ import annotations

import time
from abc import abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import ClassVar

from rotation.core.secret import Secret
from rotation_testkit.doubles.families.tencent.api3 import Action, Api3
from rotation_testkit.doubles.families.tencent.keys import SecretKey, new_key
from rotation_testkit.doubles.vendor_api.call import Call, Refused, Reply
from rotation_testkit.doubles.vendor_api.faults import FaultPlan
from rotation_testkit.doubles.vendor_api.simulator import Simulator


class TencentSimulator(Simulator):
    """The simulated API of one product.

    Args:
        clock: seconds since the epoch.
        faults: what goes wrong; operations are the action names.
    """

    request_id_header = "X-TC-RequestId"
    service: ClassVar[str]
    version: ClassVar[str]
    messages: ClassVar[Mapping[str, str]]

    def __init__(self, *, clock: Callable[[], float] = time.time, faults: FaultPlan | None = None) -> None:
        super().__init__(clock=clock, faults=faults)
        self.credentials = new_key()
        self.keys = {self.credentials.secret_id: self.credentials}
        product = {"service": self.service, "version": self.version}
        self.api = Api3(clock, self.keys, **product, actions=self.actions(), messages=self.messages)

    @abstractmethod
    def actions(self) -> Mapping[str, Action]:
        """Return what the product does, by the names of the actions."""

    def add_key(self, *, token: Secret | None = None, denied: frozenset[str] = frozenset()) -> SecretKey:
        """Make another key: a temporary one with its session token, or one with actions denied."""
        key = replace(new_key(), token=token, denied=denied)
        self.keys[key.secret_id] = key
        return key

    def operation(self, call: Call) -> str:
        """Return the action's name."""
        return self.api.operation(call)

    def respond(self, call: Call) -> Reply:
        """Answer as API 3.0 does."""
        return self.api.respond(call)

    def refuse(self, call: Call, refusal: Refused) -> Reply:
        """Answer with HTTP 200 and an Error inside."""
        return self.api.refuse(call, refusal)

    def throttle(self, call: Call) -> Reply:
        """Answer with RequestLimitExceeded."""
        return self.api.throttle(call)
