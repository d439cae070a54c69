"""The cloudidentity service as simulated: users, resets, settings, codes, limits and keys, through the vendor's SDK."""

import json
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
import urllib3
from volcenginesdkcore.rest import ApiException

from rotation.core.secret import Secret
from rotation_testkit.doubles.vendor_api.faults import FaultKind
from rotation_testkit.doubles.vendors.volcengine_cloudidentity.simulator import AccessKey

# the SDK dates its signatures with datetime.utcnow, deprecated since Python 3.12
pytestmark = [
    pytest.mark.filterwarnings("ignore:datetime.datetime.utcnow:DeprecationWarning"),
    pytest.mark.shows_secrets(
        "log of volcenginesdkcore",
        reason="the vendor's SDK, our second opinion, writes bodies down at DEBUG; Lockstep never loads it",
    ),
]

OLD, NEW = "Old-pass-1234", "New-pass-5678"
LOOKS = {"GetUser": {"user_id": "u-alice"}, "GetServiceStatus": {}, "ListPortalLoginSettings": {}}


def test_reset_is_in_force_at_once_and_echoed(reset, sim):
    """The answer repeats the password; the portal takes the new one only."""
    answer = reset()
    assert answer.password == NEW
    assert (answer._metadata.action, answer._metadata.service) == ("ResetPassword", "cloudidentity")
    assert sim.live_password("u-alice") == Secret(NEW)
    login = sim.portal_login("u-alice")
    assert login("alice", NEW)
    assert not login("alice", OLD)
    assert not login("bob", NEW)
    assert (sim.resets("u-alice"), sim.attempts("u-alice")) == (1, 1)


def test_echo_is_a_switch(reset, sim):
    """No page says whether a password that was given is repeated."""
    sim.service.echo_password = False
    assert reset().password is None
    assert sim.live_password("u-alice") == Secret(NEW)


def test_generated_password(reset, sim):
    """The vendor makes one by its own rule, ignores ours, and tells it in the answer alone."""
    sim.service.echo_password = False
    first, second = (reset(generate_random_password=True).password for _ in range(2))
    assert sim.live_password("u-alice") == Secret(second)
    assert len({NEW, first, second}) == 3
    assert sim.directory.weakness(first) is None


def test_change_at_next_login_makes_it_useless_for_a_machine(reset, sim):
    """With PasswordResetRequired the new password opens nothing until it is changed."""
    reset(password_reset_required=True)
    assert sim.live_password("u-alice") == Secret(NEW)
    assert not sim.portal_login("u-alice")("alice", NEW)
    reset()
    assert sim.portal_login("u-alice")("alice", NEW)


@pytest.mark.parametrize(
    ("password", "accepted"),
    [
        ("Abcdef1", False),
        ("Abcdefg1", True),
        ("Abcdefgh", False),
        ("abcdefg1", False),
        ("abcdef1#", True),
        ("ABCDEF1#", True),
        ("Abcdefg#", True),
        ("Aa1" + "x" * 29, True),
        ("Aa1" + "x" * 30, False),
        ("Abcdef1 ", False),
        ("Abcdef1é", False),
    ],
)
def test_vendors_password_rule(reset, sim, refusal, password, accepted):
    """A password has 8 to 32 characters, which the SDK checks itself, and three of the four kinds."""
    if not 8 <= len(password) <= 32:
        with pytest.raises(ValueError, match="length must be"):
            reset(password=password)
        assert sim.directory.weakness(password) == "length"
    elif accepted:
        reset(password=password)
    else:
        assert refusal(reset, password=password) == (400, "InvalidParam")
    assert sim.live_password("u-alice") == Secret(password if accepted else OLD)


def test_specials_are_a_switch(reset, sim, refusal):
    """A narrower list refuses what stands outside it."""
    sim.directory.specials = "!"
    assert refusal(reset) == (400, "InvalidParam")


def test_refusal_may_repeat_the_password(reset, sim):
    """The message's template holds name and value; whether the real one fills the value in is a switch."""
    for shown in (True, False):
        sim.service.values_in_messages = shown
        with pytest.raises(ApiException) as caught:
            reset(password="weakweakweak")
        message = json.loads(caught.value.body)["ResponseMetadata"]["Error"]["Message"]
        assert message == f"The parameter Password[{'weakweakweak' if shown else ''}] is invalid"


def test_unknown_user(reset, ask, refusal):
    """Every call that names an unknown user is 404."""
    assert refusal(reset, "u-nobody") == (404, "UserNotFound")
    for action in ("GetUser", "UpdateUser", "DeleteUser"):
        assert refusal(ask, action, user_id="u-nobody") == (404, "UserNotFound")


