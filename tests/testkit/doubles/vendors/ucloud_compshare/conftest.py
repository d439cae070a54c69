"""A simulated CompShare with a container and a virtual machine, and the vendor's own client."""

import base64
import logging

import pytest
from ucloud.client import Client
from ucloud.core import exc

from rotation.core.secret import Secret
from rotation_testkit.doubles.vendors.ucloud_compshare.simulator import Delays, UCloudCompShare

OLD, NEW = "Old-pass-1234", "New-pass-5678"
PLACE = {"Region": "cn-wlcb", "Zone": "cn-wlcb-01"}


@pytest.fixture
def sim(clock):
    """A simulator with a container and a virtual machine."""
    simulator = UCloudCompShare(clock=clock.now, delays=Delays(stop=10, start=20))
    simulator.add_instance("uhost-box", password=Secret(OLD))
    simulator.add_instance("uhost-vm", password=Secret(OLD), instance_type="UHost")
    return simulator


@pytest.fixture
def sdk(sim, url):
    """Return the vendor's own client, for the account's key or another one."""

    def connect(key=None, **config):
        # the SDK logs passwords at INFO
        quiet = logging.Logger("silent", logging.CRITICAL + 1)  # noqa: LOG001 - kept apart from every handler
        who = key or sim.credentials
        keys = {"public_key": who.public_key, "private_key": who.private_key.reveal()}
        return Client({"region": "cn-wlcb", "base_url": url, **keys, **config}, logger=quiet).ucompshare()

    return connect


@pytest.fixture
def invoke(sdk):
    """Call an action through the vendor's client."""
    client = sdk()

    def call(action, uhost_id="", **params):
        target = {**PLACE, "UHostId": uhost_id} if uhost_id else {}
        return client.invoke(action, {**target, **params})

    return call


@pytest.fixture
def reset(invoke):
    """Reset a password through the vendor's client."""

    def call(uhost_id, password=NEW):
        encoded = base64.b64encode(password.encode()).decode()
        return invoke("ResetCompShareInstancePassword", uhost_id, Password=encoded)

    return call


@pytest.fixture
def refusal():
    """Make a call that must be refused and return the RetCode that the vendor's client raised."""

    def call(act, *args, **params):
        with pytest.raises(exc.RetCodeException) as caught:
            act(*args, **params)
        assert NEW not in caught.value.message
        assert caught.value.message != "Unknown error"
        return int(caught.value.code)

    return call
