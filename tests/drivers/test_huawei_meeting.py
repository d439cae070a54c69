"""Huawei Meeting's driver: conformance, its golden header, and what is its own."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from rotation.core.errors import (
    AccountLocked,
    AccountUnusable,
    CannotVerify,
    DriverError,
    OldPasswordRejected,
    OutcomeUnknown,
    PasswordReused,
    SettingsError,
    TooSoon,
    UnexpectedReply,
)
from rotation.core.secret import Secret
from rotation.core.settings import load
from rotation.core.values import Verdict
from rotation.drivers.contract import Wiring
from rotation.drivers.network.http_messages import HttpReply, HttpRequest
from rotation.drivers.vendors.huawei_meeting.driver import DRIVER
from rotation_testkit.conformance.driver_harness import DriverHarness
from rotation_testkit.conformance.driver_suite import DriverConformance
from rotation_testkit.doubles.vendors.faults import FaultKind
from rotation_testkit.doubles.vendors.huawei_meeting.simulator import HuaweiMeeting

NAME = "robot@corp1"
OLD = Secret("Canary-Old/pass+word=1")
LOGIN, CHANGE, LOGOUT = "POST /v1/usg/acs/auth/account", "PUT /v1/usg/acs/password", "DELETE /v1/usg/acs/token"


class Now:
    """A clock that tests set."""

    time = 1_800_000_000.0

    def __call__(self) -> float:
        """Return the time."""
        return self.time


@contextmanager
def served() -> Iterator[tuple[DriverHarness, HuaweiMeeting, Now]]:
    """One account."""
    now = Now()
    simulator = HuaweiMeeting(clock=now)
    simulator.add_account(NAME, OLD)

    def grow_old() -> None:
        now.time += 301

    with simulator.serve() as url:
        harness = DriverHarness(
            spec=DRIVER,
            endpoint=url,
            account={"username": NAME},
            admin=None,
            now=now,
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
        yield harness, simulator, now


class TestHuaweiMeeting(DriverConformance):
    """The suite."""

    spec = DRIVER

    @contextmanager
    def make_vendor(self) -> Iterator[DriverHarness]:
        """One account."""
        with served() as (harness, _, _):
            yield harness


class Recording:
    """A vendor that gives one answer and keeps the requests."""

    def __init__(self, body: bytes, status: int = 200) -> None:
        self.reply = HttpReply(status, {"content-type": "text/plain"}, body)
        self.requests: list[HttpRequest] = []

    def send(self, request: HttpRequest) -> HttpReply:
        """Answer."""
        self.requests.append(request)
        return self.reply

    def driver(self) -> Any:
        """The driver at this vendor."""
        return DRIVER.factory(Wiring(http=self, endpoint="https://vendor.example", admin=None, now=lambda: 100.0))


def test_the_basic_header_is_the_vendors() -> None:
    """Golden vector H3."""
    vendor = Recording(b'{"user":{}}')
    vendor.driver().verify(DRIVER.account(username="alice@corp1"), Secret("Old#Pass1"))
    assert vendor.requests[0].headers["Authorization"] == "Basic YWxpY2VAY29ycDE6T2xkI1Bhc3Mx"


def test_a_login_is_made_as_an_api_client() -> None:
    """Any other client type ends the session of the human who uses the account."""
    vendor = Recording(b'{"user":{}}')
    vendor.driver().verify(DRIVER.account(username=NAME), OLD)
    assert json.loads(vendor.requests[0].body) == {"account": NAME, "clientType": 72, "createTokenType": 1}


def test_a_colon_in_the_password_is_legal_and_one_in_the_name_is_not() -> None:
    """The Basic header is split at its first colon."""
    with served() as (harness, simulator, _):
        simulator.account(NAME).password = Secret("a:b:c:9-Zz")
        assert harness.verdict(Secret("a:b:c:9-Zz")) is Verdict.ACCEPTED
    with pytest.raises(SettingsError):
        load(DRIVER.account, {"username": "a:b"}, where="secret")


@pytest.mark.parametrize("applied", [True, False])
def test_every_change_logs_out(applied: bool) -> None:  # noqa: FBT001 - a parametrised case
    """No token is left behind, whether the change went well or was refused."""
    with served() as (harness, simulator, _):
        if not applied:
            harness.faults.add(CHANGE, FaultKind.VENDOR_CODE, code="206030005")
        try:
            harness.set(harness.policy.generate(harness.context))
        except DriverError:
            assert not applied
        assert simulator.live_tokens(NAME) == 0
        assert [each.operation for each in simulator.requests] == [LOGIN, CHANGE, LOGOUT]


@pytest.mark.parametrize("kind", [FaultKind.DROP_BEFORE, FaultKind.HTML, FaultKind.ERROR_BEFORE])
def test_a_failed_logout_harms_nothing(kind: FaultKind) -> None:
    """The change stands, and its own error would not be hidden either."""
    with served() as (harness, _, _):
        harness.faults.add(LOGOUT, kind)
        new = harness.policy.generate(harness.context)
        harness.set(new)
        assert harness.live() == new
        harness.faults.add(LOGOUT, kind)
        with pytest.raises(TooSoon):
            harness.set(harness.policy.generate(harness.context))


def test_tokens_that_die_with_the_change_harm_nothing() -> None:
    """Whether they do is documented nowhere."""
    with served() as (harness, simulator, _):
        simulator.rules.tokens_die_on_change = True
        new = harness.policy.generate(harness.context)
        harness.set(new)
        assert harness.live() == new


@pytest.mark.window(45)
def test_verify_leaves_no_token() -> None:
    """It asks for none, and ends one that it gets all the same."""
    with served() as (harness, simulator, _):
        harness.verdict(OLD)
        assert simulator.live_tokens(NAME) == 0
    vendor = Recording(b'{"accessToken":"stray"}')
    vendor.driver().verify(DRIVER.account(username=NAME), OLD)
    assert [(each.method, each.headers.get("X-Access-Token")) for each in vendor.requests] == [
        ("POST", None),
        ("DELETE", "stray"),
    ]


@pytest.mark.parametrize("body", [True, False])
def test_a_change_may_be_answered_with_or_without_a_body(body: bool) -> None:  # noqa: FBT001 - a parametrised case
    """The page lists none, its sample has one."""
    with served() as (harness, simulator, _):
        simulator.rules.change_body = body
        new = harness.policy.generate(harness.context)
        harness.set(new)
        assert harness.live() == new


@pytest.mark.parametrize("envelope", [("error_code", "error_msg"), ("errorCode", "errorMsg"), ("code", "message")])
def test_all_three_envelopes_are_read(envelope: tuple[str, str]) -> None:
    """The vendor's own client accepts them all."""
    with served() as (harness, simulator, _):
        simulator.rules.envelope = envelope
        assert harness.verdict(Secret("wrong-Password-1")) is Verdict.REJECTED


