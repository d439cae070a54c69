"""Cloud Identity's driver keeps every promise at a served vendor, and has some of its own."""

from __future__ import annotations

import json
from contextlib import contextmanager
from dataclasses import dataclass

import pytest

from rotation.core import errors
from rotation.core.secret import Secret
from rotation.core.values import Verdict
from rotation.drivers.vendors.volcengine_cloudidentity.driver import DRIVER, Admin
from rotation_testkit.conformance.driver_harness import DriverHarness
from rotation_testkit.conformance.driver_suite import DriverConformance
from rotation_testkit.doubles.vendor_api.faults import FaultKind
from rotation_testkit.doubles.vendors.volcengine_cloudidentity.simulator import VolcengineCloudIdentity

OLD = Secret("Canary-Old+pass=word1")
TOKEN = Secret("Canary-token/1+2==")
NAME, USER = "robot", "u-robot"


@dataclass(kw_only=True)
class PortalHarness(DriverHarness):
    """A check of a password looks through the API, then asks the portal as a human would."""

    simulator: VolcengineCloudIdentity

    def verdict(self, password, driver=None):
        """The API has no login, so the portal's own check stands in for one."""
        self.observation(driver)
        return Verdict.ACCEPTED if self.simulator.portal_login(USER)(NAME, password.reveal()) else Verdict.REJECTED


@contextmanager
def served():
    """A user beside another one."""
    simulator = VolcengineCloudIdentity()
    user = simulator.add_user(NAME, OLD, user_id=USER)
    simulator.add_user("somebody", Secret("Canary-of-somebody-else-7"))

    def temporary():
        made = simulator.add_key(token=TOKEN)
        return Admin(made.access_key, made.secret_key, session_token=TOKEN)

    key = simulator.credentials
    with simulator.serve() as url:
        harness = PortalHarness(
            spec=DRIVER,
            endpoint=url,
            account={"username": NAME, "user_id": USER},
            admin=Admin(key.access_key, key.secret_key),
            temporary=temporary,
            now=simulator.clock,
            live=lambda: simulator.live_password(USER) or Secret(""),
            changes=lambda: simulator.resets(USER),
            grow_old=lambda: None,
            faults=simulator.faults,
            captured=simulator.captured,
            change="ResetPassword",
            check="GetUser",
            weak=Secret("aaaaaaaa"),
            unknown_code="NobodyKnowsThis",
            simulator=simulator,
        )
        yield harness, simulator, user


class TestVolcengineCloudIdentity(DriverConformance):
    """The suite."""

    spec = DRIVER

    @contextmanager
    def make_vendor(self):
        """One user."""
        with served() as (harness, _, _):
            yield harness


def test_a_reset_is_good_for_more_than_one_login():
    """The request forbids a forced change and a random password, and only its body holds ours."""
    with served() as (harness, simulator, user):
        new = harness.policy.generate()
        harness.set(new)
        sent = json.loads(simulator.captured[-1].body)
        assert not user.must_change
    assert sent == {
        "UserId": USER,
        "Password": new.reveal(),
        "PasswordResetRequired": False,
        "GenerateRandomPassword": False,
    }
    assert not [each.url for each in simulator.captured if new.reveal() in each.url]


@pytest.mark.parametrize("echo", [True, False])
def test_the_echo_is_dropped(echo):
    """The driver returns nothing of the answer, whether the vendor repeats the password or not."""
    with served() as (harness, simulator, _):
        simulator.service.echo_password = echo
        new = harness.policy.generate()
        assert harness.driver().set_password(harness.loaded, new, current=None) is None
        assert harness.live() == new


