"""Errors as the service sends them: a code, a sentence and an HTTP status."""

from __future__ import annotations


class ServiceError(Exception):
    """One refusal. Every error of the caller is HTTP 400, also "not found" (recorded from AWS, 2022-09).

    Attributes:
        code: the ``__type`` on the wire.
        message: never holds a value.
        status: HTTP status.
    """

    def __init__(self, code: str, message: str, *, status: int = 400) -> None:
        super().__init__(f"{code}: {message}")
        self.code = code
        self.message = message
        self.status = status


class ConnectionDropped(Exception):
    """The caller gets no answer at all; whether the call took effect is the fault's choice."""


def not_found(what: str = "the specified secret") -> ServiceError:
    """There is no such secret, version or value."""
    return ServiceError("ResourceNotFoundException", f"Secrets Manager can't find {what}.")


def invalid_parameter(message: str) -> ServiceError:
    """A parameter is wrong in itself."""
    return ServiceError("InvalidParameterException", message)


def invalid_request(message: str) -> ServiceError:
    """A parameter does not fit the state of the secret."""
    return ServiceError("InvalidRequestException", message)


def exists(message: str) -> ServiceError:
    """A name or token is taken."""
    return ServiceError("ResourceExistsException", message)


def denied(message: str) -> ServiceError:
    """A right is missing."""
    return ServiceError("AccessDeniedException", message)


def invalid_value(message: str) -> ServiceError:
    """A parameter breaks a constraint of the service model."""
    return ServiceError("ValidationException", message)
