"""IAM's driver keeps every promise with a key and without one, and has some of its own."""

from __future__ import annotations

import json
from contextlib import contextmanager
from dataclasses import dataclass, replace

import pytest

from rotation.core import errors
from rotation.core.secret import Secret
from rotation.core.values import Authority, Lockout, Verdict
from rotation.drivers.families.huawei_signature import AccessKey
from rotation.drivers.vendors.huawei_iam_user.driver import DRIVER, STRICTEST
from rotation_testkit.conformance.driver_harness import DriverHarness
from rotation_testkit.conformance.driver_suite import CHANGE_FAULTS, DriverConformance, overrides
from rotation_testkit.doubles.vendor_api.faults import FaultKind
from rotation_testkit.doubles.vendors.huawei_iam_user.simulator import (
    CHANGE,
    DOMAIN,
    DOMAIN_NAME,
    LOGIN,
    LOGOUT,
    RESET,
    HuaweiIam,
)
from rotation_testkit.doubles.vendors.huawei_iam_user.users import IamPolicies
from rotation_testkit.fault_lab.in_memory.scenario import VirtualClock

OLD, GOOD, WRONG = Secret("Canary-Old+pass_w1"), Secret("Good-enough-1Z"), Secret("wrong-Password-1")
TOKEN = Secret("Canary-token/1+2==")
USER = "2c1c6c54e59141b889c99e6fada5f19f"
BY_KEY = replace(DRIVER, authority=Authority.ADMIN)
"""The record that a deployment with a key gets."""


@dataclass(kw_only=True)
class IamHarness(DriverHarness):
    """Time is the test's."""

    clock: VirtualClock


@contextmanager
def served(*, key=True, **policies):
    """An account with one user."""
    clock = VirtualClock(1_800_000_000.0)
    simulator = HuaweiIam(clock=clock.now, policies=IamPolicies(**policies))
    simulator.add_user(USER, "robot", OLD)
    own = simulator.credentials

    def temporary():
        made = simulator.add_key(token=TOKEN)
        return AccessKey(made.key_id, made.secret, TOKEN)

    with simulator.serve() as url:
        harness = IamHarness(
            spec=BY_KEY if key else DRIVER,
            endpoint=url,
            account={"username": "robot", "user_id": USER, "domain_name": DOMAIN_NAME, "domain_id": DOMAIN},
            admin=AccessKey(own.key_id, own.secret) if key else None,
            temporary=temporary if key else None,
            now=clock.now,
            live=lambda: simulator.user(USER).password,
            changes=lambda: simulator.user(USER).changes,
            grow_old=lambda: None,
            faults=simulator.faults,
            captured=simulator.captured,
            change=RESET if key else CHANGE,
            check=LOGIN,
            weak=Secret("aaaaaaaa"),
            wrong_login_code="IAM.0062",
            unknown_code="IAM.9999",
            clock=clock,
        )
        yield harness, simulator


class TestWithAKey(DriverConformance):
    """The suite, for resets by a key."""

    spec = BY_KEY

    @contextmanager
    def make_vendor(self):
        """One user."""
        with served() as (harness, _):
            yield harness


class TestWithoutAKey(DriverConformance):
    """The suite, for changes by the user; the gateway's codes are those of keys."""

    spec = replace(DRIVER, error_table=tuple(row for row in DRIVER.error_table if row.vendor_code[0] != "A"))

    @contextmanager
    def make_vendor(self):
        """One user."""
        with served(key=False) as (harness, _):
            yield harness

    @overrides("the vendor answers a change with HTTP 204, which has no body that could be cut")
    @pytest.mark.parametrize(
        ("kind", "details", "expected"), [each for each in CHANGE_FAULTS if each[0] is not FaultKind.TRUNCATED]
    )
    def test_a_change_without_a_clear_answer_is_never_a_success(self, vendor, kind, details, expected):
        """The promise, without cut answers."""
        super().test_a_change_without_a_clear_answer_is_never_a_success(vendor, kind, details, expected)


EACH = pytest.mark.parametrize("key", [True, False], ids=["key", "no key"])


def asked(simulator):
    """Every call that reached the vendor."""
    return [each.operation for each in simulator.requests]


def test_a_reset_sends_the_documented_body():
    """The password is never in the address, and the user need not change it at the next login."""
    with served() as (harness, simulator):
        harness.set(GOOD)
        sent = simulator.captured[-1]
        assert json.loads(sent.body) == {"user": {"password": GOOD.reveal(), "pwd_status": False}}
        assert asked(simulator) == [RESET]


