"""Huawei Meeting's driver keeps every promise at a served vendor, with the old password or an app id for its token."""

import dataclasses
import json
from contextlib import contextmanager

import pytest

from rotation.core.errors import (
    AccountLocked,
    AccountUnusable,
    AdminRejected,
    DriverError,
    OldPasswordRejected,
    PasswordReused,
    PermissionDenied,
    SettingsError,
    TooSoon,
)
from rotation.core.secret import Secret
from rotation.core.settings import load
from rotation.core.values import Verdict
from rotation.drivers.vendors.huawei_meeting.app_login import Admin
from rotation.drivers.vendors.huawei_meeting.driver import DRIVER
from rotation_testkit.conformance.canned import CannedVendor
from rotation_testkit.conformance.driver_harness import DriverHarness
from rotation_testkit.conformance.driver_suite import DriverConformance
from rotation_testkit.doubles.vendors.faults import FaultKind
from rotation_testkit.doubles.vendors.huawei_meeting.simulator import AppKey, HuaweiMeeting
from rotation_testkit.fault_lab.in_memory.scenario import VirtualClock

NAME = "robot@corp1"
OLD, WRONG = Secret("Canary-Old/pass+word=1"), Secret("wrong-Password-1")
USER, KEY = "id-of-robot", AppKey("fdb8e4699586458bbd10c834872dcc62", Secret("Canary-app/key+1=2"))
APP = "POST /v2/usg/acs/auth/appauth"
LOGIN, CHANGE, LOGOUT = "POST /v1/usg/acs/auth/account", "PUT /v1/usg/acs/password", "DELETE /v1/usg/acs/token"


def admin(**more):
    """The app id as an admin credential."""
    return Admin(KEY.app_id, KEY.app_key, **more)


@contextmanager
def served(app=None, **ids):
    """One account of an enterprise with an app id, beside the enterprise's default administrator."""
    clock = VirtualClock(1_800_000_000.0)
    simulator = HuaweiMeeting(clock=clock.now, credentials=KEY)
    simulator.add_account(NAME, OLD, user_id=USER).corp_id = "corp1"
    simulator.add_account("other@corp1", WRONG, user_id="id-of-other").admin = True
    with simulator.serve() as url:
        harness = DriverHarness(
            spec=DRIVER,
            endpoint=url,
            account={"username": NAME, **ids},
            admin=app,
            now=clock.now,
            live=lambda: simulator.live_password(NAME),
            changes=lambda: simulator.changes(NAME),
            grow_old=lambda: clock.sleep(301),
            faults=simulator.faults,
            captured=simulator.captured,
            change=CHANGE,
            check=LOGIN,
            weak=Secret("aaaaaaaa"),
            wrong_login_code="206010000",
        )
        yield harness, simulator


class TestHuaweiMeeting(DriverConformance):
    """The old password makes the token."""

    spec = DRIVER

    @contextmanager
    def make_vendor(self):
        """One account."""
        with served() as (harness, _):
            yield harness


class TestHuaweiMeetingByAppId(DriverConformance):
    """An app id makes the token. The codes are those of the suite above; a login by app id has its own below."""

    spec = dataclasses.replace(DRIVER, error_table=DRIVER.error_table[:1])

    @contextmanager
    def make_vendor(self):
        """One account."""
        with served(admin(), user_id=USER) as (harness, _):
            yield harness


def test_a_colon_in_the_password_is_legal_and_one_in_the_name_is_not():
    """The Basic header is split at its first colon."""
    with served() as (harness, simulator):
        simulator.account(NAME).password = Secret("a:b:c:9-Zz")
        assert harness.verdict(Secret("a:b:c:9-Zz")) is Verdict.ACCEPTED
    with pytest.raises(SettingsError):
        load(DRIVER.account, {"username": "a:b"}, where="secret")


