"""The keys of Redfish's messages, as far as calls for accounts and sessions can give them.

Source: the Base message registry 1.0 to 1.22 (DMTF), of which sushy 5.14.0 has 1.0 to 1.4; read 2026-11-30. Three keys
are of no Base registry: ``InvalidPassword``, ``NotAcceptable``, ``UnsupportedMediaType``. ``families.redfish`` reads
``AccessUnauthorized`` as ``ResourceAtUriUnauthorized``. The registry also has messages about actions, queries and
subscriptions, which the driver does not make.

A change sends the password and nothing else: what a service finds wrong with a property's value is the password.
"""

from rotation.core.errors import (
    AccountUnusable,
    AdminRejected,
    CannotVerify,
    DriverError,
    InProgress,
    LoginRejected,
    OutcomeUnknown,
    PasswordRejected,
    PasswordReused,
    PermissionDenied,
    PreconditionFailed,
    RequestRefused,
    VendorUnavailable,
)
from rotation.drivers.error_table import ErrorRow, endpoint_hint, key_hint
from rotation.drivers.families.redfish import UNAUTHORIZED

ENDPOINT = "https://bmc.invalid"
"""No device has this name: the deployment names its own, or each account its address."""
WRONG_LOGIN = UNAUTHORIZED

_KEY = key_hint("username", "password") + " The device may have switched Basic logins off (HTTPBasicAuth)."
_RIGHTS = "Give the admin credential's account the privilege ConfigureUsers (role Administrator)."
_ACCOUNT = "Check account_id in the secret: the last part of the account's address in AccountService/Accounts."
_CALL = endpoint_hint("redfish_bmc", "the management controller's address")
_FACTOR = "Take accounts without a second factor: Lockstep has none."
_CHANGE_FIRST = "Change the password once by hand, store it in the secret and start a new rotation."


def _each(
    key: str, meaning: str, hint: str, *, change: type[DriverError], otherwise: type[DriverError]
) -> tuple[ErrorRow, ...]:
    return (
        ErrorRow(key, change, meaning, hint, on="change"),
        ErrorRow(key, otherwise, meaning, hint, on="login"),
        ErrorRow(key, otherwise, meaning, hint, on="read"),
    )


def _open(key: str, meaning: str) -> tuple[ErrorRow, ...]:
    return _each(key, meaning, "", change=OutcomeUnknown, otherwise=VendorUnavailable)


def _password(key: str) -> tuple[ErrorRow, ...]:
    return _each(key, "the device refused the password", "", change=PasswordRejected, otherwise=AccountUnusable)


