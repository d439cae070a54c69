"""The words of the product as values: steps, verdicts, evidence, accounts, and the record that describes a driver."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import Enum, IntEnum, StrEnum

from rotation.core.errors import DriverError, EventError
from rotation.core.secret import Secret


class Step(StrEnum):
    """The four steps, as Secrets Manager spells them in events."""

    CREATE = "createSecret"
    SET = "setSecret"
    TEST = "testSecret"
    FINISH = "finishSecret"

    @classmethod
    def parse(cls, text: object) -> Step:
        """Accept ``createSecret`` (real events) and ``create_secret`` (the user guide's spelling).

        Raises:
            EventError: no such step.
        """
        spelled = {step.value: step for step in cls} | {_snake(step.value): step for step in cls}
        if isinstance(text, str) and text in spelled:
            return spelled[text]
        raise EventError("the event's Step is none of createSecret, setSecret, testSecret, finishSecret")


def _snake(camel: str) -> str:
    return re.sub(r"([A-Z])", r"_\1", camel).lower()


class Verdict(Enum):
    """What a login check found. Anything else is an exception: could not tell."""

    ACCEPTED = "accepted"
    REJECTED = "rejected"


class Evidence(IntEnum):
    """How a verdict was won; a larger value proves more."""

    ACCEPTED = 1
    READBACK = 2
    LOGIN = 3

    @classmethod
    def parse(cls, text: str) -> Evidence:
        """Read a name in any case.

        Raises:
            ValueError: no such evidence.
        """
        try:
            return cls[text.strip().upper()]
        except KeyError:
            raise ValueError("must be one of LOGIN, READBACK, ACCEPTED") from None


class Authority(StrEnum):
    """Whose right changes the password."""

    ADMIN = "admin"
    """An API key resets it; the old password is not needed."""
    SELF = "self"
    """The account changes its own password and must show the old one."""


class Power(StrEnum):
    """Whether a machine is on; nothing in between."""

    RUNNING = "running"
    STOPPED = "stopped"


class PowerWish(StrEnum):
    """What the account document's ``power`` key asks for after a rotation."""

    AS_FOUND = "as_found"
    RUNNING = "running"
    STOPPED = "stopped"


class TaskState(StrEnum):
    """Where an asynchronous reset stands."""

    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Task:
    """The vendor's handle for an asynchronous reset.

    Raises:
        ValueError: not 1 to 200 printable ASCII characters, so that it could not be kept as a mark.
    """

    id: str

    def __post_init__(self) -> None:
        if not re.fullmatch(r"[!-~]{1,200}", self.id):
            raise ValueError("a task id has 1 to 200 printable characters")


@dataclass(frozen=True, slots=True)
class Progress:
    """What polling a task found."""

    state: TaskState
    detail: str = ""


@dataclass(frozen=True, slots=True)
class LoginTarget:
    """Where a shared login probe finds the account.

    Attributes:
        kind: which probe: ``ssh`` or ``winrm``.
        host: name or address.
        port: TCP port.
        username: who logs in.
        host_key: what proves that the host is the host. For ``ssh`` its public key, one line as in known_hosts without
            the host. For ``winrm`` its certificate's fingerprint; without one the certificate's signature must do.
    """

    kind: str
    host: str
    port: int
    username: str
    host_key: str | None = None


@dataclass(frozen=True, slots=True)
class Observation:
    """What a read-only look at the target found.

    Attributes:
        variant: which of the driver's policies applies.
        state: the vendor's word for the target's state.
        obstacles: typed reasons why a reset would be refused or unsafe now; empty means ready.
        login: where a shared probe can log in, if that is how this driver is verified.
        readback: the password as the vendor stores it, where its API returns it.
        power: whether the machine is on; ``None`` while that changes, and where there is no machine.
        reset_needs: the power state in which the vendor takes a reset; ``None`` where it takes one in any.
    """

    variant: str
    state: str = ""
    obstacles: tuple[DriverError, ...] = ()
    login: LoginTarget | None = None
    readback: Secret | None = None
    power: Power | None = None
    reset_needs: Power | None = None


LONGEST_LOCKOUT_SECONDS = 9_999_999
"""The longest lock-out window that a driver or an operator can state: some 115 days."""


@dataclass(frozen=True, slots=True)
class Lockout:
    """The vendor's lock-out rule. ``reserve`` tries are left to the account's human users."""

    tries: int
    window_seconds: int
    reserve: int = 2

    def __post_init__(self) -> None:
        if self.window_seconds > LONGEST_LOCKOUT_SECONDS:
            raise ValueError(f"a lock-out window has at most {LONGEST_LOCKOUT_SECONDS} seconds")

    @property
    def budget(self) -> int:
        """How many wrong logins Lockstep may cause within the window: never the one that locks, nor the reserve.

        Where the reserve leaves none, one is taken from it; 0 where the first one locks.
        """
        return max(min(1, self.tries - 1), self.tries - max(1, self.reserve))

    @classmethod
    def parse(cls, text: str) -> Lockout:
        """Read ``tries/seconds``: the wrong login that locks, and how long one counts.

        Raises:
            ValueError: says what is accepted.
        """
        match = re.fullmatch(r"([1-9][0-9]{0,2})/([1-9][0-9]{0,6})", text.strip(), re.ASCII)
        if match is None:
            raise ValueError("must be tries/seconds, such as 3/900")
        return cls(int(match[1]), int(match[2]))
