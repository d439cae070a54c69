"""Errors of vendor calls: everything that leaves a driver is one of these."""

from __future__ import annotations

from rotation.core.errors.base import RotationError


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
    default_hint = "Wait until `not_before`; the first attempt after it goes through."


class PreconditionFailed(DriverError):
    """The target is in a state in which the vendor refuses a reset."""

    code = "precondition_failed"
    default_hint = "Bring the target into a state in which the vendor resets passwords, and run the rotation again."


class RequestRefused(DriverError):
    """The vendor refused the request itself: nothing was changed, and the same request would be refused again."""

    code = "request_refused"
    default_hint = (
        "Compare LOCKSTEP_<CODE>_ENDPOINT with the driver's own (`lockstep drivers CODE`). If they agree, the vendor "
        "changed its API: take a newer release of Lockstep, or report it with the vendor's code."
    )


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
    default_hint = (
        "Grant the admin credential the actions that the driver needs (`lockstep drivers CODE`) on this account."
    )


class AccountUnusable(DriverError):
    """The account is gone, expired, unpaid or not resettable; it will not succeed unchanged."""

    code = "account_unusable"
    default_hint = "Look at the account at the vendor: restore or pay for it, correct the secret, or end its rotation."


class LoginRejected(DriverError):
    """The vendor said in so many words that this password does not open the account."""

    code = "login_rejected"
    default_hint = "Run the rotation again; if it persists, somebody changed the password by hand."


class OldPasswordRejected(DriverError):
    """A self-service change was refused because the old password is wrong: evidence that current is not live."""

    code = "old_password_rejected"
    retryable = True
    default_hint = (
        "The next attempt finds out which stored password is live (`lockstep doctor` shows it). If none is, somebody "
        "changed it by hand: store the live one."
    )


class PasswordReused(DriverError):
    """The vendor says that this value was used before: evidence that the candidate has been live."""

    code = "password_reused"
    retryable = True
    default_hint = "The next attempt finds out whether the candidate is live already; no action needed."


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
    default_hint = (
        "Try `lockstep verify`. If it cannot tell either, look at the host's login service and its log, or lower "
        "LOCKSTEP_MIN_EVIDENCE."
    )


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
