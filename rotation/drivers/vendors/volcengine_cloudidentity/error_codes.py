"""Cloud Identity's error codes: ResetPassword's own, its neighbours', and the gateway's public ones.

Sources: the vendor's pages 7165/1493425, 7165/1505179, 7165/1505247 (the service) and 6369/68677, 6448/76370,
6408/78947 (the gateway), read 2026-11-22. The numbers (``CodeN``) of the service's codes are published nowhere, so
only the names decide.
"""

from rotation.core.errors import (
    AccountUnusable,
    AdminRejected,
    InProgress,
    PermissionDenied,
    PreconditionFailed,
    RateLimited,
    RequestRefused,
    VendorUnavailable,
)
from rotation.drivers.error_table import SUPPORT_HINT, ErrorRow, endpoint_hint, key_hint, open_after_change

ENDPOINT = "https://open.volcengineapi.com"

_KEY = key_hint("access_key", "secret_key")
_CLOCK = "Set the clock of the host: the vendor takes signatures for 15 minutes."
_RIGHTS = (
    "Grant cloudidentity's GetUser, GetServiceStatus, ListPortalLoginSettings and ResetPassword to the key's account."
)
_CALL = endpoint_hint("volcengine_cloudidentity", ENDPOINT)
_USER = "Check user_id in the secret: the id, not the name."
SERVICE_HINT = "Look at the state of Cloud Identity in the console."
PORTAL_HINT = "Enable password login in the settings of the user portal."

TABLE: tuple[ErrorRow, ...] = (
    # ResetPassword's own
    ErrorRow("ConcurrentException", InProgress, "another request for this user is running"),
    # A weak password gets this code, too; ``families.volcengine`` looks whether the message names the field.
    ErrorRow("InvalidParam", AccountUnusable, "the vendor refused a parameter", _USER),
    ErrorRow("PermissionError", PermissionDenied, "the key lacks a right", _RIGHTS),
    ErrorRow("ServiceStatusException", PreconditionFailed, "the service is not running", SERVICE_HINT),
    ErrorRow("PasswordLoginNotEnable", PreconditionFailed, "password login is off", PORTAL_HINT),
    # Most likely two first resets of one user ran at once; if it persists, only the vendor can help.
    ErrorRow("UserLoginProfileRecordExist", InProgress, "the user's login profile is being made", SUPPORT_HINT),
    ErrorRow("UserNotFound", AccountUnusable, "there is no such user", _USER),
    *open_after_change("InternalError", "the vendor failed inside"),
    # its neighbours'
    ErrorRow("ParamMissing", AccountUnusable, "the vendor missed a parameter", _USER),
    ErrorRow("OperateTooFrequentlyException", InProgress, "the vendor asks to wait before the next operation"),
    ErrorRow("PrerequisiteCheckFailed", PreconditionFailed, "the service's prerequisites are not met", SERVICE_HINT),
    ErrorRow("LoginSettingNotFound", PreconditionFailed, "the vendor does not know password login", PORTAL_HINT),
    # It answers another call than ours, so ours was not carried out.
    ErrorRow("ServiceAlreadyEnabled", RequestRefused, "the vendor took the request for another one", _CALL),
    # the gateway's
    ErrorRow("MissingParameter", RequestRefused, "the vendor missed action or version", _CALL),
    ErrorRow("MissingRequestInfo", AdminRejected, "the vendor missed a part of the signature", _KEY),
    ErrorRow("InvalidTimestamp", AdminRejected, "the vendor found the signature too old or too new", _CLOCK),
    ErrorRow("MissingAuthenticationToken", AdminRejected, "the vendor found no signature", _KEY),
    ErrorRow("MissingSignature", AdminRejected, "the vendor found no signature", _KEY),
    ErrorRow("InvalidAccessKey", AdminRejected, "the vendor does not know the access key", _KEY),
    ErrorRow("SignatureDoesNotMatch", AdminRejected, "the vendor refused the signature", _KEY),
    ErrorRow("InvalidSecretToken", AdminRejected, "the vendor wants a session token or refused it", _KEY),
    ErrorRow("InvalidAuthorization", AdminRejected, "the vendor found the signature malformed", _KEY),
    ErrorRow("InvalidCredential", AdminRejected, "the vendor found the signature's scope malformed", _KEY),
    ErrorRow("LackPolicy", PermissionDenied, "the key lacks a policy", _RIGHTS),
    ErrorRow("LackProjectPolicy", PermissionDenied, "the key lacks a policy of the project", _RIGHTS),
    ErrorRow("AccessDenied", PermissionDenied, "the key lacks a right", _RIGHTS),
    ErrorRow("ServiceNotFound", RequestRefused, "the vendor does not know the service", _CALL),
    ErrorRow("InvalidActionOrVersion", RequestRefused, "the vendor does not know the action", _CALL),
    ErrorRow("MethodNotAllowed", RequestRefused, "the vendor refused the HTTP method", _CALL),
    ErrorRow("FlowLimitExceeded", RateLimited, "the vendor throttles this action"),
    ErrorRow("AccountFlowLimitExceeded", RateLimited, "the vendor throttles this vendor account"),
    # Behind the gateway the work may have been done, or may continue.
    *open_after_change("FailToConnect", "the vendor's gateway lost its service"),
    *open_after_change("InternalServiceError", "the vendor's service failed inside"),
    *open_after_change("InternalServiceTimeout", "the vendor's service timed out"),
    ErrorRow("ServiceUnavailableTemp", VendorUnavailable, "the service is unavailable for the moment"),
)
