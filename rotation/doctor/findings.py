"""The findings of an examination: every labelled version, what is known about it, and what prevented more."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from rotation.core.errors import RotationError
from rotation.core.values import LONGEST_LOCKOUT_SECONDS, Authority, Evidence
from rotation.drivers.guarded import Guarded
from rotation.state.stages import PENDING
from rotation.state.store import StoredValue
from rotation.state.versions import SecretState, Version

SETTLED_SECONDS = 900.0
"""A reset that has not taken effect a quarter of an hour after it was sent counts as never applied."""


class Content(StrEnum):
    """What a version holds."""

    USABLE = "usable"
    EMPTY = "empty"
    UNUSABLE = "not an account document"
    FOREIGN = "names another account"
    PLANTED = "was not made by Lockstep"


class PasswordState(StrEnum):
    """What is known about a version's password."""

    LIVE = "live"
    DEAD = "not live"
    NOT_ASKED = "not asked"
    UNKNOWN = "could not tell"


@dataclass(slots=True, kw_only=True)
class ExaminedVersion:
    """One version; the examination notes what it finds out.

    Attributes:
        version: its labels.
        content: what it holds.
        password: whether its password opens the account.
        evidence: the proof, for a live password.
        stored: its value, where it is usable.
        bound: the account that it names.
    """

    version: Version
    content: Content
    password: PasswordState = PasswordState.NOT_ASKED
    evidence: Evidence | None = None
    stored: StoredValue | None = None
    bound: Guarded | None = None

    @property
    def id(self) -> str:
        """The version's id."""
        return self.version.id

    @property
    def sent(self) -> bool:
        """Whether a reset with it may have been sent."""
        return self.version.intent is not None

    @property
    def usable(self) -> bool:
        """Whether it holds a document of this account."""
        return self.content is Content.USABLE

    def set_aside(self, content: Content) -> None:
        """Note that this version's value cannot be used for this account."""
        self.content, self.stored = content, None


@dataclass(slots=True, kw_only=True)
class Findings:
    """Everything that a diagnosis is made from; filled in by the examination, and only read after it.

    Attributes:
        state: the labels.
        now: when the labels were read.
        versions: every labelled version.
        bound: the account, when it could be bound.
        error: why the vendor could not be asked, or not any further.
        checkable: whether a login, or weaker proof that suffices, shows if a password is live.
        window: how long a wrong login counts, in seconds; the longest possible time when no account could be bound.
        batch: whether the secret holds several accounts.
        in_turns: whether it names two that take turns, so that current and the candidate may both be live.
        stopped: whether the machine is off.
        stopped_by: the abandoned candidate whose rotation stopped the machine and never started it again.
        kept: whether older versions were not tried, so that one login of the budget is left for a rotation.
        overtaken: a version that the vendor accepted before an operator put another password into current.
    """

    state: SecretState
    now: float
    versions: list[ExaminedVersion]
    bound: Guarded | None = None
    error: RotationError | None = None
    checkable: bool = False
    window: float = LONGEST_LOCKOUT_SECONDS
    batch: bool = False
    in_turns: bool = False
    stopped: bool = False
    stopped_by: str | None = None
    kept: bool = False
    overtaken: str | None = None

    def version(self, version_id: str | None) -> ExaminedVersion | None:
        """Return one version."""
        return next((each for each in self.versions if each.id == version_id), None)

    def note_password(self, asked: ExaminedVersion, password: PasswordState, evidence: Evidence) -> None:
        """Note a password's state on every version that holds this password of the same account."""
        for each in self.versions:
            if each.bound is not asked.bound or each.stored is None or asked.stored is None:
                continue
            if each.stored.document.password == asked.stored.document.password:
                each.password = password
                each.evidence = evidence if password is PasswordState.LIVE else None

    @property
    def current(self) -> ExaminedVersion | None:
        """What readers get."""
        return self.version(self.state.current_id)

    @property
    def pending(self) -> ExaminedVersion | None:
        """The candidate of an unfinished rotation; a version that is or was current is not one."""
        holder = self.state.holder(PENDING)
        return None if holder in (self.state.current_id, self.state.previous_id) else self.version(holder)

    @property
    def live(self) -> ExaminedVersion | None:
        """A version whose password opens its account.

        Where there are several, it is the candidate if two accounts take turns, since its rotation can be ended, or
        else current, which holds the same password.
        """
        live = [each for each in self.versions if each.password is PasswordState.LIVE]
        if self.in_turns and self.pending is not None and self.pending in live:
            return self.pending
        return self.current if self.current in live else next(iter(live), None)

    @property
    def by_admin(self) -> bool:
        """Whether a reset needs no old password."""
        return self.bound is not None and self.bound.spec.authority is Authority.ADMIN
