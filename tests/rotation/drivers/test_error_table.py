"""Each code that a vendor documents has a row in its driver's table, of the class that the documents give it.

A product's documented codes stand in ``vendors/<code>/codes.toml``, and those that ``extends`` names, of its families,
in ``families/<family>.toml``, by what a rotation may make of them:

RETRY    nothing happened; the same request again, later
WAIT     an operation is running or the account is locked; look again, later
PRECOND  somebody must change the target's state first, or time must pass
PERM     will never succeed unchanged
AUTH     a key, signature, clock, right or old password of ours is wrong
AMBIG    the password may have changed (in answer to a change)
refused  of PERM: the request itself was refused, so that nothing was changed
locked   of WAIT: the account is locked

``[instead]`` has the class that the driver takes, where that is another one, and ``why``. ``[read]`` has the code of
the error in answer to a look, where that is another error of the same class. ``[http]`` has HTTP statuses.
"""

from pathlib import Path

import pytest

from rotation.core import errors
from rotation.drivers.error_table import error_for
from rotation.drivers.registry import driver_codes, load_driver
from rotation_testkit.conformance.documented_codes import documented_codes, named

CODES = {code: documented_codes(Path(__file__).parent, code) for code in driver_codes()}
CLASSES = {
    "RETRY": {errors.VendorUnavailable, errors.RateLimited},
    "WAIT": {errors.InProgress, errors.AccountLocked},
    "PRECOND": {errors.PreconditionFailed, errors.TooSoon, errors.CannotVerify},
    "PERM": {
        errors.AccountUnusable,
        errors.PasswordRejected,
        errors.PasswordReused,
        errors.PreconditionFailed,
        errors.RequestRefused,
    },
    "AUTH": {errors.AdminRejected, errors.PermissionDenied, errors.OldPasswordRejected},
    "AMBIG": {errors.OutcomeUnknown},
}


@pytest.mark.parametrize("driver", CODES)
def test_a_documented_code_has_its_class(driver):
    """A read gets the same error as a change, except where only a change can leave its outcome open."""
    table, facts = load_driver(driver).error_table, CODES[driver]
    rows = [(code, kind) for kind in CLASSES for code in facts.get(kind, ())]
    assert rows
    for code, kind in rows:
        taken = facts.get("instead", {}).get(code, {"class": kind})["class"]
        error = error_for(table, code, on="change", request_id="r")
        assert error is not None, code
        assert type(error) in CLASSES[taken], code
        assert error.vendor_code == code
        assert error.hint, code
        seen = error_for(table, code, on="read", request_id="r") or error_for(table, code, on="login", request_id="r")
        assert seen is not None, code
        assert seen.hint, code
        read = facts.get("read", {}).get(code, error.code)
        assert seen.code == read if taken != "AMBIG" else type(seen) in CLASSES["RETRY"], code


@pytest.mark.parametrize("driver", CODES)
def test_the_tables_hold_no_other_codes(driver):
    """A table has no code without a source; each code has one class, and each deviation a reason."""
    codes = named(CODES[driver])
    assert len(codes) == len(set(codes))
    table = load_driver(driver).error_table
    assert {row.vendor_code for row in table} == set(codes)
    assert all(row.meaning for row in table)
    assert CODES[driver].get("instead", {}).keys() <= set(codes)
    assert all(each["why"] for each in CODES[driver].get("instead", {}).values())


@pytest.mark.parametrize("driver", CODES)
def test_no_documented_code_is_unexpected(driver):
    """A documented code says what happened, so it never becomes ``UnexpectedReply``."""
    table = load_driver(driver).error_table
    assert not [row.vendor_code for row in table if issubclass(row.error, errors.UnexpectedReply)]
    refused = [row for row in table if row.error is errors.RequestRefused]
    assert {row.vendor_code for row in refused} == set(CODES[driver].get("refused", ()))
    locked = {row.vendor_code for row in table if row.error is errors.AccountLocked}
    assert locked == set(CODES[driver].get("locked", ()))
    assert {row.error for row in table if not row.error.definite} == {errors.OutcomeUnknown}
    assert all(row.error.definite and not row.error.retryable for row in refused)
    assert all("LOCKSTEP_" in (row.hint or row.error.default_hint) for row in refused)


@pytest.mark.parametrize("driver", CODES)
@pytest.mark.parametrize("code", ["999999999", "0", "", "NobodyKnowsThis", "230 ", "usg.206010000"])
def test_what_nobody_documents_is_in_no_table(driver, code):
    """An undocumented code is in no table and becomes ``UnexpectedReply``."""
    assert error_for(load_driver(driver).error_table, code, on="change", request_id="r") is None
