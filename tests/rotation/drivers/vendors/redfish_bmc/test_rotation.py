"""An account of a management controller through the handler: the device's own rules, tasks, locks, lost answers."""

import pytest

from rotation.core.secret import Secret
from rotation_testkit.doubles.secretsmanager import RotationState
from rotation_testkit.doubles.vendor_api.faults import FaultKind
from rotation_testkit.doubles.vendors.redfish_bmc.simulator import CHANGE, LOGIN, RedfishBmc

OLD = Secret("Old-pass-1234")


@pytest.fixture
def device(clock):
    """A device with one account beside the administrator's."""
    made = RedfishBmc(clock=clock.now)
    made.add_account("2", "robot", OLD)
    return made


@pytest.fixture
def account(install, device):
    """Its function."""
    admin = {"username": device.admin.username, "password": device.admin.password.reveal()}
    document = {"driver": "redfish_bmc", "password": OLD.reveal(), "username": "robot", "account_id": "2"}
    return install(device, document, admin, lambda: device.account("2").password)


def test_a_login_proves_the_password(account, device):
    """One change, one session that is deleted, no wrong login; the evidence is the login."""
    assert account.rotate().state is RotationState.SUCCEEDED, [error.message for error in account.errors]
    assert account.settled()
    assert account.reports[-1]["evidence"] == "LOGIN"
    assert (device.account("2").changes, device.account("2").wrong_logins) == (1, 0)
    assert device.directory.sessions == {}


@pytest.mark.parametrize(("lengths", "expected"), [((18, 20), 18), ((8, 12), 12), ((8, None), 16), ((30, 40), 30)])
def test_the_candidate_fits_the_devices_own_lengths(account, device, lengths, expected):
    """The device's lengths narrow ours; one that names no longest password gets 16 characters."""
    device.rules.lengths = lengths
    assert account.rotate().state is RotationState.SUCCEEDED
    assert len(account.password.reveal()) == expected


def test_lengths_that_nothing_satisfies_are_named_before_anything_is_sent(account, device):
    """A device that wants more than 40 characters cannot be served, and its own words are the reason."""
    device.rules.lengths = (50, 60)
    assert account.rotate_once().state is RotationState.FAILED
    assert account.codes() == ["policy_error"]
    assert "AccountService" in account.errors[0].message
    assert CHANGE not in [each.operation for each in device.requests]


def test_a_task_is_polled_to_its_end(account, device):
    """The device goes on for 20 seconds after its answer; nothing is sent twice."""
    device.rules.task_seconds = 20
    assert account.rotate().state is RotationState.SUCCEEDED, [error.message for error in account.errors]
    assert account.settled()
    assert [each.operation for each in device.requests].count(CHANGE) == 1


def test_a_lost_answer_costs_no_second_change(account, device):
    """The next run finds out by a login that the change was made."""
    device.faults.add(CHANGE, FaultKind.DROP_AFTER)
    assert account.rotate().state is RotationState.SUCCEEDED
    assert (account.codes(), account.settled()) == (["outcome_unknown"], True)
    assert device.account("2").changes == 1


def test_the_devices_lock_out_bounds_wrong_logins(account, device):
    """A device that locks at the second wrong login sees one, although the vendor's yes was none twice."""
    device.rules.threshold = 2
    device.faults.add(CHANGE, FaultKind.SILENT, times=2)
    assert account.rotate().state is RotationState.FAILED
    assert device.account("2").wrong_logins == 1
    assert device.account("2").locked_until == 0


def test_a_locked_account_is_left_alone(account, device):
    """No change and no login is tried before the lock ends, and then the rotation goes through."""
    device.account("2").locked_until = account.clock.now() + 300
    assert account.rotate_once().state is RotationState.FAILED
    assert {error.code for error in account.errors} <= {"account_locked", "parked"}
    assert not {CHANGE, LOGIN} & {each.operation for each in device.requests}
    assert account.next_rotation() is RotationState.SUCCEEDED
    assert account.settled()
