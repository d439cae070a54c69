"""Blackstone's error codes, of the v2 API and of API 3.0.

Sources: the vendor's page on ResetDevicePasswd (2019-06-17) and its list of public v2 codes; tencentcloud-sdk-python-bm
3.0.1459 and the public codes of API 3.0; read 2026-11-22. Both answer with HTTP 200, so only the codes decide.

A bad parameter of a reset counts as a refused password: the driver has just looked the device up with the other
parameters, and the vendor has no code for a weak password.
"""

from rotation.core.errors import (
    AccountUnusable,
    AdminRejected,
    InProgress,
    PasswordRejected,
    PermissionDenied,
    PreconditionFailed,
    RateLimited,
    RequestRefused,
    VendorUnavailable,
)
from rotation.drivers.error_table import SUPPORT_HINT, ErrorRow, endpoint_hint, key_hint, open_after_change
from rotation.drivers.families import tencent_api3

V3_HOST, V2_HOST = "https://bm.tencentcloudapi.com", "https://bm.api.qcloud.com"

_KEY = key_hint("secret_id", "secret_key")
_CLOCK = "Set the clock of the host: v2 takes two hours of difference."
_RIGHTS = "Grant the key's account the calls that look at devices, systems and tasks, and the one that resets."
_FIELDS = "Check region and instance_id in the secret."
_CALL = f"v2 may have been switched off: {endpoint_hint('tencent_bm', V3_HOST)}"
_AGENT = "Repair the vendor's agent on the device; until then only reinstalling the system sets a password."
_REPAIR = "Wait until the repair is closed in the console."
_STATE = "Look at the device's state in the console."


def _bad_parameter(vendor_code: str) -> tuple[ErrorRow, ErrorRow]:
    likely = "the vendor refused a parameter, most likely the password"
    return (
        ErrorRow(vendor_code, PasswordRejected, likely, on="change"),
        ErrorRow(vendor_code, AccountUnusable, "the vendor refused a parameter", _FIELDS, on="read"),
    )


V2_TABLE: tuple[ErrorRow, ...] = (
    # Blackstone's own
    ErrorRow("9001", VendorUnavailable, "the vendor's database failed"),
    ErrorRow("9005", VendorUnavailable, "the vendor's queue failed"),
    # The agent may have got the reset.
    *open_after_change("9008", "the vendor's backend failed"),
    *_bad_parameter("10001"),
    ErrorRow("12002", PreconditionFailed, "the device's state does not allow a reset", _STATE),
    ErrorRow("12006", PreconditionFailed, "the vendor's agent on the device does not answer", _AGENT),
    # the gateway's
    ErrorRow("4000", AccountUnusable, "the vendor found a parameter missing or wrong", _FIELDS),
    ErrorRow("4100", AdminRejected, "the vendor refused the signature", _KEY),
    ErrorRow("4101", AdminRejected, "the key may not call this interface", _RIGHTS),
    ErrorRow("4102", AdminRejected, "the key may not touch this device", _RIGHTS),
    ErrorRow("4103", AdminRejected, "the key does not belong to a developer", _KEY),
    ErrorRow("4104", AdminRejected, "the vendor does not know the key", _KEY),
    ErrorRow("4110", AdminRejected, "the vendor denied the key", _KEY),
    ErrorRow("4200", AdminRejected, "the vendor found the request too old or too new", _CLOCK),
    ErrorRow("4300", PermissionDenied, "the key lacks a right", _RIGHTS),
    ErrorRow("4400", RateLimited, "the vendor throttles"),
    # A replay means that a copy of the request came before, and the vendor may have carried that one out.
    *open_after_change("4500", "the vendor has seen this request before"),
    ErrorRow("4600", RequestRefused, "the vendor does not take the protocol", _CALL),
    ErrorRow("5000", AccountUnusable, "the device does not exist", _FIELDS),
    ErrorRow("5100", VendorUnavailable, "the vendor failed and asks to try later", SUPPORT_HINT),
    *open_after_change("5400", "the vendor did a part of it"),
    *open_after_change("6000", "the vendor failed inside"),
    ErrorRow("6100", RequestRefused, "the vendor no longer offers this call", _CALL),
    ErrorRow("6200", VendorUnavailable, "the vendor is in maintenance"),
)

_V3_OWN: tuple[ErrorRow, ...] = (
    ErrorRow("FailedOperation", VendorUnavailable, "the operation failed", SUPPORT_HINT),
    ErrorRow("FailedOperation.ExistRepairTask", PreconditionFailed, "a repair of the device is open", _REPAIR),
    ErrorRow("FailedOperation.TscAgentOffline", PreconditionFailed, "the vendor's agent is offline", _AGENT),
    *_bad_parameter("InvalidParameter"),
    *_bad_parameter("InvalidParameterValue"),
    *_bad_parameter("InvalidParameterValue.InvalidParameter"),
    ErrorRow("ResourceInUse.FlowBusy", InProgress, "an operation on the device is running"),
    ErrorRow("ResourceUnavailable", AccountUnusable, "the device is not available", _STATE),
    ErrorRow("ResourceNotFound", AccountUnusable, "the device does not exist", _FIELDS),
    ErrorRow("UnsupportedOperation", PreconditionFailed, "the device's state does not allow a reset", _STATE),
    ErrorRow(
        "UnsupportedOperation.InvalidOperation", PreconditionFailed, "the device's state does not allow a reset", _STATE
    ),
)
V3_TABLE = tencent_api3.table(_V3_OWN, driver="tencent_bm", endpoint=V3_HOST, fields=_FIELDS, rights=_RIGHTS)

TASK_UNKNOWN = frozenset(
    {"10001", "5000", "ResourceNotFound", "InvalidParameterValue", "InvalidParameterValue.InvalidParameter"}
)
"""The codes by which either API may say that there is no task of that id (assumed: no page lists them)."""
