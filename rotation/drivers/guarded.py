"""Wraps a driver and one account: it raises only typed errors, masks secrets in their texts, and limits the time.

The engine calls a driver only through ``Guarded``. A typed error is raised again as a new error of the same class. Any
other exception becomes ``DriverBug`` with the name of its type. Example: a driver raises ``ValueError("password is
X")``; the engine gets ``DriverBug("acme raised ValueError")``, without the cause, notes or frames of the original.
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
    InProgress,
    MissingExtra,
    NotEnoughTime,
    PolicyError,
    RotationError,
    Withheld,
)
from rotation.core.maintenance_window import ANYTIME, Windows
from rotation.core.process import stop
from rotation.core.secret import Secret
from rotation.core.values import (
    Evidence,
    Lockout,
    Observation,
    Power,
    PowerWish,
    Progress,
    TargetRules,
    Task,
    TaskState,
    Verdict,
)
from rotation.drivers.contract import Driver, DriverSpec, Observes, Polls, Powers, Verifies
from rotation.drivers.login_proof import LoginProof
from rotation.drivers.tokens import Tokens
from rotation.policy import PasswordPolicy, PasswordWishes, obey
from rotation.policy.wishes import NO_WISHES
from rotation.state.binding import Binding

T = TypeVar("T")

DEFAULT_LOCKOUT = Lockout(tries=5, window_seconds=600, reserve=2)
"""Assumed for a vendor's login call without a published rule: fail2ban's defaults (maxretry 5, findtime 10 min)."""

HOST_LOCKOUT = Lockout(tries=3, window_seconds=900, reserve=1)
"""Assumed for logins to hosts: the strictest common default, pam_faillock's (deny 3, fail_interval 900).

