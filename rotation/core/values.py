"""Values that all packages share: steps, verdicts, evidence, power states, tasks, observations, a target's rules."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import Enum, IntEnum, StrEnum

from rotation.core.errors import DriverError, EventError
from rotation.core.secret import Secret


class Step(StrEnum):
    """The four steps of a rotation, as Secrets Manager spells them in events."""

    CREATE = "createSecret"
    SET = "setSecret"
    TEST = "testSecret"
    FINISH = "finishSecret"

    @classmethod
    def parse(cls, text: object) -> Step:
        """Return the step for ``createSecret``, as in real events, or ``create_secret``, as in AWS's user guide."""
        for step in cls:
            if text in (step.value, f"{step.name.lower()}_secret"):
                return step
        raise EventError("the event's Step is none of createSecret, setSecret, testSecret, finishSecret")


class Verdict(Enum):
    """The result of a login. A login whose result is unknown raises an exception."""

    ACCEPTED = "accepted"
    REJECTED = "rejected"


class Evidence(IntEnum):
    """How it was proved that a password works; a larger value proves more."""

    ACCEPTED = 1
    READBACK = 2
    LOGIN = 3

    @classmethod
    def parse(cls, text: str) -> Evidence:
        """Return the evidence with this name, in upper or lower case."""
        try:
            return cls[text.strip().upper()]
        except KeyError:
            raise ValueError("must be one of LOGIN, READBACK, ACCEPTED") from None


class Authority(StrEnum):
    """Who may change the password."""

    ADMIN = "admin"
    """An API key resets it; the old password is not needed."""
    SELF = "self"
    """The account changes its own password and must send the old one."""


class Power(StrEnum):
    """Whether a machine is on."""

    RUNNING = "running"
    STOPPED = "stopped"


class PowerWish(StrEnum):
    """The power state after a rotation, as the account document's ``power`` key asks for it."""

    AS_FOUND = "as_found"
    RUNNING = "running"
    STOPPED = "stopped"


class TaskState(StrEnum):
    """The state of an asynchronous reset."""

    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Task:
    """The vendor's id of an asynchronous reset; it must fit a label: 1 to 200 printable ASCII characters."""

    id: str

    def __post_init__(self) -> None:
        if not self.is_id(self.id):
            raise ValueError("a task id has 1 to 200 printable characters")

    @staticmethod
    def is_id(text: str) -> bool:
        """Return whether a text has the form of a task's id."""
        return re.fullmatch(r"[!-~]{1,200}", text) is not None


@dataclass(frozen=True, slots=True)
class Progress:
    """The vendor's answer to a question about a task."""

    state: TaskState
    detail: str = ""


@dataclass(frozen=True, slots=True)
class LoginTarget:
    """A host where a login can prove a password.

    Attributes:
        kind: the login probe's name: ``ssh``, ``winrm``, ``mysql``, ``postgresql``, ``redis``, or a plug-in's.
        username: the user that logs in; empty for a server that asks for a password alone (``redis``).
        host_key: proof of the host's identity. For ``ssh`` its public key, as a line of known_hosts without the host.
            For the others the fingerprint of its certificate; ``None`` accepts one that an authority has signed.
        database: the database to open, where the protocol has databases; ``None`` for the server's usual one.
    """

    kind: str
    host: str
    port: int
    username: str
    host_key: str | None = None
    database: str | None = None


LONGEST_LOCKOUT_SECONDS = 9_999_999
"""The longest lock-out window that a driver or an operator can state, about 115 days."""


