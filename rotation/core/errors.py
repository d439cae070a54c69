"""The error tree. A class says whose fault an error is; its attributes say whether to try again and what to do next.

    RotationError
        ConfigError
            SettingsError
            UnknownDriver
            DriverNotAllowed
            HostNotAllowed
            PortNotAllowed
            NotEnrolled
            MissingExtra
            PolicyError
        EventError
            StageError
            NotReady                        retryable
            RotationNotEnabled
        SecretDocumentError
            IdentityChanged
            CandidateForeign
            BindingMismatch
            HostKeyChanged
        NotEnoughTime                       retryable
        Interrupted                         retryable
        Parked                              retryable
        InternalError                       retryable, indefinite
        StoreError
            SecretNotFound
            NotYetVisible                   retryable
            StageConflict                   retryable
            StoreDenied
            StoreFull
            StoreUnreachable
            StoreUnavailable                retryable
        DriverError
            VendorUnavailable               retryable
                RateLimited                 retryable
            InProgress                      retryable
            TooSoon                         retryable
            PreconditionFailed
            RequestRefused
            OutcomeUnknown                  retryable, indefinite
            AdminRejected
            PermissionDenied
            AccountUnusable
            LoginRejected
            OldPasswordRejected             retryable
            PasswordReused                  retryable
            PasswordRejected
            AccountLocked                   retryable
            CannotVerify                    retryable
            UnexpectedReply                 retryable, indefinite
            DriverBug                       indefinite

``retryable`` errors may pass by themselves: the same call may succeed later. The others need a human or another call.
``indefinite`` errors leave open whether the vendor changed something; all others are ``definite``: it changed nothing.

Each class has a stable ``code``, its name in snake case (``too_soon``). Each error has a ``hint`` for people on call.
Messages name keys, codes and rules. They never hold a value from a secret, a vendor's answer or an event.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, ClassVar, Self

from rotation.core.scrub import scrub
from rotation.core.secret import Secret

_REPORT = "Run `lockstep doctor`: it shows which password works. Report the bug with the type that the message names."


class RotationError(Exception):
    """Base class of all errors that Lockstep raises on purpose.

    Args:
        message: one sentence without any secret value.
        hint: the next step for a human; by default the hint of the class.
        vendor_code: the vendor's or store's own error code, if it sent one.
        request_id: the vendor's or store's request id, for support tickets.
        not_before: epoch seconds before which another attempt is pointless.
        unsent: whether it is certain that no part of the request or login has left this machine.

    Attributes:
        dead_since: epoch seconds since when readers hold, or may hold, a dead password; see ``engine.outcome.gap``.
        members: the result for each account of a batch.
        subject: the fields by which a command's ``--json`` names the secret, such as ``secret_id``.
    """

    code: ClassVar[str] = "rotation_error"
    retryable: ClassVar[bool] = False
    definite: bool = True  # an instance may say otherwise
    default_hint: ClassVar[str] = ""

    def __init__(  # noqa: PLR0913 - one argument for each fact that may be known
        self,
        message: str,
        *,
        hint: str | None = None,
        vendor_code: str | None = None,
        request_id: str | None = None,
        not_before: float | None = None,
        unsent: bool = False,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.hint = self.default_hint if hint is None else hint
        self.vendor_code = vendor_code
        self.request_id = request_id
        self.not_before = not_before
        self.unsent = unsent
        self.dead_since: float | None = None
        self.members: tuple[dict[str, object], ...] = ()
        self.subject: Mapping[str, object] = {}

    def changed(self, **fields: Any) -> Self:  # noqa: ANN401 - attributes of several types
        """Return a copy with some attributes replaced and without cause, notes and traceback."""
        copy = self.__class__.__new__(self.__class__)
        copy.__dict__.update({name: value for name, value in self.__dict__.items() if name != "__notes__"} | fields)
        copy.args = (copy.message,)
        return copy

    def prefixed(self, where: str) -> Self:
        """Return a copy whose message starts with ``where``, such as the name of an account."""
        return self.changed(message=f"{where}: {self.message}")

    def with_hint(self, hint: str) -> Self:
        """Return a copy with another hint."""
        return self.changed(hint=hint)

    def scrubbed(self, secrets: tuple[Secret, ...]) -> Self:
        """Return a copy with these secrets masked in all texts, in every encoding in which a vendor may echo them."""
        texts = {name: getattr(self, name) for name in ("message", "hint", "vendor_code", "request_id")}
        return self.changed(**{name: scrub(text, secrets) if text else text for name, text in texts.items()})

    @property
    def headline(self) -> str:
        """The code and the message, for people; a message that begins with the code stands alone."""
        return self.message if self.message.startswith(f"{self.code}: ") else f"{self.code}: {self.message}"

    def describe(self) -> dict[str, object]:
        """Return the non-empty fields for logs and ``--json``."""
        fields: dict[str, object] = {
            "code": self.code,
            "message": self.message,
            "hint": self.hint,
            "retryable": self.retryable,
            "vendor_code": self.vendor_code,
            "vendor_request_id": self.request_id,
            "not_before": self.not_before,
            "dead_since": self.dead_since,
            "members": list(self.members),
            **self.subject,
        }
        return {key: value for key, value in fields.items() if value not in (None, "", [])}


class Withheld:
    """A context manager that replaces foreign exceptions of these kinds by the error that ``by`` makes of them.

    A foreign exception may hold a secret in its text or in the local variables of its frames. ``raise ... from None``
    only hides it when a traceback is printed; it stays reachable at ``__context__``. Here no reference to it is left.
    """

    def __init__(self, *kinds: type[Exception], by: Callable[[Any], RotationError]) -> None:
        self._kinds = kinds
        self._by = by

    def __enter__(self) -> None:
        """Do nothing."""

    def __exit__(self, kind: type[BaseException] | None, foreign: BaseException | None, frames: object) -> None:
        if kind is None or not issubclass(kind, self._kinds):
            return
        failure = self._by(foreign)
        del foreign, frames  # this frame is part of the new error's traceback
        try:
            raise failure
        finally:
            failure.__context__ = None


# Errors on our own side: deployment, event, secret document, time.


class ConfigError(RotationError):
    """The deployment's configuration is wrong; nothing was called."""

    code = "config_error"
    default_hint = "Correct the deployment's settings (`lockstep config check`), and run the rotation again."


