"""A vendor that answers HTML, nothing, half of it, 429, 5xx or a redirect: typed errors, nothing lost, and it heals."""

from __future__ import annotations

import pytest

from rotation.testing.faults import FaultKind
from rotation.testing.secretsmanager import RotationState
from rotation.testing.world import HUAWEI, UCLOUD

DRIVERS = (HUAWEI, UCLOUD)
MANY = 999
RETRYABLE = {"vendor_unavailable", "rate_limited", "unexpected_reply", "outcome_unknown"}
FAULTS = [
    (FaultKind.HTML, {}),
    (FaultKind.TRUNCATED, {}),
    (FaultKind.TRUNCATED, {"claimed": True}),
    (FaultKind.EMPTY, {"applied": False}),
    (FaultKind.EMPTY, {"applied": True}),
    (FaultKind.THROTTLE, {}),
    (FaultKind.THROTTLE, {"status": 429}),
    *((FaultKind.ERROR_BEFORE, {"status": status}) for status in (500, 503)),
    *((FaultKind.ERROR_AFTER, {"status": status}) for status in (502, 504)),
    (FaultKind.REDIRECT, {"location": "http://127.0.0.1:9/"}),
    (FaultKind.REDIRECT, {"location": "https://elsewhere.example/", "status": 307}),
    (FaultKind.DROP_BEFORE, {}),
    (FaultKind.DROP_AFTER, {}),
    (FaultKind.HANG, {"applied": False, "seconds": 4}),
    (FaultKind.HANG, {"applied": True, "seconds": 4}),
]
NAMES = [f"{kind}-{'-'.join(str(each) for each in details.values())}" for kind, details in FAULTS]


def harmless(code, operation, kind, details):
    """Tell whether the driver may take the answer for a success: an empty one is what Huawei documents for a change."""
    return (code, operation, kind) == (HUAWEI, "change", FaultKind.EMPTY) and details["applied"]


@pytest.mark.parametrize(("kind", "details"), FAULTS, ids=NAMES)
@pytest.mark.parametrize("operation", ["change", "look"])
@pytest.mark.parametrize("code", DRIVERS)
def test_one_fault_heals_by_the_services_retries(  # noqa: PLR0913, PLR0917 - a test's parameters
    rig, impatient, code, operation, kind, details
):
    """One bad answer costs at most one reset more and one wrong login; every error has a code and a hint."""
    if kind is FaultKind.HANG:  # whatever else is slow is this machine, and waited for
        impatient(code)
    rig.simulator(code).faults.add(getattr(rig, operation)[code], kind, **details)
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


SEEN = [next(n for n, (other, _) in enumerate(FAULTS) if other is kind) for kind, _ in FAULTS]
SHORT = (FaultKind.HANG, FaultKind.TRUNCATED, FaultKind.ERROR_AFTER)  # each is like another one when it lasts
ONE_OF_A_KIND = [(FAULTS[n], NAMES[n]) for n in sorted(set(SEEN)) if FAULTS[n][0] not in SHORT]
LASTING = [
    pytest.param(code, operation, kind, details, id=f"{code}-{operation}-{name}")
    for code in DRIVERS
    for operation in ("change", "look")
    for (kind, details), name in ONE_OF_A_KIND
]


def test_lost_answers_to_wrong_logins_never_lock_the_account(rig):
    """A change that never arrived, and then every login's answer lost: probing stops before the vendor's lock."""
    rig.world.huawei.faults.add(rig.change[HUAWEI], FaultKind.DROP_BEFORE)
    rig.world.huawei.faults.add(rig.look[HUAWEI], FaultKind.DROP_AFTER, times=MANY, skip=1)
    rig.rotate(HUAWEI)
    assert rig.world.wrong_logins(HUAWEI) > 0
    assert not rig.locked


@pytest.mark.long  # the fleet simulation has vendors that stay broken, too
@pytest.mark.parametrize(("code", "operation", "kind", "details"), LASTING)
def test_a_vendor_that_stays_broken_loses_nothing(rig, code, operation, kind, details):
    """While it lasts current stands or is live, the account is never locked, and the next day's attempt heals it."""
    rig.simulator(code).faults.add(getattr(rig, operation)[code], kind, times=MANY, **details)
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
    rig.simulator(code).faults.add(rig.change[code], FaultKind.REDIRECT, location=location, status=307)
    assert rig.rotate(code).state is RotationState.SUCCEEDED
    assert [error.code for error in rig.errors] == ["unexpected_reply"]
    assert rig.simulator(other).requests == []


@pytest.mark.parametrize("code", DRIVERS)
def test_too_little_time_sends_nothing(rig, code):
    """With less time left than a reset may take, none is sent; with enough of it the same candidate goes on."""
    rig.context.seconds = 12
    rig.rotate(code)
    assert {error.code for error in rig.errors} == {"not_enough_time"}
    assert rig.world.changes(code) == 0
    assert rig.change[code] not in rig.vendor_calls()
    candidate = rig.world.stored(code, "AWSPENDING")
    rig.context.seconds = 60
    assert rig.tomorrow().state is RotationState.SUCCEEDED
    assert rig.world.live(code) == candidate
