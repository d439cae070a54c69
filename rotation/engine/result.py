"""What a step did, for the log line and for ``--json``."""

from __future__ import annotations

from dataclasses import dataclass

from rotation.core.errors import RotationError
from rotation.core.values import Evidence


@dataclass(frozen=True, slots=True, kw_only=True)
class MemberResult:
    """What a step did for one account of a batch.

    Attributes:
        name: what tells it from the others, such as its id.
        outcome: one word; ``current`` if its new password is current although another account failed.
        evidence: the proof, when there is one.
        error: why it failed.
        trusted_host_key: as in ``Result``.
        dead_since: of a step that failed, since when readers may hold a dead password of this account.
    """

    name: str
    outcome: str
    evidence: Evidence | None = None
    error: RotationError | None = None
    trusted_host_key: str | None = None
    dead_since: float | None = None

    def describe(self) -> dict[str, object]:
        """Return the fields that logs and ``--json`` show, without empty ones."""
        fields: dict[str, object] = {
            "name": self.name,
            "outcome": self.outcome,
            "evidence": self.evidence.name if self.evidence else None,
            "trusted_host_key": self.trusted_host_key,
            "dead_since": self.dead_since,
            "error": self.error.describe() if self.error else None,
        }
        return {key: value for key, value in fields.items() if value is not None}


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """What a step did.

    Attributes:
        outcome: one word for logs and ``--json``.
        driver: the driver's code, when one was bound.
        evidence: the proof, when there is one.
        trusted_host_key: an SSH host's public key that was learnt now, and is pinned from now on.
        members: how each account fared, where the secret holds a batch.
        binding: ``recorded`` if the secret was bound to its account now, or the code of the error that prevented it.
    """

    outcome: str
    driver: str | None = None
    evidence: Evidence | None = None
    trusted_host_key: str | None = None
    members: tuple[MemberResult, ...] = ()
    binding: str | None = None