def test_password_login_switched_off(ask, reset, sim, refusal):
    """A reset is PasswordLoginNotEnable until password login is enabled again; settings and login page show it."""
    assert ask("GetPortalLoginConfig").login_type == "Password"
    ask("DisablePortalLoginSetting", login_type="Password")
    assert refusal(reset) == (400, "PasswordLoginNotEnable")
    assert not sim.portal_login("u-alice")("alice", OLD)
    settings = {one.login_type: one.status for one in ask("ListPortalLoginSettings").portal_login_settings}
    assert settings == {"Password": "Disabled", "SAMLSSO": "Disabled"}
    ask("EnablePortalLoginSetting", login_type="SAMLSSO")
    assert ask("GetPortalLoginConfig").login_type == "SAMLSSO"
    ask("EnablePortalLoginSetting", login_type="Password")
    reset()
    assert refusal(ask, "EnablePortalLoginSetting", login_type="Face") == (404, "LoginSettingNotFound")
    assert sim.resets("u-alice") == 1


def test_service_not_running(ask, reset, sim, refusal):
    """Every change is ServiceStatusException; the status call still answers."""
    assert ask("GetServiceStatus").instances[0].status == "Enabled"
    sim.directory.status = "Disabling"
    assert ask("GetServiceStatus").instances[0].status == "Disabling"
    assert refusal(reset) == (400, "ServiceStatusException")
    assert refusal(ask, "CreateUser", user_name="carol") == (400, "ServiceStatusException")
    assert refusal(ask, "UpdateUser", user_id="u-alice") == (400, "ServiceStatusException")
    assert refusal(ask, "DeleteUser", user_id="u-alice") == (400, "ServiceStatusException")
    assert ask("GetUser", user_id="u-alice").user_name == "alice"


def test_synced_users(ask, reset, sim, refusal):
    """GetUser shows where a user is mastered; whether a reset of a synced user is refused is a switch."""
    assert [ask("GetUser", user_id=name).source for name in ("u-alice", "u-bob")] == ["Manual", "Sync"]
    sim.service.sync_reset_code = "PermissionError"
    assert refusal(reset, "u-bob") == (400, "PermissionError")
    sim.service.sync_reset_code = ""
    reset("u-bob")
    assert (sim.resets("u-bob"), sim.attempts("u-bob")) == (1, 2)


def test_updated_time_may_move(ask, reset, sim, clock):
    """Whether a reset moves the user's update time is a switch."""
    before = ask("GetUser", user_id="u-alice").updated_time
    clock.sleep(100)
    sim.directory.reset_moves_updated = False
    reset()
    assert ask("GetUser", user_id="u-alice").updated_time == before
    sim.directory.reset_moves_updated = True
    reset()
    assert ask("GetUser", user_id="u-alice").updated_time > before
    assert before.endswith("+08:00")


def test_life_of_a_user(ask, reset, sim, refusal):
    """A user is created without a password, changed, given a password and deleted."""
    made = ask("CreateUser", user_name="carol", display_name="Carol", email="c@example.com", phone="1", description="d")
    assert (made.user_name, made.display_name, made.source) == ("carol", "Carol", "Manual")
    assert sim.live_password(made.user_id) is None
    assert not sim.portal_login(made.user_id)("carol", NEW)
    ask("UpdateUser", user_id=made.user_id, display_name="Caroline")
    assert ask("GetUser", user_id=made.user_id).display_name == "Caroline"
    reset(made.user_id)
    assert sim.live_password(made.user_id) == Secret(NEW)
    assert refusal(ask, "CreateUser", user_name="carol") == (400, "InvalidParam")
    ask("DeleteUser", user_id=made.user_id)
    assert refusal(ask, "GetUser", user_id=made.user_id) == (404, "UserNotFound")


def test_list_users(ask, sim):
    """Users are listed in pages from 1, by name, source or part of a name."""
    for place in range(3):
        sim.add_user(f"user-{place}", None)
    page = ask("ListUsers", page_number=2, page_size=2)
    assert (page.total, page.page_number, [user.user_name for user in page.users]) == (5, 2, ["user-0", "user-1"])
    assert [user.user_id for user in ask("ListUsers", user_name="alice").users] == ["u-alice"]
    assert [user.user_id for user in ask("ListUsers", source="Sync").users] == ["u-bob"]
    assert ask("ListUsers", query_string="user-").total == 3


def test_two_resets_of_a_user_at_once(reset, sim, refusal):
    """A second reset is ConcurrentException until the first is answered; other users can be reset."""
    let_go, reached = threading.Event(), threading.Event()
    sim.faults.add("ResetPassword", FaultKind.HANG, applied=True, event=let_go, reached=reached)
    with ThreadPoolExecutor(1) as pool:
        first = pool.submit(reset)
        assert reached.wait(5)
        assert refusal(reset) == (400, "ConcurrentException")
        reset("u-bob")
        let_go.set()
        assert first.result(5).password == NEW
    reset()
    assert (sim.resets("u-alice"), sim.attempts("u-alice")) == (2, 3)


