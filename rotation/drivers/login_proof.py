"""Where and how a login can prove an account's password: the target, the host's key, and a first connection.

A driver whose vendor has no login call is verified by a shared probe (SSH, WinRM) at the account's machine. The methods
here decide whether a probe can do something and return the call for it, or ``None``. They call no probe themselves:
``Guarded`` does, and keeps secrets out of what a probe raises.

Example: the vendor names ``ssh host:22`` without a key, and the deployment trusts the first key that a host shows.
``first_key`` returns the call that reads the key; ``Guarded.trusting`` makes the call and keeps the key. From then on
``unready`` finds nothing missing, and ``greeting`` returns ``None`` because the host was reached just now.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace

from rotation.core.errors import ConfigError
from rotation.core.secret import Secret
from rotation.core.values import LoginTarget, Observation, Power, Verdict
from rotation.drivers.network.login_probe import DEFAULT_TERMS, Greets, LoginProbe, ShowsHostKey


@dataclass(frozen=True, slots=True, kw_only=True)
class LoginProof:
    """The logins that may prove one account's password.

    Attributes:
        probes: the shared login probes that may be needed, by kind.
        configured: the target that the deployment names, for a vendor that names none.
        host_key: the SSH host's key as an earlier rotation learnt it, where the account's settings name none.
        certificate: the certificate of a Windows host, as a retained version has it, where the settings name none.
        trust_first_use: whether such a key may be learnt.
        greeted: whether this run has connected to the host that judges the password.
        seconds: the longest that one login by a probe may take.
    """

    probes: Mapping[str, LoginProbe] = field(default_factory=dict)
    configured: LoginTarget | None = None
    host_key: str | None = None
    certificate: str | None = None
    trust_first_use: bool = False
    greeted: bool = False
    seconds: float = DEFAULT_TERMS.seconds

    def target(self, seen: Observation | None) -> LoginTarget | None:
        """Return where a shared probe logs in: the deployment's target, or else the vendor's."""
        target = self.configured or (None if seen is None else seen.login)
        if target is None or target.host_key:
            return target
        return replace(target, host_key={"ssh": self.host_key, "winrm": self.certificate}.get(target.kind))

    def login(self, seen: Observation | None) -> Callable[[Secret], Verdict] | None:
        """Return the call that tries a password; ``None`` where the account has no place to log in."""
        target, probe = self._place(seen)
        return None if target is None or probe is None else lambda password: probe.login(target, password)

    def unready(self, seen: Observation) -> ConfigError | None:
        """Return why no shared probe can log in to what was seen."""
        target, probe = self._place(seen)
        if target is None or probe is None:
            return ConfigError(
                "the account cannot be verified by login: the vendor names no login address",
                hint="Give the machine an address that this function reaches, or lower LOCKSTEP_MIN_EVIDENCE.",
            )
        return probe.unready(target)

    def first_key(self, seen: Observation) -> Callable[[], str] | None:
        """Return the call that reads the host's key, if it may be learnt. A stopped machine shows none."""
        target, probe = self._place(seen)
        if not self.trust_first_use or target is None or target.host_key or seen.power is Power.STOPPED:
            return None
        if not isinstance(probe, ShowsHostKey):
            return None
        return lambda: probe.host_key(target.host, target.port)

    def greeting(self, seen: Observation) -> Callable[[], None] | None:
        """Return the call that connects to the host without a login; ``None`` if that was done or it is stopped."""
        target, probe = self._place(seen)
        if self.greeted or target is None or seen.power is Power.STOPPED:
            return None
        if not isinstance(probe, Greets):
            return None
        return lambda: probe.greet(target)

    def _place(self, seen: Observation | None) -> tuple[LoginTarget | None, LoginProbe | None]:
        target = self.target(seen)
        return target, None if target is None else self.probes.get(target.kind)
