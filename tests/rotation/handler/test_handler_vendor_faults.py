"""A vendor that answers HTML, nothing, half of it, 429, 5xx or a redirect: typed errors, nothing lost, and it heals."""

import pytest

from rotation_testkit.doubles.secretsmanager import RotationState
from rotation_testkit.doubles.vendor_api.faults import FaultKind
from rotation_testkit.sandbox.sandbox import HUAWEI, UCLOUD
from rotation_testkit.sandbox.served_function import CHANGE, LOOK

DRIVERS = (HUAWEI, UCLOUD)
MANY = 999
OPERATION = {"change": CHANGE, "look": LOOK}
RETRYABLE = {"vendor_unavailable", "rate_limited", "unexpected_reply", "outcome_unknown"}
FAULTS = {
    "HTML": (FaultKind.HTML, {}),
    "truncated": (FaultKind.TRUNCATED, {}),
    "truncated claimed": (FaultKind.TRUNCATED, {"claimed": True}),
    "empty lost": (FaultKind.EMPTY, {"applied": False}),
    "empty applied": (FaultKind.EMPTY, {"applied": True}),
    "throttle": (FaultKind.THROTTLE, {}),
    "throttle 429": (FaultKind.THROTTLE, {"status": 429}),
    "error 500": (FaultKind.ERROR_BEFORE, {"status": 500}),
    "error 503": (FaultKind.ERROR_BEFORE, {"status": 503}),
    "applied 502": (FaultKind.ERROR_AFTER, {"status": 502}),
    "applied 504": (FaultKind.ERROR_AFTER, {"status": 504}),
    "redirect 302": (FaultKind.REDIRECT, {"location": "http://127.0.0.1:9/"}),
    "redirect 307": (FaultKind.REDIRECT, {"location": "https://elsewhere.example/", "status": 307}),
    "drop before": (FaultKind.DROP_BEFORE, {}),
    "drop after": (FaultKind.DROP_AFTER, {}),
    "hang lost": (FaultKind.HANG, {"applied": False, "seconds": 4}),
    "hang applied": (FaultKind.HANG, {"applied": True, "seconds": 4}),
}
ONCE = {
    # Each fault of a change with one of the drivers; the rotation has to find out whether the change had an effect.
    (HUAWEI, "change"): (
        *("HTML", "truncated claimed", "empty applied", "throttle", "error 500", "applied 502"),
        *("redirect 302", "drop after", "hang applied"),
    ),
    (UCLOUD, "change"): (
        *("truncated", "empty lost", "empty applied", "throttle 429", "error 503", "applied 504"),
        *("drop before", "hang lost"),
    ),
    # Each fault of a look, with the other driver.
    (UCLOUD, "look"): ("HTML", "truncated claimed", "throttle", "error 500", "redirect 307", "drop after"),
    (HUAWEI, "look"): (*("truncated", "empty lost", "throttle 429", "error 503", "drop before", "hang lost"),),
}
CASES = [
    # `make test` has each fault with one of the drivers.
    pytest.param(code, operation, fault, marks=() if fault in ONCE[code, operation] else pytest.mark.long)
    for code in DRIVERS
    for operation in OPERATION
    for fault in FAULTS
]
# The others are each like one of these when they last.
LASTING = ("HTML", "empty lost", "throttle", "error 500", "redirect 302", "drop before", "drop after")


def harmless(code, operation, kind, details):
    """Return whether the driver may take the answer for a success: Huawei documents an empty one for a change."""
    return (code, operation, kind) == (HUAWEI, "change", FaultKind.EMPTY) and details["applied"]


