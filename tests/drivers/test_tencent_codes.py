"""Blackstone's error tables against the vendor's lists: every code is there, as what it means, and none besides."""

from __future__ import annotations

from collections.abc import Collection

import pytest

from rotation.core.errors import (
    AccountUnusable,
    AdminRejected,
    DriverError,
    InProgress,
    OutcomeUnknown,
    PasswordRejected,
    PermissionDenied,
    PreconditionFailed,
    RateLimited,
    RequestRefused,
    VendorUnavailable,
)
from rotation.drivers.error_table import ErrorRow
from rotation.drivers.vendors.tencent_bm.driver import DRIVER
from rotation.drivers.vendors.tencent_bm.error_codes import TASK_UNKNOWN, V2_TABLE, V3_TABLE

RETRY = (VendorUnavailable, RateLimited)
WAIT = (InProgress,)
PRECONDITION = (PreconditionFailed,)
PERMANENT = (AccountUnusable, PasswordRejected, PreconditionFailed, RequestRefused)
AUTH = (AdminRejected, PermissionDenied)
AMBIGUOUS = (OutcomeUnknown,)
Classes = tuple[type[DriverError], ...]

# What a code means in answer to a reset. Sources: the vendor's pages 重置密码 (2019-06-17) and 错误码 (v2), the error
# codes of tencentcloud-sdk-python-bm 3.0.1459 and the public ones of API 3.0. Code 4500 (replay) is ambiguous, since an
# earlier copy of the request may have been carried out; 9008, since the agent may have heard of it.
V2: dict[str, Classes] = {
    "9001": RETRY,
    "9005": RETRY,
    "9008": AMBIGUOUS,
    "10001": PERMANENT,
    "12002": PRECONDITION,
    "12006": PRECONDITION,
    "4000": PERMANENT,
    "4100": AUTH,
    "4101": AUTH,
    "4102": AUTH,
    "4103": AUTH,
    "4104": AUTH,
    "4110": AUTH,
    "4200": AUTH,
    "4300": AUTH,
    "4400": RETRY,
    "4500": AMBIGUOUS,
    "4600": PERMANENT,
    "5000": PERMANENT,
    "5100": RETRY,
    "5400": AMBIGUOUS,
    "6000": AMBIGUOUS,
    "6100": PERMANENT,
    "6200": RETRY,
}
V3: dict[str, Classes] = {
    "FailedOperation": RETRY,
    "FailedOperation.ExistRepairTask": PRECONDITION,
    "FailedOperation.TscAgentOffline": PRECONDITION,
    "InvalidParameter": PERMANENT,
    "InvalidParameterValue.InvalidParameter": PERMANENT,
    "InvalidParameterValue": PERMANENT,
    "MissingParameter": PERMANENT,
    "UnknownParameter": PERMANENT,
    "LimitExceeded": PERMANENT,
    "ResourceInUse.FlowBusy": WAIT,
    "ResourceUnavailable": PERMANENT,
    "ResourceNotFound": PERMANENT,
    "UnsupportedOperation": PRECONDITION,
    "UnsupportedOperation.InvalidOperation": PRECONDITION,
    "UnauthorizedOperation": AUTH,
    "AuthFailure": AUTH,
    "AuthFailure.InvalidAuthorization": AUTH,
    "AuthFailure.InvalidSecretId": AUTH,
    "AuthFailure.SecretIdNotFound": AUTH,
    "AuthFailure.SignatureExpire": AUTH,
    "AuthFailure.SignatureFailure": AUTH,
    "AuthFailure.TokenFailure": AUTH,
    "RequestLimitExceeded": RETRY,
    "RequestLimitExceeded.UinLimitExceeded": RETRY,
    "RequestLimitExceeded.GlobalRegionUinLimitExceeded": RETRY,
    "InternalError": AMBIGUOUS,
    "InvalidAction": PERMANENT,
    "NoSuchVersion": PERMANENT,
    "UnsupportedProtocol": PERMANENT,
    "UnsupportedRegion": PERMANENT,
}
HARMLESS = dict.fromkeys(("9008", "4500", "5400", "6000", "InternalError"), RETRY)
"""Codes that are ambiguous after a change only: a read can just be repeated."""


def row(table: Collection[ErrorRow], code: str, on: str) -> ErrorRow:
    """The one row that decides about a code in answer to a kind of call."""
    rows = {each.on: each for each in table if each.vendor_code == code}
    return rows.get(on) or rows["any"]


@pytest.mark.parametrize(("table", "codes"), [(V2_TABLE, V2), (V3_TABLE, V3)], ids=["v2", "v3"])
def test_the_table_holds_the_vendors_codes(table: tuple[ErrorRow, ...], codes: dict[str, Classes]) -> None:
    """All of them and no other, each for both kinds of call."""
    assert {each.vendor_code for each in table} == set(codes)
    for code in codes:
        assert row(table, code, "change")
        assert row(table, code, "read")


@pytest.mark.parametrize(
    ("table", "code", "classes"),
    [
        *((V2_TABLE, code, classes) for code, classes in V2.items()),
        *((V3_TABLE, code, classes) for code, classes in V3.items()),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_code_has_the_class_of_its_meaning(table: tuple[ErrorRow, ...], code: str, classes: Classes) -> None:
    """In answer to a reset and to a look, with a hint wherever a human has to do something."""
    change, read = row(table, code, "change"), row(table, code, "read")
    assert change.error in classes
    assert read.error in HARMLESS.get(code, classes)
    for each in (change, read):
        assert each.hint or each.error.default_hint
        assert each.meaning


def test_no_code_says_that_a_password_was_wrong_or_a_reset_went_well() -> None:
    """An API key resets here, so nobody's old password is judged; success is code 0 or a task, and no row."""
    assert {each.error for each in DRIVER.error_table} <= {*RETRY, *WAIT, *PRECONDITION, *PERMANENT, *AUTH, *AMBIGUOUS}
    assert not {"0", "Success"} & {each.vendor_code for each in DRIVER.error_table}
    assert set(V2) | set(V3) >= TASK_UNKNOWN
