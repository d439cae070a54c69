"""What the doctor says: how the secret is, and what ``repair`` will do about it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from rotation.doctor.case import Case


class Condition(StrEnum):
    """How the secret is."""

    HEALTHY = "healthy"
    """Current is live, or nobody can tell and nothing speaks against it; nothing is left over."""
    REPAIRABLE = "repairable"
    """``repair`` carries the plan out."""
    WAITING = "waiting"
    """Nothing is to be done before ``not_before``."""
    HUMAN = "needs a human"
    """``advice`` says what to do."""


class Verb(StrEnum):
    """What ``repair`` can do."""

    PROMOTE = "promote"
    """Make this version current, naming the one that is: its password is the live one."""
    RELEASE = "release"
    """Drop this candidate: no reset with it can be live."""
    RESUME = "resume"
    """Go on with this rotation: find out, send the same candidate again if need be, prove it, make it current."""
    START = "start"
    """Bring the machine back into the state in which this version's rotation found it."""
    SETTLE = "settle"
    """Take labels away that are left over."""


@dataclass(frozen=True, slots=True)
class Action:
    """One thing to do with one version."""

    verb: Verb
    version_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Diagnosis:
    """What the doctor says.

    Attributes:
        condition: how the secret is.
        summary: one sentence.
        case: what it is made from.
        plan: what ``repair`` will do, in this order.
        advice: what a human must do, where only a human can.
        not_before: epoch seconds before which another look is of no use.
    """

    condition: Condition
    summary: str
    case: Case
    plan: tuple[Action, ...] = ()
    advice: str = ""
    not_before: float | None = None

    @property
    def live(self) -> str | None:
        """The version whose password opens the account."""
        return self.case.live.id if self.case.live else None
