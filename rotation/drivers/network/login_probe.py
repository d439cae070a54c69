"""The protocol of a login probe, which tries a password on a host for drivers whose vendor has no login call.

Implemented in ``rotation.drivers.logins`` and in plug-ins, found by ``registry.login_probe``, and called through
``Guarded`` alone.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol, runtime_checkable

from rotation.core.errors import ConfigError, NotEnoughTime
from rotation.core.secret import Secret
from rotation.core.settings import Check
from rotation.core.values import LoginTarget, Verdict


class SshProof(StrEnum):
    """What must follow an accepted password on an SSH host before it counts as proved."""

    EXEC = "exec"
    """A session runs a command that does nothing."""
    SFTP = "sftp"
    """The SFTP subsystem answers."""
    LOGIN = "login"
    """Nothing: for hosts that allow neither. A password that must be changed first then counts as proved."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LoginTerms:
    """How a deployment wants logins to be made.

    Attributes:
        seconds: the longest that one login may take.
        ssh_proof: what must follow an accepted password on an SSH host.
        ca_file: file with the authorities that may vouch for a database server; ``None`` for the system's own.
        plain: hosts to which a database login may go without TLS, since the way there is protected otherwise.
        winrm_basic: whether WinRM may show a password to a host that offers nothing but Basic.
    """

    seconds: float = 20.0
    ssh_proof: SshProof = SshProof.EXEC
    ca_file: str | None = None
    plain: frozenset[str] = frozenset()
    winrm_basic: bool = False


DEFAULT_TERMS = LoginTerms()

_RESERVE_SECONDS, _LEAST_SECONDS = 1.0, 2.0


def login_seconds(time_left: Callable[[], float], most_seconds: float) -> float:
    """Return how long a login may take now.

    Raises:
        NotEnoughTime: a login could be cut off, so it must not start.
    """
    seconds = min(most_seconds, time_left() - _RESERVE_SECONDS)
    if seconds < min(_LEAST_SECONDS, most_seconds):
        raise NotEnoughTime("too little time is left to try a login")
    return seconds


class LoginProbe(Protocol):
    """Tries a password on a host."""

    def unready(self, target: LoginTarget) -> ConfigError | None:
        """Return why no login can ever be tried there: a package is missing, or nothing would prove the host."""

    def login(self, target: LoginTarget, password: Secret) -> Verdict:
        """As ``Verifies.verify``, against a host."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LoginKind:
    """One kind of login, as data; the ``LOGIN`` of its module.

    Attributes:
        port: the usual TCP port.
        pin: checks the text that pins a host, ``LoginTarget.host_key``.
        probe: makes the probe, from the seconds until the process may end and the deployment's terms.
        databases: whether a login opens a database, which ``LoginTarget.database`` names.
        tested_on: the real server that the tests log in to; empty where they have none.
    """

    port: int
    pin: Check
    probe: Callable[[Callable[[], float], LoginTerms], LoginProbe]
    databases: bool = False
    tested_on: str = ""


@runtime_checkable
class ShowsHostKey(Protocol):
    """A login probe that can learn a host's key, for deployments that trust the first key that a host shows."""

    def host_key(self, host: str, port: int) -> str:
        """Return ``LoginTarget.host_key`` as the host shows it, without a login.

        Raises:
            CannotVerify: it showed none.
        """


@runtime_checkable
class Greets(Protocol):
    """A login probe that can check beforehand that it reaches the host and that the host is the right one."""

    def greet(self, target: LoginTarget) -> None:
        """Connect without a login, and check that the host is the one that is pinned or that an authority vouches for.

        Raises:
            CannotVerify: the host cannot be reached, or it is another one.
            NotEnoughTime: too little time is left to find out.
        """
