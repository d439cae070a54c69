"""How IAM's driver reads answers: Keystone's words, and what is missing."""

import json

import pytest

from rotation.core import errors
from rotation.core.secret import Secret
from rotation.core.values import Verdict
from rotation.drivers.families.huawei_signature import AccessKey
from rotation.drivers.vendors.huawei_iam_user.driver import DRIVER
from rotation_testkit.conformance.canned import CannedVendor

ID = "0" * 32
ACCOUNT = DRIVER.account(username="robot", user_id=ID, domain_name="acme", domain_id=ID)
USER = {"token": {"user": {"id": ID}}}


def canned(body, status=200, headers=None, *, key=False):
    """The driver at a vendor that gives one answer."""
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    return CannedVendor(data, status, headers or {}).driver(DRIVER, AccessKey("k", Secret("s")) if key else None)


def keystone(code, message=""):
    """Return a refusal in Keystone's form."""
    return {"error": {"code": code, "message": message, "title": "x"}}


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        ((keystone(401, "The account is locked."), 401), errors.AccountLocked),
        ((keystone(401, "The request you have made requires authentication."), 401), errors.AdminRejected),
        ((keystone(401), 401), errors.AdminRejected),
        ((keystone("IAM.0081"), 403), errors.CannotVerify),
        ((keystone(400), 400), errors.AccountUnusable),
        ((keystone(403), 403), errors.PermissionDenied),
        ((keystone(405), 405), errors.UnexpectedReply),
        ((keystone(None), 418), errors.UnexpectedReply),
        ((keystone(429), 429), errors.RateLimited),
        ((keystone(500), 500), errors.VendorUnavailable),
        ((keystone(503), 503), errors.VendorUnavailable),
        (({"error": "text"}, 200), errors.UnexpectedReply),
        ((USER, 201), errors.UnexpectedReply),
        ((USER, 201, {"x-subject-token": "two words"}), errors.UnexpectedReply),
        (({"token": {}}, 201, {"x-subject-token": "t"}), errors.UnexpectedReply),
        (({}, 201, {"x-subject-token": "t"}), errors.UnexpectedReply),
        ((b"", 204), errors.UnexpectedReply),
        ((b"<html>", 401), errors.UnexpectedReply),
    ],
    ids=str,
)
def test_a_login_that_says_neither_yes_nor_wrong_raises(answer, error):
    """A verdict needs a token for this user, or "password is wrong" in so many words."""
    with pytest.raises(errors.DriverError) as caught:
        canned(*answer).verify(ACCOUNT, Secret("x"))
    assert type(caught.value) is error
    assert caught.value.definite


def test_a_login_that_says_one_of_the_two_is_a_verdict():
    """The two answers that mean something."""
    wrong = keystone(401, "The username or password is wrong.")
    assert canned(wrong, 401).verify(ACCOUNT, Secret("x")) is Verdict.REJECTED
    assert canned(USER, 201, {"x-subject-token": "t"}).verify(ACCOUNT, Secret("x")) is Verdict.ACCEPTED


@pytest.mark.parametrize("body", [{}, {"user": {}}, {"user": {"id": "1" * 32}}, {"user": []}, b"[]", b""])
def test_a_reset_counts_only_where_the_answer_names_the_user(body):
    """Anything else leaves its outcome open."""
    with pytest.raises(errors.OutcomeUnknown):
        canned(body, key=True).set_password(ACCOUNT, Secret("x"), current=None)


def test_without_a_key_the_old_password_is_needed():
    """Nothing is sent without it."""
    with pytest.raises(errors.OldPasswordRejected):
        canned({}).set_password(ACCOUNT, Secret("x"), current=None)


WHOLE = {
    "user": {"name": "robot", "domain_id": ID, "enabled": True},
    "password_policy": {
        "minimum_password_length": 6,
        "password_char_combination": 2,
        "maximum_consecutive_identical_chars": 0,
        "minimum_password_age": 0,
        "number_of_recent_passwords_disallowed": 1,
    },
    "login_policy": {"login_failed_times": 5, "period_with_login_failures": 15, "lockout_duration": 15},
}


def test_policies_are_read_whole_or_not_at_all():
    """A number that is missing or is none is no "no rule"."""
    assert canned(WHOLE, key=True).observe(ACCOUNT).rules.lockout.window_seconds == 900
    for part in ("password_policy", "login_policy"):
        for name in WHOLE[part]:
            for value in (None, -1, True, "5"):
                changed = {**WHOLE, part: {**WHOLE[part], name: value}}
                with pytest.raises(errors.UnexpectedReply):
                    canned(changed, key=True).observe(ACCOUNT)
    for part in WHOLE:
        with pytest.raises(errors.UnexpectedReply):
            canned({**WHOLE, part: None}, key=True).observe(ACCOUNT)