def test_reset_may_take_a_while(reset, sim, clock, refusal):
    """The old password stays until the delay is over, and so does ConcurrentException."""
    sim.service.reset_delay = 100
    reset()
    assert sim.live_password("u-alice") == Secret(OLD)
    assert refusal(reset) == (400, "ConcurrentException")
    clock.sleep(101)
    assert sim.live_password("u-alice") == Secret(NEW)
    reset()


@pytest.mark.parametrize(("retry", "sent"), [(False, 1), (True, 2)])
def test_sdk_resends_a_reset_by_itself(reset, sim, retry, sent):
    """By default the SDK resets again after a 500 that came after the effect, and the caller does not learn it."""
    sim.faults.add("ResetPassword", FaultKind.VENDOR_CODE_AFTER, code="InternalError")
    if retry:
        assert reset(retry=True).password == NEW
    else:
        with pytest.raises(ApiException):
            reset(retry=False)
    assert (sim.resets("u-alice"), len(sim.requests)) == (sent, sent)


def test_limits(reset, ask, sim, refusal):
    """Too many calls of an action or of the account are 429; a throttle fault is the same."""
    sim.per_action.most, sim.per_action.seconds = 1, 60
    reset()
    assert refusal(reset) == (429, "FlowLimitExceeded")
    sim.per_account.most, sim.per_account.seconds = 0, 60
    assert refusal(ask, "GetServiceStatus") == (429, "AccountFlowLimitExceeded")
    sim.per_action.most = sim.per_account.most = None
    sim.faults.add("ResetPassword", FaultKind.THROTTLE)
    assert refusal(reset) == (429, "FlowLimitExceeded")
    assert sim.resets("u-alice") == 1


def test_keys(ask, reset, sim, refusal):
    """Unknown keys, wrong keys, wrong tokens and missing rights have the codes of gateway and service."""
    good = sim.credentials
    temporary = sim.add_key(token=Secret("session"))
    limited = sim.add_key(denials={"ResetPassword": "PermissionError", "DeleteUser": "AccessDenied"})
    cases = {
        (401, "InvalidAccessKey"): AccessKey("AKnobody", good.secret_key),
        (401, "SignatureDoesNotMatch"): AccessKey(good.access_key, Secret("guess")),
        (401, "InvalidSecretToken"): AccessKey(temporary.access_key, temporary.secret_key),
    }
    for expected, key in cases.items():
        assert refusal(ask, "GetServiceStatus", key=key) == expected
    assert refusal(reset, key=limited) == (400, "PermissionError")
    assert refusal(ask, "DeleteUser", user_id="u-alice", key=limited) == (403, "AccessDenied")
    assert ask("GetServiceStatus", key=limited).prerequisite_check_result == "Success"
    assert ask("GetServiceStatus", key=temporary).prerequisite_check_result == "Success"


@pytest.mark.parametrize("ahead", [905, -905])
def test_clock_may_differ_by_fifteen_minutes(ask, clock, refusal, ahead):
    """A clock that is off by more than 900 s either way is refused."""
    clock.offset = ahead
    assert refusal(ask, "GetServiceStatus") == (400, "InvalidTimestamp")
    clock.offset = ahead - (20 if ahead > 0 else -20)
    assert ask("GetServiceStatus").prerequisite_check_result == "Success"


def test_every_documented_code_arrives(ask, reset, sim, refusal, documented):
    """Each code arrives with its HTTP status in answer to each look of a rotation and to a reset, done or not."""
    codes, listed = documented("volcengine_cloudidentity")
    statuses = {code: int(status) for status, those in listed["http"].items() for code in those}
    assert statuses.keys() == set(codes)
    for number, code in enumerate(codes):
        for action, fields in LOOKS.items():
            sim.faults.add(action, FaultKind.VENDOR_CODE, code=code)
            assert refusal(ask, action, **fields) == (statuses[code], code)
        sim.faults.add("ResetPassword", FaultKind.VENDOR_CODE, code=code)
        assert refusal(reset) == (statuses[code], code)
        assert sim.resets("u-alice") == number
        sim.faults.add("ResetPassword", FaultKind.VENDOR_CODE_AFTER, code=code)
        assert refusal(reset) == (statuses[code], code)
        assert sim.resets("u-alice") == number + 1


def test_a_request_that_was_changed_on_its_way_is_refused(reset, sim, refusal, monkeypatch):
    """The signature covers the body."""
    urlopen = urllib3.PoolManager.urlopen

    def tamper(pool, method, url, **options):
        options["body"] = options["body"].replace("New-pass", "Bad-pass")
        return urlopen(pool, method, url, **options)

    monkeypatch.setattr(urllib3.PoolManager, "urlopen", tamper)
    assert refusal(reset) == (401, "SignatureDoesNotMatch")
    assert sim.live_password("u-alice") == Secret(OLD)
