"""Redfish's driver keeps every promise at a served device, and has some of its own."""

from __future__ import annotations

import json
from contextlib import contextmanager
from dataclasses import dataclass

import pytest

from rotation.core import errors
from rotation.core.secret import Secret
from rotation.core.values import Lockout, TaskState, Verdict
from rotation.drivers.families.redfish import rules
from rotation.drivers.vendors.redfish_bmc.driver import DRIVER, Admin
from rotation.policy import obey
from rotation_testkit.conformance.driver_harness import DriverHarness
from rotation_testkit.conformance.driver_suite import DriverConformance
from rotation_testkit.doubles.vendor_api.faults import FaultKind
from rotation_testkit.doubles.vendors.redfish_bmc.accounts import DeviceRules
from rotation_testkit.doubles.vendors.redfish_bmc.simulator import CHANGE, LOGIN, RedfishBmc
from rotation_testkit.fault_lab.in_memory.scenario import VirtualClock

OLD, GOOD, WRONG = Secret("Canary-Old+pass_w1"), Secret("Good-enough-1Z"), Secret("wrong-Password-1")
ACCOUNT = "2"


@dataclass(kw_only=True)
class DeviceHarness(DriverHarness):
    """A test that tries many passwords may need more than a device's lengths."""

    clock: VirtualClock


@contextmanager
def served(**rules):
    """A device with an account beside the administrator's."""
    clock = VirtualClock(1_800_000_000.0)
    simulator = RedfishBmc(clock=clock.now, rules=DeviceRules(lengths=(8, 40), **rules))
    simulator.add_account(ACCOUNT, "robot", OLD)
    with simulator.serve() as url:
        harness = DeviceHarness(
            spec=DRIVER,
            endpoint=url,
            account={"username": "robot", "account_id": ACCOUNT},
            admin=Admin(simulator.admin.username, simulator.admin.password),
            now=clock.now,
            live=lambda: simulator.account(ACCOUNT).password,
            changes=lambda: simulator.account(ACCOUNT).changes,
            grow_old=lambda: None,
            faults=simulator.faults,
            captured=simulator.captured,
            change=CHANGE,
            check=LOGIN,
            weak=Secret("aaaaaaaa"),
            wrong_login_code="ResourceAtUriUnauthorized",
            unknown_code="NobodyKnowsThis",
            clock=clock,
        )
        yield harness, simulator


class TestRedfishBmc(DriverConformance):
    """The suite."""

    spec = DRIVER

    @contextmanager
    def make_vendor(self):
        """One account."""
        with served() as (harness, _):
            yield harness


@pytest.mark.parametrize("rules", [{"wants_etag": True}, {"change_answer": 204}, {"bare_refusals": True}], ids=str)
def test_devices_differ_and_all_are_served(rules):
    """A change goes under the account's ETag; the answer may be empty; a status alone refuses a login."""
    with served(**rules) as (harness, simulator):
        harness.set(GOOD)
        sent = simulator.captured[-1]
        assert json.loads(sent.body) == {"Password": GOOD.reveal()}
        assert dict(sent.headers)["If-Match"] == '"2-1"'
        assert harness.live() == GOOD
        assert harness.verdict(WRONG) is Verdict.REJECTED


def test_a_change_between_look_and_change_is_not_overwritten():
    """HTTP 412 says that another change came first: nothing was done, and the next attempt looks again."""
    with served() as (harness, simulator):
        simulator.faults.add(CHANGE, FaultKind.VENDOR_CODE, code="PreconditionFailed")
        with pytest.raises(errors.InProgress) as caught:
            harness.set(GOOD)
        assert caught.value.definite
        harness.set(GOOD)
        assert harness.changes() == 1


@pytest.mark.parametrize(("fails", "ended"), [(False, TaskState.DONE), (True, TaskState.FAILED)])
def test_a_change_may_be_a_task(fails, ended):
    """HTTP 202 names a task, which runs, ends well or fails; one that the device has forgotten counts as failed."""
    with served(task_seconds=30, task_fails=fails) as (harness, simulator):
        driver = harness.driver()
        task = driver.set_password(harness.loaded, GOOD, current=None)
        assert driver.poll(harness.loaded, task).state is TaskState.RUNNING
        harness.clock.sleep(31)
        assert driver.poll(harness.loaded, task).state is ended
        assert (harness.live() == GOOD) is not fails
        simulator.tasks.clear()
        assert driver.poll(harness.loaded, task).state is TaskState.FAILED


def test_a_login_leaves_no_session():
    """The session that proves a password is deleted; one that cannot be deleted changes no verdict."""
    with served() as (harness, simulator):
        assert harness.verdict(OLD) is Verdict.ACCEPTED
        assert simulator.directory.sessions == {}
        simulator.faults.add(LOGIN.replace("POST", "DELETE"), FaultKind.ERROR_BEFORE)
        assert harness.verdict(OLD) is Verdict.ACCEPTED
        assert len(simulator.directory.sessions) == 1


