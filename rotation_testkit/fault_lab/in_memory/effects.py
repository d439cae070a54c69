"""Effects: the calls by which an engine touches the store, the vendor and the clock, and what can go wrong at one."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol, TypeVar

from rotation_testkit.fault_lab.in_memory.fuse import Edge

T = TypeVar("T")


class Port(StrEnum):
    """The sort of call that an effect is."""

    READ = "read"
    """Labels or a value, from the store."""
    PUT = "put"
    """A value, to the store."""
    LABEL = "label"
    """A label attached, moved or taken away."""
    RESET = "reset"
    """The change of the password."""
    LOGIN = "login"
    """A login check."""
    LOOK = "look"
    """Any other question to the vendor."""
    SWITCH = "switch"
    """A machine's power."""
    GREET = "greet"
    """The first connection to a host, which names the methods by which it lets accounts in."""
    SLEEP = "sleep"
    """The function waits."""
    WRITE = "write"
    """An event that is announced, or a line of the log."""


QUESTIONS = frozenset({Port.READ, Port.LOOK, Port.LOGIN, Port.GREET, Port.SLEEP, Port.WRITE})
"""Ports whose effects change neither the store nor the password."""
STORE_PORTS = frozenset({Port.READ, Port.PUT, Port.LABEL})


class Kind(StrEnum):
    """The sort of a fault, as the caller sees it."""

    CRASH = "crash"
    """The process dies."""
    TIMEOUT = "timeout"
    """The call hangs until the function's time-out kills the process."""
    ERROR = "error"
    """No answer: the connection breaks, or a 5xx."""
    UNREACHABLE = "unreachable"
    """No connection, so that the request certainly was not sent."""
    THROTTLED = "throttled"
    """A definite "not now"; never applied."""
    SLOW = "slow"
    """No answer, and the request takes effect later."""
    DUPLICATE = "duplicate"
    """The request is delivered twice, and the second answer arrives."""
    WRONG = "wrong"
    """An answer of the wrong class: a login that could not be made is called a wrong password; a page for an answer."""
    STALE = "stale"
    """A read answers with what was before the latest change."""
    LOST = "lost"
    """A change of a label is answered with success and does not happen."""
    CANCELLED = "cancelled"
    """An operator cancels the rotation and strips its pending label; the next attempt is a new rotation."""
    PARALLEL = "parallel"
    """The same event is delivered once more, and that invocation runs to its end first."""
    SIGNAL = "signal"
    """The process is asked to stop (SIGTERM, Ctrl-C); what has begun may end within the grace time."""
    HALT = "halt"
    """The process is asked to stop once more: it cleans up and leaves."""
    AHEAD = "ahead"
    """The machine's clock is set forward by minutes; the store's goes on."""
    BEHIND = "behind"
    """The machine's clock is set back by minutes; the store's goes on."""
    PIPE = "pipe"
    """The reader of the output has left (EPIPE)."""
    FULL = "full"
    """The disk is full (ENOSPC)."""
    CLOSED = "closed"
    """The output is closed."""


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing that goes wrong: before or after the effect has happened, and how."""

    edge: Edge
    kind: Kind

    def __str__(self) -> str:
        return f"{self.edge}.{self.kind}"


@dataclass(slots=True, kw_only=True, eq=False)
class Effect:
    """One call.

    Attributes:
        port: its sort.
        verb: what is done, such as ``attach``.
        target: the label or path that it is done to; never a value.
        account: the username, where an account is concerned.
        late: returns the receiver and the request as texts, for faults that deliver it later.
        success: the answer to a change that was lost.
        shown: whether it can change what readers get.
    """

    port: Port
    verb: str
    target: str = ""
    account: str = ""
    late: Callable[[], tuple[str, ...]] = tuple
    success: object = None
    shown: bool = False

    @property
    def name(self) -> str:
        """The verb and its target."""
        return f"{self.verb} {self.target}".rstrip()


class Passage(Protocol):
    """What effects pass on their way out: a ``Fuse`` or a ``Gate``."""

    def call(self, effect: Effect, call: Callable[[], T]) -> T:
        """Make the call, or what a fault makes of it."""
        ...
