"""The root of the error tree. Errors are values: a layer that adds something makes a new one."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar, Self

from rotation.core.scrub import scrub
from rotation.core.secret import Secret


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

    def changed(self, **fields: Any) -> Self:  # noqa: ANN401 - attributes of several types
        """Return a copy with other attributes, without this one's causes, notes and traceback."""
        copy = self.__class__.__new__(self.__class__)
        copy.__dict__.update({name: value for name, value in self.__dict__.items() if name != "__notes__"} | fields)
        copy.args = (copy.message,)
        return copy

    def prefixed(self, where: str) -> Self:
        """Return a copy whose message starts with whose error it is."""
        return self.changed(message=f"{where}: {self.message}")

    def with_hint(self, hint: str) -> Self:
        """Return a copy with another next step."""
        return self.changed(hint=hint)

    def scrubbed(self, secrets: tuple[Secret, ...]) -> Self:
        """Return a copy whose texts show none of the secrets, in any form in which a vendor may echo them."""
        texts = {name: getattr(self, name) for name in ("message", "hint", "vendor_code", "request_id")}
        return self.changed(**{name: scrub(text, secrets) if text else text for name, text in texts.items()})

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


class Withheld:
    """Raise what ``by`` makes of a foreign exception of these kinds, without a trace of the foreign one.

    A foreign exception may hold a secret in its text or in the local variables of its frames. ``raise ... from None``
    hides it from a traceback that is printed, but keeps it at ``__context__``.
    """

    def __init__(self, *kinds: type[Exception], by: Callable[[Any], RotationError]) -> None:
        self._kinds = kinds
        self._by = by

    def __enter__(self) -> None:
        """Nothing is needed before."""

    def __exit__(self, kind: type[BaseException] | None, foreign: BaseException | None, frames: object) -> None:
        if kind is None or not issubclass(kind, self._kinds):
            return
        failure = self._by(foreign)
        del foreign, frames  # this frame stays on the traceback of what is raised
        try:
            raise failure
        finally:
            failure.__context__ = None
