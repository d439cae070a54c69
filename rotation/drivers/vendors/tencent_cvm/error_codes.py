"""CVM's error codes: those of the driver's four calls, and the public ones of API 3.0.

Source: the vendor's SDK for Go lists the codes of each call (2017-03-12, as of 2026-08-21).

DescribeInstances has more, about filters that the driver does not send.
"""

from collections.abc import Mapping

from rotation.core.errors import (
    AccountUnusable,
    AdminRejected,
    DriverError,
    InProgress,
    PasswordRejected,
    PermissionDenied,
    PreconditionFailed,
    RequestRefused,
)
from rotation.drivers.error_table import SUPPORT_HINT, ErrorRow, endpoint_hint, key_hint, open_after_change
from rotation.drivers.families.tencent_api3 import table

ENDPOINT = "https://cvm.tencentcloudapi.com"

_FIELDS = "Check region and instance_id in the secret."
_RIGHTS = "Grant DescribeInstances, ResetInstancesPassword, StopInstances and StartInstances to the key's account."
_CALL = endpoint_hint("tencent_cvm", ENDPOINT)
_MFA = "Take a key whose policy asks for no second factor."
_LOOK = "Look at the instance in the console."
_CHARGED = "Start it in the console, and stop it so that it is charged (KEEP_CHARGING), or leave it running."

STATES: Mapping[type[DriverError], tuple[str, ...]] = {
    InProgress: (
        "Pending",
        "Starting",
        "Stopping",
        "Rebooting",
        "EnterRescueMode",
        "ExitRescueMode",
        "EnterServiceLiveMigrate",
        "ServiceLiveMigrate",
        "ExitServiceLiveMigrate",
    ),
    PreconditionFailed: ("RescueMode", "Banning", "Freezing", "Corrupted"),
    AccountUnusable: ("LaunchFailed", "Isolating", "Shutdown", "Terminating", "Terminated"),
}
"""What a state means for a reset, as codes spell it; an instance has ``ENTER_RESCUE_MODE`` for ``EnterRescueMode``."""

_STATE_ROWS = [
    ErrorRow(f"UnsupportedOperation.InstanceState{state}", error, f"the instance is in the state {state}", _LOOK)
    for error, states in STATES.items()
    for state in states
    if state != "LaunchFailed"  # the SDK lists it for no call of the driver
]

TABLE = table(
    (
        *open_after_change("InternalServerError", "the vendor failed inside", SUPPORT_HINT),
        ErrorRow(
            "FailedOperation.InvalidInstanceApplicationRole", PreconditionFailed, "its role takes no resets", _LOOK
        ),
        ErrorRow("InvalidInstance.NotSupported", PreconditionFailed, "the instance does not support the call", _LOOK),
        ErrorRow("InvalidInstanceId.Malformed", AccountUnusable, "the instance's id is malformed", _FIELDS),
        ErrorRow("InvalidInstanceId.NotFound", AccountUnusable, "there is no such instance", _FIELDS),
        ErrorRow("InvalidParameterCombination", RequestRefused, "the vendor refused the parameters together", _CALL),
        ErrorRow("InvalidParameterValue.InstanceIdMalformed", AccountUnusable, "the id is malformed", _FIELDS),
        ErrorRow("InvalidParameterValue.InvalidPassword", PasswordRejected, "the vendor refused the password"),
        ErrorRow("InvalidParameterValue.LimitExceeded", RequestRefused, "the vendor finds too many values", _CALL),
        # The user's name is held to 64 characters before it is sent, so that the password is meant.
        ErrorRow("InvalidParameterValue.TooLong", PasswordRejected, "the vendor finds a value too long", on="change"),
        ErrorRow(
            "InvalidParameterValue.TooLong", AccountUnusable, "the vendor finds a value too long", _FIELDS, "read"
        ),
        ErrorRow(
            "InvalidParameterValue.ZoneNotSupported", AccountUnusable, "its zone does not offer the call", _FIELDS
        ),
        ErrorRow("MutexOperation.TaskRunning", InProgress, "a task of the instance is running"),
        ErrorRow("OperationDenied.InstanceOperationInProgress", InProgress, "an operation on the instance is running"),
        ErrorRow(
            "UnauthorizedOperation.InvalidToken", AdminRejected, "the token is invalid", key_hint("session_token")
        ),
        ErrorRow("UnauthorizedOperation.MFAExpired", PermissionDenied, "the second factor has expired", _MFA),
        ErrorRow("UnauthorizedOperation.MFANotFound", PermissionDenied, "the vendor wants a second factor", _MFA),
        *_STATE_ROWS,
        ErrorRow("UnsupportedOperation.HibernationForNormalInstance", PreconditionFailed, "it hibernates", _LOOK),
        ErrorRow("UnsupportedOperation.InstanceReinstallFailed", PreconditionFailed, "its reinstall failed", _LOOK),
        ErrorRow("UnsupportedOperation.InstanceStateRunning", PreconditionFailed, "the instance runs", _LOOK),
        ErrorRow("UnsupportedOperation.InstanceStateStopped", PreconditionFailed, "the instance is stopped", _LOOK),
        ErrorRow("UnsupportedOperation.SpecialInstanceType", PreconditionFailed, "its type takes no resets", _LOOK),
        ErrorRow("UnsupportedOperation.StoppedModeStopCharging", PreconditionFailed, "it is not charged", _CHARGED),
    ),
    driver="tencent_cvm",
    endpoint=ENDPOINT,
    fields=_FIELDS,
    rights=_RIGHTS,
)
