# ruff: noqa: ARG002 - stand-ins for drivers take what the ports hand over
"""Drivers and probes that do what a test says, behind the wrapper."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from rotation.core.errors import ConfigError
from rotation.core.secret import Secret
from rotation.core.values import Evidence, LoginTarget, Observation, Progress, Task, Verdict
from rotation.drivers.contract import DriverSpec
from rotation.drivers.guarded import Guarded
from rotation.drivers.login_proof import LoginProof

KEY = Secret("canary-key")


class _Bare:
    """A driver that can set a password and nothing else. ``act`` is what every verb does."""

    def __init__(self, act: Callable[[], Any]) -> None:
        self.act = act
        self.calls: list[tuple[str, Secret | None]] = []

    def set_password(self, account: Any, new: Secret, *, current: Secret | None) -> Task | None:
        plain = new.reveal()
        self.calls.append(("set", current))
        return self.act() if plain else None


class _Whole(_Bare):
    """A driver with every verb."""

    def observe(self, account: Any) -> Observation:
        return self.act()

    def verify(self, account: Any, password: Secret) -> Verdict:
        plain = password.reveal()
        return self.act() if plain else Verdict.REJECTED

    def poll(self, account: Any, task: Task) -> Progress:
        return self.act()


class _Probe:
    """A shared login probe that shows the host's key, or the reason why it cannot."""

    def __init__(
        self, act: Callable[[], Any], *, problem: ConfigError | None = None, key: Any = "ssh-rsa AAAA"
    ) -> None:
        self.act = act
        self.problem = problem
        self.key = key
        self.targets: list[LoginTarget] = []
        self.asked: list[tuple[str, int]] = []

    def unready(self, target: LoginTarget) -> ConfigError | None:
        return self.problem or (None if target.host_key else ConfigError("no key", hint="pin it"))

    def host_key(self, host: str, port: int) -> str:
        self.asked.append((host, port))
        if isinstance(self.key, Exception):
            raise self.key
        return self.key

    def login(self, target: LoginTarget, password: Secret) -> Verdict:
        self.targets.append(target)
        return self.act()


class _Greeter(_Probe):
    """A probe that can meet the host beforehand; ``refusal`` is why it cannot."""

    def __init__(self, refusal: Exception | None = None) -> None:
        super().__init__(lambda: Verdict.ACCEPTED)
        self.refusal = refusal
        self.greeted: list[LoginTarget] = []

    def greet(self, target: LoginTarget) -> None:
        self.greeted.append(target)
        if self.refusal is not None:
            raise self.refusal


class Kit:
    """What the wrapper's tests share; modules of tests cannot import one another."""

    bare = _Bare
    whole = _Whole
    probe = _Probe
    greeter = _Greeter

    def __init__(self, make_spec: Callable[..., DriverSpec]) -> None:
        self._make_spec = make_spec

    @staticmethod
    def observing(seen: Observation) -> _Bare:
        """A driver that has looked already, and can log in nowhere."""

        class _Observing(_Bare):
            def observe(self, account: Any) -> Observation:
                return seen

        return _Observing(lambda: None)

    def bind(self, driver: Any, *, left: float = 60.0, call_seconds: int = 15, **changes: Any) -> Guarded:
        """Wrap a driver; keyword arguments replace the wrapper's fields."""
        names = {"probes": "probes", "login": "configured", "host_key": "host_key", "trust_first_use": "trust_first_use"}
        logins = LoginProof(**{names[name]: changes.pop(name) for name in names if name in changes})
        fields = {"account": object(), "username": "root", "minimum": Evidence.LOGIN, "known": (KEY,), **changes}
        spec = self._make_spec(call_seconds=call_seconds)
        return Guarded(spec=spec, driver=driver, time_left=lambda: left, logins=logins, **fields)


@pytest.fixture
def kit(make_spec: Callable[..., DriverSpec]) -> Kit:
    """See ``Kit``."""
    return Kit(make_spec)
