"""What simulators share where an administrator's key resets passwords: keys, targets, delays and rate limits.

``ResetSimulator`` counts the resets of each target, a user or a machine. ``MachineSimulator`` adds the login of a
machine's guest, which an ``SshHost`` or a ``WinRmHost`` asks for.
"""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar

from rotation.core.secret import Secret
from rotation_testkit.doubles.vendor_api.simulator import Simulator


class Target(Protocol):
    """What a reset changes: ``resets`` took effect, ``attempts`` counts every request, refused ones included."""

    resets: int
    attempts: int


class Machine(Target, Protocol):
    """A target with an operating system. ``guest`` is the password that its login accepts."""

    guest: Secret

    @property
    def user(self) -> str:
        """The account whose password the vendor resets."""

    @property
    def up(self) -> bool:
        """Whether the operating system runs."""

    def login(self, user: str, password: str) -> bool:
        """Return whether the guest lets this user in."""


K = TypeVar("K")
T = TypeVar("T", bound=Target)
M = TypeVar("M", bound=Machine)


@dataclass(slots=True)
class Delays:
    """How long things take, in seconds of the simulator's clock.

    Attributes:
        stop: the passing state of a stop.
        start: the passing state of a start, a reboot or a reinstallation.
        reset: a reset; meanwhile another one is refused.
        guest: how long the login still accepts the old password after a reset was reported as done.
        stagger: how much longer each further target of one call takes.
    """

    stop: float = 0
    start: float = 0
    reset: float = 0
    guest: float = 0
    stagger: float = 0


class Limiter:
    """A rate limit over a sliding window: at most ``most`` units per key in any ``seconds``; ``None`` is no limit."""

    def __init__(self, clock: Callable[[], float], most: int | None, seconds: float) -> None:
        self.clock = clock
        self.most = most
        self.seconds = seconds
        self._taken: dict[str, deque[float]] = defaultdict(deque)

    def take(self, key: str, cost: int = 1) -> bool:
        """Count ``cost`` units against a key and return True, or return False when that exceeds the limit."""
        now, taken = self.clock(), self._taken[key]
        while taken and taken[0] <= now - self.seconds:
            taken.popleft()
        if self.most is not None and len(taken) + cost > self.most:
            return False
        taken.extend([now] * cost)
        return True


class ResetSimulator(Simulator, Generic[K, T]):
    """A simulator with API keys of the type ``K`` and targets of the type ``T``.

    Attributes:
        credentials: the account's own key.
        keys: every key by its id.
        targets: users or machines by the vendor's id.
    """

    credentials: K
    keys: dict[str, K]
    targets: Mapping[str, T]

    def target(self, target_id: str) -> T:
        """Return a target as it is now.

        Raises:
            KeyError: there is none of this id.
        """
        self.settle()
        return self.targets[target_id]

    def resets(self, target_id: str) -> int:
        """Return how many resets took effect."""
        return self.target(target_id).resets

    def attempts(self, target_id: str) -> int:
        """Return how many reset requests reached the target, refused ones included."""
        return self.target(target_id).attempts


class MachineSimulator(ResetSimulator[K, M]):
    """A simulator whose targets are machines."""

    def guest_password(self, target_id: str) -> Secret:
        """Return the password that the guest's login accepts now."""
        return self.target(target_id).guest

    def guest_login(self, target_id: str) -> Callable[[str, str], bool]:
        """Return the guest's password check, for an ``SshHost``."""
        return lambda user, password: self.target(target_id).login(user, password)

    def guest_users(self, target_id: str) -> Callable[[], dict[str, Secret]]:
        """Return a function that gives the guest's account and its current password, for a ``WinRmHost``."""
        return lambda: {self.target(target_id).user: self.guest_password(target_id)}

    def running(self, target_id: str) -> bool:
        """Return whether the guest is up."""
        return self.target(target_id).up
