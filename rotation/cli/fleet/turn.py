"""What became of one secret's turn in a command over many of them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from rotation.cli.exit_codes import DONE, FAILED, NEEDS_HUMAN, WAITS, exit_code, worst
from rotation.core.errors import RotationError
from rotation.stores.aws.fleet_secret import FleetSecret


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
    """It goes on by itself, or at a later run."""
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


_CODES = {
    Ended.DRIFTED: NEEDS_HUMAN,
    Ended.NEEDS_HUMAN: NEEDS_HUMAN,
    Ended.FAILED: FAILED,
    Ended.WAITS: WAITS,
    Ended.NOT_CHECKABLE: WAITS,
}


def code_of(ended: Iterable[Ended]) -> int:
    """Return the exit code of many turns: that of the one that asks for most."""
    return worst(_CODES.get(each, DONE) for each in ended)


def ended_by(error: RotationError) -> Ended:
    """Return how a turn ended that an error ended; the same rule as for one secret's exit code."""
    return {NEEDS_HUMAN: Ended.NEEDS_HUMAN, WAITS: Ended.WAITS}.get(exit_code(error), Ended.FAILED)