@pytest.mark.parametrize(("code", "operation", "fault"), CASES)
def test_one_fault_heals_by_the_services_retries(rig, impatient, code, operation, fault):
    """One bad answer costs at most one reset more and one wrong login; every error has a code and a hint."""
    kind, details = FAULTS[fault]
    if kind is FaultKind.HANG:  # whatever else is slow is this machine, and waited for
        impatient(code)
    rig.simulator(code).faults.add(OPERATION[operation][code], kind, **details)
    before = rig.world.live(code)
    rotation = rig.rotate(code)
    assert rig.simulator(code).faults.pending == 0
    assert rotation.state is RotationState.SUCCEEDED, [error.code for error in rig.errors]
    assert rig.world.stored(code) == rig.world.live(code) != before
    assert rig.world.stored(code, "AWSPREVIOUS") == before
    assert rig.world.changes(code) <= 2
    assert rig.world.wrong_logins(code) <= 1
    assert bool(rig.errors) is not harmless(code, operation, kind, details)
    assert {error.code for error in rig.errors} <= RETRYABLE
    assert all(error.hint and error.retryable for error in rig.errors)


def test_lost_answers_to_wrong_logins_never_lock_the_account(rig):
    """A change that never arrived, and then every login's answer lost: probing stops before the vendor's lock."""
    rig.world.huawei.faults.add(CHANGE[HUAWEI], FaultKind.DROP_BEFORE)
    rig.world.huawei.faults.add(LOOK[HUAWEI], FaultKind.DROP_AFTER, times=MANY, skip=1)
    rig.rotate(HUAWEI)
    assert rig.world.wrong_logins(HUAWEI) > 0
    assert not rig.locked


@pytest.mark.long  # the fleet simulation has vendors that stay broken, too
@pytest.mark.parametrize("fault", LASTING)
@pytest.mark.parametrize("operation", ["change", "look"])
@pytest.mark.parametrize("code", DRIVERS)
def test_a_vendor_that_stays_broken_loses_nothing(rig, code, operation, fault):
    """While it lasts current stands or is live, the account is never locked, and the next day's attempt heals it."""
    kind, details = FAULTS[fault]
    rig.simulator(code).faults.add(OPERATION[operation][code], kind, times=MANY, **details)
    before = rig.world.stored(code)
    rig.rotate(code)
    assert all(error.hint for error in rig.errors)
    assert {error.code for error in rig.errors} <= RETRYABLE | {"parked", "in_progress"}
    assert not rig.locked
    assert rig.world.stored(code) in (before, rig.world.live(code))
    if operation == "look":
        assert rig.world.changes(code) == 0
    rig.simulator(code).faults.clear()
    if rig.world.secrets_manager.rotations[-1].state is not RotationState.SUCCEEDED:
        assert rig.tomorrow().state is RotationState.SUCCEEDED, [error.code for error in rig.errors]
    assert rig.world.stored(code) == rig.world.live(code) != before
    assert rig.world.changes(code) <= 1 + len(rig.errors)


@pytest.mark.parametrize("code", DRIVERS)
def test_a_redirect_is_not_followed(rig, code):
    """What a redirect names hears nothing, even if it is the vendor of another secret and so on the allow-list."""
    other = HUAWEI if code == UCLOUD else UCLOUD
    location = rig.world.endpoints[other] + "/taken"
    rig.simulator(code).faults.add(CHANGE[code], FaultKind.REDIRECT, location=location, status=307)
    assert rig.rotate(code).state is RotationState.SUCCEEDED
    assert [error.code for error in rig.errors] == ["unexpected_reply"]
    assert rig.simulator(other).requests == []


@pytest.mark.parametrize("retries", [1])
@pytest.mark.parametrize("code", DRIVERS)
def test_too_little_time_sends_nothing(rig, code):
    """With less time left than a reset may take, none is sent; with enough of it the same candidate goes on."""
    rig.context.seconds = 12
    rig.rotate(code)
    assert {error.code for error in rig.errors} == {"not_enough_time"}
    assert rig.world.changes(code) == 0
    assert CHANGE[code] not in rig.vendor_calls()
    candidate = rig.world.stored(code, "AWSPENDING")
    rig.context.seconds = 60
    assert rig.tomorrow().state is RotationState.SUCCEEDED
    assert rig.world.live(code) == candidate