def test_a_wrong_current_password_is_evidence_and_costs_one_wrong_login() -> None:
    """Nothing is sent after the refused login."""
    with served() as (harness, simulator, _):
        with pytest.raises(OldPasswordRejected) as caught:
            harness.driver().set_password(harness.loaded, OLD, current=Secret("wrong-Password-1"))
        assert caught.value.definite
        assert simulator.wrong_logins(NAME) == 1
        assert [each.operation for each in simulator.requests] == [LOGIN]


def test_without_a_current_password_nothing_is_sent() -> None:
    """A SELF change needs one."""
    with served() as (harness, simulator, _):
        with pytest.raises(OldPasswordRejected):
            harness.driver().set_password(harness.loaded, OLD, current=None)
        assert not simulator.requests


def test_refusals_name_the_time_to_come_back() -> None:
    """Five minutes after a change, five and a half after a lock."""
    with served() as (harness, simulator, now):
        harness.set(harness.policy.generate(harness.context))
        with pytest.raises(TooSoon) as soon:
            harness.set(harness.policy.generate(harness.context))
        assert soon.value.not_before == now() + 300
        simulator.account(NAME).locked_until = now() + 60
        with pytest.raises(AccountLocked) as locked:
            harness.verdict(OLD)
        assert locked.value.not_before == now() + 330


def test_a_used_password_is_reported_as_such() -> None:
    """It is evidence that the candidate has been live."""
    with served() as (harness, _, _):
        harness.set(harness.policy.generate(harness.context))
        harness.grow_old()
        with pytest.raises(PasswordReused):
            harness.set(OLD)


@pytest.mark.parametrize("flag", ["pwdExpired", "firstLogin"])
def test_a_password_that_must_be_changed_first_is_not_told(flag: str) -> None:
    """It is neither accepted, since it opens nothing, nor rejected, since it is right."""
    vendor = Recording(b'{"user":{},"%s":true}' % flag.encode())
    with pytest.raises(CannotVerify) as caught:
        vendor.driver().verify(DRIVER.account(username=NAME), OLD)
    assert caught.value.vendor_code == flag


@pytest.mark.parametrize(
    ("status", "body", "expected"),
    [
        (423, b"", AccountLocked),
        (412, b"", AccountUnusable),
        (401, b"", UnexpectedReply),
        (401, b'{"error_code":"USG.206020000"}', DriverError),
        (200, b"{}", UnexpectedReply),
        (200, b'{"ok":true}', UnexpectedReply),
    ],
)
def test_login_answers_without_the_code_for_a_wrong_password(
    status: int, body: bytes, expected: type[DriverError]
) -> None:
    """None of them says that the password is wrong, or right."""
    with pytest.raises(expected):
        Recording(body, status).driver().verify(DRIVER.account(username=NAME), OLD)


def test_a_login_without_a_usable_token_is_no_login() -> None:
    """A token goes into a header, so it has to look like one."""
    for body in (b'{"user":{}}', b'{"accessToken":""}', b'{"accessToken":"a\\r\\nb"}'):
        with pytest.raises(UnexpectedReply):
            Recording(body).driver().set_password(DRIVER.account(username=NAME), OLD, current=OLD)


@pytest.mark.parametrize(
    "headers", [{}, {"content-type": "application/json"}, {"content-type": "text/html", "content-length": "0"}]
)
def test_an_empty_answer_that_the_vendor_did_not_declare_is_no_success(headers: dict[str, str]) -> None:
    """It was cut, or a proxy gave it."""

    class Half(Recording):
        def send(self, request: HttpRequest) -> HttpReply:
            if request.changes:
                return HttpReply(200, headers, b"")
            return HttpReply(200, {}, b'{"accessToken":"token"}')

    with pytest.raises(OutcomeUnknown):
        Half(b"").driver().set_password(DRIVER.account(username=NAME), OLD, current=OLD)
