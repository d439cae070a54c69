"""ApsaraDB RDS's error codes, as far as the calls that look at an instance and reset a password can give them.

Sources: the vendor's pages on ResetAccountPassword (2024-07-05 to 2026-04-18) and CreateAccount (2025-10-28), its lists
of client and server errors, read 2026-11-30. The pages repeat codes of orders and storage, which are left out. One code
is documented as ``%s`` ("DB Operation Failed"): whatever it may be, it is unexpected, and the reset's outcome is open.
The public codes have two forms, ``Missing{ParameterName}`` and ``Invalid{ParameterName}``: here for what a reset sends.
"""

from rotation.core.errors import (
    AccountUnusable,
    InProgress,
    PasswordRejected,
    PermissionDenied,
    PreconditionFailed,
    RequestRefused,
    VendorUnavailable,
)
from rotation.drivers.error_table import ErrorRow, endpoint_hint, open_after_change
from rotation.drivers.families.alibaba_cloud import gateway_codes

ENDPOINT = "https://rds.aliyuncs.com"
_REGIONS = (
    "ap-northeast-1 ap-south-1 ap-southeast-2 ap-southeast-3 ap-southeast-5 cn-chengdu cn-huhehaote cn-zhangjiakou "
    "eu-central-1 eu-west-1 me-east-1"
)
ENDPOINTS = (ENDPOINT, *(f"https://rds.{region}.aliyuncs.com" for region in _REGIONS.split()))
"""Regions with an endpoint of their own, as far as the vendor's pages name it; all others share the first one."""

_RIGHTS = (
    "Grant rds:DescribeDBInstanceAttribute, rds:DescribeDBInstanceNetInfo, rds:DescribeAccounts and "
    "rds:ResetAccountPassword to the key's user."
)
_CALL = endpoint_hint("alibaba_rds", ENDPOINT)
_INSTANCE = "Check instance_id in the secret, and that the endpoint is the instance's region's."
ACCOUNT_HINT = "Check username in the secret; accounts that SQL made are not the vendor's to reset."
STATE_HINT = "Look at the instance's state in the console."
ENGINE_HINT = "Only MySQL, MariaDB and PostgreSQL are rotated; take this secret out of rotation."
_POLICY = "The instance's own password policy (validate_password) may be stricter than the vendor's."
_BILL = "Settle the instance's bills."

_SENT = ("DBInstanceId", "AccountName", "AccountPassword")

TABLE: tuple[ErrorRow, ...] = (
    *(ErrorRow(f"Missing{name}", RequestRefused, "the vendor missed a parameter", _CALL) for name in _SENT),
    ErrorRow("InvalidAccountPassword", PasswordRejected, "the vendor refused the password"),
    ErrorRow("InvalidAccountName", AccountUnusable, "the vendor refused the account's name", ACCOUNT_HINT),
    ErrorRow("InvalidDBInstanceId", AccountUnusable, "the vendor refused the instance's id", _INSTANCE),
    ErrorRow("Forbidden.InstanceNotFound", AccountUnusable, "there is no such instance", _INSTANCE),
    ErrorRow("InvalidAccountPassword.Format", PasswordRejected, "the vendor refused the password"),
    ErrorRow("Account.UpdateError", PasswordRejected, "the instance refused the update of the account", _POLICY),
    ErrorRow("InvalidDBInstanceId.NotFound", AccountUnusable, "there is no such instance", _INSTANCE),
    ErrorRow("InvalidDBInstanceName.NotFound", AccountUnusable, "there is no such instance", _INSTANCE),
    ErrorRow("ProductInstanceReleased", AccountUnusable, "the instance has been released", _INSTANCE),
    ErrorRow("Abs.InvalidAccount.NotFound", AccountUnusable, "there is no such account", ACCOUNT_HINT),
    ErrorRow("InvalidAccountName.NotFound", AccountUnusable, "there is no such account", ACCOUNT_HINT),
    ErrorRow("InvalidAccountName.Forbid", AccountUnusable, "the account's name is a keyword", ACCOUNT_HINT),
    ErrorRow("IncorrectAccountType", AccountUnusable, "the kind of account has no reset", ACCOUNT_HINT),
    ErrorRow("RequiredParam.NotFound", AccountUnusable, "the vendor missed a parameter", _INSTANCE),
    ErrorRow("Parameters.Invalid", AccountUnusable, "the vendor refused a parameter", _INSTANCE),
    ErrorRow("InvalidParam", AccountUnusable, "the vendor refused a parameter", _INSTANCE),
    ErrorRow("InvalidDBInstanceEngineType.Format", AccountUnusable, "the engine does not offer the call", ENGINE_HINT),
    ErrorRow("InvalidEngineVersion.NotSupported", AccountUnusable, "the engine does not offer the call", ENGINE_HINT),
    ErrorRow("IncorrectMinorVersion", AccountUnusable, "the engine's version does not offer the call", ENGINE_HINT),
    ErrorRow("Api.NotSupport", AccountUnusable, "the instance does not offer the call", ENGINE_HINT),
    # It says the same of an account that is locked and of one that another operation changes.
    ErrorRow("IncorrectAccountStatus", InProgress, "the account's state does not allow a reset now", STATE_HINT),
    ErrorRow("GeneralIns.Maintaining", InProgress, "the instance is in maintenance"),
    ErrorRow("GeneralIns.Switching", InProgress, "the instance switches over"),
    ErrorRow("IncorrectDBInstanceState", PreconditionFailed, "the instance's state does not allow a reset", STATE_HINT),
    ErrorRow("InvalideStatus.Format", PreconditionFailed, "the instance's state does not allow a reset", STATE_HINT),
    ErrorRow("IncorrectDBInstanceLockMode", PreconditionFailed, "the instance is locked", STATE_HINT),
    ErrorRow("GdnRole.NotSupport", PreconditionFailed, "the instance is a secondary", "Name the primary instance."),
    ErrorRow("OrderStatus.UnPaid", PreconditionFailed, "an order of the instance is not paid", _BILL),
    ErrorRow("Order.InstHasUnpaidOrder", PreconditionFailed, "an order of the instance is not paid", _BILL),
    ErrorRow("Risk.RiskControlRejection", PermissionDenied, "the vendor's risk control refused", _RIGHTS),
    ErrorRow("InvalidUserOperatorPermission", PermissionDenied, "the key's user lacks a right", _RIGHTS),
    ErrorRow("NotInFlowController", PermissionDenied, "the key's user lacks a right", _RIGHTS),
    ErrorRow("Request.NotFound", RequestRefused, "the vendor does not know the call", _CALL),
    # The vendor could not reach the database, so that it changed nothing there.
    ErrorRow("Database.ConnectError", VendorUnavailable, "the vendor could not reach the database", STATE_HINT),
    *open_after_change("SqlExecuteFailedOrTimeout", "the vendor's statement failed or timed out"),
    *open_after_change("ExternalFailure", "a service behind the vendor's failed"),
    *open_after_change("RequestMetaDataFailed", "the vendor failed inside"),
    *open_after_change("InvokeProxyFailure", "the vendor failed inside"),
    *gateway_codes(rights=_RIGHTS, call=_CALL),
)
