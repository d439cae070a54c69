"""What the doctor reports: the secret's condition, and what ``repair`` will do about it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType

from rotation.doctor.findings import Findings, PasswordState
from rotation.engine.outcome.gap import dead_since


class Condition(StrEnum):
    """The condition of the secret."""

    HEALTHY = "healthy"
    """Current is live, or nothing can show it and nothing contradicts it; nothing is left over."""
    REPAIRABLE = "repairable"
    """``repair`` carries the plan out."""
    WAITING = "waiting"
    """Nothing is to be done before ``not_before``."""
    HUMAN = "needs a human"
    """``advice`` says what to do."""


class Verb(StrEnum):
    """What ``repair`` can do with a version; see ``MEANINGS``."""

    PROMOTE = "promote"
    RELEASE = "release"
    RESUME = "resume"
    START = "start"
    SETTLE = "settle"


MEANINGS: Mapping[Verb, str] = MappingProxyType(
    {
        Verb.PROMOTE: "make it current, by compare-and-swap: its password is the live one",
        Verb.RELEASE: "drop this candidate: no reset with it can be live",
        Verb.RESUME: "continue this rotation: find out, send the same candidate again if need be, prove it, make it "
        "current",
        Verb.START: "bring the machine back into the state in which this version's rotation found it",
        Verb.SETTLE: "remove left-over labels",
    }
)


@dataclass(frozen=True, slots=True)
class Action:
    """One thing to do with one version."""

    verb: Verb
    version_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Diagnosis:
    """The result of an examination.

    Attributes:
        condition: of the secret.
        summary: one sentence.
        findings: what the diagnosis is made from.
        plan: what ``repair`` will do, in this order.
        advice: what a human must do, where only a human can.
        not_before: epoch seconds before which another examination is of no use.
    """

    condition: Condition
    summary: str
    findings: Findings
    plan: tuple[Action, ...] = ()
    advice: str = ""
    not_before: float | None = None

    @property
    def live(self) -> str | None:
        """The version whose password opens the account."""
        return self.findings.live.id if self.findings.live else None

    @property
    def dead_since(self) -> float | None:
        """Since when readers hold, or may hold, a dead password, in epoch seconds; see ``engine.outcome.gap``."""
        current = self.findings.current
        opens = current is not None and current.password is PasswordState.LIVE
        spared = opens or self.condition is Condition.HEALTHY or self.findings.in_turns
        return None if spared else dead_since(self.findings.state)
