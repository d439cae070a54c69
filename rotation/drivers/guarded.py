"""Wraps a driver and one account: only typed errors escape, secrets are scrubbed by value, time is bounded.

The engine never touches a driver but through ``Guarded``.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, TypeVar

from rotation.core.errors import (
    CannotVerify,
    ConfigError,
    DriverBug,
    DriverError,
    NotEnoughTime,
    RotationError,
    Withheld,
)
from rotation.core.maintenance_window import ANYTIME, Windows
from rotation.core.secret import Secret
from rotation.core.values import Evidence, Lockout, LoginTarget, Observation, Power, PowerWish, Progress, Task, Verdict
from rotation.drivers.contract import Driver, DriverSpec, Observes, Polls, Powers, Verifies
from rotation.drivers.network.login_probe import Greets, LoginProbe, ShowsHostKey

T = TypeVar("T")

DEFAULT_LOCKOUT = Lockout(tries=5, window_seconds=600, reserve=2)
"""Assumed where a vendor publishes no lock-out rule: the defaults of fail2ban (maxretry 5, findtime 10 minutes)."""

RESERVE_SECONDS = 5.0
"""Kept free after a vendor call for writing down what came of it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Guarded:
    """One driver bound to one account.

    Attributes:
        spec: the driver's record.
        driver: the driver.
        account: instance of ``spec.account``.
        username: the account's name, for the policy.
        probes: the shared login probes that may be needed, by kind.
        login: where the deployment has logins tried, for a vendor that knows no such place.
        host_key: the SSH host's key as an earlier rotation learnt it; one that the target names goes before it.
        trust_first_use: whether such a key may be learnt.
        greeted: whether the host that judges the password was just met.
        minimum: the least evidence that the deployment accepts.
        time_left: seconds until this run must have ended.
        power: in which state the account's machine is to be after a rotation.
        window: when a reset may begin.
        known: secrets to scrub beside those in a call's arguments (the admin credential).
    """

    spec: DriverSpec
    driver: Driver
    account: Any
    username: str
    minimum: Evidence
    time_left: Callable[[], float]
    probes: Mapping[str, LoginProbe] = field(default_factory=dict)
    login: LoginTarget | None = None
    host_key: str | None = None
    trust_first_use: bool = False
    greeted: bool = False
    power: PowerWish = PowerWish.AS_FOUND
    window: Windows = ANYTIME
    known: tuple[Secret, ...] = ()

    @property
    def lockout(self) -> Lockout:
        """The vendor's lock-out rule, or the assumed one."""
        return self.spec.lockout or DEFAULT_LOCKOUT

    @property
    def can_log_in(self) -> bool:
        """Whether anybody can tell by a login if a password is live."""
        return isinstance(self.driver, Verifies) or bool(self.probes)

    def can_ask(self, seen: Observation) -> bool:
        """Whether a login can be tried on what was seen: a shared probe needs an address, and proof of the host."""
        return isinstance(self.driver, Verifies) or self._no_login(seen) is None

    def target(self, seen: Observation) -> LoginTarget | None:
        """Return where a shared probe logs in: where the deployment says, else where the vendor does."""
        target = self.login or seen.login
        if target is None or target.host_key or not isinstance(self.probes.get(target.kind), ShowsHostKey):
            return target
        return replace(target, host_key=self.host_key)

    def trusting(self, seen: Observation) -> Guarded:
        """Return this with the host's key learnt, where the deployment trusts the first that a host shows.

        The key exchange alone is made: nobody logs in. A stopped machine shows no key.

        Raises:
            DriverError: the host showed none, although a login is demanded.
        """
        target = self.target(seen)
        probe = None if target is None else self.probes.get(target.kind)
        if not self.trust_first_use or target is None or target.host_key or seen.power is Power.STOPPED:
            return self
        if not isinstance(probe, ShowsHostKey):
            return self
        try:
            key = self._call(lambda: probe.host_key(target.host, target.port), ())
            return replace(self, host_key=key, greeted=True)
        except CannotVerify:
            if self.minimum is Evidence.LOGIN:
                raise
        return self

    def set_password(self, new: Secret, *, current: Secret | None) -> Task | None:
        """As ``Driver.set_password``. Refuses to start with too little time left."""
        if self.time_left() < self.spec.call_seconds + RESERVE_SECONDS:
            raise NotEnoughTime(f"a change at {self.spec.code} may take {self.spec.call_seconds} s; less is left")
        secrets = (new,) if current is None else (new, current)
        return self._call(lambda: self.driver.set_password(self.account, new, current=current), secrets)

    def observe(self) -> Observation:
        """As ``Observes.observe``; a driver that cannot look has exactly one policy variant."""
        driver = self.driver
        if isinstance(driver, Observes):
            seen = self._call(lambda: driver.observe(self.account), ())
            return replace(seen, obstacles=tuple(each.scrubbed(self.known) for each in seen.obstacles))
        if len(self.spec.policies) != 1:
            raise DriverBug(f"{self.spec.code} has several policies but cannot tell which one applies")
        return Observation(variant=next(iter(self.spec.policies)))

    def verify(self, password: Secret, seen: Observation | None = None) -> Verdict:
        """Log in with ``password``, by the driver or by the shared probe, which asks where unless it was just seen."""
        driver = self.driver
        if isinstance(driver, Verifies):
            return self._verdict(lambda: driver.verify(self.account, password), password)
        target = self.target(Observation(variant="") if self.login else seen or self.observe())
        probe = None if target is None else self.probes.get(target.kind)
        if probe is None or target is None:
            raise CannotVerify(f"{self.spec.code} names no place where the account could log in")
        return self._verdict(lambda: probe.login(target, password), password)

    def switch(self, wanted: Power) -> None:
        """As ``Powers.start`` and ``Powers.stop``."""
        driver = self.driver
        if not isinstance(driver, Powers):
            raise DriverBug(f"{self.spec.code} needs another power state but cannot switch it")
        verb = driver.start if wanted is Power.RUNNING else driver.stop
        self._call(lambda: verb(self.account), ())

    def poll(self, task: Task) -> Progress:
        """As ``Polls.poll``."""
        driver = self.driver
        if not isinstance(driver, Polls):
            raise DriverBug(f"{self.spec.code} gave a task but cannot poll it")
        return self._call(lambda: driver.poll(self.account, task), ())

    def wanted_power(self, found: Power | None) -> Power | None:
        """Return the state in which the machine is to be afterwards, given the one in which it was found."""
        if self.power is PowerWish.AS_FOUND:
            return found
        return Power(self.power.value)

    def require_provable(self, seen: Observation, *, greet: bool = True) -> bool:
        """Refuse before anything changes when the demanded evidence cannot be won.

        Args:
            seen: what the target looks like; a machine that is to run again after its reset may count as running.
            greet: whether the host that is to judge the password must be met now, where a shared probe can do that.

        Returns:
            Whether it was met.

        Raises:
            ConfigError: names what is missing.
            CannotVerify: the host cannot be reached, or is another one than the one that is pinned.
        """
        if self.minimum is not Evidence.LOGIN:
            return False
        if not self.can_log_in:
            raise ConfigError(
                f"{self.spec.code} has no login check, but LOGIN is the least evidence accepted",
                hint=f"Set LOCKSTEP_MIN_EVIDENCE to {self.spec.evidence.name} if that is proof enough for you.",
            )
        afterwards = seen.power if seen.reset_needs is None else self.wanted_power(seen.power)
        if afterwards is Power.STOPPED:
            raise ConfigError(
                "the machine is to stay stopped, so no login can prove the password",
                hint="Start it, or set `power` to running in the secret (virtual machines), or lower "
                "LOCKSTEP_MIN_EVIDENCE.",
            )
        if isinstance(self.driver, Verifies):
            return False
        problem = self._no_login(seen)
        if problem is not None:
            raise problem
        return self.greeted or (greet and self._greet(seen))

    def _greet(self, seen: Observation) -> bool:
        """Meet the host, if it can be met: a machine that is off shows nothing."""
        target = self.target(seen)
        probe = None if target is None else self.probes.get(target.kind)
        if target is None or not isinstance(probe, Greets) or seen.power is Power.STOPPED:
            return False
        try:
            self._call(lambda: probe.greet(target), ())
        except CannotVerify:
            # Whoever stops machines for a reset may have left this one stopped, and then have it count as running.
            if seen.reset_needs is not Power.STOPPED or self.observe().power is not Power.STOPPED:
                raise
            return False
        return True

    def _no_login(self, seen: Observation) -> ConfigError | None:
        """Return why no shared probe can log in on what was seen."""
        target = self.target(seen)
        probe = None if target is None else self.probes.get(target.kind)
        if target is None or probe is None:
            return ConfigError(
                "the account cannot be verified by login: the vendor names no login address",
                hint="Give the machine an address that this function reaches, or lower LOCKSTEP_MIN_EVIDENCE.",
            )
        return probe.unready(target)

    def _verdict(self, verb: Callable[[], object], password: Secret) -> Verdict:
        """Anything but a verdict, such as ``False``, could not tell: it must not count as a rejection."""
        verdict = self._call(verb, (password,))
        if not isinstance(verdict, Verdict):
            raise DriverBug(f"{self.spec.code} answered a login check with no verdict")
        return verdict

    def _call(self, verb: Callable[[], T], secrets: tuple[Secret, ...]) -> T:
        with Withheld(Exception, by=lambda error: self._typed(error).scrubbed((*secrets, *self.known))):
            return verb()

    def _typed(self, error: Exception) -> RotationError:
        """Return the error that may leave a driver; of any other, only the kind gets out."""
        if isinstance(error, (DriverError, ConfigError, NotEnoughTime)):
            return error
        if isinstance(error, RotationError):
            return DriverBug(error.code)
        return DriverBug(f"{self.spec.code} raised {type(error).__name__}")
