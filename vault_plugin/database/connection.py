"""The configuration of a connection (``database/config/NAME``): driver, admin credential, and what is allowed.

Vault keeps what ``Connection.stored`` returns. All secret fields of the admin credential are packed into the one key
``private_key``: that and ``password`` are the keys that Vault and OpenBao leave out when a connection is read (OpenBao
2.7.2, measured 2026-11-22). Example: ``{driver: volcengine_cloudidentity, access_key: A, secret_key: S}`` is stored as
``{driver: volcengine_cloudidentity, access_key: A, private_key: '{"lockstep": {"secret_key": "S"}}'}``.

The servers merge what is written with what they have, so an empty value takes a key out: ``window=""`` goes back to any
time.
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any, get_type_hints

from rotation.core import settings
from rotation.core.clock import SystemClock
from rotation.core.document import SecretDocument
from rotation.core.errors import (
    AccountUnusable,
    ConfigError,
    DriverBug,
    PermissionDenied,
    PreconditionFailed,
    SettingsError,
)
from rotation.core.secret import Secret
from rotation.core.values import Authority, Evidence
from rotation.deployment.announcing.settings import Events
from rotation.deployment.binder import Binder
from rotation.deployment.configuration import read
from rotation.deployment.deployment import SETTINGS, Deployment
from rotation.deployment.setting import Scope, Setting, declared
from rotation.drivers import registry
from rotation.drivers.contract import DriverSpec, Wiring
from rotation.drivers.network.http_messages import HttpReply, HttpRequest

WHERE = "connection"
SEALED = "private_key"
_SEAL = "lockstep"
_OWN = -1
"""The driver's own number."""
_SAME = {"min_evidence": "minimum_evidence"}
"""Keys of a deployment that a connection calls by another name."""


def _evidence(text: str) -> str | None:
    try:
        Evidence.parse(text)
    except ValueError as fault:
        return str(fault)
    return None


