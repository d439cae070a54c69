"""CVM as simulated, driven by the vendor's own SDK: the power cycle, refusals, and every listed error."""

import pytest
from tencentcloud.cvm.v20170312 import cvm_client, models

from rotation.core.secret import Secret
from rotation_testkit.doubles.vendor_api.faults import FaultKind
from rotation_testkit.doubles.vendors.tencent_cvm.simulator import Delays, TencentCvm

# the SDK asks for the day of a timestamp with datetime.utcfromtimestamp, deprecated since Python 3.12
pytestmark = [
    pytest.mark.filterwarnings("ignore:datetime.datetime.utcfromtimestamp:DeprecationWarning"),
    pytest.mark.shows_secrets(
        "log of tencentcloud_sdk_common",
        reason="the vendor's SDK, our second opinion, writes bodies down at DEBUG; Lockstep never loads it",
    ),
]

OLD, NEW = "Old-pass-1234", "New-pass-5678"
NAMED = {"InstanceIds": ["ins-1"]}
RESET = {**NAMED, "Password": NEW, "UserName": "root"}
CALLS = {"DescribeInstances": NAMED, "ResetInstancesPassword": RESET, "StopInstances": NAMED, "StartInstances": NAMED}


@pytest.fixture
def clock(wall_clock):
    """The machine's clock, by which the vendor's client signs."""
    return wall_clock


@pytest.fixture
def sim(clock):
    """A simulator with one running server, where operations take time."""
    made = TencentCvm(clock=clock.now, delays=Delays(stop=10, start=20, reset=30))
    made.add_server("ins-1", password=Secret(OLD))
    made.api.per_action.most = None
    return made


@pytest.fixture
def sdk(tencent_sdk):
    """Call an action through the vendor's client."""
    return tencent_sdk(cvm_client.CvmClient, models, "ap-guangzhou")


def latest(sdk):
    """What the SDK shows of the server's latest operation, and its state."""
    (found,) = sdk.ask("DescribeInstances", **NAMED).InstanceSet
    return found.LatestOperation, found.LatestOperationState, found.InstanceState


def test_the_sdk_walks_the_whole_power_cycle(sdk, sim, clock):
    """A running server is refused; stopped, it takes the password; each operation shows how far it is."""
    assert latest(sdk) == (None, None, "RUNNING")
    assert sdk.refusal("ResetInstancesPassword", **RESET) == "UnsupportedOperation.InstanceStateRunning"
    sdk.ask("StopInstances", **NAMED, StopType="SOFT", StoppedMode="KEEP_CHARGING")
    assert latest(sdk) == ("StopInstances", "OPERATING", "STOPPING")
    assert sdk.refusal("StartInstances", **NAMED) == "OperationDenied.InstanceOperationInProgress"
    clock.sleep(10)
    request = sdk.ask("ResetInstancesPassword", **RESET).RequestId
    assert latest(sdk) == ("ResetInstancesPassword", "OPERATING", "STOPPED")
    clock.sleep(30)
    assert latest(sdk) == ("ResetInstancesPassword", "SUCCESS", "STOPPED")
    assert sim.target("ins-1").latest[2] == request
    sdk.ask("StartInstances", **NAMED)
    clock.sleep(20)
    assert latest(sdk) == ("StartInstances", "SUCCESS", "RUNNING")
    assert (sim.guest_password("ins-1"), sim.resets("ins-1")) == (Secret(NEW), 1)


def test_a_forced_reset_stops_the_server(sdk, sim, clock):
    """By the vendor's sentence on the action a running server takes a reset with ForceStop; it is off afterwards."""
    sdk.ask("ResetInstancesPassword", **RESET, ForceStop=True)
    clock.sleep(30)
    assert (sim.guest_password("ins-1"), sim.target("ins-1").state) == (Secret(NEW), "STOPPED")


@pytest.mark.parametrize(
    ("action", "params", "code"),
    [
        ("ResetInstancesPassword", {"Password": NEW}, "MissingParameter"),
        ("ResetInstancesPassword", {**RESET, "InstanceIds": ["ins-9"]}, "InvalidInstanceId.NotFound"),
        ("ResetInstancesPassword", {**RESET, "InstanceIds": ["cpm-1"]}, "InvalidInstanceId.Malformed"),
        ("ResetInstancesPassword", {**RESET, "InstanceIds": []}, "InvalidParameterValue.LimitExceeded"),
        ("ResetInstancesPassword", {**RESET, "Password": "/Abcdef123"}, "InvalidParameterValue.InvalidPassword"),
        ("ResetInstancesPassword", {**RESET, "Password": "abcdef123"}, "InvalidParameterValue.InvalidPassword"),
        ("ResetInstancesPassword", {**RESET, "Password": "Ab1-" * 8}, "InvalidParameterValue.InvalidPassword"),
        ("StopInstances", {**NAMED, "StopType": "SOFT", "ForceStop": True}, "InvalidParameterCombination"),
        ("StopInstances", NAMED, "UnsupportedOperation.InstanceStateStopped"),
        ("DescribeInstances", {"Offset": -1}, "InvalidParameter"),
        ("DescribeInstances", {"region": "eu-nowhere"}, "UnsupportedRegion"),
        ("DescribeInstances", {"Filters": []}, "UnknownParameter"),
    ],
)
def test_bad_requests_have_their_codes(sdk, sim, action, params, code):
    """Nothing is changed, and a password is judged by the rule of the server's system."""
    sim.target("ins-1").state = "STOPPED"
    assert sdk.refusal(action, **params) == code
    assert (sim.resets("ins-1"), sim.target("ins-1").latest) == (0, None)


def test_windows_has_a_rule_of_its_own(sdk, sim):
    """Twelve characters at least, and not the user's name."""
    sim.add_server("ins-1", password=Secret(OLD), os_name="Windows Server 2022").state = "STOPPED"
    for password in ("Short-pas12", "administratorX1-"):
        refused = sdk.refusal("ResetInstancesPassword", **NAMED, Password=password, UserName="Administrator")
        assert refused == "InvalidParameterValue.InvalidPassword"
    sdk.ask("ResetInstancesPassword", **NAMED, Password="Long-enough-12", UserName="Administrator")


@pytest.mark.parametrize("action", CALLS)
def test_every_listed_error_reaches_the_sdk(sdk, sim, documented, action):
    """Each code comes with a text of its own, in answer to each call of a rotation; nothing is changed."""
    codes, _ = documented("tencent_cvm")
    assert set(codes) == set(sim.api.messages)
    for code in codes:
        sim.faults.add(action, FaultKind.VENDOR_CODE, code=code)
        assert sdk.refusal(action, **CALLS[action]) == code
    assert (sim.resets("ins-1"), sim.target("ins-1").latest) == (0, None)
