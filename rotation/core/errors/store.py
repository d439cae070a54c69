"""Errors of the secret store."""

from __future__ import annotations

from rotation.core.errors.base import RotationError


class StoreError(RotationError):
    """The secret store could not do what was asked."""

    code = "store_error"
    default_hint = "Look at the secret's state in its store; the store's documentation tells what its code means."


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


class StoreFull(StoreError):
    """A quota of the secret is used up: 20 labels in all, some 100 versions."""

    code = "store_full"
    default_hint = (
        "Remove labels of your own. Of versions without a stage whose rotation was cancelled, `:failed` labels may "
        "go, too, and `lockstep:rejected` and `:parked` labels once the vendor's lock-out window is over; "
        "`lockstep:intent` must stay, since such a version may be live."
    )


class StoreUnavailable(StoreError):
    """The store did not answer, or throttled."""

    code = "store_unavailable"
    retryable = True
    default_hint = "The service retries; look at the store's health page if it lasts."
