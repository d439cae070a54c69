"""AWS Lambda functions that run the Vault job."""

from __future__ import annotations

from rotation.core.errors import InternalError, RotationError


def reported(foreign: Exception) -> RotationError:
    """Return the error to log and to raise. A foreign exception's text may hold a value, so only its type is named."""
    return foreign.changed() if isinstance(foreign, RotationError) else InternalError.of(foreign)
