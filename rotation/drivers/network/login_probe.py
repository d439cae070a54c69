"""What a login probe is: a check of a password at a host, shared by drivers whose vendor has none."""

from __future__ import annotations

from typing import Protocol, runtime_checkable

from rotation.core.errors import ConfigError
from rotation.core.secret import Secret
from rotation.core.values import LoginTarget, Verdict


class LoginProbe(Protocol):
    """A login check shared by drivers whose vendor has none."""

    def unready(self, target: LoginTarget) -> ConfigError | None:
        """Say why no login can ever be tried there: a package is missing, or nothing would prove the host."""
        ...

    def login(self, target: LoginTarget, password: Secret) -> Verdict:
        """As ``Verifies.verify``, against a host."""
        ...


@runtime_checkable
class ShowsHostKey(Protocol):
    """A login probe that can learn what proves the host, for deployments that trust a host's first word."""

    def host_key(self, host: str, port: int) -> str:
        """Return ``LoginTarget.host_key`` as the host shows it, without a login.

        Raises:
            CannotVerify: it showed none.
        """
        ...


@runtime_checkable
class Greets(Protocol):
    """A login probe that can find out beforehand whether the host that is to judge a password can be asked."""

    def greet(self, target: LoginTarget) -> None:
        """Connect, and see that the host is the one that is pinned or vouched for. Nobody logs in.

        Raises:
            CannotVerify: it cannot be reached, or it is another one.
            NotEnoughTime: too little time is left to find out.
        """
        ...
