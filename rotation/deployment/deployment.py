"""What a deployment allows, read from the ``LOCKSTEP_*`` variables.

The rotated secret may choose only among what a deployment allows: anyone who can write a secret's value is assumed to
be an attacker, who must not be able to send a reset or a login to a server of their own.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from rotation.core import settings
from rotation.core.document import SecretDocument
from rotation.core.errors import DriverNotAllowed, HostNotAllowed, SettingsError
from rotation.core.maintenance_window import Windows
from rotation.core.values import Evidence, Lockout, LoginTarget
from rotation.deployment.environment import CODE, HOST, Variables, parser, seconds, switch, window
from rotation.drivers import registry
from rotation.drivers.contract import DriverSpec


@dataclass(frozen=True, slots=True, kw_only=True)
class Deployment:
    """The deployment's settings.

    Attributes:
        drivers: codes of the drivers that secrets may name.
        plugins: distributions whose drivers may be loaded.
        hosts: extra ``host[:port]`` that may be called.
        minimum: the least evidence accepted; ``None`` for each driver's own best.
        endpoints: base URL by driver code, where it is not the driver's default.
        admin_secrets: name or ARN of the admin credential's secret by driver code.
        logins: by driver code, where accounts of a vendor without a login check can log in; without a username.
        trust_first_use: whether an SSH host's key may be learnt from the host itself, at its first rotation.
        windows: when a reset may begin, by driver code; at any time for a driver without one.
        propagation: seconds by driver code until a new password works, where it was measured.
        lockouts: the rule by driver code that locks an account, where it differs from the driver's own.
    """

    drivers: tuple[str, ...]
    plugins: tuple[str, ...] = ()
    hosts: tuple[str, ...] = ()
    minimum: Evidence | None = None
    endpoints: Mapping[str, str] = field(default_factory=dict)
    admin_secrets: Mapping[str, str] = field(default_factory=dict)
    logins: Mapping[str, LoginTarget] = field(default_factory=dict)
    trust_first_use: bool = False
    windows: Mapping[str, Windows] = field(default_factory=dict)
    propagation: Mapping[str, int] = field(default_factory=dict)
    lockouts: Mapping[str, Lockout] = field(default_factory=dict)

    @classmethod
    def from_environment(cls, environment: Mapping[str, str]) -> Deployment:
        """Read the ``LOCKSTEP_*`` variables, or raise one error with every fault."""
        read = Variables(environment)
        drivers = read.items("LOCKSTEP_DRIVERS", CODE)
        if not drivers:
            read.faults.append("LOCKSTEP_DRIVERS names no driver")
        window_of_all = read.value("LOCKSTEP_WINDOW", window)
        windows = {} if window_of_all is None else dict.fromkeys(drivers, window_of_all)
        deployment = cls(
            drivers=drivers,
            plugins=read.items("LOCKSTEP_PLUGINS"),
            hosts=read.items("LOCKSTEP_HOSTS", HOST),
            minimum=read.value("LOCKSTEP_MIN_EVIDENCE", Evidence.parse),
            endpoints=read.by_driver(drivers, "ENDPOINT", parser(settings.base_url)),
            admin_secrets=read.by_driver(drivers, "ADMIN_SECRET", str),
            logins=read.logins(drivers),
            trust_first_use=read.value("LOCKSTEP_SSH_TRUST_ON_FIRST_USE", switch) or False,
            windows=windows | read.by_driver(drivers, "WINDOW", window),
            propagation=read.by_driver(drivers, "PROPAGATION_SECONDS", seconds),
            lockouts=read.by_driver(drivers, "LOCKOUT", Lockout.parse),
        )
        if read.faults:
            raise SettingsError("environment", tuple(read.faults))
        return deployment

    def load(self, document: SecretDocument) -> DriverSpec:
        """Return the record of the driver that a document names, if the deployment allows it."""
        code = document.text("driver")
        if code not in self.drivers:
            raise DriverNotAllowed(f"the secret names a driver that is not among {', '.join(self.drivers)}")
        spec = registry.load_driver(code, self.plugins)
        seconds, lockout = self.propagation.get(code, spec.propagation_seconds), self.lockouts.get(code, spec.lockout)
        if (seconds, lockout) == (spec.propagation_seconds, spec.lockout):
            return spec
        return dataclasses.replace(spec, propagation_seconds=seconds, lockout=lockout)

    def login(self, spec: DriverSpec, username: str) -> LoginTarget | None:
        """Return where a login proves a password of a vendor without a login check; ``None`` where none is named."""
        login = self.logins.get(spec.code)
        if login is not None and spec.evidence is Evidence.LOGIN:
            raise SettingsError("environment", (f"LOCKSTEP_{spec.code.upper()}_LOGIN is for drivers without logins",))
        return None if login is None else dataclasses.replace(login, username=username)

    def endpoint(self, spec: DriverSpec) -> str:
        """Return the base URL to call: one of the vendor's, or one whose host is in ``hosts``."""
        endpoint = self.endpoints.get(spec.code, spec.endpoint)
        if endpoint.rstrip("/") not in spec.endpoints and urlsplit(endpoint).netloc not in self.hosts:
            raise HostNotAllowed(f"the endpoint of {spec.code} is neither the vendor's nor in LOCKSTEP_HOSTS")
        return endpoint.rstrip("/")
