"""UHost as simulated, driven by the typed client of the vendor's own SDK, which encodes the password itself."""

import logging

import pytest
from ucloud.client import Client
from ucloud.core import exc

from rotation.core.secret import Secret
from rotation_testkit.doubles.vendor_api.faults import FaultKind
from rotation_testkit.doubles.vendors.ucloud_uhost.simulator import ApiKey, Delays, UCloudUHost

OLD, NEW = "Old-pass-1234", "New-pass-5678"
TARGET = {"Zone": "cn-bj2-04", "UHostId": "uhost-1"}
CALLS = ("describe_uhost_instance", "reset_uhost_instance_password", "stop_uhost_instance", "start_uhost_instance")


@pytest.fixture
def sim(clock):
    """A simulator with one running server."""
    made = UCloudUHost(clock=clock.now, delays=Delays(stop=10, start=20))
    made.add_server("uhost-1", password=Secret(OLD))
    return made


@pytest.fixture
def sdk(sim, url):
    """Return the vendor's typed client, for the account's key or another one."""

    def connect(key=None):
        quiet = logging.Logger("silent", logging.CRITICAL + 1)  # noqa: LOG001 - the SDK logs passwords at INFO
        who = key or sim.credentials
        keys = {"public_key": who.public_key, "private_key": who.private_key.reveal()}
        return Client({"region": "cn-bj2", "base_url": url, **keys}, logger=quiet).uhost()

    return connect


def refused(call, **params):
    """Make a call that must be refused, and return the RetCode that the client raised."""
    with pytest.raises(exc.RetCodeException) as caught:
        call(params)
    assert NEW not in caught.value.message
    assert caught.value.message != "Unknown error"
    return int(caught.value.code)


def test_the_sdk_walks_the_whole_power_cycle(sdk, sim, clock):
    """A running server refuses with 8010; stopped, it takes the password, and shows it nowhere."""
    client = sdk()
    assert refused(client.reset_uhost_instance_password, **TARGET, Password=NEW) == 8010
    client.stop_uhost_instance(TARGET)
    clock.sleep(10)
    assert client.reset_uhost_instance_password({**TARGET, "Password": NEW})["UHostId"] == "uhost-1"
    client.start_uhost_instance(TARGET)
    clock.sleep(20)
    (host,) = client.describe_uhost_instance({"UHostIds": ["uhost-1"]})["UHostSet"]
    assert (host["State"], host["OsType"], host["DiskSet"][0]["Encrypted"]) == ("Running", "Linux", "false")
    assert NEW not in repr(host)
    assert sim.guest_password("uhost-1") == Secret(NEW)
    assert (sim.resets("uhost-1"), sim.attempts("uhost-1")) == (1, 2)


def test_faults_of_a_caller_have_their_codes(sdk, sim):
    """A wrong key, an unknown server, a spot server's stop, a weak password and a missing bill are refused."""
    client = sdk()
    assert refused(sdk(ApiKey(sim.credentials.public_key, Secret("guess"))).describe_uhost_instance) == 171
    assert refused(client.stop_uhost_instance, UHostId="uhost-9") == 230
    sim.instance("uhost-1").charge_type = "Preemptive"
    assert refused(client.stop_uhost_instance, UHostId="uhost-1") == sim.codes.spot_stop
    sim.instance("uhost-1").state = "Stopped"
    assert refused(client.reset_uhost_instance_password, UHostId="uhost-1", Password="weak") == 230
    for fact, code in (("arrears", 8104), ("expired", 8117)):
        setattr(sim.instance("uhost-1"), fact, True)
        assert refused(client.reset_uhost_instance_password, UHostId="uhost-1", Password=NEW) == code
    assert sim.guest_password("uhost-1") == Secret(OLD)


@pytest.mark.parametrize("call", CALLS)
def test_every_documented_code_arrives(sdk, sim, documented, call):
    """Each code comes with a text of its own, in answer to each call of a rotation; nothing is changed."""
    codes, _ = documented("ucloud_uhost")
    client = sdk()
    for code in codes:
        sim.faults.add("*", FaultKind.VENDOR_CODE, code=code)
        assert str(refused(getattr(client, call), UHostId="uhost-1", Password=NEW)) == code
    instance = sim.instance("uhost-1")
    assert (instance.resets, instance.stops, instance.starts) == (0, 0, 0)
