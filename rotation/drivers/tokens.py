"""Tokens with a life: what a vendor hands out at a login, for calls of the next minutes or hours.

A driver family whose calls carry such a token asks ``Wiring.tokens`` for it. The first call of a run logs in, later
ones use the same token, and one that is about to expire is replaced before it is sent. Tokens live in memory only, as
long as the run, and are scrubbed from errors like the admin credential.

Example::

    def log_in() -> Token:
        answer = …  # POST /v3/auth/tokens with the admin credential
        return Token(Secret(answer["token"]), expires_at=answer["expires_at"])

    headers = {"X-Auth-Token": wiring.tokens.valid("iam", log_in).reveal()}
    # The vendor said that the token is no longer valid: the next ``valid`` logs in again.
    wiring.tokens.forget("iam")
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from rotation.core.secret import Secret

MARGIN_SECONDS = 60.0
"""A token that lives no longer than this is not sent any more: the call and the vendor's clock take some of it."""


@dataclass(frozen=True, slots=True)
class Token:
    """A token and the epoch second at which it expires."""

    value: Secret
    expires_at: float


@dataclass(frozen=True, slots=True)
class Tokens:
    """The tokens of one run, by a name that the driver family chooses.

    Attributes:
        now: the clock, epoch seconds.
    """

    now: Callable[[], float]
    _kept: dict[str, Token] = field(default_factory=dict, repr=False)
    _dropped: list[Secret] = field(default_factory=list, repr=False)

    def valid(self, name: str, log_in: Callable[[], Token]) -> Secret:
        """Return a token that is valid now; log in if there is none, or if it is about to expire.

        Raises:
            DriverError: what ``log_in`` raised.
        """
        kept = self._kept.get(name)
        if kept is None or kept.expires_at - self.now() <= MARGIN_SECONDS:
            self.forget(name)
            kept = self._kept[name] = log_in()
        return kept.value

    def forget(self, name: str) -> None:
        """Log in again at the next use, since the vendor no longer takes the token."""
        dropped = self._kept.pop(name, None)
        if dropped is not None:
            self._dropped.append(dropped.value)

    @property
    def secrets(self) -> tuple[Secret, ...]:
        """Every token of this run, to be scrubbed."""
        return (*(token.value for token in self._kept.values()), *self._dropped)
