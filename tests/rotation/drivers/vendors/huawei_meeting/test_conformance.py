"""Huawei Meeting's driver keeps every promise at a served vendor, with the old password or an app id for its token."""

import dataclasses
import json
from contextlib import contextmanager

import pytest

from rotation.core import errors
from rotation.core.secret import Secret
from rotation.core.settings import load
from rotation.core.values import Verdict
from rotation.drivers.vendors.huawei_meeting.app_login import Admin
from rotation.drivers.vendors.huawei_meeting.driver import DRIVER
from rotation_testkit.conformance.canned import CannedVendor
from rotation_testkit.conformance.driver_harness import DriverHarness
from rotation_testkit.conformance.driver_suite import DriverConformance
from rotation_testkit.doubles.vendor_api.faults import FaultKind
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
    with pytest.raises(errors.SettingsError):
        load(DRIVER.account, {"username": "a:b"}, where="secret")


@pytest.mark.parametrize("applied", [True, False])
def test_every_change_logs_out(applied):
    """No token is left behind, whether the change went well or was refused."""
    with served() as (harness, simulator):
        if not applied:
            harness.faults.add(CHANGE, FaultKind.VENDOR_CODE, code="206030005")
        try:
            harness.set(harness.policy.generate(harness.context))
        except errors.DriverError:
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
        with pytest.raises(errors.TooSoon):
            harness.set(harness.policy.generate(harness.context))


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


@pytest.mark.parametrize(
    ("rule", "value"), [("change_body", True), ("change_body", False), ("tokens_die_on_change", True)]
)
def test_what_no_document_says_about_a_change_is_taken_either_way(rule, value):
    """The vendor's page lists no body, but its sample has one; whether a change ends the tokens is said nowhere."""
    with served() as (harness, simulator):
        setattr(simulator.rules, rule, value)
        new = harness.policy.generate(harness.context)
        harness.set(new)
        assert harness.live() == new


@pytest.mark.parametrize("envelope", [("error_code", "error_msg"), ("errorCode", "errorMsg"), ("code", "message")])
def test_all_three_envelopes_are_read(envelope):
    """The vendor's own client accepts them all."""
    with served() as (harness, simulator):
        simulator.rules.envelope = envelope
        assert harness.verdict(WRONG) is Verdict.REJECTED


@pytest.mark.parametrize(("app", "asked"), [(None, [LOGIN]), (admin(), [APP, CHANGE, LOGOUT])], ids=["login", "app"])
def test_a_wrong_current_password_is_evidence_and_costs_one_wrong_login(app, asked):
    """The login reports it, and nothing more is sent; where an app id makes the token, the change reports it."""
    with served(app, user_id=USER) as (harness, simulator):
        with pytest.raises(errors.OldPasswordRejected) as caught:
            harness.driver().set_password(harness.loaded, harness.policy.generate(harness.context), current=WRONG)
        assert caught.value.definite
        assert [each.operation for each in simulator.requests] == asked
        assert (simulator.wrong_logins(NAME), simulator.live_tokens(NAME)) == (1, 0)


def test_without_a_current_password_nothing_is_sent():
    """A self-service change needs the current password."""
    with served() as (harness, simulator):
        with pytest.raises(errors.OldPasswordRejected):
            harness.driver().set_password(harness.loaded, OLD, current=None)
        assert not simulator.requests


def test_refusals_name_the_time_to_come_back():
    """A refusal names five minutes after a change, and five and a half after a lock."""
    with served() as (harness, simulator):
        harness.set(harness.policy.generate(harness.context))
        with pytest.raises(errors.TooSoon) as soon:
            harness.set(harness.policy.generate(harness.context))
        now = harness.now()
        assert soon.value.not_before == now + 300
        simulator.account(NAME).locked_until = now + 60
        with pytest.raises(errors.AccountLocked) as locked:
            harness.verdict(OLD)
        assert locked.value.not_before == now + 330


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
        with pytest.raises(errors.PermissionDenied) as caught:
            harness.set(harness.policy.generate(harness.context))
        assert caught.value.vendor_code == "206030016"
        assert simulator.changes(NAME) == 0
        assert simulator.live_tokens("other@corp1") == 0


@pytest.mark.parametrize(
    ("changes", "expected", "code"),
    [
        ({"admin": Admin(KEY.app_id, WRONG)}, errors.AdminRejected, "206010025"),
        ({"now": lambda: 1_800_000_000.0 - 301}, errors.AdminRejected, "206010057"),
        ({"account": {"username": NAME, "user_id": "nobody"}}, errors.AccountUnusable, "201040000"),
        ({}, errors.AdminRejected, "206010000"),
    ],
    ids=["wrong key", "slow clock", "unknown user", "code of a wrong password"],
)
def test_a_refused_app_login_says_nothing_about_the_password(changes, expected, code):
    """No change is sent, and the old password never counts as wrong."""
    with served(admin(), user_id=USER) as (made, simulator):
        harness = dataclasses.replace(made, **changes)
        if not changes:
            harness.faults.add(APP, FaultKind.VENDOR_CODE, code=code)
        with pytest.raises(expected) as caught:
            harness.set(harness.policy.generate(harness.context))
        assert caught.value.vendor_code == code
        assert [each.operation for each in simulator.requests] == [APP]
