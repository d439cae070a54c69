"""What the doctor looks at: every labelled version, what is known about it, and what stands in the way."""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum

from rotation.core.errors import RotationError
from rotation.core.values import LONGEST_LOCKOUT_SECONDS, Authority, Evidence
from rotation.drivers.guarded import Guarded
from rotation.state.store import StoredValue
from rotation.state.versions import SecretState, Version

SETTLED_SECONDS = 900.0
"""A reset that has not taken effect a quarter of an hour after it was sent is taken as never applied."""


class Value(StrEnum):
    """What a version holds."""

    USABLE = "usable"
    EMPTY = "empty"
    UNUSABLE = "not an account document"
    FOREIGN = "names another account"


class Found(StrEnum):
    """What is known about a version's password."""

    LIVE = "live"
    DEAD = "not live"
    NOT_ASKED = "not asked"
    UNKNOWN = "could not tell"


@dataclass(frozen=True, slots=True, kw_only=True)
class Exhibit:
    """One version.

    Attributes:
        version: its labels.
        value: what it holds.
        found: whether its password opens the account.
        evidence: the proof, for a live one.
        stored: its value, where it is usable.
    """

    version: Version
    value: Value
    found: Found = Found.NOT_ASKED
    evidence: Evidence | None = None
    stored: StoredValue | None = None

    @property
    def id(self) -> str:
        """The version's id."""
        return self.version.id

    @property
    def sent(self) -> bool:
        """Whether a reset with it may have been sent."""
        return self.version.intent is not None


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """Everything that the verdict is made from.

    Attributes:
        state: the labels.
        now: when they were read.
        exhibits: every labelled version.
        bound: the account, when it could be bound.
        trouble: why the vendor could not be asked, or not any further.
        may_answer: whether anybody can tell if a password is live.
        window: how long a wrong login counts, in seconds; the longest there can be, where no account could be bound.
        batch: whether the secret holds several accounts.
        stopped: whether the machine is off.
        left_off: the given-up candidate whose rotation stopped the machine and never started it again.
        doubted: the version that the vendor said yes to before current was put into the secret, with another password.
    """

    state: SecretState
    now: float
    exhibits: tuple[Exhibit, ...]
    bound: Guarded | None = None
    trouble: RotationError | None = None
    may_answer: bool = False
    window: float = LONGEST_LOCKOUT_SECONDS
    batch: bool = False
    stopped: bool = False
    left_off: str | None = None
    doubted: str | None = None

    def exhibit(self, version_id: str | None) -> Exhibit | None:
        """Return one version."""
        return next((each for each in self.exhibits if each.id == version_id), None)

    def noting(self, exhibit: Exhibit) -> Case:
        """Return the case with more known about one version."""
        fresh = (exhibit if each.id == exhibit.id else each for each in self.exhibits)
        return replace(self, exhibits=tuple(fresh))

    def telling(self, asked: Exhibit, found: Found, evidence: Evidence | None) -> Case:
        """Return the case with what one version's password was found to be noted on all that hold the same one."""
        case = self
        for each in self.exhibits:
            if each.stored and asked.stored and each.stored.document.password == asked.stored.document.password:
                case = case.noting(replace(each, found=found, evidence=evidence if found is Found.LIVE else None))
        return case

    @property
    def current(self) -> Exhibit | None:
        """What readers get."""
        return self.exhibit(self.state.current_id)

    @property
    def pending(self) -> Exhibit | None:
        """The candidate of an unfinished rotation."""
        holder = self.state.holder("AWSPENDING")
        return None if holder == self.state.current_id else self.exhibit(holder)

    @property
    def live(self) -> Exhibit | None:
        """The version whose password opens the account, if one was found; of several with the same one, current."""
        found = [each for each in self.exhibits if each.found is Found.LIVE]
        return self.current if self.current in found else next(iter(found), None)

    @property
    def by_admin(self) -> bool:
        """Whether a reset needs no old password."""
        return self.bound is not None and self.bound.spec.authority is Authority.ADMIN