class SettingsError(ConfigError):
    """Settings are missing, unknown or malformed; the message lists all faults, the hint names their place."""

    code = "settings_error"
    _OWNERS: ClassVar[dict[str, str]] = {
        "secret": "Correct the keys in the rotated secret's own value; the deployment is not at fault.",
        "custom metadata": "Correct the secret's custom metadata; the deployment is not at fault.",
        "wishes for passwords": "Correct the secret's tag (in KV: custom metadata); the deployment is not at fault.",
    }

    def __init__(self, where: str, faults: tuple[str, ...], *, hint: str | None = None) -> None:
        super().__init__(f"{where}: {'; '.join(faults)}", hint=self._OWNERS.get(where) if hint is None else hint)
        self.where = where
        self.faults = faults


class UnknownDriver(ConfigError):
    """No driver with this code is built in or named by the deployment."""

    code = "unknown_driver"
    default_hint = "`lockstep drivers` lists the codes. LOCKSTEP_PLUGINS must name the package of a driver of your own."


class DriverNotAllowed(ConfigError):
    """The secret names a driver that this deployment does not allow."""

    code = "driver_not_allowed"
    default_hint = "Add the driver to LOCKSTEP_DRIVERS, or correct the secret's `driver` key."


class HostNotAllowed(ConfigError):
    """A request would go to a host that the deployment does not allow."""

    code = "host_not_allowed"
    default_hint = "Add the host to LOCKSTEP_HOSTS if Lockstep may call it. Plain http is allowed on loopback only."


class PortNotAllowed(ConfigError):
    """The secret's value names a login port that the deployment does not allow."""

    code = "port_not_allowed"
    default_hint = "Add the port to LOCKSTEP_LOGIN_PORTS, such as ssh:2222, or remove it from the secret's value."


