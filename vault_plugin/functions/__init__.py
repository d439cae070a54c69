"""AWS Lambda functions that run the Vault job."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from rotation.core.errors import InternalError, RotationError, Withheld


def failures_logged(write: Callable[[Mapping[str, object]], None]) -> Withheld:
    """Return a context that writes an exception as an error line and raises it as one of Lockstep's errors.

    A foreign exception's text may hold a value, so only its type is named. Causes and frames stay inside.
    """

    def failed(foreign: Exception) -> RotationError:
        failure = foreign.changed() if isinstance(foreign, RotationError) else InternalError.of(foreign)
        write({"error": failure.describe()})
        return failure

    return Withheld(Exception, by=failed)