def test_a_locked_account_is_no_wrong_password():
    """The device says the same of both, so the account is looked at: a lock is an error that names its end."""
    with served(threshold=2) as (harness, simulator):
        assert harness.verdict(WRONG) is Verdict.REJECTED
        with pytest.raises(errors.AccountLocked):
            harness.verdict(WRONG)
        with pytest.raises(errors.AccountLocked) as caught:
            harness.verdict(OLD)
        assert caught.value.not_before == harness.now() + 300
        assert [type(each) for each in harness.observation().obstacles] == [errors.AccountLocked]
        harness.clock.sleep(301)
        assert harness.verdict(OLD) is Verdict.ACCEPTED
        assert simulator.account(ACCOUNT).wrong_logins == 2


def test_a_password_that_must_be_changed_first_proves_nothing():
    """The password is right, but opens nothing: neither accepted nor rejected."""
    with served(must_change=True) as (harness, simulator), pytest.raises(errors.CannotVerify) as caught:
        harness.verdict(OLD)
    assert caught.value.vendor_code == "PasswordChangeRequired"
    assert simulator.directory.sessions == {}


@pytest.mark.parametrize(
    ("rules", "lengths", "lockout"),
    [
        ({}, (8, 40), Lockout(5, 300, in_a_row=True)),
        ({"tells_lengths": False, "threshold": 0}, (0, 0), None),
        ({"threshold": 3, "duration": 0}, (8, 40), Lockout(3, 86_400, in_a_row=True)),
        ({"duration": 10**9}, (8, 40), Lockout(5, 9_999_999, in_a_row=True)),
        ({"counter_reset": False}, (8, 40), Lockout(5, 86_400, in_a_row=True)),
    ],
    ids=str,
)
def test_the_device_tells_its_rules(rules, lengths, lockout):
    """What it does not tell is not narrowed; a lock without an end counts for a day at least."""
    with served(**rules) as (harness, _):
        found = harness.observation().rules
    assert (found.min_length, found.max_length) == lengths
    assert found.lockout == lockout


@pytest.mark.parametrize(
    ("root", "repeats"),
    [({"Vendor": "Lenovo"}, 2), ({"Oem": {"Lenovo": {}}}, 2), ({"Vendor": "HPE"}, 0), ({"Oem": None}, 0), ({}, 0)],
    ids=str,
)
def test_a_makers_own_rule_goes_with_its_name(root, repeats):
    """The service root names the maker, itself or by its extension; only Lenovo's has a rule that it does not tell."""
    assert rules({"EnforcePasswordHistoryCount": 5}, root).history == 5
    assert rules({}, root).max_repeat == repeats


def test_what_a_lenovo_refuses_is_ruled_out_beforehand():
    """The device refuses three of one character in a row; the rules that the driver reads say so."""
    with served(maker="Lenovo") as (harness, _):
        with pytest.raises(errors.PasswordRejected):
            harness.set(Secret("Good-enough-111Z"))
        policy = obey(DRIVER.policies["default"], harness.observation().rules)
        assert [each.code for each in policy.problems(Secret("Good-enough-111Z"))] == ["max_repeat"]


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"username": "boss"}, errors.PreconditionFailed),
        ({"enabled": False}, errors.AccountUnusable),
        ({"own_call_only": True}, errors.PreconditionFailed),
    ],
    ids=str,
)
def test_what_stands_in_the_way_is_found_before_anything_is_sent(change, expected):
    """Another account's id, a disabled account, and a device that takes passwords by another call only."""
    with served() as (harness, simulator):
        for name, value in change.items():
            setattr(simulator.rules if name == "own_call_only" else simulator.account(ACCOUNT), name, value)
        (obstacle,) = harness.observation().obstacles
    assert type(obstacle) is expected
    assert obstacle.hint


def test_the_address_of_an_account_goes_before_the_endpoint():
    """One deployment serves many devices, as far as it allows their hosts; the scheme stays the endpoint's."""
    with served() as (harness, simulator), served() as (other, second):
        place = other.endpoint.removeprefix("http://")
        harness.account = {**harness.account, "address": place}
        harness.set(GOOD, harness.driver(hosts=frozenset({place})))
        assert (second.account(ACCOUNT).password, simulator.captured) == (GOOD, [])
        with pytest.raises(errors.HostNotAllowed):
            harness.set(GOOD)


def test_our_own_credential():
    """A wrong administrator's password and a role that is too small differ; nothing changes."""
    with served() as (harness, simulator):
        harness.admin = Admin("administrator", WRONG)
        with pytest.raises(errors.AdminRejected) as rejected:
            harness.set(GOOD)
        assert rejected.value.hint
        simulator.admin.role = "ReadOnly"
        harness.admin = Admin("administrator", simulator.admin.password)
        with pytest.raises(errors.PermissionDenied) as denied:
            harness.set(GOOD)
        assert "ConfigureUsers" in denied.value.hint
        assert harness.changes() == 0
