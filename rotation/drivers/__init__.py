"""The vendor side. A driver's author imports from here alone: the contract, its values, HTTP, settings, errors, policy.

Modules inside this package import one another and never the package itself. Importing the package loads no vendor, no
login probe and no HTTP client.
"""

from rotation.core.errors import (
    AccountLocked,
    AccountUnusable,
    AdminRejected,
    CannotVerify,
    ConfigError,
    DriverError,
    InProgress,
    LoginRejected,
    OldPasswordRejected,
    OutcomeUnknown,
    PasswordRejected,
    PasswordReused,
    PermissionDenied,
    PreconditionFailed,
    RateLimited,
    RequestRefused,
    TooSoon,
    UnexpectedReply,
    VendorUnavailable,
)
from rotation.core.secret import Secret
from rotation.core.settings import matches, one_of, setting
from rotation.core.values import (
    Authority,
    Evidence,
    Lockout,
    LoginTarget,
    Observation,
    Power,
    Progress,
    TargetRules,
    Task,
    TaskState,
    Verdict,
)
from rotation.drivers.contract import Driver, DriverSpec, Observes, Polls, Powers, Verifies, Wiring
from rotation.drivers.error_table import ErrorRow, error_for, open_after_change, printable_code
from rotation.drivers.network import login_settings
from rotation.drivers.network.http_messages import HttpReply, HttpRequest, check_status, json_object
from rotation.drivers.tokens import Token, Tokens
from rotation.drivers.vendor_api import Malformed, Refusal, VendorApi
from rotation.policy import AtLeast, Charset, PasswordPolicy, Source, charsets

__all__ = [
    "AccountLocked",
    "AccountUnusable",
    "AdminRejected",
    "AtLeast",
    "Authority",
    "CannotVerify",
    "Charset",
    "ConfigError",
    "Driver",
    "DriverError",
    "DriverSpec",
    "ErrorRow",
    "Evidence",
    "HttpReply",
    "HttpRequest",
    "InProgress",
    "Lockout",
    "LoginRejected",
    "LoginTarget",
    "Malformed",
    "Observation",
    "Observes",
    "OldPasswordRejected",
    "OutcomeUnknown",
    "PasswordPolicy",
    "PasswordRejected",
    "PasswordReused",
    "PermissionDenied",
    "Polls",
    "Power",
    "Powers",
    "PreconditionFailed",
    "Progress",
    "RateLimited",
    "Refusal",
    "RequestRefused",
    "Secret",
    "Source",
    "TargetRules",
    "Task",
    "TaskState",
    "Token",
    "Tokens",
    "TooSoon",
    "UnexpectedReply",
    "VendorApi",
    "VendorUnavailable",
    "Verdict",
    "Verifies",
    "Wiring",
    "charsets",
    "check_status",
    "error_for",
    "json_object",
    "login_settings",
    "matches",
    "one_of",
    "open_after_change",
    "printable_code",
    "setting",
]