@pytest.mark.parametrize("applied", [True, False])
def test_every_change_logs_out(applied):
    """No token is left behind, whether the change went well or was refused."""
    with served() as (harness, simulator):
        if not applied:
            harness.faults.add(CHANGE, FaultKind.VENDOR_CODE, code="206030005")
        try:
            harness.set(harness.policy.generate(harness.context))
        except DriverError:
            assert not applied
        assert simulator.live_tokens(NAME) == 0
        assert [each.operation for each in simulator.requests] == [LOGIN, CHANGE, LOGOUT]


@pytest.mark.parametrize("kind", [FaultKind.DROP_BEFORE, FaultKind.HTML, FaultKind.ERROR_BEFORE])
def test_a_failed_logout_harms_nothing(kind):
    """A failed logout hides neither the success nor the error of the change."""
    with served() as (harness, _):
        harness.faults.add(LOGOUT, kind)
        new = harness.policy.generate(harness.context)
        harness.set(new)
        assert harness.live() == new
        harness.faults.add(LOGOUT, kind)
        with pytest.raises(TooSoon):
            harness.set(harness.policy.generate(harness.context))


def test_tokens_that_die_with_the_change_harm_nothing():
    """A change succeeds even if the vendor ends the tokens with it, which no document says."""
    with served() as (harness, simulator):
        simulator.rules.tokens_die_on_change = True
        new = harness.policy.generate(harness.context)
        harness.set(new)
        assert harness.live() == new


@pytest.mark.window(45)
def test_verify_leaves_no_token():
    """A login check asks for no token, and ends one that the vendor gives."""
    with served() as (harness, simulator):
        harness.verdict(OLD)
        assert simulator.live_tokens(NAME) == 0
    vendor = CannedVendor(b'{"accessToken":"stray"}')
    vendor.driver(DRIVER).verify(DRIVER.account(username=NAME), OLD)
    assert [(each.method, each.headers.get("X-Access-Token")) for each in vendor.requests] == [
        ("POST", None),
        ("DELETE", "stray"),
    ]


@pytest.mark.parametrize("body", [True, False])
def test_a_change_may_be_answered_with_or_without_a_body(body):
    """The vendor's page lists no body, but its sample has one."""
    with served() as (harness, simulator):
        simulator.rules.change_body = body
        new = harness.policy.generate(harness.context)
        harness.set(new)
        assert harness.live() == new


@pytest.mark.parametrize("envelope", [("error_code", "error_msg"), ("errorCode", "errorMsg"), ("code", "message")])
def test_all_three_envelopes_are_read(envelope):
    """The vendor's own client accepts them all."""
    with served() as (harness, simulator):
        simulator.rules.envelope = envelope
        assert harness.verdict(WRONG) is Verdict.REJECTED


def test_a_wrong_current_password_is_evidence_and_costs_one_wrong_login():
    """After the refused login nothing is sent."""
    with served() as (harness, simulator):
        with pytest.raises(OldPasswordRejected) as caught:
            harness.driver().set_password(harness.loaded, OLD, current=WRONG)
        assert caught.value.definite
        assert simulator.wrong_logins(NAME) == 1
        assert [each.operation for each in simulator.requests] == [LOGIN]


def test_without_a_current_password_nothing_is_sent():
    """A self-service change needs the current password."""
    with served() as (harness, simulator):
        with pytest.raises(OldPasswordRejected):
            harness.driver().set_password(harness.loaded, OLD, current=None)
        assert not simulator.requests


def test_refusals_name_the_time_to_come_back():
    """A refusal names five minutes after a change, and five and a half after a lock."""
    with served() as (harness, simulator):
        harness.set(harness.policy.generate(harness.context))
        with pytest.raises(TooSoon) as soon:
            harness.set(harness.policy.generate(harness.context))
        now = harness.now()
        assert soon.value.not_before == now + 300
        simulator.account(NAME).locked_until = now + 60
        with pytest.raises(AccountLocked) as locked:
            harness.verdict(OLD)
        assert locked.value.not_before == now + 330


