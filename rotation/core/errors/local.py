"""Errors of our own side: deployment, event, secret document, time."""

from __future__ import annotations

from typing import Self

from rotation.core.errors.base import RotationError


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
    default_hint = "Change the rules that the message names; `lockstep policy CODE` shows the vendor's own."


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
    default_hint = (
        "An identifying field was edited while a rotation ran. Cancel the rotation (CancelRotateSecret, then take "
        "AWSPENDING away; in Vault `lockstep vault cancel`) and start a new one."
    )


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


class InternalError(RotationError):
    """Lockstep itself is at fault; the foreign error's text is withheld since it may hold a value."""

    code = "internal_error"
    retryable = True
    definite = False
    default_hint = "Report it with the type named in the message."

    @classmethod
    def of(cls, foreign: BaseException, where: str = "inside Lockstep") -> Self:
        """Return the error for a foreign exception; only its type's name gets out."""
        return cls(f"{type(foreign).__name__} {where}")
