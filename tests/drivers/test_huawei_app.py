"""Huawei Meeting with the enterprise's app id: the golden signatures, conformance, and what is its own."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from types import SimpleNamespace

import pytest

from rotation.core import settings
from rotation.core.clock import SystemClock
from rotation.core.document import SecretDocument
from rotation.core.errors import AccountUnusable, AdminRejected, OldPasswordRejected, PermissionDenied, SettingsError
from rotation.core.secret import Secret
from rotation.core.values import Verdict
from rotation.deployment.binder import Binder
from rotation.deployment.deployment import Deployment
from rotation.drivers.vendors.huawei_meeting.app_login import Admin, login, signature
from rotation.drivers.vendors.huawei_meeting.driver import DRIVER
from rotation_testkit.conformance.driver_harness import DriverHarness
from rotation_testkit.conformance.driver_suite import DriverConformance
from rotation_testkit.doubles.vendors.faults import FaultKind
from rotation_testkit.doubles.vendors.huawei_meeting.simulator import AppKey, HuaweiMeeting

NAME, USER = "robot@corp1", "id-of-robot"
OLD, WRONG = Secret("Canary-Old/pass+word=1"), Secret("wrong-Password-1")
KEY = AppKey("fdb8e4699586458bbd10c834872dcc62", Secret("Canary-app/key+1=2"))
APP, CHANGE, LOGOUT = "POST /v2/usg/acs/auth/appauth", "PUT /v1/usg/acs/password", "DELETE /v1/usg/acs/token"
LOGIN = "POST /v1/usg/acs/auth/account"


@contextmanager
def served(
    *, account: Mapping[str, object] = {"username": NAME, "user_id": USER}, **more: str
) -> Iterator[tuple[DriverHarness, HuaweiMeeting]]:
    """One account of an enterprise with an app id."""
    now = SimpleNamespace(time=1_800_000_000.0)

    def clock() -> float:
        return now.time

    def grow_old() -> None:
        now.time += 301

    simulator = HuaweiMeeting(clock=clock, credentials=KEY)
    simulator.add_account(NAME, OLD, user_id=USER).corp_id = "corp1"
    simulator.add_account("other@corp1", WRONG, user_id="id-of-other").admin = True
    with simulator.serve() as url:
        harness = DriverHarness(
            spec=DRIVER,
            endpoint=url,
            account=account,
            admin=Admin(KEY.app_id, KEY.app_key, **more),
            now=clock,
            live=lambda: simulator.live_password(NAME),
            changes=lambda: simulator.changes(NAME),
            grow_old=grow_old,
            faults=simulator.faults,
            captured=simulator.captured,
            change=CHANGE,
            check=LOGIN,
            weak=Secret("aaaaaaaa"),
            wrong_login_code="206010000",
        )
        yield harness, simulator


class TestHuaweiMeetingByAppId(DriverConformance):
    """The suite. The codes are those of the suite without an app id; a login by it has its own below."""

    spec = dataclasses.replace(DRIVER, error_table=DRIVER.error_table[:1])

    @contextmanager
    def make_vendor(self) -> Iterator[DriverHarness]:
        """One account."""
        with served() as (harness, _):
            yield harness


@pytest.mark.parametrize(
    ("corp", "expected"),
    [
        ("", "2ADF0FCE88A3C81691CCD45BB16704FE29A4B7C64189BB54E9B8A722872E193A"),
        ("corp1", "A921CA9471C2BC1F041B71F6F4763D004D63582559AE5B761F18083551C02C07"),
    ],
    ids=["H1", "H2"],
)
def test_the_signature_is_the_vendors(corp: str, expected: str) -> None:
    """Golden vectors H1 and H2: an app id of one enterprise, and one of many."""
    admin = Admin(KEY.app_id, Secret("APPKEYTEST"), corp_id=corp)
    assert signature(admin, "alice", 1_700_000_600, "0123456789abcdef0123456789abcdef") == expected


def test_no_nonce_is_used_twice() -> None:
    """And each has a length that the vendor takes."""
    admin = Admin(KEY.app_id, KEY.app_key)
    nonces = {str(login(admin, USER, client_type=72, now=1.0)[1]["nonce"]) for _ in range(50)}
    assert len(nonces) == 50
    assert {len(nonce) for nonce in nonces} == {32}


def test_a_change_logs_in_by_app_id_and_logs_out() -> None:
    """The old password is shown in the change alone, and no token is left."""
    with served() as (harness, simulator):
        new = harness.policy.generate(harness.context)
        harness.set(new)
        assert harness.live() == new
        assert [each.operation for each in simulator.requests] == [APP, CHANGE, LOGOUT]
        assert simulator.live_tokens(NAME) == 0


@pytest.mark.parametrize(
    ("account", "more", "sent"),
    [
        ({"username": NAME, "user_id": USER}, {"user_id": "id-of-other"}, USER),
        ({"username": NAME}, {"user_id": USER}, USER),
        ({"username": NAME, "user_id": USER}, {"corp_id": "corp1"}, USER),
    ],
    ids=["account", "admin", "tenant"],
)
def test_whom_the_app_speaks_for(account: dict[str, object], more: dict[str, str], sent: str) -> None:
    """The account's own user id wins over the admin credential's; a tenant's id is signed and sent."""
    with served(account=account, **more) as (harness, simulator):
        harness.set(harness.policy.generate(harness.context))
        body = json.loads(simulator.captured[0].body)
        assert (body["userId"], body.get("corpId", "")) == (sent, more.get("corp_id", ""))
        assert simulator.changes(NAME) == 1