def test_a_used_password_is_reported_as_such():
    """``PasswordReused`` is evidence that the candidate has been live."""
    with served() as (harness, _):
        harness.set(harness.policy.generate(harness.context))
        harness.grow_old()
        with pytest.raises(PasswordReused):
            harness.set(OLD)


KEY = AppKey("fdb8e4699586458bbd10c834872dcc62", Secret("Canary-app/key+1=2"))


def test_a_change_logs_in_by_app_id_and_logs_out():
    """The old password is sent in the change only, and no token is left."""
    with served(admin(), user_id=USER) as (harness, simulator):
        new = harness.policy.generate(harness.context)
        harness.set(new)
        assert harness.live() == new
        assert [each.operation for each in simulator.requests] == [APP, CHANGE, LOGOUT]
        assert simulator.live_tokens(NAME) == 0


@pytest.mark.parametrize(
    ("ids", "more"),
    [
        ({"user_id": USER}, {"user_id": "id-of-other"}),
        ({}, {"user_id": USER}),
        ({"user_id": USER}, {"corp_id": "corp1"}),
    ],
    ids=["account", "admin", "tenant"],
)
def test_the_user_that_the_app_speaks_for(ids, more):
    """The account's own user id wins over the admin credential's; a tenant's id is signed and sent."""
    with served(admin(**more), **ids) as (harness, simulator):
        harness.set(harness.policy.generate(harness.context))
        body = json.loads(simulator.captured[0].body)
        assert (body["userId"], body.get("corpId", "")) == (USER, more.get("corp_id", ""))
        assert simulator.changes(NAME) == 1


def test_another_users_token_changes_nothing():
    """Without a user id the app logs in the default administrator: the vendor refuses, and we log out."""
    with served(admin()) as (harness, simulator):
        with pytest.raises(PermissionDenied) as caught:
            harness.set(harness.policy.generate(harness.context))
        assert caught.value.vendor_code == "206030016"
        assert simulator.changes(NAME) == 0
        assert simulator.live_tokens("other@corp1") == 0


def test_a_change_with_a_wrong_current_password_costs_one_wrong_login():
    """The change itself reports the wrong current password."""
    with served(admin(), user_id=USER) as (harness, simulator):
        with pytest.raises(OldPasswordRejected) as caught:
            harness.driver().set_password(harness.loaded, harness.policy.generate(harness.context), current=WRONG)
        assert caught.value.definite
        assert simulator.wrong_logins(NAME) == 1
        assert simulator.live_tokens(NAME) == 0


def _wrong_key(harness):
    harness.admin = Admin(KEY.app_id, WRONG)


def _slow_clock(harness):
    harness.now = lambda: 1_800_000_000.0 - 301


def _unknown_user(harness):
    harness.account = {"username": NAME, "user_id": "nobody"}


def _wrong_login_code(harness):
    harness.faults.add(APP, FaultKind.VENDOR_CODE, code="206010000")


@pytest.mark.parametrize(
    ("spoil", "expected", "code"),
    [
        (_wrong_key, AdminRejected, "206010025"),
        (_slow_clock, AdminRejected, "206010057"),
        (_unknown_user, AccountUnusable, "201040000"),
        (_wrong_login_code, AdminRejected, "206010000"),
    ],
)
def test_a_refused_app_login_says_nothing_about_the_password(spoil, expected, code):
    """No change is sent, and the old password never counts as wrong."""
    with served(admin(), user_id=USER) as (harness, simulator):
        spoil(harness)
        with pytest.raises(expected) as caught:
            harness.set(harness.policy.generate(harness.context))
        assert caught.value.vendor_code == code
        assert [each.operation for each in simulator.requests] == [APP]


def test_the_proof_is_still_a_login_with_the_password():
    """An app id's token proves nothing about the password."""
    with served(admin(), user_id=USER) as (harness, simulator):
        assert harness.verdict(OLD) is Verdict.ACCEPTED
        assert harness.verdict(WRONG) is Verdict.REJECTED
        assert {each.operation for each in simulator.requests} == {LOGIN}
