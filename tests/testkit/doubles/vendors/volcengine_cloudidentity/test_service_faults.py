"""The cloudidentity simulator's clashes, error codes, limits and keys, driven by the vendor's own SDK."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from volcenginesdkcore.rest import ApiException

from rotation.core.secret import Secret
from rotation_testkit.doubles.vendors.faults import FaultKind
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


def test_two_resets_of_a_user_at_once(reset, sim, refusal):
    """ConcurrentException while the first has not been answered; other users are free."""
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


@pytest.mark.parametrize(
    ("code", "status"),
    [
        ("InternalError", 500),
        ("InternalServiceTimeout", 504),
        ("FailToConnect", 502),
        ("InternalServiceError", 502),
        ("ServiceUnavailableTemp", 503),
        ("FlowLimitExceeded", 429),
        ("AccountFlowLimitExceeded", 429),
        ("UserLoginProfileRecordExist", 400),
        ("OperateTooFrequentlyException", 400),
        ("PrerequisiteCheckFailed", 300),
        ("ServiceAlreadyEnabled", 409),
        ("LackPolicy", 403),
    ],
)
@pytest.mark.parametrize("kind", [FaultKind.VENDOR_CODE, FaultKind.VENDOR_CODE_AFTER])
def test_any_code_before_or_after_the_effect(reset, sim, refusal, *, code, status, kind):  # noqa: PLR0913 - one row of the table
    """A planned code comes with its own HTTP status; whether the reset took effect is the plan's word."""
    sim.faults.add("ResetPassword", kind, code=code)
    assert refusal(reset) == (status, code)
    assert sim.resets("u-alice") == (1 if kind is FaultKind.VENDOR_CODE_AFTER else 0)


@pytest.mark.parametrize(("retry", "sent"), [(False, 1), (True, 2)])
def test_sdk_resends_a_reset_by_itself(reset, sim, retry, sent):
    """Its default: after a 500 that came after the effect it resets a second time, without a word to the caller."""
    sim.faults.add("ResetPassword", FaultKind.VENDOR_CODE_AFTER, code="InternalError")
    if retry:
        assert reset(retry=True).password == NEW
    else:
        with pytest.raises(ApiException):
            reset(retry=False)
    assert (sim.resets("u-alice"), len(sim.requests)) == (sent, sent)


def test_limits(reset, ask, sim, refusal):
    """429 per action and per account; a throttle fault says the same."""
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
    """Unknown and wrong keys, session tokens, missing rights of the gateway and of the service."""
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
    """900 s either way."""
    clock.offset = ahead
    assert refusal(ask, "GetServiceStatus") == (400, "InvalidTimestamp")
    clock.offset = ahead - (20 if ahead > 0 else -20)
    assert ask("GetServiceStatus").prerequisite_check_result == "Success"
