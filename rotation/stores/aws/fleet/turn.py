"""What became of one secret's turn in a command over many of them."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from rotation.core.errors import RotationError
from rotation.state import parking
from rotation.stores.aws.fleet.fleet_secret import FleetSecret


class Ended(StrEnum):
    """How a turn ended; the order is that of a summary."""

    ROTATED = "rotated"
    """The new password is proved and current."""
    ALREADY_DONE = "already_done"
    """An earlier part of this run rotated it."""
    VERIFIED = "verified"
    """The current password opens the account."""
    NOT_CHECKABLE = "not_checkable"
    """The vendor has no login check here."""
    WAITS = "waits"
    """It continues by itself, or at a later run."""
    NEEDS_HUMAN = "needs_human"
    """Another attempt alone changes nothing; the reason or the error says why."""
    DRIFTED = "drifted"
    """The current password does not open the account."""
    FAILED = "failed"
    """For a reason that may pass; the error says which."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Turn:
    """One secret's turn; ``token`` is that of its rotation."""

    secret: FleetSecret
    ended: Ended
    token: str | None = None
    evidence: str | None = None
    reason: str | None = None
    error: RotationError | None = None

    def describe(self) -> dict[str, object]:
        """Return the fields of ``--json``, without empty ones."""
        fields: dict[str, object] = {
            "secret_id": self.secret.name,
            "driver": self.secret.driver,
            "outcome": self.ended.value,
            "token": self.token,
            "evidence": self.evidence,
            "reason": self.reason,
            "error": self.error.describe() if self.error else None,
        }
        return {key: value for key, value in fields.items() if value is not None}


def ended_by(error: RotationError) -> Ended:
    """Return how a turn ended that an error ended."""
    return Ended(parking.who_acts(error).value)
