"""The error tree: whose fault, is it worth calling again, and what to do next.

Every error has a stable ``code``, a ``retryable`` flag, a ``definite`` flag (true when the failure proves that the
vendor changed nothing) and a ``hint`` for the person on call. Messages name keys, codes and rules. They never hold a
value that came from a secret, a vendor's answer or an event.
"""

from __future__ import annotations

from typing import ClassVar


class RotationError(Exception):
    """Root of everything that Lockstep raises on purpose.

    Args:
        message: one sentence without any secret value.
        hint: the next step for a human; the class's own hint when left out.
        vendor_code: the vendor's or store's own error code, if it sent one.
        request_id: the vendor's or store's request id, for support tickets.
        not_before: epoch seconds before which another attempt is pointless.
    """

    code: ClassVar[str] = "rotation_error"
    retryable: ClassVar[bool] = False
    definite: ClassVar[bool] = True
    default_hint: ClassVar[str] = ""

    def __init__(
        self,
        message: str,
        *,
        hint: str | None = None,
        vendor_code: str | None = None,
        request_id: str | None = None,
        not_before: float | None = None,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.hint = self.default_hint if hint is None else hint
        self.vendor_code = vendor_code
        self.request_id = request_id
        self.not_before = not_before

    def describe(self) -> dict[str, object]:
        """Return the fields that logs and ``--json`` show, without empty ones."""
        fields: dict[str, object] = {
            "code": self.code,
            "message": self.message,
            "hint": self.hint,
            "retryable": self.retryable,
            "vendor_code": self.vendor_code,
            "vendor_request_id": self.request_id,
            "not_before": self.not_before,
        }
        return {key: value for key, value in fields.items() if value not in (None, "")}


class ConfigError(RotationError):
    """Our deployment is wrong; nothing was called."""

    code = "config_error"
    default_hint = "Correct the deployment's settings and run the rotation again."


class SettingsError(ConfigError):
    """Declared settings are missing, unknown or malformed; lists every fault at once."""

    code = "settings_error"

    def __init__(self, where: str, faults: tuple[str, ...], *, hint: str | None = None) -> None:
        super().__init__(f"{where}: {'; '.join(faults)}", hint=hint)
        self.where = where
        self.faults = faults


class UnknownDriver(ConfigError):
    """No driver of that code is built in or named by the deployment."""

    code = "unknown_driver"
    default_hint = "Run `lockstep drivers` for the codes; outside drivers must be named in LOCKSTEP_PLUGINS."


class DriverNotAllowed(ConfigError):
    """The secret names a driver that this deployment does not allow."""

    code = "driver_not_allowed"
    default_hint = "Add the driver to LOCKSTEP_DRIVERS, or correct the secret's `driver` key."


class HostNotAllowed(ConfigError):
    """A request would go to a host outside the allow-list."""

    code = "host_not_allowed"
    default_hint = "Only the vendor's own hosts and those in LOCKSTEP_HOSTS may be called; plain http only on loopback."


class MissingExtra(ConfigError):
    """An optional package that this path needs is not installed."""

    code = "missing_extra"


class PolicyError(ConfigError):
    """A password policy contradicts itself or is too weak."""

    code = "policy_error"


class EventError(RotationError):
    """The rotation event cannot be acted on; nothing was called."""

    code = "event_error"
    default_hint = "Secrets Manager sends Step, SecretId and ClientRequestToken; compare with events/*.json."


class StageError(EventError):
    """The token's version is not in a state in which this step may run."""

    code = "stage_error"
    default_hint = "Look at the secret's version stages; a new RotateSecret call makes a fresh token."


class NotReady(EventError):
    """An earlier step has not finished (or is not visible yet)."""

    code = "not_ready"
    retryable = True
    default_hint = "The service retries the whole rotation; no action needed unless this repeats for hours."


class RotationNotEnabled(EventError):
    """Rotation is switched off for this secret."""

    code = "rotation_not_enabled"
    default_hint = "Enable rotation on the secret (RotateSecret with this function and a schedule)."


class SecretDocumentError(RotationError):
    """The secret's value is no usable account document."""

    code = "secret_document_error"
    default_hint = "The value must be a JSON object with driver, username, password and the driver's own keys."


class IdentityChanged(SecretDocumentError):
    """Current and candidate name different accounts; resetting could hit the wrong one."""

    code = "identity_changed"
    default_hint = "An identifying field was edited while a rotation ran. Cancel the rotation and start a new one."


class StoreError(RotationError):
    """The secret store could not do what was asked."""

    code = "store_error"


class SecretNotFound(StoreError):
    """The store has no such secret."""

    code = "secret_not_found"
    default_hint = "Check the secret's name or ARN, region and account."


class NotYetVisible(StoreError):
    """A value was staged but the store does not show it yet."""

    code = "not_yet_visible"
    retryable = True
    default_hint = "The store is eventually consistent; the next attempt reads it."


class StageConflict(StoreError):
    """A compare-and-swap was lost, or another value sits under this token."""

    code = "stage_conflict"
    retryable = True
    default_hint = "Another run or an operator moved the labels; the next attempt looks again."


class StoreDenied(StoreError):
    """The store refused for lack of a right."""

    code = "store_denied"
    default_hint = "Grant the rotation role the actions listed in template.yaml, and the use of the KMS key."


class StoreUnavailable(StoreError):
    """The store did not answer, or throttled."""

    code = "store_unavailable"
    retryable = True
    default_hint = "The service retries; look at the store's health page if it lasts."


class DriverError(RotationError):
    """A vendor call did not end well. Everything that leaves a driver is one of these."""

    code = "driver_error"


class VendorUnavailable(DriverError):
    """The vendor could not be reached or said it is unavailable; nothing was changed."""

    code = "vendor_unavailable"
    retryable = True
    default_hint = "Look at the vendor's status page; the rotation goes on by itself when it answers."


class RateLimited(VendorUnavailable):
    """The vendor throttled the request; nothing was changed."""

    code = "rate_limited"
    default_hint = "Spread the schedules of secrets that share one vendor account."


class InProgress(DriverError):
    """An operation on this account is already running; a second one is not sent."""

    code = "in_progress"
    retryable = True
    default_hint = "The next attempt finds out how it ended."


class TooSoon(DriverError):
    """The password is younger than the vendor's minimum age."""

    code = "too_soon"
    retryable = True
    default_hint = "Wait until `not_before`; a later attempt goes on by itself."


class PreconditionFailed(DriverError):
    """The target is in a state in which the vendor refuses a reset."""

    code = "precondition_failed"


class OutcomeUnknown(DriverError):
    """A change may or may not have been applied; the next attempt finds out before it sends another."""

    code = "outcome_unknown"
    retryable = True
    definite = False
    default_hint = "Both values are kept. The next attempt finds out which one is live."


class AdminRejected(DriverError):
    """The vendor refused our own key, signature or clock."""

    code = "admin_rejected"
    default_hint = "Check the admin credential of this driver and the clock of the host."


class PermissionDenied(DriverError):
    """The admin credential lacks a right, or the account is out of reach for it."""

    code = "permission_denied"


class AccountUnusable(DriverError):
    """The account is gone, expired, unpaid or not resettable; it will not succeed unchanged."""

    code = "account_unusable"


class LoginRejected(DriverError):
    """The vendor said in so many words that this password does not open the account."""

    code = "login_rejected"
    default_hint = "Run the rotation again; if it persists, somebody changed the password by hand."


class OldPasswordRejected(DriverError):
    """A self-service change was refused because the old password is wrong: evidence that current is not live."""

    code = "old_password_rejected"
    retryable = True


class PasswordReused(DriverError):
    """The vendor says that this value was used before: evidence that the candidate has been live."""

    code = "password_reused"
    retryable = True


class PasswordRejected(DriverError):
    """The vendor refused the new value by its password rules; nothing was changed."""

    code = "password_rejected"
    default_hint = "The vendor's rules differ from the policy of the driver; narrow the policy and report it."


class AccountLocked(DriverError):
    """The account is locked; nothing is tried until the lock window is over."""

    code = "account_locked"
    retryable = True
    default_hint = "Wait until `not_before`. More tries would prolong the lock."


class CannotVerify(DriverError):
    """A login check could not be made at all, which says nothing about the password."""

    code = "cannot_verify"
    retryable = True


class UnexpectedReply(DriverError):
    """The vendor's answer is not in the driver's table. Never read as success."""

    code = "unexpected_reply"
    retryable = True
    definite = False
    default_hint = "The vendor's API may have changed, or a proxy answered in its place."


class DriverBug(DriverError):
    """A driver raised something that is no DriverError; its text is withheld since it may hold a value."""

    code = "driver_bug"
    definite = False
    default_hint = "Report it with the type named in the message."


class NotEnoughTime(RotationError):
    """Too little time is left to start a vendor call safely."""

    code = "not_enough_time"
    retryable = True
    default_hint = "Raise the function's time-out; the next attempt starts with a full clock."


class Parked(RotationError):
    """Stopped on purpose: waiting for a time or for a human."""

    code = "parked"
    retryable = True

    def __init__(self, message: str, *, reason: str, not_before: float | None, hint: str | None = None) -> None:
        super().__init__(message, hint=hint, not_before=not_before)
        self.reason = reason

    def describe(self) -> dict[str, object]:
        """Return the shared fields and the reason."""
        return {**super().describe(), "reason": self.reason}