def test_another_users_token_changes_nothing() -> None:
    """Without a user id the app speaks for the enterprise's default administrator; the vendor refuses, we log out."""
    with served(account={"username": NAME}) as (harness, simulator):
        with pytest.raises(PermissionDenied) as caught:
            harness.set(harness.policy.generate(harness.context))
        assert caught.value.vendor_code == "206030016"
        assert simulator.changes(NAME) == 0
        assert simulator.live_tokens("other@corp1") == 0


def test_a_wrong_current_password_is_evidence_and_costs_one_wrong_login() -> None:
    """The change itself says so."""
    with served() as (harness, simulator):
        with pytest.raises(OldPasswordRejected) as caught:
            harness.driver().set_password(harness.loaded, harness.policy.generate(harness.context), current=WRONG)
        assert caught.value.definite
        assert simulator.wrong_logins(NAME) == 1
        assert simulator.live_tokens(NAME) == 0


def _wrong_key(harness: DriverHarness) -> None:
    harness.admin = Admin(KEY.app_id, WRONG)


def _slow_clock(harness: DriverHarness) -> None:
    harness.now = lambda: 1_800_000_000.0 - 301


def _unknown_user(harness: DriverHarness) -> None:
    harness.account = {"username": NAME, "user_id": "nobody"}


def _wrong_login_code(harness: DriverHarness) -> None:
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
def test_a_refused_app_login_says_nothing_about_the_password(
    spoil: Callable[[DriverHarness], None], expected: type[Exception], code: str
) -> None:
    """No change is sent, and never is the old password called wrong."""
    with served() as (harness, simulator):
        spoil(harness)
        with pytest.raises(expected) as caught:
            harness.set(harness.policy.generate(harness.context))
        assert caught.value.vendor_code == code
        assert [each.operation for each in simulator.requests] == [APP]


def test_the_proof_is_still_a_login_with_the_password() -> None:
    """An app id's token would prove nothing about it."""
    with served() as (harness, simulator):
        assert harness.verdict(OLD) is Verdict.ACCEPTED
        assert harness.verdict(WRONG) is Verdict.REJECTED
        assert {each.operation for each in simulator.requests} == {LOGIN}


@pytest.mark.parametrize("key", ["app_id", "corp_id", "user_id"])
def test_a_colon_would_shift_the_signed_fields(key: str) -> None:
    """Hence none of them may hold one."""
    values = {"app_id": "app", "app_key": "key", key: "a:b"}
    with pytest.raises(SettingsError) as caught:
        settings.load(Admin, values, where="admin")
    assert key in str(caught.value)


def bound(**admin_secrets: str) -> object:
    """Return what the driver gets as its admin credential in a deployment."""
    binder = Binder(
        deployment=Deployment(drivers=("huawei_meeting",), admin_secrets=admin_secrets),
        fetch=lambda _: SecretDocument({"app_id": "app", "app_key": "Canary-key"}),
        clock=SystemClock(),
        time_left=lambda: 60.0,
    )
    guarded = binder(SecretDocument({"driver": "huawei_meeting", "username": NAME, "password": "Canary-Old"}))
    return guarded.driver._wiring.admin


def test_an_optional_admin_credential_is_used_where_it_is_configured() -> None:
    """Without one the account's own password makes the token."""
    assert bound() is None
    assert bound(huawei_meeting="admin/meeting") == Admin("app", Secret("Canary-key"))
