"""A simulated CompShare with a container and a virtual machine, and the vendor's own client."""

from __future__ import annotations

import base64
import logging
from collections.abc import Callable
from typing import Any

import pytest
from ucloud.client import Client
from ucloud.core import exc

from rotation.core.secret import Secret
from rotation_testkit.doubles.vendors.ucloud_compshare.simulator import ApiKey, Delays, UCloudCompShare
from rotation_testkit.fault_lab.in_memory.scenario import VirtualClock

OLD, NEW = "Old-pass-1234", "New-pass-5678"
PLACE = {"Region": "cn-wlcb", "Zone": "cn-wlcb-01"}


@pytest.fixture
def sim(clock: VirtualClock) -> UCloudCompShare:
    """A simulator with a container and a virtual machine."""
    simulator = UCloudCompShare(clock=clock.now, delays=Delays(stop=10, start=20))
    simulator.add_instance("uhost-box", password=Secret(OLD))
    simulator.add_instance("uhost-vm", password=Secret(OLD), instance_type="UHost")
    return simulator


@pytest.fixture
def sdk(sim: UCloudCompShare, url: str) -> Callable[..., Any]:
    """Return the vendor's own client, for the account's key or another one."""

    def connect(key: ApiKey | None = None, **config: object) -> Any:
        # the SDK logs passwords at INFO
        quiet = logging.Logger("silent", logging.CRITICAL + 1)  # noqa: LOG001 - kept apart from every handler
        who = key or sim.credentials
        keys = {"public_key": who.public_key, "private_key": who.private_key.reveal()}
        return Client({"region": "cn-wlcb", "base_url": url, **keys, **config}, logger=quiet).ucompshare()

    return connect


@pytest.fixture
def invoke(sdk: Callable[..., Any]) -> Callable[..., dict[str, Any]]:
    """Call an action through the vendor's client."""
    client = sdk()

    def call(action: str, uhost_id: str = "", **params: object) -> dict[str, Any]:
        target = {**PLACE, "UHostId": uhost_id} if uhost_id else {}
        return client.invoke(action, {**target, **params})

    return call


@pytest.fixture
def reset(invoke: Callable[..., dict[str, Any]]) -> Callable[..., dict[str, Any]]:
    """Reset a password through the vendor's client."""

    def call(uhost_id: str, password: str = NEW) -> dict[str, Any]:
        encoded = base64.b64encode(password.encode()).decode()
        return invoke("ResetCompShareInstancePassword", uhost_id, Password=encoded)

    return call


@pytest.fixture
def refusal() -> Callable[..., int]:
    """Make a call that must be refused and return the RetCode that the vendor's client raised."""

    def call(act: Callable[..., object], *args: Any, **params: Any) -> int:
        with pytest.raises(exc.RetCodeException) as caught:
            act(*args, **params)
        assert NEW not in caught.value.message
        assert caught.value.message != "Unknown error"
        return int(caught.value.code)

    return call