@dataclass(frozen=True, slots=True, kw_only=True)
class Keys:
    """The keys of a connection; the keys of the driver's admin credential stand beside them."""

    driver: str = settings.setting(
        "The driver's code.", check=settings.matches(registry.CODE.pattern, "must be a driver's code")
    )
    endpoint: str = settings.setting(
        "Base URL of the vendor's API, if it is not the driver's default.", check=settings.base_url, default=""
    )
    hosts: str = settings.setting("Further hosts that may be called: host[:port], comma-separated.", default="")
    minimum_evidence: str = settings.setting(
        "The least proof that counts: LOGIN, READBACK or ACCEPTED; the driver's own best when left out.",
        check=_evidence,
        default="",
    )
    login: str = settings.setting(
        "Login that proves a password of a vendor without a login check: ssh://host[:port] or winrm://host[:port].",
        default="",
    )
    login_host_key: str = settings.setting("Proof of that host: SSH host key, or certificate fingerprint.", default="")
    winrm_basic: bool = settings.setting(
        "Whether a password may be shown to a WinRM host that offers nothing but Basic.", default=False
    )
    window: str = settings.setting(
        "When a reset may begin, such as `Sat,Sun 02:00-05:00 UTC`; any time when left out.", default=""
    )
    propagation_seconds: int = settings.setting(
        "Measured seconds after a reset until the new password works; the driver's own when -1.",
        check=lambda text: None if _OWN <= int(text) <= 999 else "must be 0 to 999",  # noqa: PLR2004 - as in a deployment
        default=_OWN,
    )
    call_seconds: int = settings.setting(
        "The longest that one request to the vendor may take, in seconds, 2 to 120; the driver's own when -1.",
        default=_OWN,
    )
    lockout: str = settings.setting(
        "Wrong logins that lock an account / seconds that one counts, such as 3/900; the driver's own when left out.",
        default="",
    )
    ssh_proof: str = settings.setting(
        "What must follow an accepted password on an SSH host: exec, sftp or login; exec when left out.", default=""
    )
    login_seconds: int = settings.setting(
        "The longest that one login may take, in seconds, 3 to 800; 20 when -1. deadline_seconds must be longer.",
        default=_OWN,
    )
    plugins: str = settings.setting("Distributions whose drivers may be loaded, comma-separated.", default="")
    events_webhook: str = settings.setting(
        "Address to which each event is posted, signed; nowhere when left out.", check=settings.web_url, default=""
    )
    events_webhook_key_file: str = settings.setting("File on this host with the key that signs.", default="")
    events_webhook_ca_file: str = settings.setting(
        "PEM file of the authorities that sign the webhook's certificate, in place of the public ones.", default=""
    )
    deadline_seconds: int = settings.setting(
        "Seconds that one rotation may take. Until then every other role of the mount waits.",
        check=lambda text: None if 25 <= int(text) <= 900 else "must be 25 to 900",  # noqa: PLR2004 - one call of a vendor; the vendors' slowest machines
        default=60,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Connection:
    """A connection that has been checked.

    Attributes:
        keys: its own keys.
        spec: its driver.
        deployment: its keys as a deployment.
        admin: its admin credential.
        absent: the ``plugins`` that are not installed. They are refused where the credential comes unpacked, as in a
            new configuration. One that is stored continues without them, since its roles may need none.
    """

    keys: Keys
    spec: DriverSpec
    deployment: Deployment
    admin: SecretDocument
    absent: tuple[str, ...] = ()

    @classmethod
    def load(cls, config: Mapping[str, object]) -> Connection:
        """Check a configuration, new or as it was stored.

        Raises:
            ConfigError: lists all faults, never a value.
        """
        given = {name: value for name, value in _unsealed(config).items() if value != ""}
        names = {field.name for field in dataclasses.fields(Keys)}
        keys = settings.load(Keys, {name: _whole(value) for name, value in given.items() if name in names}, where=WHERE)
        own = {name: value for name, value in given.items() if name not in names}
        deployment = deployment_of(keys)
        spec = deployment.load(SecretDocument({"driver": keys.driver}))
        absent = registry.absent(deployment.plugins)
        if absent and _secret_names(spec) & set(config):
            raise SettingsError(WHERE, tuple(f"plugins: {each} is not installed on the server" for each in absent))
        if spec.authority is Authority.SELF:
            raise ConfigError(
                f"{spec.code} accounts change their own password with the old one, which Vault does not pass on",
                hint="Keep this account in KV and rotate it with `lockstep vault rotate`.",
            )
        if spec.admin is None and own:
            raise SettingsError(WHERE, tuple(f"{name!r} is no known setting" for name in own))
        admin = None if spec.admin is None else settings.load(spec.admin, own, where=WHERE)
        # The driver's constructor checks what its settings alone cannot show.
        spec.factory(Wiring(http=_Closed(), endpoint=deployment.endpoint(spec), admin=admin, now=lambda: 0.0))
        _check_proof(spec, deployment)
        return cls(keys=keys, spec=spec, deployment=deployment, admin=SecretDocument(own), absent=absent)

    def reach(self, time_left: Callable[[], float]) -> None:
        """Make the driver's harmless call: the vendor is reached and takes the admin credential, and nothing changes.

        What the credential may do is not judged: the account that is asked for does not exist.

        Raises:
            RotationError: the vendor cannot be reached, or refuses the credential.
        """
        if not self.spec.harmless:
            return
        binder = Binder(
            deployment=self.deployment, fetch=lambda _: self.admin, clock=SystemClock(), time_left=time_left
        )
        nobody = {**self.spec.harmless, "driver": self.spec.code, "password": "no password"}
        with suppress(AccountUnusable, PreconditionFailed, PermissionDenied):
            binder(SecretDocument(nobody)).observe()

    def stored(self) -> dict[str, Any]:
        """Return the configuration that Vault keeps."""
        own = dataclasses.asdict(self.keys)
        kept: dict[str, Any] = {name: value for name, value in own.items() if value not in ("", _OWN)}
        secret = _secret_names(self.spec)
        kept |= {name: value for name, value in self.admin.items() if name not in secret}
        sealed = {name: value for name, value in self.admin.items() if name in secret}
        if sealed:
            kept[SEALED] = json.dumps({_SEAL: sealed})
        return kept


class _Closed:
    """The ``Http`` of a driver that is made and not used."""

    def send(self, request: HttpRequest) -> HttpReply:
        """Raise: the constructor of a driver must not call the vendor."""
        raise DriverBug(f"a driver called the vendor while it was made ({request.method})")


def _unsealed(config: Mapping[str, object]) -> dict[str, object]:
    """Return the configuration with the packed fields unpacked; a new field beside them overrides its packed one."""
    given = dict(config)
    packed = given.get(SEALED)
    if isinstance(packed, str) and packed.startswith("{"):
        try:
            sealed = json.loads(packed)[_SEAL]
        except (ValueError, KeyError):
            return given
        del given[SEALED]
        given = {**sealed, **given}
    return given


def _whole(value: object) -> object:
    """Return a whole number as ``int``: numbers arrive as doubles."""
    return int(value) if isinstance(value, float) and value.is_integer() else value


def deployment_of(keys: Keys) -> Deployment:
    """Return a connection's keys as a deployment, checked by the deployment's rules.

    Raises:
        SettingsError: lists all faults by the connection's keys.
    """
    given = {name: value for name, value in _variables(keys).items() if value}
    try:
        values = {variable: value for (variable, _), value in given.items()}
        deployment = Deployment.of(read(SETTINGS, values, None))
        deployment.login(deployment.load(SecretDocument({"driver": keys.driver})), "anybody")
    except SettingsError as error:
        faults = error.faults
    else:
        # Only the operator writes connections and roles, so they are the binding, and a role may state any port.
        return replace(deployment, trusted_values=True)
    for variable, key in sorted(given, key=lambda pair: -len(pair[0])):
        faults = tuple(fault.replace(variable, key) for fault in faults)
    raise SettingsError(WHERE, faults)


def inherited(setting: Setting) -> str | None:
    """Return the key of a connection that means the same as a setting of the deployment, if there is one."""
    own = f"{setting.table}_{setting.key}" if setting.table else setting.key
    key = _SAME.get(own, own)
    return key if key in {each.name for each in dataclasses.fields(Keys)} else None


def _variables(keys: Keys) -> dict[tuple[str, str], str]:
    """Return the values by the deployment's variable and the connection's key."""
    found = {
        ("LOCKSTEP_DRIVERS", "driver"): keys.driver,
        (f"LOCKSTEP_{keys.driver.upper()}_ADMIN_SECRET", "admin credential"): WHERE,
    }
    for setting in (*declared(Deployment).values(), *declared(Events).values()):
        key = inherited(setting)
        if key is not None:
            value = getattr(keys, key)
            code = None if setting.scope is Scope.ALL else keys.driver
            found[setting.variable(code), key] = "" if value == _OWN else str(value)
    return found


def _check_proof(spec: DriverSpec, deployment: Deployment) -> None:
    """Raise now, and not at the first rotation, if the libraries of the login checks are missing."""
    login = deployment.login(spec, "anybody")
    best = spec.evidence if login is None else Evidence.LOGIN
    if deployment.minimum.get(spec.code, best) is Evidence.LOGIN:
        for kind in sorted(spec.login_probes if login is None else {login.kind}):
            registry.login_probe(kind, time_left=lambda: 0.0)


def _secret_names(spec: DriverSpec) -> frozenset[str]:
    if spec.admin is None:
        return frozenset()
    return frozenset(name for name, kind in get_type_hints(spec.admin).items() if kind is Secret)