class NotEnrolled(ConfigError):
    """The secret is not bound to an account, and the deployment demands a binding; nothing was called."""

    code = "not_enrolled"
    default_hint = (
        "Check that the value names the right account. Then bind the secret to it: `lockstep enroll SECRET`, in Vault "
        "`lockstep vault enroll PATH`. This needs the right to tag the secret (in Vault: to write its metadata)."
    )


class MissingExtra(ConfigError):
    """An optional package that is needed here is not installed."""

    code = "missing_extra"
    default_hint = "Install requirements.txt and the wheel that `make dist` builds in a checkout (README, Install)."


class PolicyError(ConfigError):
    """A password policy contradicts itself or is too weak."""

    code = "policy_error"
    default_hint = "Change the rules that the message names; `lockstep policy CODE` shows the vendor's own."


class EventError(RotationError):
    """The rotation event cannot be carried out; nothing was called."""

    code = "event_error"
    default_hint = (
        "An event needs Step, SecretId and ClientRequestToken, as Secrets Manager sends them. Compare the event with "
        "events/*.json."
    )


class StageError(EventError):
    """The state of the token's version does not allow this step."""

    code = "stage_error"
    default_hint = "Run `lockstep doctor`: it shows the stages and what is wrong. A new rotation needs a new token."


class NotReady(EventError):
    """An earlier step has not finished, or its result is not visible yet."""

    code = "not_ready"
    retryable = True
    default_hint = "Secrets Manager retries the whole rotation. Act only if this repeats for hours."


class RotationNotEnabled(EventError):
    """Rotation is switched off for this secret."""

    code = "rotation_not_enabled"
    default_hint = "Enable rotation on the secret (RotateSecret with this function and a schedule)."


class SecretDocumentError(RotationError):
    """The secret's value is not a usable account document."""

    code = "secret_document_error"
    default_hint = "The value must be a JSON object with driver, username, password and the driver's own keys."


class IdentityChanged(SecretDocumentError):
    """Current and candidate name different accounts; a reset could change the wrong one."""

    code = "identity_changed"
    default_hint = (
        "Somebody edited a field that identifies the account while a rotation ran. Put the former value back, and the "
        "rotation continues. To rotate the new account instead, run `lockstep doctor`: it says which password to save "
        "first. Then cancel the rotation (CancelRotateSecret, then remove AWSPENDING; in Vault `lockstep vault "
        "cancel`) and start a new one."
    )


class CandidateForeign(SecretDocumentError):
    """Lockstep did not make the version under AWSPENDING, and does not use its password."""

    code = "candidate_foreign"
    default_hint = (
        "Find out who wrote the version (CloudTrail: PutSecretValue). Then remove AWSPENDING from it (`aws "
        "secretsmanager update-secret-version-stage --version-stage AWSPENDING --remove-from-version-id …`) and rotate "
        "again. If an earlier release made the version, or if the seal's key was replaced, run `lockstep doctor` with "
        "LOCKSTEP_SEAL_SECRET=off instead."
    )


class BindingMismatch(SecretDocumentError):
    """The value does not name the account to which the secret is bound; nothing was called."""

    code = "binding_mismatch"
    default_hint = (
        "Somebody changed the account in the value. Put the right value back. To rotate the new account from now on, "
        "bind the secret again: `lockstep enroll SECRET`, in Vault `lockstep vault enroll PATH`."
    )


class HostKeyChanged(SecretDocumentError):
    """The value names a key, address or port for the login that is not the known one; no password was sent."""

    code = "host_key_changed"
    default_hint = (
        "If the machine was reinstalled or moved, check its new key over a network that you trust, and store it in the "
        "value. Then bind the secret again: `lockstep enroll SECRET`, in Vault `lockstep vault enroll PATH`. Otherwise "
        "somebody may try to send a login to another host: put the former value back."
    )


class NotEnoughTime(RotationError):
    """The time that is left is too short to start a vendor call safely."""

    code = "not_enough_time"
    retryable = True
    default_hint = (
        "The next attempt has its full time again. If this repeats, raise the function's time-out (TimeoutSeconds)."
    )


