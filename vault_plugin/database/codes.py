"""Translate errors into gRPC statuses. Vault and OpenBao pass code and message on, so neither may hold a value."""

from __future__ import annotations

from grpclib.const import Status
from grpclib.exceptions import GRPCError

from rotation.core import errors
from rotation.core.clock import date_of
from rotation.core.errors import RotationError
from vault_plugin.database.wording import reworded

TABLE: tuple[tuple[type[RotationError], Status], ...] = (
    (errors.ConfigError, Status.INVALID_ARGUMENT),
    (errors.SecretDocumentError, Status.INVALID_ARGUMENT),
    (errors.PasswordRejected, Status.INVALID_ARGUMENT),
    (errors.AdminRejected, Status.UNAUTHENTICATED),
    (errors.PermissionDenied, Status.PERMISSION_DENIED),
    (errors.AccountUnusable, Status.FAILED_PRECONDITION),
    (errors.PreconditionFailed, Status.FAILED_PRECONDITION),
    (errors.RequestRefused, Status.FAILED_PRECONDITION),
    (errors.NotEnoughTime, Status.DEADLINE_EXCEEDED),
    (errors.RateLimited, Status.RESOURCE_EXHAUSTED),
    (errors.InProgress, Status.UNAVAILABLE),
    (errors.TooSoon, Status.UNAVAILABLE),
    (errors.Parked, Status.UNAVAILABLE),
    (errors.VendorUnavailable, Status.UNAVAILABLE),
    (errors.OutcomeUnknown, Status.ABORTED),
    (errors.UnexpectedReply, Status.ABORTED),
    (errors.DriverBug, Status.INTERNAL),
    (errors.InternalError, Status.INTERNAL),
    (errors.EventError, Status.INTERNAL),
)
"""The first row whose class fits decides. All other errors are ``ABORTED``: the next call finds out more."""


def status(error: RotationError) -> Status:
    """Return the gRPC code of an error."""
    return next((code for kind, code in TABLE if isinstance(error, kind)), Status.ABORTED)


def as_grpc(error: RotationError) -> GRPCError:
    """Return the gRPC error: our code, the sentence, the hint, and when another attempt makes sense."""
    text = reworded(error.headline)
    if error.vendor_code:
        text += f" (vendor's code {error.vendor_code})"
    if error.request_id:
        text += f" (vendor's request {error.request_id})"
    if error.not_before is not None:
        text += f"; not before {date_of(error.not_before):%Y-%m-%dT%H:%M:%SZ}"
    if error.hint:
        text += f". {reworded(error.hint)}"
    return GRPCError(status(error), text)
