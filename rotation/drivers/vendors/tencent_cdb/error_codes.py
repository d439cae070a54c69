"""TencentDB for MySQL's error codes: those of the driver's four calls, and the public ones of API 3.0.

Source: the vendor's SDK for Go lists the codes of each call (2017-03-20, as of 2026-08-21). A ``FailedOperation`` or
``InternalError`` of a change leaves open whether its task was made.
"""

from collections.abc import Mapping

from rotation.core.errors import (
    AccountUnusable,
    InProgress,
    PasswordRejected,
    PermissionDenied,
    PreconditionFailed,
    RequestRefused,
)
from rotation.core.values import TaskState
from rotation.drivers.error_table import SUPPORT_HINT, ErrorRow, endpoint_hint, open_after_change
from rotation.drivers.families.tencent_api3 import table

ENDPOINT = "https://cdb.tencentcloudapi.com"

_FIELDS = "Check region, instance_id, username and host in the secret."
_READS = "DescribeDBInstances, DescribeAccounts, DescribeAsyncRequestInfo"
_RIGHTS = f"Grant {_READS} and ModifyAccountPassword to the key's account."
_CALL = endpoint_hint("tencent_cdb", ENDPOINT)
_LOOK = "Look at the instance in the console."
_OPEN = (
    "CdbError",
    "CdbError.TaskError",
    "FailedOperation.AsyncTaskStatusError",
    "FailedOperation.CreateAccountError",
    "FailedOperation.DBOperationActionError",
    "FailedOperation.GetPrivilegeError",
    "FailedOperation.InstanceQueryError",
    "FailedOperation.JsonUnmarshalError",
    "FailedOperation.PrivilegeDataIllegal",
    "FailedOperation.ResponseValueError",
    "FailedOperation.StartFlowError",
    "FailedOperation.SubmitAsyncTaskError",
    "InternalError.CdbError",
    "InternalError.DBError",
    "InternalError.DBOperationError",
    "InternalError.DatabaseAccessError",
    "InternalError.DesError",
    "InternalError.FtpError",
    "InternalError.HttpError",
    "InternalError.InternalAssertError",
    "InternalError.InternalHttpServerError",
    "InternalError.InternalRequestError",
    "InternalError.InternalServiceErrorErr",
    "InternalError.RegexpCompileError",
    "InternalError.UndefinedError",
    "InternalError.UnknownError",
)

TASK_UNKNOWN = frozenset({"InvalidParameter.InvalidAsyncRequestId"})
"""The code by which the vendor says that there is no task of that id."""

TASK_STATES: Mapping[str, TaskState] = {
    **dict.fromkeys(("INITIAL", "RUNNING", "PAUSED", "UNDEFINED"), TaskState.RUNNING),
    "SUCCESS": TaskState.DONE,
    **dict.fromkeys(("FAILED", "KILLED", "REMOVED"), TaskState.FAILED),
}
"""What a task's status means; one that is ``PAUSED`` is being terminated, an ``UNDEFINED`` one waits for a window."""

TABLE = table(
    (
        *(row for code in _OPEN for row in open_after_change(code, "the vendor failed inside", SUPPORT_HINT)),
        ErrorRow("FailedOperation.StatusConflict", InProgress, "another task of the instance is running"),
        ErrorRow(
            "InvalidParameter.ControllerNotFoundError", RequestRefused, "the vendor does not know the call", _CALL
        ),
        ErrorRow("InvalidParameter.ExceptionParam", AccountUnusable, "the vendor refused a parameter", _FIELDS),
        ErrorRow("InvalidParameter.InvalidAsyncRequestId", AccountUnusable, "there is no such task", _FIELDS),
        ErrorRow("InvalidParameter.InstanceNotFound", AccountUnusable, "there is no such instance", _FIELDS),
        ErrorRow("InvalidParameterValue.AccountDescriptionCharacterError", RequestRefused, "a remark is wrong", _CALL),
        ErrorRow("InvalidParameterValue.AccountDescriptionLengthError", RequestRefused, "a remark is too long", _CALL),
        ErrorRow("InvalidParameterValue.AccountHostRuleError", AccountUnusable, "the account's host is wrong", _FIELDS),
        ErrorRow("InvalidParameterValue.AccountPasswordCharacterError", PasswordRejected, "it has a wrong character"),
        ErrorRow("InvalidParameterValue.AccountPasswordLengthError", PasswordRejected, "it has a wrong length"),
        ErrorRow("InvalidParameterValue.AccountPasswordRuleError", PasswordRejected, "it breaks the vendor's rule"),
        ErrorRow("InvalidParameterValue.DataConvertError", RequestRefused, "the vendor cannot read a value", _CALL),
        ErrorRow("InvalidParameterValue.InvalidParameterValueError", AccountUnusable, "a value is wrong", _FIELDS),
        ErrorRow("InvalidParameterValue.UserNameRuleError", AccountUnusable, "the user's name is wrong", _FIELDS),
        ErrorRow("InvalidParameterValue.UserNotExistError", AccountUnusable, "there is no such account", _FIELDS),
        ErrorRow("InvalidParameterValue.VerifyAccountNoRootError", PreconditionFailed, "root is not verified", _LOOK),
        ErrorRow("InvalidParameterValue.VerifyAccountPasswordError", PreconditionFailed, "it is not verified", _LOOK),
        ErrorRow("InvalidParameterValue.VerifyAccountPrivError", PreconditionFailed, "its rights do not do", _LOOK),
        ErrorRow("MissingParameter.AccountMissingParameterError", RequestRefused, "a parameter is missing", _CALL),
        ErrorRow("OperationDenied.DeleteRootAccountError", PreconditionFailed, "root cannot be deleted", _LOOK),
        ErrorRow("OperationDenied.InstTypeNotSupport", AccountUnusable, "its type does not offer the call", _FIELDS),
        ErrorRow("OperationDenied.NotSupportModifyLocalRootHostError", AccountUnusable, "this root is fixed", _FIELDS),
        ErrorRow("OperationDenied.OperationDeniedError", PreconditionFailed, "the vendor denies the operation", _LOOK),
        ErrorRow("OperationDenied.UserHasNoStrategy", PermissionDenied, "the key lacks a right", _RIGHTS),
        ErrorRow("OperationDenied.WrongPassword", PasswordRejected, "the vendor refused the password"),
        ErrorRow("OperationDenied.WrongStatus", InProgress, "the instance's state does not allow it now"),
        ErrorRow("ResourceNotFound.CdbInstanceNotFoundError", AccountUnusable, "there is no such instance", _FIELDS),
        ErrorRow("ResourceNotFound.InstanceNotFoundError", AccountUnusable, "there is no such instance", _FIELDS),
        ErrorRow("UnsupportedOperation.PrivilegesUnsupportedError", PreconditionFailed, "its rights do not do", _LOOK),
    ),
    driver="tencent_cdb",
    endpoint=ENDPOINT,
    fields=_FIELDS,
    rights=_RIGHTS,
)