class Interrupted(RotationError):
    """The process was asked to stop (Ctrl-C, SIGTERM) before the work began or before it ended."""

    code = "interrupted"
    retryable = True
    default_hint = "Run the same command again. It finds out what this run has done."


class Parked(RotationError):
    """The rotation was stopped on purpose; it waits for a time or for a human."""

    code = "parked"
    retryable = True

    def __init__(self, message: str, *, reason: str, not_before: float | None, hint: str | None = None) -> None:
        super().__init__(message, hint=hint, not_before=not_before)
        self.reason = reason

    def describe(self) -> dict[str, object]:
        """Return the fields of every error, and the reason."""
        return {**super().describe(), "reason": self.reason}


class InternalError(RotationError):
    """Lockstep itself failed; the text of the foreign exception is withheld, because it may hold a secret."""

    code = "internal_error"
    retryable = True
    definite = False
    default_hint = _REPORT

    @classmethod
    def of(cls, foreign: BaseException, where: str = "inside Lockstep") -> Self:
        """Return the error for a foreign exception, with the name of its type and nothing else of it."""
        return cls(f"{type(foreign).__name__} {where}")


# Errors of the secret store.


class StoreError(RotationError):
    """The secret store could not carry out a request."""

    code = "store_error"
    default_hint = "Look at the secret in its store. The store's documentation explains the store's code."


class SecretNotFound(StoreError):
    """The store has no such secret."""

    code = "secret_not_found"
    default_hint = "Check the secret's name or ARN, region and account."


class NotYetVisible(StoreError):
    """A value was stored, but the store does not return it yet."""

    code = "not_yet_visible"
    retryable = True
    default_hint = "The store shows a new value only after a while. The next attempt reads it."


class StageConflict(StoreError):
    """A compare-and-swap failed, or another value is stored under this token."""

    code = "stage_conflict"
    retryable = True
    default_hint = "Another run or an operator changed the secret at the same time. The next attempt reads it again."


class StoreDenied(StoreError):
    """The store refused the request: a right is missing."""

    code = "store_denied"
    default_hint = "Grant the caller the actions that template.yaml lists, and the use of the KMS key."


class StoreFull(StoreError):
    """A quota of the secret is used up: at most 20 labels, about 100 versions."""

    code = "store_full"
    default_hint = (
        "Lockstep has already removed its own expired labels. If the error has a `not_before`, wait until then: enough "
        "other labels expire by that time. Otherwise run `lockstep doctor`. It plans to remove the labels of versions "
        "whose passwords are dead, and names the labels that only you may remove. Keep each `lockstep:intent` label: "
        "its version may be live."
    )


class StoreUnreachable(StoreError):
    """A setting for the connection to the store is wrong; every attempt fails until somebody corrects the setting."""

    code = "store_unreachable"
    default_hint = "Correct the deployment's setting that the message names."


class StoreUnavailable(StoreError):
    """The store did not answer, or it throttled the request."""

    code = "store_unavailable"
    retryable = True
    default_hint = "The next attempt may succeed. If this lasts, look at the store's status page."


# Errors of vendor calls.


class DriverError(RotationError):
    """A vendor call failed. A driver raises no other errors than this and its subclasses."""

    code = "driver_error"


class VendorUnavailable(DriverError):
    """The vendor could not be reached, or answered that it is unavailable; nothing was changed."""

    code = "vendor_unavailable"
    retryable = True
    default_hint = "Look at the vendor's status page. The rotation continues by itself when the vendor answers again."


class RateLimited(VendorUnavailable):
    """The vendor throttled the request; nothing was changed."""

    code = "rate_limited"
    default_hint = "Spread the rotation schedules of the secrets that share one vendor account."


class InProgress(DriverError):
    """An operation on this account is already running; a second one is not sent."""

    code = "in_progress"
    retryable = True
    default_hint = "The next attempt finds out how the running operation ended."


class TooSoon(DriverError):
    """The password is younger than the vendor's minimum age."""

    code = "too_soon"
    retryable = True
    default_hint = "Wait until `not_before`. The first attempt after that time continues."


