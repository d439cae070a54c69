"""Our errors as gRPC statuses. Vault and OpenBao hand code and message on literally, so neither may hold a value."""

from __future__ import annotations

from datetime import UTC, datetime

from grpclib.const import Status
from grpclib.exceptions import GRPCError

from rotation.core.errors import (
    AccountUnusable,
    AdminRejected,
    ConfigError,
    DriverBug,
    EventError,
    InProgress,
    InternalError,
    NotEnoughTime,
    OutcomeUnknown,
    Parked,
    PasswordRejected,
    PermissionDenied,
    PreconditionFailed,
    RateLimited,
    RequestRefused,
    RotationError,
    SecretDocumentError,
    TooSoon,
    UnexpectedReply,
    VendorUnavailable,
)

TABLE: tuple[tuple[type[RotationError], Status], ...] = (
    (ConfigError, Status.INVALID_ARGUMENT),
    (SecretDocumentError, Status.INVALID_ARGUMENT),
    (PasswordRejected, Status.INVALID_ARGUMENT),
    (AdminRejected, Status.UNAUTHENTICATED),
    (PermissionDenied, Status.PERMISSION_DENIED),
    (AccountUnusable, Status.FAILED_PRECONDITION),
    (PreconditionFailed, Status.FAILED_PRECONDITION),
    (RequestRefused, Status.FAILED_PRECONDITION),
    (RequestRefused, Status.FAILED_PRECONDITION),
    (NotEnoughTime, Status.DEADLINE_EXCEEDED),
    (RateLimited, Status.RESOURCE_EXHAUSTED),
    (InProgress, Status.UNAVAILABLE),
    (TooSoon, Status.UNAVAILABLE),
    (Parked, Status.UNAVAILABLE),
    (VendorUnavailable, Status.UNAVAILABLE),
    (OutcomeUnknown, Status.ABORTED),
    (UnexpectedReply, Status.ABORTED),
    (DriverBug, Status.INTERNAL),
    (InternalError, Status.INTERNAL),
    (EventError, Status.INTERNAL),
)
"""The first row whose class fits decides; what fits none is ``ABORTED``: the next call finds out more."""


def status(error: RotationError) -> Status:
    """Return the gRPC code that stands for an error."""
    return next((code for kind, code in TABLE if isinstance(error, kind)), Status.ABORTED)


def as_grpc(error: RotationError) -> GRPCError:
    """Return the error to answer with: our code, the sentence, the hint, and when another attempt makes sense."""
    text = f"{error.code}: {error.message}"
    if error.vendor_code:
        text += f" (vendor's code {error.vendor_code})"
    if error.request_id:
        text += f" (vendor's request {error.request_id})"
    if error.not_before is not None:
        text += f"; not before {datetime.fromtimestamp(error.not_before, UTC):%Y-%m-%dT%H:%M:%SZ}"
    if error.hint:
        text += f". {error.hint}"
    return GRPCError(status(error), text)
