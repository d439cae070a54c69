"""Huawei Cloud RDS's error codes, as far as the calls that look at an instance and reset a password can give them.

Sources: the vendor's list rds_10_0201 and the gateway's list (``families.huawei_signature``), read 2026-11-30. The list
also has codes of other calls (creation, storage, backups, parameter templates, tags); they would be unexpected here.

No code says that a password of an account other than root is too weak. A bad parameter of a reset counts as one: the
driver has just looked up the instance and the account.
"""

from collections.abc import Iterable, Mapping

from rotation.core.errors import (
    AccountUnusable,
    AdminRejected,
    DriverError,
    InProgress,
    PasswordRejected,
    PermissionDenied,
    PreconditionFailed,
)
from rotation.drivers.error_table import ErrorRow, endpoint_hint, open_after_change
from rotation.drivers.families.huawei_signature import KEY_HINT, gateway_codes

ENDPOINT = "https://rds.cn-north-4.myhuaweicloud.com"
_REGIONS = (
    "ae-ad-1 af-north-1 af-south-1 ap-southeast-1 ap-southeast-2 ap-southeast-3 ap-southeast-4 ap-southeast-5 "
    "cn-east-2 cn-east-3 cn-east-4 cn-east-5 cn-north-1 cn-north-11 cn-north-12 cn-north-2 cn-north-9 "
    "cn-south-1 cn-south-2 cn-south-4 cn-southwest-2 cn-southwest-3 eu-west-0 la-north-2 la-south-2 me-east-1 "
    "my-kualalumpur-1 na-mexico-1 ru-moscow-1 ru-northwest-2 sa-brazil-1 tr-west-1"
)
ENDPOINTS = (
    ENDPOINT,
    *(f"https://rds.{region}.myhuaweicloud.com" for region in _REGIONS.split()),
    "https://rds.eu-west-101.myhuaweicloud.eu",
)
"""One for each region, as huaweicloudsdkrds 3.1.219 lists them."""

_RIGHTS = "Grant rds:instance:list, rds:databaseUser:list and rds:password:update to the key's user."
_IDS = "Check project_id and instance_id in the secret, and that the endpoint is their region's."
STATE_HINT = "Look at the instance's state in the console."
ENGINE_HINT = "Only MySQL and PostgreSQL are rotated; take this secret out of rotation."


STATES: Mapping[str, type[DriverError]] = {
    **dict.fromkeys(("BUILD", "REBOOTING", "RESTORING", "SWITCHOVER", "MIGRATING", "MODIFYING"), InProgress),
    **dict.fromkeys(("MODIFYING INSTANCE TYPE", "MODIFYING DATABASE PORT"), InProgress),
    **dict.fromkeys(("FAILED", "FROZEN", "STORAGE FULL"), PreconditionFailed),
}
"""States in which the vendor refuses a reset. In any other, such as a backup, the reset itself shows it."""


def _codes(numbers: Iterable[str], error: type[DriverError], meaning: str, hint: str = "") -> tuple[ErrorRow, ...]:
    return tuple(ErrorRow(f"DBS.{number}", error, meaning, hint) for number in numbers)


def _bad_parameter(number: str) -> tuple[ErrorRow, ErrorRow]:
    likely = "the vendor refused a parameter, most likely the password"
    return (
        ErrorRow(f"DBS.{number}", PasswordRejected, likely, on="change"),
        ErrorRow(f"DBS.{number}", AccountUnusable, "the vendor refused a parameter", _IDS, on="read"),
    )


_SERVER = ("108000", "108002", "108005", "200005", "213004", "290006", "290015")
_BUSY = ("200011", "200019", "200047", "201202", "212006")
_GONE = ("200002", "200008", "200045", "200203", "200408", "200602", "201028", "280404", "290005", "290011", "290013")
_PARAMETER = ("200001", "200004", "200006", "200405", "200461", "280001", "280204", "290000", "290001")

TABLE: tuple[ErrorRow, ...] = (
    *(row for number in _SERVER for row in open_after_change(f"DBS.{number}", "the vendor failed inside")),
    *(row for number in _PARAMETER for row in _bad_parameter(number)),
    *_codes(("200052", "280246"), PasswordRejected, "the vendor refused the password of root"),
    *_codes(_BUSY, InProgress, "another operation is running on the instance, or the instance is faulty", STATE_HINT),
    *_codes(("201205",), InProgress, "a backup is being made"),
    *_codes(_GONE, AccountUnusable, "there is no such instance in the project", _IDS),
    *_codes(("200076",), PreconditionFailed, "the instance or a node of it is not well", STATE_HINT),
    *_codes(("200086", "201014"), PreconditionFailed, "the instance's state does not allow a reset", STATE_HINT),
    *_codes(("200038", "200039"), PreconditionFailed, "the standby lags behind, or has lost the primary", STATE_HINT),
    *_codes(("200316",), PreconditionFailed, "the instance's storage is full", "Enlarge its storage."),
    *_codes(("200402",), PreconditionFailed, "the vendor finds the operation invalid now", STATE_HINT),
    *_codes(("280449",), PreconditionFailed, "the instance is frozen", "Settle the account's bills."),
    *_codes(
        ("200040", "200041", "200042", "201207", "280235", "280238"),
        AccountUnusable,
        "the instance's engine does not offer the call",
        ENGINE_HINT,
    ),
    *_codes(("200010", "200604"), PermissionDenied, "the key may not touch this instance", _RIGHTS),
    *_codes(
        ("200044", "201003", "280015"), PermissionDenied, "the key may not see this, or it does not exist", _RIGHTS
    ),
    *_codes(("280056",), AdminRejected, "the vendor refused the token", KEY_HINT),
    *gateway_codes(rights=_RIGHTS, call=endpoint_hint("huawei_rds", ENDPOINT)),
)