@pytest.mark.parametrize("ending", [None, "1118"], ids=["changed", "refused"])
def test_a_change_leaves_no_token(ending):
    """A change ends the user's tokens by itself; after a refusal the token is deleted."""
    with served(key=False) as (harness, simulator):
        if ending:
            simulator.faults.add(CHANGE, FaultKind.VENDOR_CODE, code=ending)
            with pytest.raises(errors.PasswordRejected):
                harness.set(GOOD)
        else:
            harness.set(GOOD)
        assert asked(simulator) == [LOGIN, CHANGE, LOGOUT]
        assert simulator.users.tokens == {}


@EACH
def test_a_login_leaves_no_token(key):
    """A token that cannot be deleted changes no verdict."""
    with served(key=key) as (harness, simulator):
        assert harness.verdict(OLD) is Verdict.ACCEPTED
        assert simulator.users.tokens == {}
        simulator.faults.add(LOGOUT, FaultKind.ERROR_BEFORE)
        assert harness.verdict(OLD) is Verdict.ACCEPTED


@EACH
def test_a_locked_user_is_no_wrong_password(key):
    """The vendor tells the two apart; the error waits for the longest lock that an account may set."""
    with served(key=key, tries=3) as (harness, simulator):
        for _ in range(3):
            assert harness.verdict(WRONG) is Verdict.REJECTED
        with pytest.raises(errors.AccountLocked) as caught:
            harness.verdict(OLD)
        assert caught.value.not_before == harness.now() + 1800
        harness.clock.sleep(1801)
        assert harness.verdict(OLD) is Verdict.ACCEPTED
        assert simulator.user(USER).wrong_logins == 3


@EACH
def test_a_login_that_opens_another_user_is_no_proof(key):
    """The secret's id and name must be one user's."""
    with served(key=key) as (harness, simulator):
        harness.account = {**harness.account, "user_id": "f" * 32}
        with pytest.raises(errors.AccountUnusable, match="another user"):
            harness.verdict(OLD)
        assert simulator.users.tokens == {}


def test_the_accounts_own_policies_are_read_with_a_key():
    """Ages and spans are minutes."""
    policies = {"min_length": 12, "classes": 4, "max_repeat": 2, "min_age": 30, "history": 5}
    with served(**policies, tries=3, period=20, lock=30) as (harness, _):
        found = harness.observation().rules
    assert (found.min_length, found.classes, found.max_repeat, found.no_username) == (12, 4, 2, True)
    assert (found.min_age_seconds, found.history) == (1800, 5)
    assert found.lockout == Lockout(3, 1800, reserve=1)


def test_without_a_key_the_strictest_policies_count():
    """The user may not read them; nothing is asked."""
    with served(key=False) as (harness, simulator):
        assert harness.observation().rules is STRICTEST
        assert asked(simulator) == []


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"name": "boss"}, errors.PreconditionFailed),
        ({"enabled": False}, errors.AccountUnusable),
        ({"access_mode": "console"}, errors.AccountUnusable),
    ],
    ids=str,
)
def test_what_stands_in_the_way_is_found_before_anything_is_sent(change, expected):
    """Another user's id, a disabled user, and one that may not log in at the API."""
    with served() as (harness, simulator):
        for name, value in change.items():
            setattr(simulator.user(USER), name, value)
        (obstacle,) = harness.observation().obstacles
    assert type(obstacle) is expected
    assert obstacle.hint


def test_our_own_key():
    """A wrong key, a missing token of a temporary one and a missing right differ; nothing changes."""
    with served() as (harness, simulator):
        own, temporary = simulator.credentials, simulator.add_key(token=Secret("Canary-token/1+2=="))
        denied = simulator.add_key(denied=frozenset({RESET}))
        for key, expected in (
            (AccessKey(own.key_id, WRONG), errors.AdminRejected),
            (AccessKey(temporary.key_id, temporary.secret), errors.AdminRejected),
            (AccessKey(denied.key_id, denied.secret), errors.PermissionDenied),
        ):
            harness.admin = key
            with pytest.raises(expected) as caught:
                harness.set(GOOD)
            assert caught.value.hint
        assert harness.changes() == 0
        harness.admin = AccessKey(temporary.key_id, temporary.secret, temporary.token)
        harness.set(GOOD)
        assert harness.changes() == 1
