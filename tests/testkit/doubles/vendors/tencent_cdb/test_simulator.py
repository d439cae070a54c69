"""TencentDB as simulated, driven by the vendor's own SDK: tasks, refusals, and every listed error."""

import pytest
from tencentcloud.cdb.v20170320 import cdb_client, models

from rotation.core.secret import Secret
from rotation_testkit.doubles.vendor_api.faults import FaultKind
from rotation_testkit.doubles.vendors.tencent_cdb.simulator import Delays, TencentCdb

# the SDK asks for the day of a timestamp with datetime.utcfromtimestamp, deprecated since Python 3.12
pytestmark = [
    pytest.mark.filterwarnings("ignore:datetime.datetime.utcfromtimestamp:DeprecationWarning"),
    pytest.mark.shows_secrets(
        "log of tencentcloud_sdk_common",
        reason="the vendor's SDK, our second opinion, writes bodies down at DEBUG; Lockstep never loads it",
    ),
]

CHANGE = "ModifyAccountPassword"
OLD, NEW = "Old-pass-1234", "New-pass-5678"
RESET = {"InstanceId": "cdb-1", "NewPassword": NEW, "Accounts": [{"User": "robot", "Host": "%"}]}
CALLS = {
    "DescribeDBInstances": {"InstanceIds": ["cdb-1"]},
    "DescribeAccounts": {"InstanceId": "cdb-1"},
    "ModifyAccountPassword": RESET,
    "DescribeAsyncRequestInfo": {"AsyncRequestId": "x"},
}


@pytest.fixture
def clock(wall_clock):
    """The machine's clock, by which the vendor's client signs."""
    return wall_clock


@pytest.fixture
def sim(clock):
    """A simulator with one account, where a task takes time."""
    made = TencentCdb(clock=clock.now, delays=Delays(reset=30))
    made.add_instance("cdb-1", port=3306)
    made.add_account("cdb-1", "robot", Secret(OLD))
    made.api.per_action.most = None
    return made


@pytest.fixture
def sdk(tencent_sdk):
    """Call an action through the vendor's client."""
    return tencent_sdk(cdb_client.CdbClient, models, "ap-guangzhou")


def test_the_sdk_follows_a_task_through_its_window(sdk, sim, clock):
    """A task waits as UNDEFINED, runs, and succeeds; the instance is at work meanwhile, and refuses another task."""
    sim.instances["cdb-1"].window = 100
    task = sdk.ask("ModifyAccountPassword", **RESET).AsyncRequestId
    states = []
    for ahead in (0, 100, 30):
        clock.sleep(ahead)
        (instance,) = sdk.ask("DescribeDBInstances", InstanceIds=["cdb-1"]).Items
        states.append((sdk.ask("DescribeAsyncRequestInfo", AsyncRequestId=task).Status, instance.TaskStatus))
        if instance.TaskStatus:
            assert sdk.refusal("ModifyAccountPassword", **RESET) == "FailedOperation.StatusConflict"
    assert states == [("UNDEFINED", 0), ("RUNNING", 8), ("SUCCESS", 0)]
    account = sim.account("cdb-1", "robot")
    assert (account.password, account.resets, account.attempts) == (Secret(NEW), 1, 2)


def test_the_sdk_finds_an_account(sdk, sim):
    """Accounts are user and host, found by a pattern, and say whether the vendor rotates them."""
    sim.add_account("cdb-1", "robots", Secret(OLD))
    sim.instances["cdb-1"].rotated_by_vendor = {"robot"}
    (found,) = sdk.ask("DescribeAccounts", InstanceId="cdb-1", AccountRegexp="^robot$").Items
    assert (found.User, found.Host, found.OpenCam) == ("robot", "%", True)


@pytest.mark.parametrize(
    ("action", "params", "code"),
    [
        (CHANGE, {**RESET, "NewPassword": "Ab1-"}, "InvalidParameterValue.AccountPasswordLengthError"),
        (CHANGE, {**RESET, "NewPassword": "A1" * 33}, "InvalidParameterValue.AccountPasswordLengthError"),
        (CHANGE, {**RESET, "NewPassword": "Abcdefgh"}, "InvalidParameterValue.AccountPasswordRuleError"),
        (CHANGE, {**RESET, "NewPassword": "Abcd/123"}, "InvalidParameterValue.AccountPasswordCharacterError"),
        (CHANGE, {**RESET, "Accounts": []}, "MissingParameter.AccountMissingParameterError"),
        (CHANGE, {**RESET, "InstanceId": "cdb-9"}, "ResourceNotFound.CdbInstanceNotFoundError"),
        (
            CHANGE,
            {**RESET, "Accounts": [{"User": "robot", "Host": "10.%"}]},
            "InvalidParameterValue.UserNotExistError",
        ),
        ("DescribeAsyncRequestInfo", {"AsyncRequestId": "nobody"}, "InvalidParameter.InvalidAsyncRequestId"),
        ("DescribeAccounts", {"InstanceId": "cdb-1", "Limit": 101}, "InvalidParameter"),
        ("DescribeAccounts", {"InstanceId": "cdb-1", "SortBy": "ASC"}, "UnknownParameter"),
    ],
)
def test_bad_requests_have_their_codes(sdk, sim, action, params, code):
    """Nothing is changed, and no task begins."""
    assert sdk.refusal(action, **params) == code
    assert (sim.account("cdb-1", "robot").resets, sim.tasks) == (0, {})


@pytest.mark.parametrize("action", CALLS)
def test_every_listed_error_reaches_the_sdk(sdk, sim, documented, action):
    """Each code comes with a text of its own, in answer to each call of a rotation; nothing is changed."""
    codes, _ = documented("tencent_cdb")
    assert set(codes) == set(sim.api.messages)
    for code in codes:
        sim.faults.add(action, FaultKind.VENDOR_CODE, code=code)
        assert sdk.refusal(action, **CALLS[action]) == code
    assert (sim.account("cdb-1", "robot").resets, sim.tasks) == (0, {})
