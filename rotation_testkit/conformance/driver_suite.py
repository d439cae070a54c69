"""``DriverConformance``: the promises of every driver, one per test.

Inherit it in a test class, set ``spec`` and write ``make_vendor``. The driver's record decides which promises apply.
Where a vendor makes a promise impossible, a test of the same name under ``@overrides("reason")`` replaces it.
"""

from __future__ import annotations

import dataclasses
import logging
import traceback
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, suppress
from typing import Any, ClassVar, TypeVar

import pytest

from rotation.core import settings
from rotation.core.errors import (
    AdminRejected,
    DriverError,
    HostNotAllowed,
    NotEnoughTime,
    OldPasswordRejected,
    OutcomeUnknown,
    PasswordRejected,
    PasswordReused,
    RateLimited,
    RotationError,
    SettingsError,
    TooSoon,
    UnexpectedReply,
    VendorUnavailable,
)
from rotation.core.secret import Secret
from rotation.core.values import Authority, Evidence, TaskState, Verdict
from rotation.drivers.contract import DriverSpec, Observes, Powers
from rotation.drivers.error_table import ErrorRow
from rotation.drivers.tokens import Token
from rotation.policy.narrowing import obey
from rotation_testkit.canary.spellings import leaks
from rotation_testkit.conformance.driver_harness import DriverHarness
from rotation_testkit.doubles.vendor_api.faults import FaultKind

T = TypeVar("T", bound=Callable[..., object])

# Kind of fault, its details, and the error that a check then raises: never a rejection.
CHECK_FAULTS: tuple[tuple[FaultKind, dict[str, Any], type[DriverError]], ...] = (
    (FaultKind.ERROR_BEFORE, {"status": 401}, UnexpectedReply),
    (FaultKind.ERROR_BEFORE, {"status": 403}, UnexpectedReply),
    (FaultKind.THROTTLE, {"status": 429}, RateLimited),
    (FaultKind.THROTTLE, {}, VendorUnavailable),
    (FaultKind.ERROR_BEFORE, {"status": 500}, VendorUnavailable),
    (FaultKind.ERROR_BEFORE, {"status": 503}, VendorUnavailable),
    (FaultKind.HTML, {}, UnexpectedReply),
    (FaultKind.TRUNCATED, {}, UnexpectedReply),
    (FaultKind.TRUNCATED, {"claimed": True}, VendorUnavailable),
    (FaultKind.EMPTY, {"applied": False}, UnexpectedReply),
    (FaultKind.REDIRECT, {"location": "https://elsewhere.example/"}, UnexpectedReply),
    (FaultKind.DROP_BEFORE, {}, VendorUnavailable),
    (FaultKind.HANG, {"applied": False}, VendorUnavailable),
)
# The same for a change: never a success, never "nothing was changed".
CHANGE_FAULTS: tuple[tuple[FaultKind, dict[str, Any], type[DriverError]], ...] = (
    (FaultKind.DROP_BEFORE, {}, OutcomeUnknown),
    (FaultKind.DROP_AFTER, {}, OutcomeUnknown),
    (FaultKind.ERROR_BEFORE, {"status": 500}, OutcomeUnknown),
    (FaultKind.ERROR_AFTER, {"status": 502}, OutcomeUnknown),
    (FaultKind.ERROR_AFTER, {"status": 403}, UnexpectedReply),
    (FaultKind.HTML, {}, OutcomeUnknown),
    (FaultKind.TRUNCATED, {}, OutcomeUnknown),
    (FaultKind.TRUNCATED, {"claimed": True}, OutcomeUnknown),
    (FaultKind.EMPTY, {"applied": False}, OutcomeUnknown),
    (FaultKind.REDIRECT, {"location": "https://elsewhere.example/"}, UnexpectedReply),
    (FaultKind.HANG, {"applied": True}, OutcomeUnknown),
)


def overrides(reason: str) -> Callable[[T], T]:
    """Mark a test that replaces a promise of the suite, with the reason."""

    def mark(test: T) -> T:
        test.overrides_promise = reason  # type: ignore[attr-defined]  # functions take attributes
        return test

    return mark


