"""The root of the error tree."""

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
        unsent: whether it is certain that nothing which the request or the login bears has left this machine.
    """

    code: ClassVar[str] = "rotation_error"
    retryable: ClassVar[bool] = False
    definite: bool = True  # an error that may be either way says so itself
    default_hint: ClassVar[str] = ""

    def __init__(  # noqa: PLR0913 - one argument for each thing that may be known
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
        self.members: tuple[dict[str, object], ...] = ()  # how each account fared, where the secret holds a batch

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
            "members": list(self.members),
        }
        return {key: value for key, value in fields.items() if value not in (None, "", [])}
