"""What a deployment allows, read from the environment, and how a document becomes a guarded driver.

The rotated secret may choose only among what stands here, since whoever can write the secret must not be able to aim a
rotation at a server of his own.
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any
from urllib.parse import urlsplit

from rotation import registry, settings
from rotation.errors import DriverNotAllowed, HostNotAllowed, RotationError, SettingsError
from rotation.guard import Guarded
from rotation.http import HttpDoor
from rotation.model import DriverSpec, Evidence, LoginTarget, PowerWish, Wiring
from rotation.planner import ANYTIME, Windows
from rotation.ports import Clock
from rotation.recorded import Recorded
from rotation.secret import Secret, SecretDocument

_CODE = settings.matches(r"[a-z][a-z0-9_]{1,30}", "must list driver codes (lower-case letters, digits and _)")
_HOST = settings.matches(
    r"(?:[A-Za-z0-9.-]{1,253}|\[[0-9A-Fa-f:.]{2,45}\])(?::[0-9]{1,5})?",
    "must list hosts of the form host[:port], without scheme, path or wildcard",
)

_SECONDS = settings.matches(r"[0-9]{1,3}", "must be 0 to 999")
_LOGIN_URL = re.compile(r"(ssh|winrm)://([A-Za-z0-9.-]{1,253}|\[[0-9A-Fa-f:.]{2,45}\])(?::([1-9][0-9]{0,4}))?/?")
_PORTS = {"ssh": 22, "winrm": 5986}
_SWITCH = {"": False, "0": False, "false": False, "1": True, "true": True}

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

    @classmethod
    def from_environment(cls, environment: Mapping[str, str]) -> Deployment:
        """Read the ``LOCKSTEP_*`` variables.

        Raises:
            SettingsError: lists every fault at once.
        """
        faults: list[str] = []
        drivers = _listed(environment.get("LOCKSTEP_DRIVERS", ""))
        if not drivers:
            faults.append("LOCKSTEP_DRIVERS names no driver")
        faults.extend(f"LOCKSTEP_DRIVERS {_CODE(code)}" for code in drivers if _CODE(code))
        minimum = None
        if environment.get("LOCKSTEP_MIN_EVIDENCE"):
            try:
                minimum = Evidence.parse(environment["LOCKSTEP_MIN_EVIDENCE"])
            except ValueError as fault:
                faults.append(f"LOCKSTEP_MIN_EVIDENCE {fault}")
        trust = environment.get("LOCKSTEP_SSH_TRUST_ON_FIRST_USE", "").lower()
        if trust not in _SWITCH:
            faults.append("LOCKSTEP_SSH_TRUST_ON_FIRST_USE must be 1 or 0")
        endpoints, admin_secrets = {}, {}
        logins: dict[str, LoginTarget] = {}
        windows: dict[str, Windows] = {}
        propagation: dict[str, int] = {}
        common = _window("LOCKSTEP_WINDOW", environment, ANYTIME, faults)
        for code in drivers:
            prefix = f"LOCKSTEP_{code.upper()}_"
            own = _window(prefix + "WINDOW", environment, common, faults)
            windows |= {code: own} if own.spans else {}
            endpoint = environment.get(prefix + "ENDPOINT")
            if endpoint:
                endpoints[code] = endpoint
                problem = settings.base_url(endpoint)
                faults.extend([f"{prefix}ENDPOINT {problem}"] if problem else [])
            if environment.get(prefix + "ADMIN_SECRET"):
                admin_secrets[code] = environment[prefix + "ADMIN_SECRET"]
            if environment.get(prefix + "LOGIN"):
                login = _login(environment[prefix + "LOGIN"], environment.get(prefix + "LOGIN_HOST_KEY", ""))
                logins |= {code: login} if isinstance(login, LoginTarget) else {}
                faults.extend([] if isinstance(login, LoginTarget) else [f"{prefix}{login}"])
            measured = _seconds(prefix + "PROPAGATION_SECONDS", environment, faults)
            propagation |= {} if measured is None else {code: measured}
        hosts = _listed(environment.get("LOCKSTEP_HOSTS", ""))
        faults.extend(sorted({f"LOCKSTEP_HOSTS {_HOST(host)}" for host in hosts if _HOST(host)}))
        if faults:
            raise SettingsError("environment", tuple(faults))
        return cls(
            drivers=drivers,
            plugins=_listed(environment.get("LOCKSTEP_PLUGINS", "")),
            hosts=hosts,
            minimum=minimum,
            endpoints=MappingProxyType(endpoints),
            admin_secrets=MappingProxyType(admin_secrets),
            logins=MappingProxyType(logins),
            trust_first_use=_SWITCH.get(trust, False),
            windows=MappingProxyType(windows),
            propagation=MappingProxyType(propagation),
        )

    def load(self, document: SecretDocument) -> DriverSpec:
        """Return the record of the driver that a document names.

        Raises:
            DriverNotAllowed: the deployment does not allow it.
        """
        code = document.text("driver")
        if code not in self.drivers:
            raise DriverNotAllowed(f"the secret names a driver that is not among {', '.join(self.drivers)}")
        spec = registry.load_driver(code, self.plugins)
        seconds = self.propagation.get(code, spec.propagation_seconds)
        return spec if seconds == spec.propagation_seconds else dataclasses.replace(spec, propagation_seconds=seconds)

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


def _login(url: str, host_key: str) -> LoginTarget | str:
    """Read ``ssh://host[:port]`` or ``winrm://host[:port]``; return what is wrong with it otherwise."""
    match = _LOGIN_URL.fullmatch(url)
    if match is None:
        return "LOGIN must be ssh://host[:port] or winrm://host[:port]"
    kind, host, port = match[1], match[2].strip("[]"), int(match[3] or _PORTS[match[1]])
    problem = settings.PINS[kind](host_key) if host_key else None
    return f"LOGIN_HOST_KEY {problem}" if problem else LoginTarget(kind, host, port, "", host_key or None)


def _window(name: str, environment: Mapping[str, str], otherwise: Windows, faults: list[str]) -> Windows:
    if not environment.get(name):
        return otherwise
    window, wrong = Windows.parse(environment[name])
    faults.extend(f"{name} {fault}" for fault in wrong)
    return window


def _seconds(name: str, environment: Mapping[str, str], faults: list[str]) -> int | None:
    text = environment.get(name, "")
    problem = _SECONDS(text) if text else None
    faults.extend([f"{name} {problem}"] if problem else [])
    return int(text) if text and not problem else None


def _listed(text: str) -> tuple[str, ...]:
    return tuple(part for part in (part.strip() for part in text.split(",")) if part)


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