TABLE: tuple[ErrorRow, ...] = (
    *_password("PropertyValueError"),
    *_password("PropertyValueFormatError"),
    *_password("PropertyValueIncorrect"),
    *_password("PropertyValueTypeError"),
    *_password("PropertyValueNotInList"),
    *_password("PropertyValueOutOfRange"),
    *_password("PropertyValueConflict"),
    *_password("PropertyValueResourceConflict"),
    *_password("PropertyValueExternalConflict"),
    *_password("StringValueTooLong"),
    *_password("StringValueTooShort"),
    *_password("InvalidPassword"),
    *_password("PasswordIncorrectLength"),
    *_password("PasswordComplexityNotMet"),
    *_each(
        "PasswordReuseTooRecent",
        "the device has had the password lately",
        "",
        change=PasswordReused,
        otherwise=AccountUnusable,
    ),
    ErrorRow(WRONG_LOGIN, AdminRejected, "the device refused the admin credential", _KEY, on="change"),
    ErrorRow(WRONG_LOGIN, LoginRejected, "the device refused the login", on="login"),
    ErrorRow(WRONG_LOGIN, AdminRejected, "the device refused the admin credential", _KEY, on="read"),
    ErrorRow("NoValidSession", AdminRejected, "the device knows no such session", _KEY),
    ErrorRow("InsufficientPrivilege", PermissionDenied, "the admin credential lacks a privilege", _RIGHTS),
    ErrorRow("AccessDenied", PermissionDenied, "the device denies access", _RIGHTS),
    ErrorRow("AccessForbidden", PermissionDenied, "the device denies access", _RIGHTS),
    ErrorRow("RestrictedRole", PermissionDenied, "the device restricts the account's role", _RIGHTS),
    ErrorRow("RestrictedPrivilege", PermissionDenied, "the device restricts the privilege", _RIGHTS),
    ErrorRow("AuthenticationTokenRequired", CannotVerify, "the device wants a second factor", _FACTOR),
    ErrorRow("OneTimePasscodeSent", CannotVerify, "the device wants the passcode that it has sent", _FACTOR),
    ErrorRow("GenerateSecretKeyRequired", CannotVerify, "the device wants a second factor set up", _FACTOR),
    ErrorRow("PasswordChangeRequired", CannotVerify, "an account must change its password first", _CHANGE_FIRST),
    ErrorRow("ResourceMissingAtURI", AccountUnusable, "there is no such account", _ACCOUNT),
    ErrorRow("ResourceNotFound", AccountUnusable, "there is no such account", _ACCOUNT),
    ErrorRow("PropertyNotWritable", AccountUnusable, "the device keeps this account's password fixed", _ACCOUNT),
    ErrorRow("StrictAccountTypes", AccountUnusable, "the account's types do not allow it", _ACCOUNT),
    ErrorRow("AccountNotModified", PreconditionFailed, "the device did not modify the account", "See its own log."),
    ErrorRow("ServiceDisabled", PreconditionFailed, "the account service is switched off", "Enable it at the device."),
    ErrorRow("LicenseRequired", PreconditionFailed, "the device wants a licence for this", "Install one."),
    ErrorRow("ResourceInStandby", PreconditionFailed, "the device is in standby", "Power it on."),
    # The account was changed between our look and our change, which was not made.
    ErrorRow("PreconditionFailed", InProgress, "somebody changes the account at this moment"),
    ErrorRow("ResourceInUse", InProgress, "the account is in use or in transition"),
    ErrorRow("PreconditionRequired", RequestRefused, "the device wants an ETag and named none", _CALL),
    ErrorRow("HeaderMissing", RequestRefused, "the device missed a header", _CALL),
    ErrorRow("HeaderInvalid", RequestRefused, "the device refused a header", _CALL),
    ErrorRow("PropertyUnknown", RequestRefused, "the device does not know the property", _CALL),
    ErrorRow("PropertyMissing", RequestRefused, "the device missed a property", _CALL),
    ErrorRow("PropertyDuplicate", RequestRefused, "the device found a property twice", _CALL),
    ErrorRow("NoOperation", RequestRefused, "the device found nothing to do", _CALL),
    ErrorRow("InvalidJSON", RequestRefused, "the device could not read the request", _CALL),
    ErrorRow("InvalidObject", RequestRefused, "the device finds the resource invalid", _CALL),
    ErrorRow("PayloadTooLarge", RequestRefused, "the device finds the request too large", _CALL),
    ErrorRow("ResourceTypeIncompatible", RequestRefused, "the device takes another type of resource", _CALL),
    ErrorRow("CreateFailedMissingReqProperties", RequestRefused, "the device missed a property", _CALL),
    ErrorRow("MalformedJSON", RequestRefused, "the device could not read the request", _CALL),
    ErrorRow("EmptyJSON", RequestRefused, "the device found the request empty", _CALL),
    ErrorRow("UnrecognizedRequestBody", RequestRefused, "the device could not read the request", _CALL),
    ErrorRow("UnsupportedMediaType", RequestRefused, "the device does not take JSON", _CALL),
    ErrorRow("NotAcceptable", RequestRefused, "the device does not answer in JSON", _CALL),
    ErrorRow("OperationNotAllowed", RequestRefused, "the device does not offer the call", _CALL),
    ErrorRow("ActionNotSupported", RequestRefused, "the device does not offer the call", _CALL),
    ErrorRow("InvalidURI", RequestRefused, "the device does not know the address", _CALL),
    ErrorRow("ServiceTemporarilyUnavailable", VendorUnavailable, "the device asks to come back later"),
    ErrorRow("ServiceShuttingDown", VendorUnavailable, "the device is shutting down"),
    ErrorRow("ResourceExhaustion", VendorUnavailable, "the device has no resources left"),
    ErrorRow("InsufficientStorage", VendorUnavailable, "the device has no storage left"),
    ErrorRow("SessionLimitExceeded", VendorUnavailable, "the device takes no more sessions"),
    ErrorRow("CreateLimitReachedForResource", VendorUnavailable, "the device takes no more sessions"),
    *_open("GeneralError", "the device failed and does not say at what"),
    *_open("InternalError", "the device failed inside"),
    *_open("PropertyNotUpdated", "the device failed inside"),
    *_open("OperationFailed", "the device failed inside"),
    *_open("OperationTimeout", "the device timed out inside"),
    *_open("ServiceInUnknownState", "the device is in an unknown state"),
    *_open("UndeterminedFault", "the device failed inside"),
    *_open("ResourceAtUriInUnknownFormat", "the device could not read its own answer"),
)
