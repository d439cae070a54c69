"""What a deployment allows, read from the environment, and how a document becomes a guarded driver.

The rotated secret may choose only among what stands here, since whoever can write the secret must not be able to aim a
rotation at a server of his own.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from rotation.core import settings
from rotation.core.errors import DriverNotAllowed, HostNotAllowed, RotationError, SettingsError
from rotation.core.secret import Secret, SecretDocument
from rotation.core.values import DriverSpec, Evidence, Lockout, LoginTarget, PowerWish, Wiring
from rotation.deployment import environment
from rotation.deployment.environment import Variables
from rotation.drivers import registry
from rotation.drivers.guarded import Guarded
from rotation.drivers.network.http_door import HttpDoor
from rotation.drivers.network.recorded import Recorded
from rotation.state.store import Clock
from rotation.state.waiting import ANYTIME, Windows

COMMON_KEYS = frozenset({"driver", "password", "lockstep"})
"""Keys of the account document that are no settings of a driver."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Deployment:
    """The deployment's settings.

    Attributes:
        drivers: codes of the drivers that secrets may name.
        plugins: distributions whose drivers may be loaded.
        hosts: extra ``host[:port]`` that may be called.
        minimum: the least evidence accepted; ``None`` is each driver's own best.
        endpoints: base URL by driver code, where it is not the driver's default.
        admin_secrets: name or ARN of the admin credential's secret by driver code.
        logins: by driver code, where accounts of a vendor without any login check can log in; no username yet.
        trust_first_use: whether an SSH host's key may be learnt from the host itself, at its first rotation.
        windows: when a reset may begin, by driver code; at any time where there is none.
        propagation: seconds by driver code until a new password works, where it was measured.
        lockouts: the rule by driver code that locks an account, where it is known better than the driver knows it.
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
        """Read the ``LOCKSTEP_*`` variables.

        Raises:
            SettingsError: lists every fault at once.
        """
        read = Variables(environment)
        drivers = read.listed("LOCKSTEP_DRIVERS", environment.CODE)
        read.faults.extend([] if drivers else ["LOCKSTEP_DRIVERS names no driver"])
        common = read.one("LOCKSTEP_WINDOW", environment.window)
        windows = {} if common is None else dict.fromkeys(drivers, common)
        made = cls(
            drivers=drivers,
            plugins=read.listed("LOCKSTEP_PLUGINS", lambda _: None),
            hosts=read.listed("LOCKSTEP_HOSTS", environment.HOST),
            minimum=read.one("LOCKSTEP_MIN_EVIDENCE", Evidence.parse),
            endpoints=read.each(drivers, "ENDPOINT", environment.checked(settings.base_url)),
            admin_secrets=read.each(drivers, "ADMIN_SECRET", str),
            logins=read.logins(drivers),
            trust_first_use=read.one("LOCKSTEP_SSH_TRUST_ON_FIRST_USE", environment.switch) or False,
            windows=windows | read.each(drivers, "WINDOW", environment.window),
            propagation=read.each(drivers, "PROPAGATION_SECONDS", environment.seconds),
            lockouts=read.each(drivers, "LOCKOUT", Lockout.parse),
        )
        if read.faults:
            raise SettingsError("environment", tuple(read.faults))
        return made

    def load(self, document: SecretDocument) -> DriverSpec:
        """Return the record of the driver that a document names.

        Raises:
            DriverNotAllowed: the deployment does not allow it.
        """
        code = document.text("driver")
        if code not in self.drivers:
            raise DriverNotAllowed(f"the secret names a driver that is not among {', '.join(self.drivers)}")
        spec = registry.load_driver(code, self.plugins)
        seconds, lockout = self.propagation.get(code, spec.propagation_seconds), self.lockouts.get(code, spec.lockout)
        if (seconds, lockout) == (spec.propagation_seconds, spec.lockout):
            return spec
        return dataclasses.replace(spec, propagation_seconds=seconds, lockout=lockout)

    def login(self, spec: DriverSpec, username: str) -> LoginTarget | None:
        """Return where a login proves a password of a vendor that has no such check; ``None`` where none is named.

        Raises:
            SettingsError: the driver knows by itself where its accounts log in.
        """
        login = self.logins.get(spec.code)
        if login is not None and spec.evidence is Evidence.LOGIN:
            raise SettingsError("environment", (f"LOCKSTEP_{spec.code.upper()}_LOGIN is for drivers without logins",))
        return None if login is None else dataclasses.replace(login, username=username)

    def endpoint(self, spec: DriverSpec) -> str:
        """Return the base URL to call.

        Raises:
            HostNotAllowed: it is neither one of the vendor's nor in ``hosts``.
        """
        endpoint = self.endpoints.get(spec.code, spec.endpoint)
        if endpoint.rstrip("/") not in spec.endpoints and urlsplit(endpoint).netloc not in self.hosts:
            raise HostNotAllowed(f"the endpoint of {spec.code} is neither the vendor's nor in LOCKSTEP_HOSTS")
        return endpoint.rstrip("/")


@dataclass(slots=True, kw_only=True)
class Binder:
    """Turns account documents into guarded drivers; one per invocation.

    Attributes:
        deployment: what is allowed.
        fetch: reads another secret's current document, for the admin credential.
        clock: for signatures.
        time_left: seconds until this run must have ended.
        bound: the drivers in use, so that the log line can name the vendor's request id.
    """

    deployment: Deployment
    fetch: Callable[[str], SecretDocument]
    clock: Clock
    time_left: Callable[[], float]
    driver: str | None = None
    door: Recorded | None = None
    _wirings: dict[str, Wiring] = field(default_factory=dict)

    @property
    def vendor_request_id(self) -> str | None:
        """The vendor's request id of the latest reply."""
        return None if self.door is None else self.door.request_id

    def __call__(self, document: SecretDocument) -> Guarded:
        """See ``session.Bind``."""
        spec = self.deployment.load(document)
        self.driver = spec.code
        username = document.text("username")
        power = str(document.get("power", PowerWish.AS_FOUND.value))
        if power not in tuple(PowerWish):
            raise SettingsError("secret", (f"power must be one of {', '.join(PowerWish)}",))
        document.text("password")  # missed here, while nobody was asked anything
        own = {key: value for key, value in document.items() if key not in COMMON_KEYS}
        account = settings.load(spec.account, own, where="secret", ignore_unknown=True)
        login = self.deployment.login(spec, username)
        best = spec.evidence if login is None else Evidence.LOGIN
        kinds = spec.login_probes if login is None else {login.kind}
        wiring = self._wirings.get(spec.code) or self._wire(spec)
        self._wirings[spec.code] = wiring
        return Guarded(
            spec=spec,
            driver=spec.factory(wiring),
            account=account,
            username=username,
            minimum=best if self.deployment.minimum is None else self.deployment.minimum,
            time_left=self.time_left,
            probes={kind: registry.login_probe(kind, time_left=self.time_left) for kind in kinds},
            login=login,
            host_key=_learnt(document),
            trust_first_use=self.deployment.trust_first_use,
            power=PowerWish(power),
            window=self.deployment.windows.get(spec.code, ANYTIME),
            known=_secrets(wiring.admin),
        )

    def _wire(self, spec: DriverSpec) -> Wiring:
        endpoint = self.deployment.endpoint(spec)
        hosts = {urlsplit(url).netloc for url in (*spec.endpoints, endpoint)} | set(self.deployment.hosts)
        door = HttpDoor(
            frozenset(hosts),
            time_left=self.time_left,
            call_seconds=spec.call_seconds,
            request_id_header=spec.request_id_header,
        )
        self.door = Recorded(door)
        return Wiring(http=self.door, endpoint=endpoint, admin=self._admin(spec), now=self.clock.now)

    def _admin(self, spec: DriverSpec) -> Any:  # noqa: ANN401 - an instance of the spec's admin class
        if spec.admin is None:
            return None
        name = self.deployment.admin_secrets.get(spec.code)
        if name is None and spec.admin_optional:
            return None
        if name is None:
            key = f"LOCKSTEP_{spec.code.upper()}_ADMIN_SECRET"
            raise SettingsError("environment", (f"{key} is missing (the secret with the admin credential)",))
        failure: RotationError
        try:
            return settings.load(
                spec.admin, self.fetch(name), where=f"admin secret of {spec.code}", ignore_unknown=True
            )
        except RotationError as error:
            failure = error
            if not isinstance(failure, SettingsError):
                failure.message = f"admin secret of {spec.code}: {failure.message}"
                failure.args = (failure.message,)
            failure.hint = (
                f"Check the secret that LOCKSTEP_{spec.code.upper()}_ADMIN_SECRET names, and the right to read it."
            )
        raise failure


def _learnt(document: SecretDocument) -> str | None:
    """Return the SSH host's key that an earlier rotation learnt and wrote down."""
    note = document.get("lockstep")
    key = note.get("host_key") if isinstance(note, dict) else None
    return key if isinstance(key, str) and settings.PINS["ssh"](key) is None else None


def _secrets(admin: Any) -> tuple[Secret, ...]:  # noqa: ANN401 - an instance of the spec's admin class
    if admin is None:
        return ()
    values = (getattr(admin, each.name) for each in dataclasses.fields(admin))
    return tuple(value for value in values if isinstance(value, Secret))
