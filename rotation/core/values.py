"""The words of the product as values: steps, verdicts, evidence, accounts, and the record that describes a driver."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import Enum, IntEnum, StrEnum
from typing import TYPE_CHECKING, Any

from rotation.core.errors import DriverError, EventError
from rotation.core.secret import Secret
from rotation.policy import PasswordPolicy

if TYPE_CHECKING:
    from rotation.state.store import Driver, Http


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


@dataclass(frozen=True, slots=True, kw_only=True)
class Wiring:
    """What a driver is made from. ``admin`` is an instance of the spec's ``admin`` class, or ``None``."""

    http: Http
    endpoint: str
    admin: Any
    now: Callable[[], float]


@dataclass(frozen=True, slots=True, kw_only=True)
class DriverSpec:
    """One vendor product, declared as data. Engine, command line and conformance kit read these fields.

    Attributes:
        code: lower-case name used for the module, settings, events and docs.
        name: the vendor's product name.
        docs: address of the vendor's page on the call.
        authority: who may change the password.
        evidence: the best proof this driver can give; also the default minimum.
        endpoint: default base URL; ``endpoints`` lists every official one.
        account: settings class of the account's own keys in the rotated secret (all of them identify the account
            unless named in ``not_identity``).
        admin: settings class of the admin credential, or ``None`` when the account changes itself.
        admin_optional: whether a deployment may leave the admin credential out; the driver then gets ``None``.
        policies: password policy by variant.
        factory: makes the driver.
        login_probes: kinds of shared probes that log in to the driver's targets (``ssh``, ``winrm``); empty when the
            driver verifies itself, or nobody can.
        lockout: the vendor's lock-out rule, ``None`` when none is known.
        history: how many former passwords the vendor refuses, ``None`` when it keeps none or does not say.
        propagation_seconds: how long after a success the new password may not work yet.
        call_seconds: the longest a change call may take before Lockstep gives up on the answer.
        poll_seconds: pause between polls of an asynchronous task.
        request_id_header: response header with the vendor's request id.
        error_table: the vendor's codes, what they mean and what to do; the driver's classification reads it.
        batch_key: the key under which one secret may hold a list of accounts, each with its own password; ``None`` for
            one account only. The driver's task ids then have at most 60 characters.
        source: where the facts come from; ``checked``: when they were read (ISO date).
        ran_live: whether it was ever run against the live vendor; until then its behaviour is *documented*.
    """

    code: str
    name: str
    docs: str
    authority: Authority
    evidence: Evidence
    endpoint: str
    endpoints: tuple[str, ...]
    account: type[Any]
    admin: type[Any] | None
    policies: Mapping[str, PasswordPolicy]
    factory: Callable[[Wiring], Driver]
    source: str
    checked: str
    admin_optional: bool = False
    not_identity: frozenset[str] = frozenset()
    login_probes: frozenset[str] = frozenset()
    lockout: Lockout | None = None
    history: int | None = None
    propagation_seconds: int = 0
    call_seconds: int = 15
    poll_seconds: int = 3
    request_id_header: str = "x-request-id"
    error_table: tuple[ErrorRow, ...] = ()
    batch_key: str | None = None
    ran_live: bool = False

    @property
    def min_age_seconds(self) -> int:
        """The longest minimum password age of the driver's policies."""
        return max((policy.min_age_seconds for policy in self.policies.values()), default=0)


@dataclass(frozen=True, slots=True)
class ErrorRow:
    """One vendor code: the error class it becomes and what the operator should do.

    Attributes:
        vendor_code: the code as the vendor sends it (a number's text where it is a number).
        error: class raised for it.
        meaning: one plain sentence.
        hint: the next step for a human.
        on: which calls it concerns: ``any``, ``change``, ``login`` or ``read``.
    """

    vendor_code: str
    error: type[DriverError]
    meaning: str
    hint: str = ""
    on: str = "any"
