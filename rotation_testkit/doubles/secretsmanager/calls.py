"""The call log and the service's events; neither holds a value."""

from __future__ import annotations

from dataclasses import dataclass

_WRITES = ("PutSecretValue", "UpdateSecret", "UpdateSecretVersionStage")
"""What a rotation calls that counts against the service's quota of writes."""


@dataclass(frozen=True, slots=True)
class Move:
    """A staging label that changed its version; ``None``: it was attached or detached."""

    label: str
    source: str | None
    target: str | None


@dataclass(frozen=True, slots=True)
class Call:
    """One API call.

    Attributes:
        operation: the API's name.
        secret: the secret's name, or what the caller named when there is no such secret.
        version: the version id or token that the caller named.
        stages: the labels that the caller named.
        moves: label moves that the call made.
        outcome: ``ok``, the error's code, or ``dropped``; before the effect ``""``.
        applied: whether it took effect.
        time: epoch seconds by the double's clock.
    """

    operation: str
    secret: str | None
    version: str | None
    stages: tuple[str, ...]
    time: float
    moves: tuple[Move, ...] = ()
    outcome: str = ""
    applied: bool = False

    @property
    def writes(self) -> bool:
        """Whether it counts against the quota of writes."""
        return self.operation in _WRITES


@dataclass(frozen=True, slots=True)
class Event:
    """What the service itself reports to CloudTrail.

    Attributes:
        name: ``RotationStarted``, ``RotationSucceeded``, ``RotationFailed``, ``RotationAbandoned``, and for a rotation
            that only tests ``TestRotationStarted``, ``TestRotationSucceeded``, ``TestRotationFailed``.
        secret: ARN.
        token: the rotation's version id.
        time: epoch seconds by the double's clock.
    """

    name: str
    secret: str
    token: str
    time: float


def moves(before: dict[str, str], after: dict[str, str]) -> tuple[Move, ...]:
    """Return how the labels moved between two states."""
    return tuple(
        Move(label, before.get(label), after.get(label))
        for label in sorted({*before, *after})
        if before.get(label) != after.get(label)
    )
