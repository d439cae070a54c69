"""A vendor that answers HTML, nothing, half of it, 429, 5xx or a redirect: typed errors, nothing lost, and it heals."""

from __future__ import annotations

import pytest

from rotation_testkit.doubles.secretsmanager import RotationState
from rotation_testkit.doubles.vendors.faults import FaultKind
from rotation_testkit.sandbox.sandbox import HUAWEI, UCLOUD
from rotation_testkit.sandbox.served_function import CHANGE, LOOK

DRIVERS = (HUAWEI, UCLOUD)
MANY = 999
OPERATION = {"change": CHANGE, "look": LOOK}
RETRYABLE = {"vendor_unavailable", "rate_limited", "unexpected_reply", "outcome_unknown"}
HTML = (FaultKind.HTML, {})
TRUNCATED = (FaultKind.TRUNCATED, {})
TRUNCATED_CLAIMED = (FaultKind.TRUNCATED, {"claimed": True})
EMPTY_LOST = (FaultKind.EMPTY, {"applied": False})
EMPTY_APPLIED = (FaultKind.EMPTY, {"applied": True})
THROTTLE = (FaultKind.THROTTLE, {})
THROTTLE_429 = (FaultKind.THROTTLE, {"status": 429})
ERROR_500 = (FaultKind.ERROR_BEFORE, {"status": 500})
ERROR_503 = (FaultKind.ERROR_BEFORE, {"status": 503})
APPLIED_502 = (FaultKind.ERROR_AFTER, {"status": 502})
APPLIED_504 = (FaultKind.ERROR_AFTER, {"status": 504})
REDIRECT_302 = (FaultKind.REDIRECT, {"location": "http://127.0.0.1:9/"})
REDIRECT_307 = (FaultKind.REDIRECT, {"location": "https://elsewhere.example/", "status": 307})
DROP_BEFORE = (FaultKind.DROP_BEFORE, {})
DROP_AFTER = (FaultKind.DROP_AFTER, {})
HANG_LOST = (FaultKind.HANG, {"applied": False, "seconds": 4})
HANG_APPLIED = (FaultKind.HANG, {"applied": True, "seconds": 4})
ALONE = [
    # Each for a change; that it came to effect or not is what the rotation has to find out.
    (HUAWEI, "change", HTML),
    (UCLOUD, "change", TRUNCATED),
    (HUAWEI, "change", TRUNCATED_CLAIMED),
    (UCLOUD, "change", EMPTY_LOST),
    (UCLOUD, "change", EMPTY_APPLIED),
    (HUAWEI, "change", EMPTY_APPLIED),
    (HUAWEI, "change", THROTTLE),
    (UCLOUD, "change", THROTTLE_429),
    (HUAWEI, "change", ERROR_500),
    (UCLOUD, "change", ERROR_503),
    (HUAWEI, "change", APPLIED_502),
    (UCLOUD, "change", APPLIED_504),
    (HUAWEI, "change", REDIRECT_302),
    (UCLOUD, "change", DROP_BEFORE),
    (HUAWEI, "change", DROP_AFTER),
    (UCLOUD, "change", HANG_LOST),
    (HUAWEI, "change", HANG_APPLIED),
    # Each for a look, with the other driver; a look has no effect that could come or not.
    (UCLOUD, "look", HTML),
    (HUAWEI, "look", TRUNCATED),
    (UCLOUD, "look", TRUNCATED_CLAIMED),
    (HUAWEI, "look", EMPTY_LOST),
    (UCLOUD, "look", THROTTLE),
    (HUAWEI, "look", THROTTLE_429),
    (UCLOUD, "look", ERROR_500),
    (HUAWEI, "look", ERROR_503),
    (UCLOUD, "look", REDIRECT_307),
    (HUAWEI, "look", DROP_BEFORE),
    (UCLOUD, "look", DROP_AFTER),
    (HUAWEI, "look", HANG_LOST),
]
FAULTS = [
    *(HTML, TRUNCATED, TRUNCATED_CLAIMED, EMPTY_LOST, EMPTY_APPLIED, THROTTLE, THROTTLE_429, ERROR_500, ERROR_503),
    *(APPLIED_502, APPLIED_504, REDIRECT_302, REDIRECT_307, DROP_BEFORE, DROP_AFTER, HANG_LOST, HANG_APPLIED),
]
# The others are each like one of these when they last.
LASTING = [HTML, EMPTY_LOST, THROTTLE, ERROR_500, REDIRECT_302, DROP_BEFORE, DROP_AFTER]


def name(value):
    """Return how a parameter is called in a test's name."""
    if not isinstance(value, tuple):
        return None
    kind, details = value
    return f"{kind}-{'-'.join(str(each) for each in details.values())}"


def harmless(code, operation, kind, details):
    """Return whether the driver may take the answer for a success: Huawei documents an empty one for a change."""
    return (code, operation, kind) == (HUAWEI, "change", FaultKind.EMPTY) and details["applied"]


@pytest.mark.parametrize(("code", "operation", "fault"), ALONE, ids=name)
def test_one_fault_heals_by_the_services_retries(rig, impatient, code, operation, fault):
    """One bad answer costs at most one reset more and one wrong login; every error has a code and a hint."""
    heals(rig, impatient, code, operation, fault)


@pytest.mark.long  # `make test` has each fault with one of the drivers
@pytest.mark.parametrize("fault", FAULTS, ids=name)
@pytest.mark.parametrize("operation", ["change", "look"])
@pytest.mark.parametrize("code", DRIVERS)
def test_any_fault_heals_with_either_driver(rig, impatient, code, operation, fault):
    """Each fault heals with either driver, for a change and for a look."""
    heals(rig, impatient, code, operation, fault)


def heals(rig, impatient, code, operation, fault):
    """Rotate once with this fault in the first answer to this operation."""
    kind, details = fault
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
@pytest.mark.parametrize("fault", LASTING, ids=name)
@pytest.mark.parametrize("operation", ["change", "look"])
@pytest.mark.parametrize("code", DRIVERS)
def test_a_vendor_that_stays_broken_loses_nothing(rig, code, operation, fault):
    """While it lasts current stands or is live, the account is never locked, and the next day's attempt heals it."""
    kind, details = fault
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