def _raised(act: Callable[[], object]) -> DriverError | None:
    """Return the driver's error that an act raises, if it raises one."""
    try:
        act()
    except DriverError as error:
        return error
    return None


class DriverConformance:
    """The suite. Every test gets a fresh vendor."""

    spec: ClassVar[DriverSpec]

    def __init_subclass__(cls, **kwargs: Any) -> None:  # noqa: ANN401 - the language's signature
        super().__init_subclass__(**kwargs)
        for name, value in vars(cls).items():
            replaced = name.startswith("test_") and hasattr(DriverConformance, name)
            if replaced and not getattr(value, "overrides_promise", ""):
                raise TypeError(f"{cls.__name__}.{name} replaces a promise without @overrides(reason)")

    def make_vendor(self) -> AbstractContextManager[DriverHarness]:
        """Serve a fresh vendor with one account."""
        raise NotImplementedError

    @pytest.fixture
    def vendor(self) -> Iterator[DriverHarness]:
        """The served vendor of one test."""
        with self.make_vendor() as harness:
            yield harness

    def rows(self, *calls: str) -> list[ErrorRow]:
        """Return the rows of the driver's error table that hold for one of these calls."""
        return [row for row in self.spec.error_table if row.on in calls]

    def test_the_record_is_complete(self) -> None:
        """The record states what users need for a decision, with its source and date."""
        spec = self.spec
        assert all((spec.name, spec.source, spec.policies, spec.error_table))
        assert spec.docs.startswith("https://")
        assert spec.endpoint in spec.endpoints
        assert all(settings.base_url(url) is None and url.startswith("https://") for url in spec.endpoints)
        assert len(spec.checked.split("-")) == 3  # noqa: PLR2004 - an ISO date
        assert {row.on for row in spec.error_table} <= {"any", "change", "login", "read"}
        pairs = [(row.vendor_code, row.on) for row in spec.error_table]
        assert len(pairs) == len(set(pairs))
        names = {field.name for field in dataclasses.fields(spec.account)}
        assert "username" in names
        assert spec.not_identity <= names

    def test_two_accounts_take_turns_only_where_an_api_key_resets_both(self, vendor: DriverHarness) -> None:
        """They differ in keys that identify an account, one of them the username, and their logins count apart."""
        spec = self.spec
        names = {field.name for field in dataclasses.fields(spec.account)}
        assert spec.alternates <= names - spec.not_identity
        if spec.alternates:
            assert "username" in spec.alternates
            assert spec.authority is Authority.ADMIN or spec.admin_resets
            # Of wrong logins in a row, a right one of the other account would seem to end the count.
            own = vendor.observation().rules if spec.reads_rules else None
            assert not any(rule and rule.in_a_row for rule in (spec.lockout, own and own.lockout))

    def test_settings_survive_a_round_trip(self, vendor: DriverHarness) -> None:
        """An account's keys come back as they were, and every missing one is named at once."""
        loaded = vendor.loaded
        fields = dataclasses.fields(self.spec.account)
        assert {name: getattr(loaded, name) for name in vendor.account} == dict(vendor.account)
        needed = [field.name for field in fields if field.default is dataclasses.MISSING]
        with pytest.raises(SettingsError) as caught:
            settings.load(self.spec.account, {}, where="secret")
        assert [name for name in needed if name in str(caught.value)] == needed

    def test_the_live_password_is_accepted_and_a_wrong_one_rejected(self, vendor: DriverHarness) -> None:
        """A check distinguishes the two and changes nothing."""
        wrong = vendor.policy.generate(vendor.context)
        assert vendor.verdict(vendor.live()) is Verdict.ACCEPTED
        assert vendor.verdict(wrong) is Verdict.REJECTED
        assert vendor.changes() == 0

    @pytest.mark.parametrize(("kind", "details", "expected"), CHECK_FAULTS)
    def test_a_check_that_cannot_tell_raises(
        self, vendor: DriverHarness, kind: FaultKind, details: dict[str, Any], expected: type[DriverError]
    ) -> None:
        """A fault raises an error: only the vendor's own "wrong password" is a rejection."""
        vendor.faults.add(vendor.check, kind, **details)
        driver = vendor.driver(call_seconds=0.5 if kind is FaultKind.HANG else 10.0)
        with pytest.raises(expected):
            vendor.verdict(vendor.live(), driver)
        assert vendor.faults.pending == 0

    def test_a_change_takes_effect_once(self, vendor: DriverHarness) -> None:
        """After a change the new password opens the account and the old one does not."""
        old, new = vendor.live(), vendor.policy.generate(vendor.context)
        vendor.set(new)
        assert vendor.changes() == 1
        assert vendor.verdict(new) is Verdict.ACCEPTED
        assert vendor.verdict(old) is Verdict.REJECTED

    def test_a_repeated_change_is_harmless_or_typed(self, vendor: DriverHarness) -> None:
        """Sending the same candidate again, from the same old password, leaves it live."""
        old, new = vendor.live(), vendor.policy.generate(vendor.context)
        driver = vendor.driver()
        for _ in range(2):
            with suppress(PasswordReused, OldPasswordRejected, TooSoon):
                driver.set_password(vendor.loaded, new, current=old if self.spec.authority == "self" else None)
        assert vendor.live() == new
        vendor.grow_old()
        with suppress(PasswordReused):
            vendor.set(new)
        assert vendor.live() == new

    @pytest.mark.parametrize(("kind", "details", "expected"), CHANGE_FAULTS)
    def test_a_change_without_a_clear_answer_is_never_a_success(
        self, vendor: DriverHarness, kind: FaultKind, details: dict[str, Any], expected: type[DriverError]
    ) -> None:
        """The change is sent once, and the error says that it may have been applied."""
        vendor.faults.add(vendor.change, kind, **details)
        new = vendor.policy.generate(vendor.context)
        with pytest.raises(expected) as caught:
            vendor.set(new, vendor.driver(call_seconds=0.5 if kind is FaultKind.HANG else 10.0))
        assert not caught.value.definite
        assert vendor.faults.pending == 0
        assert vendor.changes() <= 1

    @pytest.mark.parametrize("details", [{"status": 429}, {}], ids=["http", "vendor"])
    def test_a_throttled_change_changed_nothing(self, vendor: DriverHarness, details: dict[str, Any]) -> None:
        """Throttling is definite: nothing was done, and a later attempt may work."""
        vendor.faults.add(vendor.change, FaultKind.THROTTLE, **details)
        with pytest.raises(VendorUnavailable) as caught:
            vendor.set(vendor.policy.generate(vendor.context))
        assert caught.value.definite
        assert vendor.changes() == 0

    def test_what_the_vendor_refuses_as_a_password_is_rejected(self, vendor: DriverHarness) -> None:
        """A candidate against the vendor's rules is refused for good and not quoted, and nothing changes."""
        with pytest.raises(PasswordRejected) as caught:
            vendor.set(vendor.weak)
        assert caught.value.definite
        assert not leaks(str(caught.value.describe()), [vendor.weak])
        assert vendor.changes() == 0

    def test_every_allowed_character_arrives_unchanged(self, vendor: DriverHarness) -> None:
        """Each character of the policy arrives; those that are no letter or digit also as the first and the last."""
        for new in vendor.every_character(vendor.policy):
            vendor.grow_old()
            vendor.set(new)
            assert vendor.live() == new
        assert vendor.verdict(vendor.live()) is Verdict.ACCEPTED

    def test_a_code_of_the_table_becomes_its_error(self, vendor: DriverHarness) -> None:
        """Each code in answer to a change raises its error, which keeps the vendor's code and request id."""
        rows, heard = self.rows("any", "change"), {}
        for row in rows:
            vendor.faults.add(vendor.change, FaultKind.VENDOR_CODE, code=row.vendor_code)
            error = _raised(lambda: vendor.set(vendor.policy.generate(vendor.context)))
            heard[row.vendor_code] = error and (type(error), error.vendor_code, bool(error.request_id), error.hint)
        assert heard == {
            row.vendor_code: (row.error, row.vendor_code, True, row.hint or row.error.default_hint) for row in rows
        }

    def test_a_code_of_the_table_becomes_its_error_in_a_check(self, vendor: DriverHarness) -> None:
        """Each code in answer to a login or a read raises its error; the code for a wrong password is a verdict."""
        rows, heard = self.rows("any", "login", "read"), {}
        for row in rows:
            vendor.faults.add(vendor.check, FaultKind.VENDOR_CODE, code=row.vendor_code)
            if row.vendor_code == vendor.wrong_login_code:
                assert vendor.verdict(vendor.live()) is Verdict.REJECTED
                continue
            heard[row.vendor_code] = type(_raised(lambda: vendor.verdict(vendor.live())))
        assert heard == {row.vendor_code: row.error for row in rows if row.vendor_code != vendor.wrong_login_code}

    def test_an_unknown_code_is_an_unexpected_reply(self, vendor: DriverHarness) -> None:
        """A code that the table lacks raises UnexpectedReply."""
        vendor.faults.add(vendor.change, FaultKind.VENDOR_CODE, code=vendor.unknown_code)
        with pytest.raises(UnexpectedReply) as caught:
            vendor.set(vendor.policy.generate(vendor.context))
        assert caught.value.vendor_code == vendor.unknown_code

    def test_a_host_outside_the_allow_list_hears_nothing(self, vendor: DriverHarness) -> None:
        """The driver sends nothing past the allow-list."""
        with pytest.raises(HostNotAllowed):
            vendor.set(vendor.weak, vendor.driver(hosts=frozenset({"127.0.0.1:9"})))
        assert not vendor.captured

    def test_without_enough_time_nothing_is_sent(self, vendor: DriverHarness) -> None:
        """A change that might be cut off is not started."""
        with pytest.raises(NotEnoughTime):
            vendor.set(vendor.weak, vendor.driver(seconds_left=1.0))
        assert not vendor.captured

    def test_looking_changes_nothing(self, vendor: DriverHarness) -> None:
        """A ready target has a policy and no obstacle; a driver that cannot look has one policy."""
        driver = vendor.driver()
        if not isinstance(driver, Observes):
            assert len(self.spec.policies) == 1
            return
        seen = vendor.observation(driver)
        assert self.spec.policies[seen.variant] is vendor.policy
        assert not seen.obstacles
        assert (seen.login is not None) == (bool(self.spec.login_probes) and self.spec.evidence is Evidence.LOGIN)
        assert seen.login is None or seen.login.kind in self.spec.login_probes
        assert vendor.changes() == 0

    def test_the_targets_own_rules_are_told_and_hold(self, vendor: DriverHarness) -> None:
        """Where the record says so, each look has the target's rules; the vendor takes what satisfies them, too."""
        driver = vendor.driver()
        if not isinstance(driver, Observes):
            assert not self.spec.reads_rules
            return
        seen = vendor.observation(driver)
        assert (seen.rules is not None) == self.spec.reads_rules
        if seen.rules is not None:
            assert seen.rules.source
            vendor.grow_old()
            new = obey(self.spec.policies[seen.variant], seen.rules).generate(vendor.context)
            vendor.set(new)
            assert vendor.live() == new

    def test_a_change_without_a_task_ends_by_the_targets_state(self, vendor: DriverHarness) -> None:
        """Where the record says so, a look shows how far the latest change is, and the change itself names no task."""
        driver = vendor.driver()
        if not self.spec.completes_by_state:
            assert not isinstance(driver, Observes) or vendor.observation(driver).change is None
            return
        assert vendor.observation(driver).change in {TaskState.DONE, TaskState.FAILED}
        new = vendor.policy.generate(vendor.context)
        assert driver.set_password(vendor.loaded, new, current=None) is None
        vendor.grow_old()
        assert vendor.observation(driver).change is TaskState.DONE
        assert vendor.live() == new

    def test_what_applies_at_a_start_needs_one(self, vendor: DriverHarness) -> None:
        """Where a look says that a change takes effect at the next start, the driver can stop and start the machine."""
        driver = vendor.driver()
        if not isinstance(driver, Observes) or not vendor.observation(driver).applies_at_start:
            return
        assert isinstance(driver, Powers)
        new = vendor.policy.generate(vendor.context)
        driver.stop(vendor.loaded)
        vendor.set(new, driver)
        driver.start(vendor.loaded)
        assert vendor.live() == new

    def test_a_temporary_key_needs_its_session_token(self, vendor: DriverHarness) -> None:
        """With the token it changes a password; without it the vendor refuses the key, and nothing is changed."""
        names = [field.name for field in dataclasses.fields(vendor.admin)] if vendor.admin is not None else []
        assert (vendor.temporary is not None) == ("session_token" in names), "DriverHarness.temporary makes such a key"
        if vendor.temporary is None:
            return
        whole, new = vendor.temporary(), vendor.policy.generate(vendor.context)
        vendor.admin = dataclasses.replace(whole, session_token=Secret(""))
        with pytest.raises(AdminRejected) as caught:
            vendor.set(new)
        assert caught.value.definite
        assert vendor.changes() == 0
        vendor.admin = whole
        vendor.set(new)
        assert (vendor.live(), vendor.changes()) == (new, 1)

    def test_a_token_of_a_login_is_replaced_in_time(self, vendor: DriverHarness) -> None:
        """Where calls carry one, it is not sent after it expired, and one that the vendor refuses costs one call."""
        wiring = vendor.wiring()
        driver, tokens = self.spec.factory(wiring), wiring.tokens._kept  # noqa: SLF001 - to put a wrong one there

        def look() -> None:
            if isinstance(driver, Observes):
                driver.observe(vendor.loaded)

        look()
        for name in list(tokens):
            tokens[name] = Token(Secret("Canary-expired/1"), expires_at=vendor.now() - 1)
            look()
            assert not any(each.holds("Canary-expired/1") for each in vendor.captured)
            tokens[name] = Token(Secret("Canary-refused/2"), expires_at=vendor.now() + 3600)
            with suppress(DriverError):
                look()
            look()
            assert sum(each.holds("Canary-refused/2") for each in vendor.captured) == 1
        assert vendor.changes() == 0

    def test_no_secret_leaks(self, vendor: DriverHarness, caplog: pytest.LogCaptureFixture) -> None:
        """No log at DEBUG, error, traceback, repr or URL holds a secret, whether calls succeed or fail."""
        caplog.set_level(logging.DEBUG)
        old, new = vendor.live(), vendor.policy.generate(vendor.context)
        wiring = vendor.wiring()
        driver = self.spec.factory(wiring)
        shown: list[object] = [vendor.loaded, vendor.admin, wiring, driver, vendor.spec]
        shown += _errors(lambda: vendor.verdict(old, driver))
        unknown: dict[str, Any] = {"code": vendor.unknown_code}
        plans = [(kind, details) for kind, details, _ in CHANGE_FAULTS if kind is not FaultKind.HANG]
        for kind, details in (*plans, (FaultKind.VENDOR_CODE, unknown)):
            vendor.faults.add(vendor.change, kind, **details)
            shown += _errors(lambda: vendor.set(new, driver))
            vendor.faults.clear()
        vendor.grow_old()
        shown += _errors(lambda: vendor.set(new))
        secrets = [old, new, *vendor.secrets(), *wiring.tokens.secrets]
        texts = [repr(each) + str(each) for each in shown] + [caplog.text] + [each.url for each in vendor.captured]
        assert any(vendor.endpoint.rpartition(":")[2] in text for text in texts)  # the log was listened to
        assert not [text[:20] for text in texts if leaks(text, secrets)]


def _errors(act: Callable[[], object]) -> list[object]:
    """Return everything that a failure shows: the error, its fields, traceback, cause and context."""
    try:
        act()
    except RotationError as error:
        return [error, error.describe(), "".join(traceback.format_exception(error)), error.__cause__, error.__context__]
    return []
