"""Facts about the error tree: a table pins what callers decide by, so that a change is noticed."""

from __future__ import annotations

import re

import pytest

from rotation.core import errors
from rotation.core.errors import InternalError, Parked, RotationError, SettingsError, VendorUnavailable, Withheld
from rotation.core.secret import Secret

# For each name its code, whether it is retryable, and whether it is definite.
TREE = {
    "RotationError": ("rotation_error", False, True),
    "ConfigError": ("config_error", False, True),
    "SettingsError": ("settings_error", False, True),
    "UnknownDriver": ("unknown_driver", False, True),
    "DriverNotAllowed": ("driver_not_allowed", False, True),
    "HostNotAllowed": ("host_not_allowed", False, True),
    "MissingExtra": ("missing_extra", False, True),
    "PolicyError": ("policy_error", False, True),
    "EventError": ("event_error", False, True),
    "StageError": ("stage_error", False, True),
    "NotReady": ("not_ready", True, True),
    "RotationNotEnabled": ("rotation_not_enabled", False, True),
    "SecretDocumentError": ("secret_document_error", False, True),
    "IdentityChanged": ("identity_changed", False, True),
    "NotEnoughTime": ("not_enough_time", True, True),
    "Parked": ("parked", True, True),
    "InternalError": ("internal_error", True, False),
    "StoreError": ("store_error", False, True),
    "SecretNotFound": ("secret_not_found", False, True),
    "NotYetVisible": ("not_yet_visible", True, True),
    "StageConflict": ("stage_conflict", True, True),
    "StoreDenied": ("store_denied", False, True),
    "StoreFull": ("store_full", False, True),
    "StoreUnavailable": ("store_unavailable", True, True),
    "DriverError": ("driver_error", False, True),
    "VendorUnavailable": ("vendor_unavailable", True, True),
    "RateLimited": ("rate_limited", True, True),
    "InProgress": ("in_progress", True, True),
    "TooSoon": ("too_soon", True, True),
    "PreconditionFailed": ("precondition_failed", False, True),
    "RequestRefused": ("request_refused", False, True),
    "OutcomeUnknown": ("outcome_unknown", True, False),
    "AdminRejected": ("admin_rejected", False, True),
    "PermissionDenied": ("permission_denied", False, True),
    "AccountUnusable": ("account_unusable", False, True),
    "LoginRejected": ("login_rejected", False, True),
    "OldPasswordRejected": ("old_password_rejected", True, True),
    "PasswordReused": ("password_reused", True, True),
    "PasswordRejected": ("password_rejected", False, True),
    "AccountLocked": ("account_locked", True, True),
    "CannotVerify": ("cannot_verify", True, True),
    "UnexpectedReply": ("unexpected_reply", True, False),
    "DriverBug": ("driver_bug", False, False),
}
NEED_A_HINT_OF_THEIR_OWN = {
    # General classes, and those whose next step only the raiser knows.
    "RotationError",
    "DriverError",
    "Parked",
}


def _class(name: str) -> type[RotationError]:
    found = getattr(errors, name)
    assert issubclass(found, RotationError)
    return found


def _made(cls: type[RotationError]) -> RotationError:
    if issubclass(cls, SettingsError):
        return cls("environment", ("a is missing", "b is missing"))
    if issubclass(cls, Parked):
        return cls("parked: too soon", reason="too_soon", not_before=7.0)
    return cls("one sentence")


def test_the_table_lists_every_class_and_no_other() -> None:
    """Every name in ``__all__``, and every subclass outside command line and kit, which have some of their own."""
    found, waiting = set(), [RotationError]
    while waiting:
        cls = waiting.pop()
        module = cls.__module__
        if module.startswith("rotation.") and not module.startswith(("rotation.cli", "rotation_testkit")):
            found.add(cls.__name__)
        waiting.extend(cls.__subclasses__())
    assert found == set(TREE)
    assert set(errors.__all__) == {*TREE, "Withheld"}


@pytest.mark.parametrize("name", TREE)
def test_code_and_decisions_are_pinned(name: str) -> None:
    """``retryable`` decides about another call, ``definite`` about releasing a candidate."""
    cls = _class(name)
    assert (cls.code, cls.retryable, cls.definite) == TREE[name]


def test_codes_are_unique_and_follow_the_class_name() -> None:
    """Alarms and ``--json`` readers key on them."""
    codes = [_class(name).code for name in TREE]
    assert len(set(codes)) == len(codes)
    assert codes == [re.sub(r"(?<!^)([A-Z])", r"_\1", name).lower() for name in TREE]