class PreconditionFailed(DriverError):
    """The vendor refuses a reset in the target's present state."""

    code = "precondition_failed"
    default_hint = "Change the target's state so that the vendor allows a reset. Then run the rotation again."


class RequestRefused(DriverError):
    """The vendor refused the request itself, and would refuse it again; nothing was changed."""

    code = "request_refused"
    default_hint = (
        "Compare LOCKSTEP_<CODE>_ENDPOINT with the driver's own (`lockstep drivers CODE`). If they agree, the vendor "
        "changed its API: take a newer release of Lockstep, or report it with the vendor's code."
    )


class OutcomeUnknown(DriverError):
    """Nobody knows yet whether the change was applied; the next attempt finds out before it sends another one."""

    code = "outcome_unknown"
    retryable = True
    definite = False
    default_hint = "Do nothing. Both passwords are stored, and the next attempt finds out which one is live."


class AdminRejected(DriverError):
    """The vendor refused Lockstep's key, signature or time."""

    code = "admin_rejected"
    default_hint = "Check the admin credential of this driver, and the clock of the machine that runs Lockstep."


class PermissionDenied(DriverError):
    """The admin credential lacks a right for this account."""

    code = "permission_denied"
    default_hint = (
        "Grant the admin credential the actions that the driver needs (`lockstep drivers CODE`) on this account."
    )


class AccountUnusable(DriverError):
    """The account no longer exists, has expired, is not paid for or cannot be reset; a retry does not help."""

    code = "account_unusable"
    default_hint = (
        "Look at the account in the vendor's console. Restore the account or pay for it, correct the secret, or end "
        "its rotation."
    )


class LoginRejected(DriverError):
    """The vendor says that this password does not open the account."""

    code = "login_rejected"
    default_hint = (
        "Run `lockstep doctor`: it shows which stored password opens the account. If no stored password does, somebody "
        "changed the password by hand: put the live password into the secret."
    )


class OldPasswordRejected(DriverError):
    """The vendor refused a change because the old password is wrong, so current is not the live password."""

    code = "old_password_rejected"
    retryable = True
    default_hint = (
        "The next attempt finds out which stored password is live (`lockstep doctor` shows it). If no stored password "
        "is live, somebody changed it by hand: store the live password."
    )


class PasswordReused(DriverError):
    """The vendor refused a password because it was used before, so the candidate may have been live already."""

    code = "password_reused"
    retryable = True
    default_hint = "Do nothing. The next attempt finds out whether the candidate is live already."


class PasswordRejected(DriverError):
    """The new password breaks the vendor's rules; nothing was changed."""

    code = "password_rejected"
    default_hint = (
        "The vendor's password rules are stricter than the driver's. Restrict the passwords with `password_exclude` or "
        "`password_length`, rotate again, and report the difference."
    )


class AccountLocked(DriverError):
    """The account is locked; no login is tried until the lock-out ends."""

    code = "account_locked"
    retryable = True
    default_hint = "Wait until `not_before`. Further logins would prolong the lock."


class CannotVerify(DriverError):
    """A login could not be tried, so nothing is known about the password."""

    code = "cannot_verify"
    retryable = True
    default_hint = (
        "Run `lockstep verify`. If this also fails, look at the host's login service and its log, or lower "
        "LOCKSTEP_MIN_EVIDENCE."
    )


class UnexpectedReply(DriverError):
    """The driver's table does not list the vendor's answer; it never counts as success.

    In answer to a read it is definite.
    """

    code = "unexpected_reply"
    retryable = True
    definite = False
    default_hint = (
        "The next attempt finds out what happened. If this repeats, a proxy may answer instead of the vendor, or the "
        "vendor's API has changed. Check HTTPS_PROXY and LOCKSTEP_<CODE>_ENDPOINT, or report the error."
    )


class DriverBug(DriverError):
    """A driver raised an exception that is no DriverError; its text is withheld, because it may hold a secret."""

    code = "driver_bug"
    definite = False
    default_hint = _REPORT