@dataclass(frozen=True, slots=True)
class Lockout:
    """A vendor's lock-out rule; ``reserve`` wrong logins are left to the account's human users.

    ``in_a_row``: the vendor may count wrong logins without a right one in between, however far apart, as its rule is
    not published. Then those since the last accepted login count for a day at least.

    Example:
        ``Lockout(tries=5, window_seconds=300)``: the fifth wrong login within 300 seconds locks the account. Two are
        left to humans, so that Lockstep may cause three.
    """

    tries: int
    window_seconds: int
    reserve: int = 2
    in_a_row: bool = False

    def __post_init__(self) -> None:
        if self.window_seconds > LONGEST_LOCKOUT_SECONDS:
            raise ValueError(f"a lock-out window has at most {LONGEST_LOCKOUT_SECONDS} seconds")

    @property
    def counts_seconds(self) -> int:
        """How long a wrong login may count."""
        return max(self.window_seconds, 86_400) if self.in_a_row else self.window_seconds

    @property
    def budget(self) -> int:
        """The number of wrong logins that Lockstep may cause within the window.

        It never includes the one that locks. It is at least 1, even where the reserve would leave none, but 0 where the
        first wrong login locks.
        """
        return max(min(1, self.tries - 1), self.tries - max(1, self.reserve))

    def stricter(self, other: Lockout | None) -> Lockout:
        """Return the rule that keeps both: the fewer tries, the longer window, the larger reserve."""
        if other is None:
            return self
        return Lockout(
            tries=min(self.tries, other.tries),
            window_seconds=max(self.window_seconds, other.window_seconds),
            reserve=max(self.reserve, other.reserve),
            in_a_row=self.in_a_row or other.in_a_row,
        )

    @classmethod
    def parse(cls, text: str) -> Lockout:
        """Parse ``tries/seconds``: the number of the wrong login that locks, and how long each one counts."""
        match = re.fullmatch(r"([1-9][0-9]{0,2})/([1-9][0-9]{0,6})", text.strip(), re.ASCII)
        if match is None:
            raise ValueError("must be tries/seconds, such as 3/900")
        return cls(int(match[1]), int(match[2]))


@dataclass(frozen=True, slots=True, kw_only=True)
class TargetRules:
    """What the target itself says about passwords. It narrows what the driver declares and never widens it.

    A field at its default says nothing. Example: a server's management controller answers ``MinPasswordLength: 12``
    and ``MaxPasswordLength: 20``, and the driver declares 8 to 40: candidates then have 20 characters.

    Attributes:
        source: where the driver read them, for people, such as ``GET /redfish/v1/AccountService``.
        classes: how many of the driver's character classes a password has at least.
        max_repeat: longest run of one character.
        no_username: whether the user's name and its reverse must not occur.
        min_age_seconds: how long another change is refused after the last one.
        history: how many former passwords are refused.

    Raises:
        ValueError: a number is negative.
    """

    source: str
    min_length: int = 0
    max_length: int = 0
    classes: int = 0
    exclude: str = ""
    max_repeat: int = 0
    no_username: bool = False
    min_age_seconds: int = 0
    history: int = 0
    lockout: Lockout | None = None

    def __post_init__(self) -> None:
        for name in ("min_length", "max_length", "classes", "max_repeat", "min_age_seconds", "history"):
            if getattr(self, name) < 0:
                raise ValueError(f"{name} must not be negative")


@dataclass(frozen=True, slots=True)
class Observation:
    """What a driver sees when it looks at the target; looking changes nothing.

    Attributes:
        variant: the key of the driver's policy that applies.
        state: the vendor's name for the target's state.
        obstacles: errors that say why a reset would be refused or unsafe now; empty when nothing stands in the way.
        login: where a shared login probe can prove a password, if the driver is verified in that way.
        readback: the password that the vendor's API returns, if it returns one.
        power: the machine's power state; ``None`` while it changes, and without a machine.
        reset_needs: the power state in which the vendor accepts a reset; ``None`` if it accepts one in any.
        applies_at_start: whether a reset takes effect only when the machine starts the next time. The engine then
            stops the machine first, resets, and starts it again by the account's ``power`` wish, as for a vendor that
            needs a stopped machine. So ``reset_needs`` becomes ``STOPPED``.
        change: of a driver that ``completes_by_state``, how far the latest reset is by the target's state.
        rules: what the target itself says about passwords, of a driver that ``reads_rules``.
    """

    variant: str
    state: str = ""
    obstacles: tuple[DriverError, ...] = ()
    login: LoginTarget | None = None
    readback: Secret | None = None
    power: Power | None = None
    reset_needs: Power | None = None
    applies_at_start: bool = False
    change: TaskState | None = None
    rules: TargetRules | None = None

    def __post_init__(self) -> None:
        if self.applies_at_start and self.reset_needs is None:
            object.__setattr__(self, "reset_needs", Power.STOPPED)