One wrong login is left to human users, so that two are enough to heal a rotation whose reset was lost.
"""

RESERVE_SECONDS = 5.0
"""Kept free after a vendor call, to write down its result."""

BY_STATE = Task("by-state")
"""Stands for the task of a vendor that names none: polling it looks at the target's state."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Guarded:
    """One driver bound to one account.

    Attributes:
        account: instance of ``spec.account``.
        username: the account's name, for the policy.
        minimum: the least evidence that the deployment accepts.
        time_left: seconds until this run must have ended.
        logins: where and how a login can prove the password.
        power: the power state that the deployment wants for the machine after a rotation.
        window: when a reset may begin.
        wishes: what the deployment asks of new passwords.
        known: secrets to scrub in addition to those in a call's arguments (the admin credential).
        tokens: those that the driver got at logins, to scrub as well.
        enrols: what the secret is bound to once this account's rotation is proved; ``None`` where nothing is written.
    """

    spec: DriverSpec
    driver: Driver
    account: Any
    username: str
    minimum: Evidence
    time_left: Callable[[], float]
    logins: LoginProof = field(default_factory=LoginProof)
    power: PowerWish = PowerWish.AS_FOUND
    window: Windows = ANYTIME
    wishes: PasswordWishes = NO_WISHES
    known: tuple[Secret, ...] = ()
    tokens: Tokens | None = None
    enrols: Binding | None = None
    _told: list[TargetRules] = field(default_factory=list, repr=False)

    @property
    def rules(self) -> TargetRules | None:
        """What the target itself says about passwords; it is asked once, and ``None`` if its driver cannot ask.

        Raises:
            RotationError: the target could not be asked.
        """
        if self.spec.reads_rules and not self._told and isinstance(self.driver, Observes):
            self.observe()
        return self._told[0] if self._told else None

    @property
    def lockout(self) -> Lockout:
        """The vendor's lock-out rule, or the assumed one, narrowed to what the target says."""
        assumed = HOST_LOCKOUT if self.logins.probes else DEFAULT_LOCKOUT
        declared, rules = self.spec.lockout or assumed, self.rules
        return declared if rules is None else declared.stricter(rules.lockout)

    @property
    def answer_seconds(self) -> float:
        """The longest that the answer to a password may take."""
        return max(self.spec.call_seconds, self.logins.seconds if self.logins.probes else 0)

    @property
    def min_age_seconds(self) -> int:
        """The minimum age of a password: the vendor's, or the target's if that is longer."""
        rules = self.rules
        return max(self.spec.min_age_seconds, 0 if rules is None else rules.min_age_seconds)

    def policy(self, seen: Observation) -> PasswordPolicy:
        """Return the rule that judges candidates: that of the variant, narrowed to what the target says.

        Raises:
            PolicyError: the driver has no such variant, or nothing satisfies both; nothing was changed.
        """
        declared = self.spec.policies.get(seen.variant)
        if declared is None:
            raise PolicyError(f"{self.spec.code} has no policy for the variant {seen.variant!r}")
        return declared if seen.rules is None else obey(declared, seen.rules)

    def policy_of_new(self, seen: Observation, texts: Mapping[str, str]) -> PasswordPolicy:
        """Return the rule for new candidates: narrowed also to what is asked for by the secret, or the deployment.

        Args:
            seen: what the target looks like.
            texts: what the operator put beside the secret; see ``PasswordWishes.read``.

        Raises:
            SettingsError: one of the texts is wrong.
            PolicyError: as ``policy``, or the wishes cannot be met; nothing was changed.
        """
        return PasswordWishes.read(texts).over(self.wishes).applied(self.policy(seen))

    @property
    def host_key(self) -> str | None:
        """The SSH host's key that this or an earlier rotation learnt."""
        return self.logins.host_key

    @property
    def can_log_in(self) -> bool:
        """Whether a login can tell if a password is live."""
        return isinstance(self.driver, Verifies) or bool(self.logins.probes)

    def can_ask(self, seen: Observation) -> bool:
        """Return whether a login can be tried: a shared probe needs an address in ``seen`` and proof of the host."""
        return isinstance(self.driver, Verifies) or self.logins.unready(seen) is None

    def require_library(self, seen: Observation) -> None:
        """Raise ``MissingExtra`` where a login is demanded and only its library is missing."""
        lacking = self.logins.unready(seen)
        if isinstance(lacking, MissingExtra) and self.minimum is Evidence.LOGIN:
            raise lacking

    def trusting(self, seen: Observation) -> Guarded:
        """Return a copy that knows the host's key, if the deployment trusts the first key that a host shows.

        The call only exchanges keys and does not log in. A stopped machine shows no key.

        Raises:
            DriverError: the host showed none, although a login is demanded.
        """
        read_key = self.logins.first_key(seen)
        if read_key is None:
            return self
        try:
            key = self._call(read_key)
        except CannotVerify:
            if self.minimum is Evidence.LOGIN:
                raise
            return self
        return replace(self, logins=replace(self.logins, host_key=key, greeted=True))

    def set_password(self, new: Secret, *, current: Secret | None) -> Task | None:
        """As ``Driver.set_password``. Refuses to start with too little time left, or once the process is to stop."""
        stop.refuse_new("the reset")
        if self.time_left() < self.spec.call_seconds + RESERVE_SECONDS:
            raise NotEnoughTime(f"a change at {self.spec.code} may take {self.spec.call_seconds} s; less is left")
        secrets = (new,) if current is None else (new, current)
        task = self._call(lambda: self.driver.set_password(self.account, new, current=current), *secrets)
        return BY_STATE if task is None and self.spec.completes_by_state else task

    def observe(self) -> Observation:
        """As ``Observes.observe``. A driver that cannot observe has exactly one policy variant."""
        driver = self.driver
        if isinstance(driver, Observes):
            seen = self._call(lambda: driver.observe(self.account))
            obstacles = tuple(each.scrubbed(self._scrubbed) for each in seen.obstacles)
            return self._noted(replace(seen, obstacles=obstacles))
        if len(self.spec.policies) != 1:
            raise DriverBug(f"{self.spec.code} has several policies but cannot tell which one applies")
        return Observation(variant=next(iter(self.spec.policies)))

    def verify(self, password: Secret, seen: Observation | None = None) -> Verdict:
        """Log in with ``password``, by the driver's own call or by a shared probe.

        Without ``seen`` the vendor is asked where to log in, unless the deployment names the place.
        """
        driver = self.driver
        if isinstance(driver, Verifies):
            return self._verdict(lambda: driver.verify(self.account, password), password)
        if seen is None and self.logins.configured is None:
            seen = self.observe()
        log_in = self.logins.login(seen)
        if log_in is None:
            raise CannotVerify(f"{self.spec.code} names no place where the account could log in")
        return self._verdict(lambda: log_in(password), password)

    def switch(self, wanted: Power) -> None:
        """As ``Powers.start`` and ``Powers.stop``."""
        driver = self.driver
        if not isinstance(driver, Powers):
            raise DriverBug(f"{self.spec.code} needs another power state but cannot switch it")
        verb = driver.start if wanted is Power.RUNNING else driver.stop
        self._call(lambda: verb(self.account))

    def poll(self, task: Task) -> Progress:
        """As ``Polls.poll``; ``BY_STATE`` is read from the target's state."""
        driver = self.driver
        if task == BY_STATE and self.spec.completes_by_state:
            return Progress(self.observe().change or TaskState.RUNNING)
        if not isinstance(driver, Polls):
            raise DriverBug(f"{self.spec.code} gave a task but cannot poll it")
        return self._call(lambda: driver.poll(self.account, task))

    def wanted_power(self, found: Power | None) -> Power | None:
        """Return the machine's wanted power state after a rotation, given the state in which it was found."""
        if self.power is PowerWish.AS_FOUND:
            return found
        return Power(self.power.value)

    def require_provable(self, seen: Observation, *, greet: bool = True) -> bool:
        """Raise, before anything changes, if the demanded evidence cannot be obtained.

        Args:
            seen: what the target looks like; a machine that will run again after its reset may count as running.
            greet: whether to connect now to the host that will judge the password, where a shared probe can do that.

        Returns:
            Whether this run has connected to the host.

        Raises:
            ConfigError: names what is missing.
            CannotVerify: the host cannot be reached, or is not the one that is pinned.
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
                hint="Start the machine, or set `power` to running in the secret (virtual machines), or lower "
                "LOCKSTEP_MIN_EVIDENCE.",
            )
        if isinstance(self.driver, Verifies):
            return False
        problem = self.logins.unready(seen)
        if problem is not None:
            raise problem
        return self.logins.greeted or (greet and self._greet(seen))

    def _noted(self, seen: Observation) -> Observation:
        """Keep the target's rules, and let a change that is under way stand in the way of another one.

        Raises:
            DriverBug: the driver does not say what its record promises.
        """
        if self.spec.reads_rules and seen.rules is None:
            raise DriverBug(f"{self.spec.code} reads the target's rules, but its observation has none")
        if self.spec.completes_by_state and seen.change is None:
            raise DriverBug(f"{self.spec.code} completes by state, but its observation does not say how far it is")
        if seen.rules is not None:
            self._told[:] = [seen.rules]
        if seen.change is not TaskState.RUNNING or any(isinstance(each, InProgress) for each in seen.obstacles):
            return seen
        return replace(seen, obstacles=(*seen.obstacles, InProgress("the vendor is still at work on this account")))

    @property
    def _scrubbed(self) -> tuple[Secret, ...]:
        return self.known if self.tokens is None else (*self.known, *self.tokens.secrets)

    def _greet(self, seen: Observation) -> bool:
        """Connect to the host without a login, and return whether that was possible."""
        meet = self.logins.greeting(seen)
        if meet is None:
            return False
        try:
            self._call(meet)
        except CannotVerify:
            # The caller may count a machine as running that an earlier attempt stopped for its reset.
            if seen.reset_needs is not Power.STOPPED or self.observe().power is not Power.STOPPED:
                raise
            return False
        return True

    def _verdict(self, verb: Callable[[], object], password: Secret) -> Verdict:
        """Return the verdict. Anything else, such as ``False``, is a fault and must not count as a rejection."""
        verdict = self._call(verb, password)
        if not isinstance(verdict, Verdict):
            raise DriverBug(f"{self.spec.code} answered a login check with no verdict")
        return verdict

    def _call(self, verb: Callable[[], T], *secrets: Secret) -> T:
        with Withheld(Exception, by=lambda error: self._typed(error).scrubbed((*secrets, *self._scrubbed))):
            return verb()

    def _typed(self, error: Exception) -> RotationError:
        """Return the error that may leave a driver; of any other, only the name of its type."""
        if isinstance(error, (DriverError, ConfigError, NotEnoughTime)):
            return error
        if isinstance(error, RotationError):
            return DriverBug(error.code)
        return DriverBug(f"{self.spec.code} raised {type(error).__name__}")