def test_what_observe_finds():
    """Observing finds the policy, the user's source and no obstacle."""
    with served() as (harness, _, _):
        seen = harness.observation()
    assert (seen.variant, seen.state, seen.obstacles) == ("default", "Manual", ())
    assert (seen.login, seen.readback) == (None, None)


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"user": {"source": "Sync"}}, [(errors.AccountUnusable, "rotate the password there")]),
        ({"user": {"user_name": "boss"}}, [(errors.PreconditionFailed, "user_id")]),
        ({"portal": {}}, [(errors.PreconditionFailed, "password login")]),
        (
            {"portal": {"Password": False}, "status": "Disabled"},
            [(errors.PreconditionFailed, "Cloud Identity"), (errors.PreconditionFailed, "password login")],
        ),
    ],
    ids=["another directory", "another name", "login type not listed", "service and portal off"],
)
def test_obstacles_are_found_before_anything_is_sent(changes, expected):
    """The user belongs to another directory or has another name than the secret's, or a service it needs is off."""
    with served() as (harness, simulator, user):
        for name, value in changes.get("user", {}).items():
            setattr(user, name, value)
        directory = simulator.directory
        directory.status = changes.get("status", directory.status)
        directory.login_settings = changes.get("portal", directory.login_settings)
        obstacles = harness.observation().obstacles
    assert [type(each) for each in obstacles] == [error for error, _ in expected]
    assert all(hint in each.hint for each, (_, hint) in zip(obstacles, expected, strict=True))


def test_status_words_that_nobody_published_are_left_to_the_reset():
    """An unknown status is no obstacle; if it means no, the reset is refused and nothing changes."""
    with served() as (harness, simulator, _):
        simulator.directory.status = "Perhaps"
        assert not harness.observation().obstacles
        with pytest.raises(errors.PreconditionFailed) as caught:
            harness.set(Secret("Good-enough-1"))
        assert (caught.value.vendor_code, caught.value.definite) == ("ServiceStatusException", True)
        simulator.directory.status = simulator.directory.running_status
        simulator.directory.login_settings["Password"] = False
        with pytest.raises(errors.PreconditionFailed) as caught:
            harness.set(Secret("Good-enough-1"))
        assert caught.value.vendor_code == "PasswordLoginNotEnable"
        assert harness.changes() == 0


@pytest.mark.parametrize(
    ("code", "expected"), [("PrerequisiteCheckFailed", errors.PreconditionFailed), ("Novel", errors.UnexpectedReply)]
)
def test_a_refusal_with_status_three_hundred_is_read(code, expected):
    """The vendor refuses with status 300, which is neither a redirect nor a success."""
    with served() as (harness, simulator, _):
        simulator.faults.add("ResetPassword", FaultKind.VENDOR_CODE, code=code, status=300)
        with pytest.raises(expected) as caught:
            harness.set(Secret("Good-enough-1"))
    assert caught.value.vendor_code == code
    assert caught.value.definite == expected.definite


@pytest.mark.parametrize(
    ("admin", "shift", "expected"),
    [
        ({"access_key": "AKLTnobody"}, 0, (errors.AdminRejected, "InvalidAccessKey")),
        ({"secret_key": Secret("wrong")}, 0, (errors.AdminRejected, "SignatureDoesNotMatch")),
        ({}, 1000, (errors.AdminRejected, "InvalidTimestamp")),
        ({}, -1000, (errors.AdminRejected, "InvalidTimestamp")),
    ],
)
def test_our_own_key_and_clock(admin, shift, expected):
    """A wrong key or clock becomes ``AdminRejected`` with the vendor's code, and nothing changes."""
    with served() as (harness, simulator, _):
        key = simulator.credentials
        harness.admin = Admin(**{"access_key": key.access_key, "secret_key": key.secret_key, **admin})
        harness.now = lambda: simulator.clock() + shift
        with pytest.raises(expected[0]) as caught:
            harness.set(Secret("Good-enough-1"))
        assert caught.value.vendor_code == expected[1]
        assert caught.value.hint
        assert harness.changes() == 0


@pytest.mark.parametrize("denial", ["AccessDenied", "LackPolicy", "PermissionError"])
def test_a_key_without_the_right(denial):
    """The codes of gateway and service for a missing right all become ``PermissionDenied``."""
    with served() as (harness, simulator, _):
        key = simulator.add_key(denials={"ResetPassword": denial})
        harness.admin = Admin(key.access_key, key.secret_key)
        with pytest.raises(errors.PermissionDenied) as caught:
            harness.set(Secret("Good-enough-1"))
    assert "ResetPassword" in caught.value.hint