@pytest.mark.parametrize("name", TREE)
def test_each_class_has_a_hint_or_takes_one(name: str) -> None:
    """A hint is a sentence; classes without one get it where they are raised."""
    error = _made(_class(name))
    assert bool(error.hint) is (name not in NEED_A_HINT_OF_THEIR_OWN)
    assert error.hint == "" or error.hint.endswith(".")


def test_what_came_too_early_says_so() -> None:
    """``unsent`` is claimed by whoever knows it, and never assumed; ``definite`` may be taken back for one error."""
    assert not VendorUnavailable("x").unsent
    assert VendorUnavailable("x", unsent=True).unsent
    lost = errors.CannotVerify("x")
    lost.definite = False
    assert errors.CannotVerify("y").definite


@pytest.mark.parametrize("name", TREE)
def test_each_class_is_documented(name: str) -> None:
    """The first line of its docstring is the sentence for the docs page."""
    first = (_class(name).__doc__ or "").splitlines()[0]
    assert len(first) > 20
    assert _class(name).__doc__ != Exception.__doc__


@pytest.mark.parametrize("name", TREE)
def test_the_short_description_names_what_is_known_and_nothing_else(name: str) -> None:
    """Stable keys; empty ones are left out; the message is ``str()``."""
    error = _made(_class(name))
    fields = error.describe()
    assert fields["code"] == error.code
    assert fields["message"] == str(error) == error.message
    assert fields["retryable"] is error.retryable
    assert "vendor_code" not in fields
    assert ("hint" in fields) is bool(error.hint)


def test_a_full_description_has_these_fields() -> None:
    """Names are part of the log's format."""
    error = VendorUnavailable("busy", hint="wait", vendor_code="503", request_id="r-1", not_before=0.0)
    assert error.describe() == {
        "code": "vendor_unavailable",
        "message": "busy",
        "hint": "wait",
        "retryable": True,
        "vendor_code": "503",
        "vendor_request_id": "r-1",
        "not_before": 0.0,
    }


def test_a_parked_error_describes_its_reason_and_time() -> None:
    """A machine can tell a lock from a budget."""
    fields = Parked("parked: too soon", reason="too_soon", not_before=7.0).describe()
    assert fields["reason"] == "too_soon"
    assert fields["not_before"] == 7.0


def test_settings_errors_list_every_fault() -> None:
    """In the message, and as a field."""
    error = SettingsError("secret", ("a is missing", "b must be text"))
    assert str(error) == "secret: a is missing; b must be text"
    assert error.faults == ("a is missing", "b must be text")


def test_an_empty_hint_of_its_own_replaces_the_class_hint() -> None:
    """``None`` means the class's, text means this one."""
    assert errors.TooSoon("x", hint="").hint == ""
    assert errors.TooSoon("x").hint == errors.TooSoon.default_hint


def test_a_changed_error_is_a_copy() -> None:
    """The original keeps its texts; the copy keeps class and other attributes, and nothing hangs on it."""
    original = Parked("parked: too soon", reason="too_soon", not_before=7.0, hint="Wait.")
    original.add_note("a note")
    try:
        raise original from ValueError("canary")
    except Parked as caught:
        copy = caught.prefixed("device 1").with_hint("Look.")
    assert (str(original), original.hint) == ("parked: too soon", "Wait.")
    assert (str(copy), copy.hint, copy.reason, copy.not_before) == (
        "device 1: parked: too soon",
        "Look.",
        "too_soon",
        7.0,
    )
    assert (copy.__cause__, copy.__context__, copy.__traceback__, getattr(copy, "__notes__", [])) == (
        None,
        None,
        None,
        [],
    )


def test_a_scrubbed_error_shows_no_secret() -> None:
    """Message, hint, vendor code and request id are masked in the copy alone."""
    original = RotationError("old canary", hint="canary", vendor_code="canary", request_id="Y2FuYXJ5")
    copy = original.scrubbed((Secret("canary"),))
    assert [str(copy), copy.hint, copy.vendor_code, copy.request_id] == ["old [secret]", *["[secret]"] * 3]
    assert original.hint == "canary"


def test_a_foreign_error_is_withheld() -> None:
    """What replaces it has neither cause nor context; other kinds pass as they are."""
    with pytest.raises(InternalError) as caught, Withheld(ValueError, by=InternalError.of):
        raise ValueError("canary")
    assert str(caught.value) == "ValueError inside Lockstep"
    assert (caught.value.__cause__, caught.value.__context__) == (None, None)
    with pytest.raises(KeyError), Withheld(ValueError, by=InternalError.of):
        raise KeyError("passes")
